package cloud

import (
	"net/http"
	"net/http/httputil"
	"regexp"
	"strings"
)

// sharedHost matches the hosts of Amazon that also serve a backend's own files and
// topics.
var sharedHost = regexp.MustCompile(`^(s3|sns\.[a-z0-9-]+)\.amazonaws\.`)

// pass returns a handler like next, except that it sends what the cloud does not know at
// a shared host to the real one. Such a request is not in the journal, since it may hold
// credentials of AWS.
func (s *Server) pass(next http.Handler) http.Handler {
	transport := s.config.realAWS
	if transport == nil {
		direct := http.DefaultTransport.(*http.Transport).Clone()
		direct.Proxy, direct.DisableCompression = nil, true // the proxy may be the cloud itself
		transport = direct
	}
	onward := &httputil.ReverseProxy{
		Transport: transport, ErrorLog: noLog,
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "https", r.Out.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "alexaevents cloud: passed on, without a response: "+err.Error(), http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there := r.Clone(r.Context())
		there.Host = strings.TrimSuffix(r.Host, ":443")
		if r.TLS == nil {
			there.Host, _, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
			there.URL.Path = strings.TrimPrefix(r.URL.Path, "/"+there.Host)
			there.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, "/"+there.Host)
		}
		there.URL.Host = there.Host
		if !sharedHost.MatchString(there.Host) || s.amazon.Knows(there) {
			next.ServeHTTP(w, r)
			return
		}
		onward.ServeHTTP(w, there)
	})
}
