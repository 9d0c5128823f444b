package lwa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/outbound"
)

// ErrRefused says that Amazon refused the refresh token of a grant: the customer
// disabled the skill or removed the app, and has to link the account again. It
// is also [ErrInvalidGrant]. While two processes refresh one grant at once, one
// of them may see it for a moment although the grant goes on.
var ErrRefused error = refusedError{}

type refusedError struct{}

func (refusedError) Error() string {
	return "lwa: the grant has ended: the customer must link the account again"
}

func (refusedError) Is(target error) bool { return target == ErrInvalidGrant }

// Source hands out access tokens of the grants in a store, and refreshes them
// when it is time. Of several calls for one grant, one asks Amazon, and the
// others wait for its answer. Use one Source for all grants of a client; several
// processes may share a store. It is safe for concurrent use; its fields must
// not change once it is in use.
type Source struct {
	Client *Client // makes the requests; required
	Store  Store   // keeps the grants; required

	// Logger hears of each refresh: at Warn of one that failed, else at Debug,
	// the only level that shows account and link IDs. Nil discards.
	Logger *slog.Logger

	// Observe is called after each refresh, for metrics. Nil is no call.
	Observe func(context.Context, Observation)

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	renewals renewals
}

// Token returns an access token of the grant. One that expires within five to
// six minutes is refreshed first, and stored before it is handed out; where that
// fails although the grant has not ended, the old one serves until it expires.
//
// The errors are [ErrNoGrant], [ErrRefused], [ErrInvalidKey], those of
// [Client.Refresh] and those of the Store. A call whose context ends returns; the
// refresh that it waited for goes on for the others.
func (s *Source) Token(ctx context.Context, key Key) (alexaevents.Secret, error) {
	if err := s.check(key); err != nil {
		return "", err
	}
	grant, err := s.Store.Grant(ctx, key)
	if err != nil {
		return "", err
	}
	return s.GrantToken(ctx, grant)
}

// GrantToken is [Source.Token] for a grant that was just read from the store: it
// reads it again only to refresh it.
func (s *Source) GrantToken(ctx context.Context, grant Grant) (alexaevents.Secret, error) {
	if err := s.check(grant.Key); err != nil {
		return "", err
	}
	if !grant.Live() {
		return "", ErrRefused
	}
	return s.renewals.fresh(ctx, grant, s.now, func() (alexaevents.Secret, error) {
		return s.Renew(ctx, grant.Key, grant.AccessToken)
	})
}

// Renew returns another access token of the grant than the stale one, which an
// API refused with 401. It asks Amazon only if the store has no other yet. Its
// errors are those of [Source.Token].
func (s *Source) Renew(ctx context.Context, key Key, stale alexaevents.Secret) (alexaevents.Secret, error) {
	if err := s.check(key); err != nil {
		return "", err
	}
	return s.renewals.share(ctx, string(key.bytes()), stale, func(ctx context.Context) (alexaevents.Secret, error) {
		return s.renew(ctx, key, stale)
	})
}

// HTTPClient returns a client for Amazon's APIs with the account's own grant,
// the one with an empty LinkID: each request carries its access token, and one
// that is answered with 401 is repeated once with a new token, if its body can
// be. It sends to https URLs only and follows no redirect, so that the token
// goes nowhere else. Requests are made by Client.HTTPClient; their errors
// include those of [Source.Token].
func (s *Source) HTTPClient(accountID string) *http.Client {
	key := Key{AccountID: accountID}
	var base *http.Client
	if s.Client != nil { // else check fails
		key.ClientID = s.Client.ID
		base = s.Client.HTTPClient
	}
	client := outbound.Client(base)
	client.Transport = &transport{base: client.Transport, source: s, key: key}
	return client
}

func (s *Source) check(key Key) error {
	switch {
	case s.Client == nil:
		return errors.New("lwa: Source without Client")
	case s.Store == nil:
		return errors.New("lwa: Source without Store")
	}
	if err := key.check(); err != nil {
		return err
	}
	if key.ClientID != s.Client.ID {
		return fmt.Errorf("%w: ClientID is not that of the Source's Client", ErrInvalidKey)
	}
	return nil
}

func (s *Source) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
