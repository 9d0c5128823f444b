package lwa_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// requests are the token requests of a Client.
var requests = []struct {
	name string
	send func(context.Context, *lwa.Client) (lwa.Token, error)
	want url.Values
}{
	{
		name: "Exchange",
		send: func(ctx context.Context, c *lwa.Client) (lwa.Token, error) { return c.Exchange(ctx, "AN|code&1") },
		want: url.Values{"grant_type": {"authorization_code"}, "code": {"AN|code&1"}},
	},
	{
		name: "Refresh",
		send: func(ctx context.Context, c *lwa.Client) (lwa.Token, error) { return c.Refresh(ctx, "Atzr|refresh+1") },
		want: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"Atzr|refresh+1"}},
	},
	{
		name: "ClientCredentials",
		send: func(ctx context.Context, c *lwa.Client) (lwa.Token, error) {
			return c.ClientCredentials(ctx, lwa.ScopeProactiveEvents)
		},
		want: url.Values{"grant_type": {"client_credentials"}, "scope": {"alexa::proactive_events"}},
	},
}

func TestRequests(t *testing.T) {
	for _, test := range requests {
		t.Run(test.name, func(t *testing.T) {
			var got *http.Request
			var body string
			client := clientOf(func(r *http.Request) (*http.Response, error) {
				data, err := io.ReadAll(r.Body)
				got, body = r, string(data)
				return respond(200, `{"access_token":"Atza|1","refresh_token":"Atzr|2","expires_in":3600}`), err
			})
			token, err := test.send(t.Context(), client)
			require.NoError(t, err)
			require.Equal(t, lwa.Token{AccessToken: "Atza|1", RefreshToken: "Atzr|2", ExpiresIn: time.Hour}, token)

			form, err := url.ParseQuery(body)
			require.NoError(t, err)
			want := url.Values{"client_id": {clientID}, "client_secret": {clientSecret}}
			maps.Copy(want, test.want)
			require.Empty(t, cmp.Diff(want, form))
			require.NotContains(t, body, "|", "every value is encoded")
			require.Equal(t, "POST https://api.amazon.com/auth/o2/token", got.Method+" "+got.URL.String())
			require.Equal(t, "application/x-www-form-urlencoded", got.Header.Get("Content-Type"))
			require.Empty(t, got.Header.Get("Authorization"), "the client credentials are in the body")
		})
	}
}

func TestAPIURL(t *testing.T) {
	for configured, want := range map[string]string{
		"":                           "https://api.amazon.com/auth/o2/token",
		"https://api.amazon.co.uk":   "https://api.amazon.co.uk/auth/o2/token",
		"https://proxy.example/lwa/": "https://proxy.example/lwa/auth/o2/token",
	} {
		var got string
		client := clientOf(func(r *http.Request) (*http.Response, error) {
			got = r.URL.String()
			return respond(200, `{"access_token":"Atza|1"}`), nil
		})
		client.APIURL = configured
		_, err := client.Refresh(t.Context(), "Atzr|1")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestTokenResponses(t *testing.T) {
	const sent = "Atzr|sent"
	for _, test := range []struct {
		name, contentType, body string
		want                    lwa.Token
	}{
		{name: "all", body: `{"access_token":"a","token_type":"bearer","expires_in":3600,"refresh_token":"r"}`, want: lwa.Token{AccessToken: "a", RefreshToken: "r", ExpiresIn: time.Hour}},
		{name: "no refresh token keeps the old one", body: `{"access_token":"a","expires_in":60}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent, ExpiresIn: time.Minute}},
		{name: "an empty refresh token keeps the old one", body: `{"access_token":"a","refresh_token":"","expires_in":60}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent, ExpiresIn: time.Minute}},
		{name: "a null refresh token keeps the old one", body: `{"access_token":"a","refresh_token":null,"expires_in":60}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent, ExpiresIn: time.Minute}},
		{name: "expires_in as text", body: `{"access_token":"a","expires_in":"1800"}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent, ExpiresIn: 30 * time.Minute}},
		{name: "expires_in with a fraction", body: `{"access_token":"a","expires_in":3600.0}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent, ExpiresIn: time.Hour}},
		{name: "expires_in as text with a fraction", body: `{"access_token":"a","expires_in":"3600.0"}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent, ExpiresIn: time.Hour}},
		{name: "expires_in as a power", body: `{"access_token":"a","expires_in":3.6e3}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent, ExpiresIn: time.Hour}},
		{name: "expires_in of a billion years", body: `{"access_token":"a","expires_in":1e30}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "expires_in that is not a number", body: `{"access_token":"a","expires_in":"NaN"}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "expires_in null", body: `{"access_token":"a","expires_in":null}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "expires_in of another type", body: `{"access_token":"a","expires_in":{"seconds":60}}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "a blank refresh token keeps the old one", body: `{"access_token":"a","refresh_token":" ","expires_in":60}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent, ExpiresIn: time.Minute}},
		{name: "no expires_in", body: `{"access_token":"a"}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "expires_in of 0", body: `{"access_token":"a","expires_in":0}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "a negative expires_in", body: `{"access_token":"a","expires_in":-1}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "unknown members", body: `{"access_token":"a","scope":"x","new":{"refresh_token":"other"}}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "as text", contentType: "text/plain", body: `{"access_token":"a"}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "as a form", contentType: "application/x-www-form-urlencoded", body: `{"access_token":"a"}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
		{name: "without a content type", contentType: " ", body: `{"access_token":"a"}`, want: lwa.Token{AccessToken: "a", RefreshToken: sent}},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := clientOf(func(*http.Request) (*http.Response, error) {
				response := respond(200, test.body)
				if test.contentType != "" {
					response.Header.Set("Content-Type", test.contentType)
				}
				return response, nil
			})
			token, err := client.Refresh(t.Context(), sent)
			require.NoError(t, err)
			require.Equal(t, test.want, token)
		})
	}
}

// An invalid token is not returned.
func TestUnusableTokens(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"access_token":""}`, `{"access_token":" "}`, `{"access_token":"\t"}`, `{"access_token":null}`,
		`{"access_token":1}`, `{"access_token":["a"]}`, `{"access_token":"a\u0000"}`, `{"access_token":"a\nb"}`,
		`{"access_token":"` + strings.Repeat("a", 4097) + `"}`,
		`{"access_token":"a","refresh_token":1}`, `{"access_token":"a","refresh_token":"r\u0000"}`,
		`{"access_token":"a","refresh_token":"` + strings.Repeat("r", 4097) + `"}`,
		`null`, `[]`, `"a"`, ``,
	} {
		token, err := always(200, body).Refresh(t.Context(), "Atzr|sent")
		require.ErrorIs(t, err, alexaevents.ErrTemporary, body)
		require.Zero(t, token)
	}
	token, err := always(200, `{"access_token":"`+strings.Repeat("a", 4096)+`"}`).Refresh(t.Context(), "Atzr|sent")
	require.NoError(t, err)
	require.Len(t, token.AccessToken, 4096)
}

// Without a refresh token the grant would end after an hour.
func TestExchangeWithoutRefreshToken(t *testing.T) {
	_, err := always(200, `{"access_token":"Atza|1","expires_in":3600}`).Exchange(t.Context(), "code")
	require.ErrorIs(t, err, alexaevents.ErrTemporary)
}

func TestConfiguration(t *testing.T) {
	unused := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("a request was made")
	})}
	for words, client := range map[string]*lwa.Client{
		"Client.ID is empty":     {Secret: "s", HTTPClient: unused},
		"Client.Secret is empty": {ID: "i", HTTPClient: unused},
		"APIURL is not an https": {
			ID: "i", Secret: "s", APIURL: "http://api.amazon.com", HTTPClient: unused,
		},
		"not an https URL": {ID: "i", Secret: "s", APIURL: "https://a\x00b", HTTPClient: unused},
		"an https URL":     {ID: "i", Secret: "s", APIURL: "https://", HTTPClient: unused},
	} {
		for _, request := range requests {
			_, err := request.send(t.Context(), client)
			require.ErrorContains(t, err, words)
			require.NotErrorIs(t, err, alexaevents.ErrTemporary, "a retry does not help")
		}
		if client.Secret != "" {
			_, err := client.Profile(t.Context(), "token")
			require.ErrorContains(t, err, words)
		}
	}
}

func TestEmptyInput(t *testing.T) {
	client := clientOf(func(*http.Request) (*http.Response, error) { return nil, errors.New("a request was made") })
	_, err := client.Exchange(t.Context(), "")
	require.ErrorIs(t, err, lwa.ErrInvalidGrant)
	_, err = client.Refresh(t.Context(), "")
	require.ErrorIs(t, err, lwa.ErrInvalidGrant)
	_, err = client.ClientCredentials(t.Context(), "")
	require.ErrorContains(t, err, "need a scope")
	_, err = client.Profile(t.Context(), "")
	require.ErrorContains(t, err, "the access token is empty")
	_, err = client.TokenInfo(t.Context(), "")
	require.ErrorContains(t, err, "the access token is empty")
}

// A redirect could send the secret to any host.
func TestNoRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		requests := 0
		client := clientOf(func(*http.Request) (*http.Response, error) {
			requests++
			response := respond(status, "")
			response.Header.Set("Location", "https://evil.example/")
			return response, nil
		})
		_, err := client.Refresh(t.Context(), "Atzr|1")
		require.ErrorContains(t, err, "redirect")
		require.Equal(t, 1, requests)
	}
}

func TestLongResponse(t *testing.T) {
	body := `{"access_token":"Atza|` + strings.Repeat("a", 64<<10) + `"}`
	_, err := always(200, body).Refresh(t.Context(), "Atzr|1")
	require.ErrorIs(t, err, alexaevents.ErrTemporary)
	require.Less(t, len(err.Error()), 1000)

	body = `{"access_token":"Atza|1"}`
	token, err := always(200, body+strings.Repeat(" ", 64<<10-len(body))).Refresh(t.Context(), "Atzr|1")
	require.NoError(t, err)
	require.Equal(t, alexaevents.Secret("Atza|1"), token.AccessToken)
	_, err = always(200, body+strings.Repeat(" ", 64<<10-len(body)+1)).Refresh(t.Context(), "Atzr|1")
	require.ErrorIs(t, err, alexaevents.ErrTemporary)
}

func TestTruncatedResponse(t *testing.T) {
	broken := errors.New("connection reset")
	client := clientOf(func(*http.Request) (*http.Response, error) {
		response := respond(200, "")
		response.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"access_`), failing{broken}))
		return response, nil
	})
	_, err := client.Refresh(t.Context(), "Atzr|1")
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, err, alexaevents.ErrTemporary)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestTimeout(t *testing.T) {
	for _, request := range requests {
		t.Run(request.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := request.send(t.Context(), (&amazon{delay: time.Hour}).client())
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, alexaevents.ErrTemporary)
				require.Equal(t, 10*time.Second, time.Since(start))
			})
		})
	}
}

// The HTTPClient may have a shorter timeout.
func TestTimeoutOfHTTPClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := (&amazon{delay: time.Hour}).client()
		client.HTTPClient.Timeout = time.Second
		_, err := client.Refresh(t.Context(), "Atzr|1")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, alexaevents.ErrTemporary)
	})
}

func TestCancelledRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := new(amazon).client().Refresh(ctx, "Atzr|1")
	require.ErrorIs(t, err, context.Canceled)
}

func TestScopes(t *testing.T) {
	a := new(amazon)
	seen := make(map[alexaevents.Secret]bool)
	for _, scope := range []string{lwa.ScopeProactiveEvents, lwa.ScopeSkillMessaging, lwa.ScopeDataStore} {
		token, err := a.client().ClientCredentials(t.Context(), scope)
		require.NoError(t, err)
		require.False(t, seen[token.AccessToken])
		seen[token.AccessToken] = true
		require.True(t, strings.HasPrefix(scope, "alexa:"))
	}
}

// FuzzResponse gives any response to a refresh. The result is a token, or an error of
// one short line without the refresh token.
func FuzzResponse(f *testing.F) {
	f.Add(200, "application/json", `{"access_token":"Atza|1","token_type":"bearer","expires_in":3600,"refresh_token":"Atzr|2"}`)
	f.Add(200, "text/plain", `access_token=Atza%7C1&expires_in=3600`)
	f.Add(200, "application/json", `{"access_token":"Atza|1","expires_in":"3600","scope":null}`)
	f.Add(200, "", `{"access_token":"Atza|1","expires_in":1e400}`)
	f.Add(400, "application/json", `{"error":"invalid_grant","error_description":"Atzr|the-sent-token","request_id":"1"}`)
	f.Add(503, "text/html", `<html>`)
	f.Add(302, "", ``)
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		const sent = "Atzr|the-sent-token"
		client := clientOf(func(*http.Request) (*http.Response, error) {
			response := respond(status, body)
			response.Header.Set("Content-Type", contentType)
			return response, nil
		})
		token, err := client.Refresh(t.Context(), sent)
		if err == nil {
			var members map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(body), &members))
			require.True(t, status >= 200 && status <= 299)
			require.NotEmpty(t, token.AccessToken)
			require.NotEmpty(t, token.RefreshToken)
			require.GreaterOrEqual(t, token.ExpiresIn, lwa.Token{}.ExpiresIn)
			return
		}
		require.Zero(t, token)
		var refusal *lwa.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, refusal.Code == "invalid_grant", errors.Is(err, lwa.ErrInvalidGrant))
		require.False(t, errors.Is(err, lwa.ErrInvalidGrant) && errors.Is(err, alexaevents.ErrTemporary))
		require.NotContains(t, err.Error(), sent)
		require.NotContains(t, err.Error(), clientSecret)
		require.Equal(t, -1, strings.IndexFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }))
		require.Less(t, len(err.Error()), 8<<10)
	})
}
