package lwa_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
)

const api = "https://api.amazonalexa.com/v0/subscriptions"

// developer returns a client with a developer's grant.
func developer(t *testing.T, a *amazon) (*http.Client, *lwa.Source) {
	source := a.source(new(lwa.MemoryStore))
	require.NoError(t, source.Import(t.Context(), lwa.Key{ClientID: clientID, AccountID: "developer"}, a.grant("developer")))
	return source.HTTPClient("developer"), source
}

// do makes a request and returns status and body of the response.
func do(t *testing.T, client *http.Client, method, url string, body io.Reader) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Empty(t, request.Header.Get("Authorization"), "the caller's request stays as it is")
	return response.StatusCode, string(data), nil
}

func TestHTTPClient(t *testing.T) {
	a := new(amazon)
	client, _ := developer(t, a)
	for range 3 {
		status, text, err := do(t, client, "GET", api, nil)
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.Equal(t, "GET /v0/subscriptions ", text)
	}
	require.Equal(t, 1, a.count("refresh_token"))

	a.simulator().ExpireTokens()
	status, text, err := do(t, client, "POST", api, strings.NewReader("a=1"))
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, "POST /v0/subscriptions a=1", text, "the body is sent again")
	require.Equal(t, 2, a.count("refresh_token"))
}

// A body that cannot be read again is not sent twice.
func TestHTTPClientWithoutGetBody(t *testing.T) {
	a := new(amazon)
	client, _ := developer(t, a)
	_, _, err := do(t, client, "GET", api, nil)
	require.NoError(t, err)
	a.simulator().ExpireTokens()
	status, text, err := do(t, client, "POST", api, io.NopCloser(strings.NewReader("a=1")))
	require.NoError(t, err)
	require.Equal(t, 401, status)
	require.JSONEq(t, `{"message":"token"}`, text)
}

// An API that refuses every token gets two requests.
func TestHTTPClientRefusedTwice(t *testing.T) {
	requests := 0
	a := new(amazon)
	client := a.client()
	client.HTTPClient.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "api.amazon.com" {
			requests++
			return respond(401, "no"), nil
		}
		return a.RoundTrip(r)
	})
	source := &lwa.Source{Client: client, Store: new(lwa.MemoryStore)}
	require.NoError(t, source.Import(t.Context(), lwa.Key{ClientID: clientID, AccountID: "developer"}, a.grant("developer")))
	status, text, err := do(t, source.HTTPClient("developer"), "GET", api, nil)
	require.NoError(t, err)
	require.Equal(t, 401, status)
	require.Equal(t, "no", text)
	require.Equal(t, 2, requests)

	status, text, err = do(t, source.HTTPClient("developer"), "GET", api, nil)
	require.NoError(t, err)
	require.Equal(t, 401, status)
	require.Equal(t, "no", text)
	require.Equal(t, 3, requests, "a token is renewed at most once a minute")
}

func TestHTTPClientWithoutGrant(t *testing.T) {
	client := new(amazon).source(new(lwa.MemoryStore)).HTTPClient("developer")
	body := &closing{Reader: strings.NewReader("a=1")}
	_, _, err := do(t, client, "POST", api, body)
	require.ErrorIs(t, err, lwa.ErrNoGrant)
	require.True(t, body.closed)
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func TestHTTPClientOfARefusedGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		client, _ := developer(t, a)
		_, _, err := do(t, client, "GET", api, nil)
		require.NoError(t, err)
		a.revoke("developer")
		_, _, err = do(t, client, "GET", api, nil)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		require.NotContains(t, err.Error(), "Atz")
	})
}

// The token is sent only to Amazon's API hosts.
func TestHTTPClientKeepsTheToken(t *testing.T) {
	a := new(amazon)
	client, source := developer(t, a)
	_, _, err := do(t, client, "GET", "http://api.amazonalexa.com/", nil)
	require.ErrorContains(t, err, "https")
	for _, url := range []string{
		"https://evil.example/", "https://api.amazonalexa.com.evil.example/", "https://evil-api.amazonalexa.com/",
		"https://api.amazonalexa.com@evil.example/", "https://api.amazonalexa.com:8443/", "https://www.amazon.com/",
	} {
		_, _, err := do(t, client, "GET", url, nil)
		require.ErrorContains(t, err, "only to Amazon's API hosts", url)
	}
	require.Zero(t, a.count("refresh_token"))
	for _, url := range []string{
		"https://api.amazonalexa.com:443/", "https://API.eu.amazonalexa.com/", "https://api.fe.amazonalexa.com/", "https://api.amazon.com/v1",
	} {
		_, _, err := do(t, client, "GET", url, nil)
		require.NoError(t, err, url)
	}

	redirecting := a.client()
	redirecting.HTTPClient.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		switch r.URL.Host {
		case "api.amazon.com":
			return a.RoundTrip(r)
		case "api.amazonalexa.com":
			response := respond(307, "")
			response.Header.Set("Location", "https://evil.example/")
			return response, nil
		}
		return nil, errors.New("the redirect was followed")
	})
	source.Client = redirecting
	status, _, err := do(t, source.HTTPClient("developer"), "POST", api, strings.NewReader("a=1"))
	require.NoError(t, err)
	require.Equal(t, 307, status)
}
