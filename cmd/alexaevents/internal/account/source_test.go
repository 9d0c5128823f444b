package account_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
	"github.com/alexaevents/alexaevents/lwa"
)

const redirectURI = "http://127.0.0.1:9090/cb"

// login saves the profile of a person who consented, and returns it.
func login(t *testing.T, cloud *alexatest.Cloud, store *account.Store, name string) account.Profile {
	client := &lwa.Client{ID: "client", Secret: "secret", HTTPClient: cloud.Client()}
	consentURL, verifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions)
	redirected, err := url.Parse(cloud.Consent(consentURL, "amzn1.account."+name))
	require.NoError(t, err)
	token, err := client.ExchangeCallback(t.Context(), redirectURI, verifier, redirected.Query())
	require.NoError(t, err)
	p := account.Profile{ClientID: client.ID, ClientSecret: "secret"}
	p.Accept(token, []string{lwa.ScopeSubscriptions}, time.Now())
	require.NoError(t, store.Save(name, p))
	return p
}

func requireLogin(t *testing.T, err error, cause string) {
	t.Helper()
	var must *account.LoginError
	require.ErrorAs(t, err, &must)
	require.Contains(t, must.Error(), cause)
}

func TestToken(t *testing.T) {
	cloud, store := alexatest.NewCloud(), &account.Store{Dir: t.TempDir()}
	p := login(t, cloud, store, "anna")
	source := &account.Source{Store: store, Profile: "anna", HTTPClient: cloud.Client()}
	token, err := source.Token(t.Context(), lwa.ScopeSubscriptions)
	require.NoError(t, err)
	require.Equal(t, p.AccessToken, token, "no request is needed")

	renewed, err := source.Renew(t.Context(), lwa.ScopeSubscriptions, token)
	require.NoError(t, err)
	require.NotEqual(t, token, renewed)
	again, err := source.Renew(t.Context(), lwa.ScopeSubscriptions, token)
	require.NoError(t, err)
	require.Equal(t, renewed, again, "another call has renewed it")

	_, err = source.Token(t.Context(), lwa.ScopeEnterpriseManagement)
	requireLogin(t, err, "did not consent to the scope "+lwa.ScopeEnterpriseManagement)
	_, err = (&account.Source{Store: store, Profile: "ben", HTTPClient: cloud.Client()}).Token(t.Context(), "")
	requireLogin(t, err, "not logged in")

	cloud.Fail(alexatest.Fault{URL: "https://api.amazon.com/", Status: 401, Code: "invalid_client"})
	_, err = source.Renew(t.Context(), "", renewed)
	require.ErrorIs(t, err, lwa.ErrInvalidClient)

	p = login(t, cloud, store, "public")
	p.RefreshToken, p.Expiry = "", time.Now()
	require.NoError(t, store.Save("public", p))
	_, err = (&account.Source{Store: store, Profile: "public", HTTPClient: cloud.Client()}).Token(t.Context(), "")
	requireLogin(t, err, "expired")
}

// Of two processes that use a refresh token, one may be refused: it takes the token of
// the other.
func TestTwoProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud, store := alexatest.NewCloud(), &account.Store{Dir: t.TempDir()}
		cloud.RotateRefreshTokens(true)
		old := login(t, cloud, store, "anna")
		one := &account.Source{Store: store, Profile: "anna", HTTPClient: cloud.Client()}
		token, err := one.Renew(t.Context(), "", old.AccessToken)
		require.NoError(t, err)
		newer, err := store.Profile("anna")
		require.NoError(t, err)

		require.NoError(t, store.Save("anna", old)) // the write of the other comes later
		go func() {
			time.Sleep(time.Second)
			_ = store.Save("anna", newer)
		}()
		got, err := one.Renew(t.Context(), "", old.AccessToken)
		require.NoError(t, err)
		require.Equal(t, token, got)

		require.NoError(t, store.Save("anna", old))
		_, err = one.Renew(t.Context(), "", old.AccessToken)
		requireLogin(t, err, "refused the refresh token")
	})
}

func TestClient(t *testing.T) {
	cloud, store := alexatest.NewCloud(), &account.Store{Dir: t.TempDir()}
	p := login(t, cloud, store, "anna")
	source := &account.Source{Store: store, Profile: "anna", HTTPClient: cloud.Client()}
	client := source.Client(lwa.ScopeSubscriptions)
	const vendors = "https://api.amazonalexa.com/v1/vendors"
	get := func(client *http.Client, url string) int {
		response, err := client.Get(url)
		require.NoError(t, err)
		response.Body.Close()
		return response.StatusCode
	}
	require.Equal(t, 200, get(client, vendors))
	cloud.ExpireTokens() // before the time in the profile
	require.Equal(t, 401, get((&account.Source{Given: p.AccessToken, HTTPClient: cloud.Client()}).Client(""), vendors))
	response, err := client.Post("https://api.amazonalexa.com/v0/developmentEvents/subscribers", "application/json", strings.NewReader(`{"name":"a"}`))
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, 400, response.StatusCode, "with a new token, and the body again")
	require.Contains(t, string(body), "vendorId")

	for _, url := range []string{"https://evil.example/", "http://api.amazonalexa.com/v1/vendors", "https://api.amazonalexa.com.evil.example/"} {
		_, err = client.Get(url)
		require.ErrorContains(t, err, "only to Amazon's APIs")
	}
}

func TestStore(t *testing.T) {
	cloud, store := alexatest.NewCloud(), &account.Store{Dir: filepath.Join(t.TempDir(), "alexaevents", "credentials")}
	names, err := store.Names()
	require.NoError(t, err)
	require.Empty(t, names)
	_, err = store.Profile("anna")
	require.ErrorIs(t, err, account.ErrNoProfile)

	p := login(t, cloud, store, "anna")
	p.Invitation = &account.Invitation{State: "s", RedirectURI: redirectURI, Verifier: "v", Scopes: []string{"scope"}}
	require.NoError(t, store.Save("anna", p))
	got, err := store.Profile("anna")
	require.NoError(t, err)
	require.Equal(t, p, got)
	printed := fmt.Sprintf("%v %+v %#v", p, p, *p.Invitation)
	require.NotContains(t, printed, string(p.RefreshToken))
	require.NotContains(t, printed, string(p.AccessToken))

	file, err := os.Stat(filepath.Join(store.Dir, "anna.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), file.Mode().Perm())
	dir, err := os.Stat(store.Dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), dir.Mode().Perm())
	names, err = store.Names()
	require.NoError(t, err)
	require.Equal(t, []string{"anna"}, names)
	entries, err := os.ReadDir(store.Dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file remains")

	require.NoError(t, store.Remove("anna"))
	require.ErrorIs(t, store.Remove("anna"), account.ErrNoProfile)
	for _, name := range []string{"", ".", "..", "../x", "a/b", ".hidden", strings.Repeat("x", 65)} {
		require.ErrorIs(t, store.Save(name, p), account.ErrName, name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(store.Dir, "anna.json"), []byte(`{"client_id":"c","access_token":"Atza|secret`), 0o600))
	_, err = store.Profile("anna")
	require.ErrorContains(t, err, "damaged")
	require.NotContains(t, err.Error(), "secret")
}
