package lwa_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	clientID     = "amzn1.application-oa2-client.0001"
	clientSecret = "amzn1.oa2-cs.v1.client-secret"
)

// amazon is LWA, and an API that takes its access tokens, in memory. Refresh
// tokens say whose they are and in which generation: "Atzr|customer|1".
type amazon struct {
	rotates  bool          // a refresh gives a new refresh token, and the old one dies
	lifetime time.Duration // of an access token; zero is an hour
	delay    time.Duration // before an answer
	clock    func() time.Time

	// around is called for each token request, and runs it by calling next.
	around func(form url.Values, next func() (*http.Response, error)) (*http.Response, error)

	mu       sync.Mutex
	asked    map[string]int                   // token requests by grant_type
	codes    map[string]string                // customer by unused code
	live     map[string]string                // customer by living refresh token
	counters map[string]int                   // what was issued, by kind and customer
	access   map[alexaevents.Secret]time.Time // expiry by access token
}

func (a *amazon) client() *lwa.Client {
	return &lwa.Client{ID: clientID, Secret: clientSecret, HTTPClient: &http.Client{Transport: a}}
}

func (a *amazon) source(store lwa.Store) *lwa.Source {
	return &lwa.Source{Client: a.client(), Store: store}
}

// consent returns a code for the consent of the customer named "customer".
func (a *amazon) consent() alexaevents.Secret {
	const customer = "customer"
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.codes == nil {
		a.codes = make(map[string]string)
	}
	code := a.next("ANcode", customer)
	a.codes[code] = customer
	return alexaevents.Secret(code)
}

// grant returns a refresh token of the customer, beside those there are.
func (a *amazon) grant(customer string) alexaevents.Secret {
	a.mu.Lock()
	defer a.mu.Unlock()
	return alexaevents.Secret(a.newRefreshToken(customer))
}

// revoke kills every refresh and access token of the customer.
func (a *amazon) revoke(customer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.live, func(_, owner string) bool { return owner == customer })
	maps.DeleteFunc(a.access, func(token alexaevents.Secret, _ time.Time) bool {
		return strings.HasPrefix(string(token), "Atza|"+customer+"|")
	})
}

// expire kills an access token before its time.
func (a *amazon) expire(token alexaevents.Secret) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.access, token)
}

// accepts tells whether an API accepts the access token.
func (a *amazon) accepts(token alexaevents.Secret) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now().Before(a.access[token])
}

// isLive tells whether the refresh token works.
func (a *amazon) isLive(token alexaevents.Secret) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live[string(token)] != ""
}

func (a *amazon) now() time.Time {
	if a.clock == nil {
		return time.Now()
	}
	return a.clock()
}

func (a *amazon) count(grantType string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[grantType]
}

func (a *amazon) next(kind, customer string) string {
	if a.counters == nil {
		a.counters = make(map[string]int)
	}
	a.counters[kind+customer]++
	return fmt.Sprintf("%s|%s|%d", kind, customer, a.counters[kind+customer])
}

func (a *amazon) newRefreshToken(customer string) string {
	if a.live == nil {
		a.live = make(map[string]string)
	}
	token := a.next("Atzr", customer)
	a.live[token] = customer
	return token
}

func (a *amazon) newAccessToken(kind, customer string) map[string]any {
	if a.access == nil {
		a.access = make(map[alexaevents.Secret]time.Time)
	}
	lifetime := cmp.Or(a.lifetime, time.Hour)
	token := a.next(kind, customer)
	a.access[alexaevents.Secret(token)] = a.now().Add(lifetime)
	return map[string]any{"access_token": token, "token_type": "bearer", "expires_in": lifetime / time.Second}
}

func (a *amazon) RoundTrip(request *http.Request) (*http.Response, error) {
	var form url.Values
	if request.Body != nil {
		defer request.Body.Close()
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		form, _ = url.ParseQuery(string(body))
	}
	if err := sleep(request.Context(), a.delay); err != nil {
		return nil, err
	}
	switch request.Method + " " + request.URL.Host + request.URL.Path {
	case "POST api.amazon.com/auth/o2/token":
		next := func() (*http.Response, error) { return a.token(form), nil }
		if a.around != nil {
			return a.around(form, next)
		}
		return next()
	case "GET api.amazon.com/user/profile":
		if !a.accepts(bearer(request)) {
			return answer(400, `{"error":"invalid_token","error_description":"The token is not valid."}`), nil
		}
		return answer(200, `{"user_id":"amzn1.account.K1","name":"Ada","email":"ada@example.com","postal_code":"98052"}`), nil
	case "GET api.amazon.com/auth/o2/tokeninfo":
		if !a.accepts(alexaevents.Secret(request.URL.Query().Get("access_token"))) {
			return answer(400, `{"error":"invalid_token","error_description":"The token is not valid."}`), nil
		}
		return answer(200, `{"aud":"`+clientID+`","user_id":"amzn1.account.K1","app_id":"amzn1.application.1","exp":3597,"iss":"https://www.amazon.com"}`), nil
	}
	if !a.accepts(bearer(request)) {
		return answer(401, `{"message":"token"}`), nil
	}
	return answer(200, request.Method+" "+request.URL.Path+" "+form.Encode()), nil
}

func bearer(request *http.Request) alexaevents.Secret {
	token, _ := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
	return alexaevents.Secret(token)
}

// token answers a token request.
func (a *amazon) token(form url.Values) *http.Response {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = make(map[string]int)
	}
	a.asked[form.Get("grant_type")]++
	if form.Get("client_id") != clientID || form.Get("client_secret") != clientSecret {
		return answer(401, `{"error":"invalid_client","error_description":"Client authentication failed"}`)
	}
	var members map[string]any
	switch form.Get("grant_type") {
	case "authorization_code":
		customer := a.codes[form.Get("code")]
		delete(a.codes, form.Get("code"))
		if customer == "" {
			return answer(400, `{"error":"invalid_grant","error_description":"The request has an invalid grant parameter : code"}`)
		}
		members = a.newAccessToken("Atza", customer)
		members["refresh_token"] = a.newRefreshToken(customer)
	case "refresh_token":
		old := form.Get("refresh_token")
		customer := a.live[old]
		if customer == "" {
			return answer(400, `{"error":"invalid_grant","error_description":"The request has an invalid grant parameter : refresh_token"}`)
		}
		members = a.newAccessToken("Atza", customer)
		if a.rotates {
			delete(a.live, old)
			members["refresh_token"] = a.newRefreshToken(customer)
		}
	case "client_credentials":
		members = a.newAccessToken("Atc", form.Get("scope"))
	}
	body, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return answer(200, string(body))
}

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/json"}, "X-Amzn-Requestid": {"request-1"}},
		Body:       io.NopCloser(strings.NewReader(body)),
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// roundTrip is an http.RoundTripper of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// clientOf returns a client whose requests are answered by f.
func clientOf(f roundTrip) *lwa.Client {
	return &lwa.Client{ID: clientID, Secret: clientSecret, HTTPClient: &http.Client{Transport: f}}
}

// always returns a client whose requests are all answered alike.
func always(status int, body string) *lwa.Client {
	return clientOf(func(*http.Request) (*http.Response, error) { return answer(status, body), nil })
}

func keyOf(accountID string) lwa.Key {
	return lwa.Key{ClientID: clientID, AccountID: accountID, LinkID: "link"}
}

// imported returns a source with the grant of a customer, due at once.
func imported(t testing.TB, a *amazon, store lwa.Store, customer string) (*lwa.Source, lwa.Key) {
	source, key := a.source(store), keyOf(customer)
	require.NoError(t, source.Import(t.Context(), key, a.grant(customer)))
	return source, key
}

// stored returns the grant of the key, which must be there.
func stored(t testing.TB, store lwa.Store, key lwa.Key) lwa.Grant {
	grant, err := store.Grant(t.Context(), key)
	require.NoError(t, err)
	return grant
}

// expectIs is require.ErrorIs for goroutines in which a test must not end. A nil
// target is for no error.
func expectIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("the error must be %v and is %v", target, err)
	}
}
