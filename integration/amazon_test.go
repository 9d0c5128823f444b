package integration

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"testing"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
)

// consentHost is where a customer consents: the answer is a code.
const consentHost = "customer.example"

// serveAmazon answers at a loopback address for every host of Amazon, so that
// another process can use the cloud.
func serveAmazon(t *testing.T, cloud *alexatest.Cloud) (address string) {
	proxy := &httputil.ReverseProxy{
		Transport: cloud,
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "https", r.In.Host },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == consentHost {
			_, _ = w.Write([]byte(cloud.Grant(alexaevents.Europe, "customer")))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// amazonAt sends every request to one address, whatever host it is for.
type amazonAt string

func (address amazonAt) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Scheme, r.URL.Host = r.URL.Host, "http", string(address)
	return http.DefaultTransport.RoundTrip(r)
}

func sourceAt(address string, store lwa.Store) *lwa.Source {
	return &lwa.Source{
		Client: &lwa.Client{
			ID:         keyOf("").ClientID,
			Secret:     "the client's secret",
			HTTPClient: &http.Client{Transport: amazonAt(address)},
		},
		Store: store,
	}
}
