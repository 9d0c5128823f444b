package cloud

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
)

const skillID = "amzn1.ask.skill.test"

// running is a Server on a port, with a backend that verifies requests by it.
type running struct {
	*Server
	url     string
	backend *httptest.Server
	got     []string // bodies of verified requests
	stop    func()
}

func start(t *testing.T, config Config) *running {
	t.Helper()
	r := &running{}
	var verifier *signature.Verifier
	r.backend = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		verifier.Handler(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
			body, err := io.ReadAll(request.Body)
			if err == nil {
				r.got = append(r.got, string(body))
			}
		})).ServeHTTP(w, request)
	}))
	config.Skill = skillID
	if config.To == "" {
		config.To = r.backend.URL
	}
	var err error
	r.Server, err = NewServer(config)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx, l, nil, func(err error) { t.Error(err) }) }()
	r.stop = func() {
		cancel()
		require.NoError(t, <-done)
		r.backend.Close()
		r.stop = func() {}
	}
	t.Cleanup(func() { r.stop() })
	remote, err := alexatest.Remote(r.url)
	require.NoError(t, err)
	verifier = &signature.Verifier{Skills: []string{skillID}, Roots: remote.Roots(), HTTPClient: remote.Client()}
	return r
}

// call makes a request to the control API and decodes the response into out.
func (r *running) call(t *testing.T, method, path string, in, out any) (status int) {
	t.Helper()
	data, err := json.Marshal(in)
	require.NoError(t, err)
	if raw, ok := in.([]byte); ok {
		data = raw
	}
	request, err := http.NewRequest(method, r.url+path, bytes.NewReader(data))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if raw, ok := out.(*[]byte); ok {
		*raw = body
	} else if out != nil {
		require.NoError(t, json.Unmarshal(body, out), "%s", body)
	}
	return response.StatusCode
}

// proxied is a client that reaches everything through the proxy.
func (r *running) proxied(t *testing.T) *http.Client {
	proxy, err := url.Parse(r.url)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.amazon.RootPEM())
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
