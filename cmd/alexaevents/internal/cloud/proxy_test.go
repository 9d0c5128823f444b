package cloud

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProxy(t *testing.T) {
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "other") }))
	defer other.Close()
	for _, offline := range []bool{false, true} {
		r := start(t, Config{Offline: offline})
		client := r.proxied(t)
		client.Transport.(*http.Transport).TLSClientConfig.RootCAs.AddCert(other.Certificate())
		response, err := client.Get(other.URL)
		if offline {
			require.ErrorContains(t, err, "Forbidden")
		} else {
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, "other", string(body))
		}
		response, err = client.Get("https://s3.amazonaws.com/bucket/key")
		require.NoError(t, err)
		require.Equal(t, 404, response.StatusCode)
		response, err = client.Get("http://api.amazon.com/")
		require.NoError(t, err)
		require.Equal(t, 403, response.StatusCode)
		require.Equal(t, 404, r.call(t, "GET", "/other", nil, nil))
	}
}

// Another web page reaches neither the page, the control API nor Amazon by path.
func TestGuard(t *testing.T) {
	r := start(t, Config{})
	for _, path := range []string{"/_cloud/reset", "/_page/reset", "/api.amazon.com/auth/o2/token"} {
		for name, change := range map[string]func(*http.Request){
			"another origin": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
			"another site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"another port":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			"another host":   func(r *http.Request) { r.Host = "evil.example" },
		} {
			request, err := http.NewRequest("POST", r.url+path, nil)
			require.NoError(t, err)
			change(request)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.Contains(t, []int{403, 421}, response.StatusCode, path+" "+name)
		}
	}
	for _, path := range []string{"/", "/_page/stream"} {
		request, err := http.NewRequest("GET", r.url+path, nil)
		require.NoError(t, err)
		request.Host = "evil.example:4160"
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.Equal(t, 421, response.StatusCode)
	}
}
