package lwa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	clientID     = "amzn1.application-oa2-client.0001"
	clientSecret = "amzn1.oa2-cs.v1.client-secret"
)

// amazon is Login with Amazon, as alexatest simulates it, and an API that accepts its
// access tokens. It also counts and delays requests, and notes the tokens that it
// issues.
type amazon struct {
	rotates bool          // a refresh ends the refresh token and issues a new one
	delay   time.Duration // delay of each response

	// around is called for each token request; next makes it.
	around func(form url.Values, next func() (*http.Response, error)) (*http.Response, error)

	start sync.Once
	cloud *alexatest.Cloud

	mu      sync.Mutex
	asked   map[string]int                // number of token requests by grant_type
	owner   map[alexaevents.Secret]string // customer by code or token
	access  []alexaevents.Secret          // issued access tokens
	refresh []alexaevents.Secret          // issued refresh tokens
}

// simulator returns the Cloud, which a zero amazon creates.
func (a *amazon) simulator() *alexatest.Cloud {
	a.start.Do(func() {
		a.cloud = alexatest.NewCloud()
		a.cloud.RotateRefreshTokens(a.rotates)
	})
	return a.cloud
}

func (a *amazon) client() *lwa.Client {
	return &lwa.Client{ID: clientID, Secret: clientSecret, HTTPClient: &http.Client{Transport: a}}
}

func (a *amazon) source(store lwa.Store) *lwa.Source {
	return &lwa.Source{Client: a.client(), Store: store}
}

// consent returns a code of the customer named "customer".
func (a *amazon) consent() alexaevents.Secret { return a.code("customer") }

func (a *amazon) code(customer string) alexaevents.Secret {
	code := alexaevents.Secret(a.simulator().Grant(alexaevents.Europe, customer))
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.owner == nil {
		a.owner = make(map[alexaevents.Secret]string)
	}
	a.owner[code] = customer
	return code
}

// grant returns a new refresh token of the customer.
func (a *amazon) grant(customer string) alexaevents.Secret {
	client := a.client()
	client.HTTPClient = a.simulator().Client()
	token, err := client.Exchange(context.Background(), a.code(customer))
	if err != nil {
		panic(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.owner[token.RefreshToken] = customer
	a.refresh = append(a.refresh, token.RefreshToken)
	return token.RefreshToken
}

// customer returns the customer of a code or token.
func (a *amazon) customer(token alexaevents.Secret) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.owner[token]
}

// revoke ends every token of the customer.
func (a *amazon) revoke(customer string) { a.simulator().DisableSkill(customer) }

// isValid reports whether the access token or refresh token is valid.
func (a *amazon) isValid(token alexaevents.Secret) bool {
	return a.simulator().ValidToken(string(token))
}

// accessToken returns the n-th access token that was issued, from 1.
func (a *amazon) accessToken(n int) alexaevents.Secret {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.access[n-1]
}

// refreshToken returns the n-th refresh token that was issued, from 1.
func (a *amazon) refreshToken(n int) alexaevents.Secret {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refresh[n-1]
}

// count returns the number of token requests with this grant_type.
func (a *amazon) count(grantType string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[grantType]
}

func (a *amazon) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		defer request.Body.Close()
	}
	form, _ := url.ParseQuery(string(body))
	if err := sleep(request.Context(), a.delay); err != nil {
		return nil, err
	}
	if request.URL.Host != "api.amazon.com" || request.Method != http.MethodPost {
		token, _ := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
		if !a.isValid(alexaevents.Secret(token)) {
			return respond(401, `{"message":"token"}`), nil
		}
		return respond(200, request.Method+" "+request.URL.Path+" "+form.Encode()), nil
	}
	whole := request.Clone(context.WithoutCancel(request.Context()))
	whole.Body = io.NopCloser(bytes.NewReader(body))
	next := func() (*http.Response, error) { return a.issue(whole, form) }
	if a.around != nil {
		return a.around(form, next)
	}
	return next()
}

// issue makes a token request and notes the tokens in the response.
func (a *amazon) issue(request *http.Request, form url.Values) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = make(map[string]int)
	}
	a.asked[form.Get("grant_type")]++
	response, err := a.simulator().RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	var token struct {
		Access  alexaevents.Secret `json:"access_token"`
		Refresh alexaevents.Secret `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &token); err != nil {
		return nil, err
	}
	if token.Access != "" {
		a.access = append(a.access, token.Access)
	}
	if token.Refresh != "" {
		a.refresh = append(a.refresh, token.Refresh)
	}
	if customer := a.owner[alexaevents.Secret(form.Get("code")+form.Get("refresh_token"))]; customer != "" {
		a.owner[token.Access], a.owner[token.Refresh] = customer, customer
	}
	return response, nil
}

func respond(status int, body string) *http.Response {
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

// clientOf returns a client whose transport is f.
func clientOf(f roundTrip) *lwa.Client {
	return &lwa.Client{ID: clientID, Secret: clientSecret, HTTPClient: &http.Client{Transport: f}}
}

// always returns a client that gets the same response to all requests.
func always(status int, body string) *lwa.Client {
	return clientOf(func(*http.Request) (*http.Response, error) { return respond(status, body), nil })
}

func keyOf(accountID string) lwa.Key {
	return lwa.Key{ClientID: clientID, AccountID: accountID, LinkID: "link"}
}

// imported returns a source with an imported grant of the customer.
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

// expectIs is require.ErrorIs for other goroutines than the test's. A nil target is no
// error.
func expectIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("the error must be %v and is %v", target, err)
	}
}
