package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// LoginError says that the person must log in.
type LoginError struct {
	Profile string
	Scope   string // scope to consent to; empty if any will do
	Cause   string
}

func (e *LoginError) Error() string { return fmt.Sprintf("profile %q: %s", e.Profile, e.Cause) }

// Source returns the access token of one profile, and refreshes it. It is safe for
// concurrent use, and several processes may use the same profile.
type Source struct {
	Store      *Store
	Profile    string
	HTTPClient *http.Client // makes the requests; required

	// Given is an access token that the person was given, in place of a profile.
	Given alexaevents.Secret

	mu sync.Mutex
}

// Token returns an access token that covers the scope and is valid for a minute at
// least. The error is a *[LoginError] if the person must log in, or that of
// [lwa.Client.Refresh].
func (s *Source) Token(ctx context.Context, scope string) (alexaevents.Secret, error) {
	return s.token(ctx, scope, func(p Profile) bool { return time.Until(p.Expiry) >= time.Minute })
}

// Renew is [Source.Token] for another access token than the stale one, which an API
// refused or which is too old. A given token stays.
func (s *Source) Renew(ctx context.Context, scope string, stale alexaevents.Secret) (alexaevents.Secret, error) {
	return s.token(ctx, scope, func(p Profile) bool { return p.AccessToken != stale && time.Until(p.Expiry) >= time.Minute })
}

func (s *Source) token(ctx context.Context, scope string, good func(Profile) bool) (alexaevents.Secret, error) {
	if s.Given != "" {
		return s.Given, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	login := func(cause string) error { return &LoginError{s.Profile, scope, cause} }
	p, err := s.Store.Profile(s.Profile)
	switch {
	case errors.Is(err, ErrNoProfile), err == nil && p.AccessToken == "":
		return "", login("not logged in")
	case err != nil:
		return "", err
	case scope != "" && !slices.Contains(p.Scopes, scope):
		return "", login("the person did not consent to the scope " + scope)
	case good(p):
		return p.AccessToken, nil
	case p.RefreshToken == "":
		return "", login("the access token has expired or was revoked, and the client got no refresh token")
	}
	client, now := p.Client(), time.Now()
	client.HTTPClient = s.HTTPClient
	token, err := client.Refresh(ctx, p.RefreshToken)
	if errors.Is(err, lwa.ErrInvalidGrant) {
		if newer, found := s.newer(ctx, p); found {
			return newer, nil
		}
		return "", login("Amazon refused the refresh token: the person withdrew the consent, or the token is another client's")
	}
	if err != nil {
		return "", err
	}
	p.AccessToken, p.RefreshToken = token.AccessToken, token.RefreshToken
	p.expire(token, now)
	return p.AccessToken, s.Store.Save(s.Profile, p)
}

// newer waits up to two seconds for another process that used the refresh token first.
func (s *Source) newer(ctx context.Context, old Profile) (alexaevents.Secret, bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		if p, err := s.Store.Profile(s.Profile); err == nil && p.RefreshToken != old.RefreshToken {
			return p.AccessToken, true
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return "", false
		}
	}
}

// Client returns an HTTP client that adds a token with the scope to requests to
// Amazon's APIs, and to no others. After a response with status 401 it sends the
// request once more with a new token.
func (s *Source) Client(scope string) *http.Client {
	return &http.Client{
		Transport:     &transport{s, scope},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport adds access tokens to requests.
type transport struct {
	source *Source
	scope  string
}

var apiHosts = []string{"api.amazonalexa.com", "api.eu.amazonalexa.com", "api.fe.amazonalexa.com"}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if r.URL.Scheme != "https" || !slices.Contains(apiHosts, r.URL.Host) {
		return nil, errors.New("access tokens are sent only to Amazon's APIs")
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	token, err := t.source.Token(r.Context(), t.scope)
	if err != nil {
		return nil, err
	}
	response, err := t.send(r, body, token)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	renewed, err := t.source.Renew(r.Context(), t.scope, token)
	if _, must := errors.AsType[*LoginError](err); must || renewed == token {
		return response, nil // there is no other token
	}
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	return t.send(r, body, renewed)
}

func (t *transport) send(r *http.Request, body []byte, token alexaevents.Secret) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.Body = io.NopCloser(strings.NewReader(string(body)))
	out.Header.Set("Authorization", "Bearer "+string(token))
	base := t.source.HTTPClient.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	return base.RoundTrip(out)
}
