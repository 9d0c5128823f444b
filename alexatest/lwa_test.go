package alexatest_test

import (
	"encoding/json"
	"io"
	"net/http"
	neturl "net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

const (
	loginURL = "https://api.amazon.com/"
	tokenURL = loginURL + "auth/o2/token"
	redirect = "https://backend.example/callback"
)

// reply is a response of Login with Amazon.
type reply struct {
	Status       int    `json:"-"`
	Error        string `json:"error"`
	Description  string `json:"error_description"`
	RequestID    string `json:"request_id"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope"`
	ExpiresIn    int    `json:"expires_in"`
	UserID       string `json:"user_id"`
	Name         string `json:"name"`
	Audience     string `json:"aud"`
	Expires      int    `json:"exp"`
}

func do(t *testing.T, cloud *alexatest.Cloud, r *http.Request) (got reply) {
	t.Helper()
	response, err := cloud.Client().Do(r)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &got), "%s", body)
	got.Status = response.StatusCode
	if got.Error != "" {
		require.NotEmpty(t, got.RequestID)
		require.Equal(t, got.RequestID, response.Header.Get("x-amzn-RequestId"))
	}
	return got
}

// form is a token request of a client, with the parameters in pairs.
func form(parameters ...string) neturl.Values {
	values := neturl.Values{"client_id": {"client"}, "client_secret": {"secret"}}
	for i := 0; i < len(parameters); i += 2 {
		values.Set(parameters[i], parameters[i+1])
	}
	return values
}

func codeForm(code string, more ...string) neturl.Values {
	return form(append([]string{"grant_type", "authorization_code", "code", code}, more...)...)
}

func refreshForm(token string, more ...string) neturl.Values {
	return form(append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...)
}

func ask(t *testing.T, cloud *alexatest.Cloud, values neturl.Values) reply {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, tokenURL, strings.NewReader(values.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	return do(t, cloud, r)
}

// requireRefused requires an OAuth error.
func requireRefused(t *testing.T, code string, got reply) {
	t.Helper()
	require.Equal(t, code, got.Error, got.Description)
	require.Empty(t, got.AccessToken)
	require.Empty(t, got.RefreshToken)
}

// granted exchanges a code of the customer.
func granted(t *testing.T, cloud *alexatest.Cloud, region alexaevents.Region, customer string) reply {
	t.Helper()
	got := ask(t, cloud, codeForm(cloud.Grant(region, customer)))
	require.Equal(t, http.StatusOK, got.Status)
	return got
}

func TestCode(t *testing.T) {
	cloud := alexatest.NewCloud()
	code := cloud.Grant(alexaevents.Europe, "customer")
	got := ask(t, cloud, codeForm(code))
	require.Equal(t, http.StatusOK, got.Status)
	require.Equal(t, "bearer", got.TokenType)
	require.Equal(t, 3600, got.ExpiresIn)
	require.True(t, strings.HasPrefix(got.AccessToken, "Atza|"), got.AccessToken)
	require.True(t, strings.HasPrefix(got.RefreshToken, "Atzr|"), got.RefreshToken)
	requireRefused(t, "invalid_grant", ask(t, cloud, codeForm(code)))
	requireRefused(t, "invalid_grant", ask(t, cloud, codeForm("another")))

	// Working programs use either spelling.
	r, err := http.NewRequest(http.MethodPost, loginURL+"auth/O2/token", strings.NewReader(codeForm(cloud.Grant(alexaevents.Europe, "customer")).Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.NotEmpty(t, do(t, cloud, r).AccessToken)
}

// The ASK CLI sends token requests as JSON.
func TestTokenRequestAsJSON(t *testing.T) {
	cloud := alexatest.NewCloud()
	post := func(body string) reply {
		r, err := http.NewRequest(http.MethodPost, tokenURL, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		return do(t, cloud, r)
	}
	texts := make(map[string]string)
	for name, values := range codeForm(cloud.Grant(alexaevents.Europe, "customer")) {
		texts[name] = values[0]
	}
	body, err := json.Marshal(texts)
	require.NoError(t, err)
	require.NotEmpty(t, post(string(body)).RefreshToken)
	for _, wrong := range []string{"", "[]", `{"grant_type": 1}`, "grant_type=authorization_code"} {
		requireRefused(t, "invalid_request", post(wrong))
	}
}

func TestCodeExpires(t *testing.T) {
	for after, want := range map[time.Duration]string{5*time.Minute - time.Second: "", 5 * time.Minute: "invalid_grant"} {
		synctest.Test(t, func(t *testing.T) {
			cloud := alexatest.NewCloud()
			code := cloud.Grant(alexaevents.Europe, "customer")
			time.Sleep(after)
			require.Equal(t, want, ask(t, cloud, codeForm(code)).Error)
		})
	}
}

// consent returns the code and state of a consent to the scopes.
func consent(t *testing.T, cloud *alexatest.Cloud, parameters ...string) (code, state string) {
	t.Helper()
	query := neturl.Values{"client_id": {"client"}, "response_type": {"code"}, "scope": {"profile"}, "redirect_uri": {redirect}}
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	back, err := neturl.Parse(cloud.Consent("https://www.amazon.com/ap/oa?"+query.Encode(), "amzn1.account.A"))
	require.NoError(t, err)
	require.Equal(t, "backend.example", back.Host)
	require.Equal(t, "/callback", back.Path)
	return back.Query().Get("code"), back.Query().Get("state")
}

func TestConsent(t *testing.T) {
	// The example of RFC 7636, appendix B.
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	for _, test := range []struct {
		name     string
		query    []string
		exchange []string
		want     string
	}{
		{"plain", nil, []string{"redirect_uri", redirect}, ""},
		{"no redirect URI", nil, nil, "invalid_grant"},
		{"another redirect URI", nil, []string{"redirect_uri", redirect + "/"}, "invalid_grant"},
		{"another client", nil, []string{"redirect_uri", redirect, "client_id", "other"}, "invalid_grant"},
		{"a verifier without challenge", nil, []string{"redirect_uri", redirect, "code_verifier", verifier}, "invalid_grant"},
		{"PKCE", []string{"code_challenge", challenge, "code_challenge_method", "S256"}, []string{"redirect_uri", redirect, "code_verifier", verifier}, ""},
		{"no verifier", []string{"code_challenge", challenge, "code_challenge_method", "S256"}, []string{"redirect_uri", redirect}, "invalid_grant"},
		{
			"another verifier",
			[]string{"code_challenge", challenge, "code_challenge_method", "S256"},
			[]string{"redirect_uri", redirect, "code_verifier", "another"},
			"invalid_grant",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cloud := alexatest.NewCloud()
			code, state := consent(t, cloud, append(test.query, "state", "a&b")...)
			require.Equal(t, "a&b", state)
			got := ask(t, cloud, codeForm(code, test.exchange...))
			require.Equal(t, test.want, got.Error)
			if test.want != "" {
				got = ask(t, cloud, codeForm(code, "redirect_uri", redirect, "code_verifier", verifier))
				requireRefused(t, "invalid_grant", got) // a failed request uses it up
			}
		})
	}
	cloud := alexatest.NewCloud()
	_, state := consent(t, cloud, "redirect_uri", redirect+"?a=b")
	require.Empty(t, state)

	for _, rawURL := range []string{
		"https://login.example/ap/oa?client_id=c&response_type=code&scope=s&redirect_uri=https://b.example",
		"https://www.amazon.com/ap/oa?response_type=code&scope=s&redirect_uri=https://b.example",
		"https://www.amazon.com/ap/oa?client_id=c&response_type=token&scope=s&redirect_uri=https://b.example",
		"https://www.amazon.com/ap/oa?client_id=c&response_type=code&redirect_uri=https://b.example",
		"https://www.amazon.com/ap/oa?client_id=c&response_type=code&scope=s&redirect_uri=http://b.example",
		"https://www.amazon.com/ap/oa?client_id=c&response_type=code&scope=s&redirect_uri=https://b.example&code_challenge=x",
		"https://www.amazon.com/ap/oa?client_id=c&response_type=code&scope=s&redirect_uri=%25",
		"%",
	} {
		require.Panics(t, func() { cloud.Consent(rawURL, "amzn1.account.A") }, rawURL)
	}
	require.NotPanics(t, func() {
		cloud.Consent("https://www.amazon.com/ap/oa?client_id=c&response_type=code&scope=s&redirect_uri=http://localhost:8080/", "amzn1.account.A")
	})
	require.Panics(t, func() { cloud.Grant("", "customer") })
}

func TestTokenRequestsRefused(t *testing.T) {
	cloud := alexatest.NewCloud()
	refresh := granted(t, cloud, alexaevents.Europe, "customer").RefreshToken
	without := func(name string) string {
		values := refreshForm(refresh)
		values.Del(name)
		return values.Encode()
	}
	const formType = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"JSON", "application/json", `{"grant_type":"refresh_token"}`, 400, "invalid_request"},
		{"no content type", "", refreshForm(refresh).Encode(), 400, "invalid_request"},
		{"no form", formType, "%", 400, "invalid_request"},
		{"parameter twice", formType, refreshForm(refresh).Encode() + "&client_id=client", 400, "invalid_request"},
		{"no grant type", formType, without("grant_type"), 400, "invalid_request"},
		{"no client", formType, without("client_id"), 400, "invalid_request"},
		{"no secret", formType, without("client_secret"), 400, "invalid_request"},
		{"no secret and no verifier", formType, "grant_type=authorization_code&client_id=client&code=x", 400, "invalid_request"},
		{"no secret where there is one", formType, "grant_type=authorization_code&client_id=client&code=x&code_verifier=v", 401, "invalid_client"},
		{"no refresh token", formType, without("refresh_token"), 400, "invalid_request"},
		{"no code", formType, codeForm("").Encode(), 400, "invalid_request"},
		{"no scope", formType, form("grant_type", "client_credentials").Encode(), 400, "invalid_request"},
		{"another grant type", formType, form("grant_type", "password").Encode(), 400, "unsupported_grant_type"},
		{"another secret", formType, refreshForm(refresh, "client_secret", "wrong").Encode(), 401, "invalid_client"},
		{"another client", formType, refreshForm(refresh, "client_id", "other").Encode(), 400, "invalid_grant"},
		{"another token", formType, refreshForm("another").Encode(), 400, "invalid_grant"},
		{"unencoded token", formType, "grant_type=refresh_token&client_id=client&client_secret=secret&refresh_token=a%zz", 400, "invalid_request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPost, tokenURL, strings.NewReader(test.body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", test.contentType)
			got := do(t, cloud, r)
			requireRefused(t, test.code, got)
			require.Equal(t, test.status, got.Status)
		})
	}
	require.NotEmpty(t, ask(t, cloud, refreshForm(refresh)).AccessToken, "the refused requests changed nothing")

	response, err := cloud.Client().Get(tokenURL)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

func TestRefreshTokens(t *testing.T) {
	cloud := alexatest.NewCloud()
	first := granted(t, cloud, alexaevents.Europe, "customer")
	second := ask(t, cloud, refreshForm(first.RefreshToken))
	require.NotEmpty(t, second.AccessToken)
	require.NotEqual(t, first.AccessToken, second.AccessToken)
	require.Empty(t, second.RefreshToken, "none is sent, and the old one stays")

	require.True(t, cloud.ValidToken(first.RefreshToken))
	require.True(t, cloud.ValidToken(second.AccessToken))

	cloud.RotateRefreshTokens(true)
	third := ask(t, cloud, refreshForm(first.RefreshToken))
	require.NotEmpty(t, third.RefreshToken)
	require.False(t, cloud.ValidToken(first.RefreshToken))
	require.True(t, cloud.ValidToken(third.RefreshToken))
	requireRefused(t, "invalid_grant", ask(t, cloud, refreshForm(first.RefreshToken)))

	cloud.RotateRefreshTokens(false)
	require.Empty(t, ask(t, cloud, refreshForm(third.RefreshToken)).Error)

	other := granted(t, cloud, alexaevents.Europe, "another customer")
	unused := cloud.Grant(alexaevents.Europe, "customer")
	cloud.DisableSkill("customer")
	require.False(t, cloud.ValidToken(third.RefreshToken))
	require.False(t, cloud.ValidToken(third.AccessToken))
	requireRefused(t, "invalid_grant", ask(t, cloud, refreshForm(third.RefreshToken)))
	requireRefused(t, "invalid_grant", ask(t, cloud, codeForm(unused)))
	require.Empty(t, ask(t, cloud, refreshForm(other.RefreshToken)).Error)

	again := granted(t, cloud, alexaevents.Europe, "customer")
	require.Empty(t, ask(t, cloud, refreshForm(again.RefreshToken)).Error)
	requireRefused(t, "invalid_grant", ask(t, cloud, refreshForm(third.RefreshToken)))
}

func TestClientCredentials(t *testing.T) {
	cloud := alexatest.NewCloud()
	got := ask(t, cloud, form("grant_type", "client_credentials", "scope", "alexa::proactive_events"))
	require.Equal(t, "alexa::proactive_events", got.Scope)
	require.NotEmpty(t, got.AccessToken)
	require.Empty(t, got.RefreshToken)
	require.Equal(t, 3600, got.ExpiresIn)
}

func get(t *testing.T, cloud *alexatest.Cloud, path, token string) reply {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, loginURL+path, nil)
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return do(t, cloud, r)
}

func tokenInfo(t *testing.T, cloud *alexatest.Cloud, token string) reply {
	t.Helper()
	return get(t, cloud, "auth/o2/tokeninfo?"+neturl.Values{"access_token": {token}}.Encode(), "")
}

func TestProfile(t *testing.T) {
	cloud := alexatest.NewCloud()
	code, _ := consent(t, cloud)
	whole := ask(t, cloud, codeForm(code, "redirect_uri", redirect)).AccessToken
	code, _ = consent(t, cloud, "scope", "other profile:user_id")
	partial := ask(t, cloud, codeForm(code, "redirect_uri", redirect)).AccessToken

	got := get(t, cloud, "user/profile", whole)
	require.Equal(t, "amzn1.account.A", got.UserID)
	require.NotEmpty(t, got.Name)
	got = get(t, cloud, "user/profile", partial)
	require.Equal(t, "amzn1.account.A", got.UserID)
	require.Empty(t, got.Name)
	requireRefused(t, "insufficient_scope", get(t, cloud, "user/profile", cloud.AccessToken("alexa::ask:subscriptions")))
	requireRefused(t, "invalid_token", get(t, cloud, "user/profile", "another"))
	requireRefused(t, "invalid_token", get(t, cloud, "user/profile", ""))
}

func TestAccessTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		token := granted(t, cloud, alexaevents.Europe, "customer").AccessToken
		time.Sleep(time.Hour - time.Second)
		got := tokenInfo(t, cloud, token)
		require.Equal(t, "client", got.Audience)
		require.Equal(t, "customer", got.UserID)
		require.Equal(t, 1, got.Expires)
		time.Sleep(time.Second)
		requireRefused(t, "invalid_token", tokenInfo(t, cloud, token))

		token = cloud.AccessToken()
		require.NotEmpty(t, tokenInfo(t, cloud, token).Audience)
		cloud.ExpireTokens()
		require.False(t, cloud.ValidToken(token))
		requireRefused(t, "invalid_token", tokenInfo(t, cloud, token))
		require.NotEmpty(t, tokenInfo(t, cloud, cloud.AccessToken()).Audience, "later ones are good")
	})
}
