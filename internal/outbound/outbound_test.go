package outbound_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/outbound"
)

func TestClientFollowsNoRedirect(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("https://elsewhere.example/", http.StatusFound))
	defer server.Close()
	given := &http.Client{Timeout: time.Minute}
	for _, client := range []*http.Client{nil, given} {
		response, err := outbound.Client(client).Get(server.URL)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusFound, response.StatusCode)
	}
	require.Nil(t, given.CheckRedirect, "the caller's own client stays as it is")
	require.Equal(t, time.Minute, outbound.Client(given).Timeout)
}

func TestOwnClient(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example")
	client := outbound.Client(nil)
	require.Equal(t, 30*time.Second, client.Timeout)
	require.Nil(t, client.Transport.(*http.Transport).Proxy)
}
