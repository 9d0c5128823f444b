package lwa_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
)

const redirectURI = "https://backend.example/callback"

func TestAuthCodeURL(t *testing.T) {
	client := new(amazon).client()
	consent, verifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite)
	parsed, err := url.Parse(consent)
	require.NoError(t, err)
	query := parsed.Query()
	require.Equal(t, "https://www.amazon.com/ap/oa", "https://"+parsed.Host+parsed.Path)
	challenge := sha256.Sum256([]byte(verifier))
	require.Empty(t, cmp.Diff(url.Values{
		"client_id":             {clientID},
		"response_type":         {"code"},
		"redirect_uri":          {redirectURI},
		"scope":                 {"alexa::ask:subscriptions alexa::ask:skills:readwrite"},
		"state":                 query["state"],
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(challenge[:])},
		"code_challenge_method": {"S256"},
	}, query))
	require.GreaterOrEqual(t, len(query.Get("state")), 43)
	require.GreaterOrEqual(t, len(verifier), 43)
	require.NotContains(t, consent, verifier)
	require.NotEqual(t, query.Get("code_challenge"), query.Get("state"))

	another, anotherVerifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions)
	require.NotEqual(t, verifier, anotherVerifier)
	require.NotContains(t, another, query.Get("state"))

	client.AuthURL = "https://eu.account.amazon.com/ap/oa"
	consent, _ = client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions)
	require.Contains(t, consent, "https://eu.account.amazon.com/ap/oa?")
}

// callback is the query of the URL to which Amazon redirects the browser.
func callback(t *testing.T, consent string, members ...string) url.Values {
	parsed, err := url.Parse(consent)
	require.NoError(t, err)
	query := url.Values{"state": {parsed.Query().Get("state")}}
	for i := 0; i < len(members); i += 2 {
		query.Set(members[i], members[i+1])
	}
	return query
}

func TestExchangeCallback(t *testing.T) {
	var form url.Values
	client := clientOf(func(r *http.Request) (*http.Response, error) {
		err := r.ParseForm()
		form = r.PostForm
		return respond(200, `{"access_token":"Atza|1","refresh_token":"Atzr|1","expires_in":3600}`), err
	})
	consent, verifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions)
	token, err := client.ExchangeCallback(t.Context(), redirectURI, verifier, callback(t, consent, "code", "AN1", "scope", "x"))
	require.NoError(t, err)
	require.Equal(t, "Atzr|1", string(token.RefreshToken))
	require.Empty(t, cmp.Diff(url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {"AN1"},
		"client_id":     {clientID},
		"client_secret": {clientSecret},
		"redirect_uri":  {redirectURI},
		"code_verifier": {verifier},
	}, form))
}

// A public client sends no secret, gets no refresh token, and may do nothing else that
// needs a secret.
func TestPublicClient(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := &lwa.Client{ID: clientID, HTTPClient: cloud.Client()}
	consent, verifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions)
	redirected, err := url.Parse(cloud.Consent(consent, "amzn1.account.A"))
	require.NoError(t, err)
	token, err := client.ExchangeCallback(t.Context(), redirectURI, verifier, redirected.Query())
	require.NoError(t, err)
	require.Empty(t, token.RefreshToken)
	info, err := client.TokenInfo(t.Context(), token.AccessToken)
	require.NoError(t, err)
	require.Equal(t, "amzn1.account.A", info.UserID)
	_, err = client.Refresh(t.Context(), "Atzr|1")
	require.ErrorContains(t, err, "Client.Secret is empty")
}

func TestForeignCallback(t *testing.T) {
	client := clientOf(func(*http.Request) (*http.Response, error) { return nil, errors.New("a request was made") })
	consent, verifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions)
	otherConsent, otherVerifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions)
	good := callback(t, consent, "code", "AN1")
	sum := sha256.Sum256([]byte("state:"))
	stateOfEmpty := base64.RawURLEncoding.EncodeToString(sum[:])
	without := func(name string) url.Values {
		query := maps.Clone(good)
		delete(query, name)
		return query
	}
	for name, test := range map[string]struct {
		verifier string
		query    url.Values
	}{
		"another session's callback": {verifier, callback(t, otherConsent, "code", "AN1")},
		"another session's verifier": {otherVerifier, good},
		"no session":                 {"", good},
		"no session and no state":    {"", callback(t, consent, "state", "", "code", "AN1")},
		"no session and its state":   {"", callback(t, consent, "state", stateOfEmpty, "code", "AN1")},
		"no state":                   {verifier, without("state")},
		"no code":                    {verifier, without("code")},
		"the state cut short":        {verifier, callback(t, consent, "state", good.Get("state")[:42], "code", "AN1")},
		"nothing":                    {verifier, nil},
		"another session's error":    {verifier, callback(t, otherConsent, "error", "access_denied")},
	} {
		_, err := client.ExchangeCallback(t.Context(), redirectURI, test.verifier, test.query)
		require.ErrorIs(t, err, lwa.ErrCallback, name)
	}
}

func TestConsentRefused(t *testing.T) {
	client := clientOf(func(*http.Request) (*http.Response, error) { return nil, errors.New("a request was made") })
	consent, verifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions)
	_, err := client.ExchangeCallback(t.Context(), redirectURI, verifier,
		callback(t, consent, "error", "access_denied", "error_description", "Access not permitted."))
	var refusal *lwa.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "access_denied", refusal.Code)
	require.EqualError(t, err, "lwa: access_denied: Access not permitted.; the person did not consent")
}

// The constants are the scopes as Amazon writes them.
func TestScopesOfDevelopers(t *testing.T) {
	scopes := map[string]string{
		lwa.ScopeSkillsReadWrite:      "alexa::ask:skills:readwrite",
		lwa.ScopeModelsReadWrite:      "alexa::ask:models:readwrite",
		lwa.ScopeSkillsTest:           "alexa::ask:skills:test",
		lwa.ScopeSkillsDebug:          "alexa::ask:skills:debug",
		lwa.ScopeCatalogsRead:         "alexa::ask:catalogs:read",
		lwa.ScopeCatalogsReadWrite:    "alexa::ask:catalogs:readwrite",
		lwa.ScopeSubscriptions:        "alexa::ask:subscriptions",
		lwa.ScopeEnterpriseManagement: "alexa::enterprise:management",
		lwa.ScopeProfile:              "profile",
		lwa.ScopeProfileUserID:        "profile:user_id",
		lwa.ScopePostalCode:           "postal_code",
	}
	for scope, want := range scopes {
		consent, _ := new(amazon).client().AuthCodeURL(redirectURI, scope)
		parsed, err := url.Parse(consent)
		require.NoError(t, err)
		require.Equal(t, want, parsed.Query().Get("scope"))
	}
	require.Len(t, slices.Collect(maps.Keys(scopes)), 11)
}
