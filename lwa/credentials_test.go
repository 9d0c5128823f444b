package lwa_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestClientCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{delay: time.Second}
		credentials := &lwa.ClientCredentials{Client: a.client(), Scope: lwa.ScopeProactiveEvents}
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				token, err := credentials.Token(t.Context())
				expectIs(t, err, nil)
				assert.Equal(t, a.accessToken(1), token)
			})
		}
		group.Wait()
		require.Equal(t, 1, a.count("client_credentials"))

		time.Sleep(53 * time.Minute)
		token, err := credentials.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, a.accessToken(1), token)
		time.Sleep(2 * time.Minute)
		token, err = credentials.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, a.accessToken(1), token, "it is replaced in the background")
		time.Sleep(2 * time.Second)
		token, err = credentials.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, a.accessToken(2), token)

		renewed, err := credentials.Renew(t.Context(), token)
		require.NoError(t, err)
		require.NotEqual(t, token, renewed)
		again, err := credentials.Renew(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, renewed, again)
		again, err = credentials.Renew(t.Context(), renewed)
		require.NoError(t, err)
		require.Equal(t, renewed, again, "the API refuses new tokens too")
		require.Equal(t, 3, a.count("client_credentials"))

		time.Sleep(55 * time.Minute)
		a.around = failWith(503, "")
		token, err = credentials.Token(t.Context())
		require.NoError(t, err, "it has not expired yet")
		require.Equal(t, renewed, token)
		time.Sleep(6 * time.Minute)
		_, err = credentials.Token(t.Context())
		require.ErrorIs(t, err, alexaevents.ErrTemporary)
	})
}

func TestClientCredentialsOfUnknownExpiry(t *testing.T) {
	asked := 0
	a := &amazon{around: func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
		asked++
		return respond(200, `{"access_token":"Atc|1"}`), nil
	}}
	credentials := &lwa.ClientCredentials{Client: a.client(), Scope: lwa.ScopeSkillMessaging}
	for range 2 {
		token, err := credentials.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, alexaevents.Secret("Atc|1"), token)
	}
	require.Equal(t, 2, asked)
}

func TestClientCredentialsClock(t *testing.T) {
	a, now := new(amazon), time.Unix(0, 0)
	credentials := &lwa.ClientCredentials{Client: a.client(), Scope: lwa.ScopeDataStore, Now: func() time.Time { return now }}
	for _, want := range []int{1, 1, 2} {
		_, err := credentials.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, a.count("client_credentials"))
		now = now.Add(31 * time.Minute)
	}
}

func TestIncompleteClientCredentials(t *testing.T) {
	_, err := (&lwa.ClientCredentials{Scope: "scope"}).Token(t.Context())
	require.ErrorContains(t, err, "Client is nil")
	_, err = (&lwa.ClientCredentials{Client: new(amazon).client()}).Token(t.Context())
	require.ErrorContains(t, err, "need a scope")
	refused := &lwa.ClientCredentials{Client: always(400, `{"error":"invalid_scope"}`), Scope: "scope"}
	_, err = refused.Token(t.Context())
	require.ErrorContains(t, err, "check the permissions")
}
