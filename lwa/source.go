package lwa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// ErrRefused says that Amazon refused the refresh token of a grant: the customer
// disabled the skill or removed the app, and has to link the account again. It
// is also [ErrInvalidGrant].
var ErrRefused error = refusedError{}

type refusedError struct{}

func (refusedError) Error() string {
	return "lwa: the grant has ended: the customer must link the account again"
}

func (refusedError) Is(target error) bool { return target == ErrInvalidGrant || target == ErrEnded }

// Source hands out access tokens of the grants in a store, and refreshes them
// when it is time. Of several calls for one grant, one asks Amazon, and the
// others wait for its answer. Use one Source for all grants of a client; several
// processes may share a store. It is safe for concurrent use; its fields must
// not change once it is in use.
//
// What Amazon gives is stored before it is handed out. If the store fails, the
// Source keeps it in memory, hands it out from there, and writes it in the
// background until the store has it. While 1000 grants wait for the store, no
// other token is refreshed. Call [Source.Flush] before the process ends.
//
// After failures that concern the client, such as an outage of Login with Amazon,
// throttling or a wrong client secret, the whole Source pauses: for 1 second
// after the second failure in a row, then for 2, 4 and up to 30 seconds, or for
// as long as the header Retry-After asks, up to a day. One request ends a pause.
// Failures that concern one grant pause that grant. A token that is needed in a
// pause is an error at once, with [Error.RetryAfter].
type Source struct {
	Client *Client // makes the requests; required
	Store  Store   // keeps the grants; required

	// Logger receives one record for each refresh and for each late write: at
	// Warn for a refresh or write that failed, else at Debug, the only level that
	// shows account and link IDs. Nil disables logging.
	Logger *slog.Logger

	// Observe is called where Logger receives a record, for metrics. Nil is not
	// called.
	Observe func(context.Context, Observation)

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	renewals renewals
	memory   memory
	unsaved  changes
}

// Token returns an access token of the grant. One that expires within five to
// six minutes is returned, and refreshed in the background. One that has expired
// is refreshed first.
//
// The errors are [ErrNoGrant], [ErrRefused], [ErrInvalidKey], those of
// [Client.Refresh] and those of the Store. A call whose context ends returns; the
// refresh that it waited for goes on for the others.
//
// Before a grant counts as ended, the Source waits for two seconds or more for
// another process that may be storing a new refresh token. If the store fails
// meanwhile, the error is [ErrUnavailable] and not ErrRefused.
func (s *Source) Token(ctx context.Context, key Key) (alexaevents.Secret, error) {
	if err := s.check(key); err != nil {
		return "", err
	}
	grant, _, err := s.read(ctx, key)
	if err != nil {
		return "", err
	}
	return s.token(ctx, grant)
}

// GrantToken is [Source.Token] for a grant that was just read from the store: it
// reads it again only to refresh it.
func (s *Source) GrantToken(ctx context.Context, grant Grant) (alexaevents.Secret, error) {
	if err := s.check(grant.Key); err != nil {
		return "", err
	}
	if unsaved := s.unsaved.of(grant.Key); unsaved != nil {
		_ = unsaved.apply(&grant) // it leaves alone what it does not fit
	}
	return s.token(ctx, grant)
}

func (s *Source) token(ctx context.Context, grant Grant) (alexaevents.Secret, error) {
	if !grant.Live() {
		return "", ErrRefused
	}
	key, now := grant.Key, s.now()
	paused := s.renewals.backoff.waits(now) || s.memory.waits(key, now) || s.unsaved.count() >= maxUnsaved
	return s.renewals.fresh(ctx, string(key.bytes()), grant, now, paused, func(ctx context.Context) (alexaevents.Secret, error) {
		return s.renew(ctx, key, grant.AccessToken, false)
	})
}

// Renew returns another access token of the grant than the stale one, which an
// API refused with 401. It asks Amazon only if the store has no other yet, and not
// more than once a minute for a grant: until then it returns the stale token
// again, since a new one would not be accepted either. Its errors are those of
// [Source.Token].
func (s *Source) Renew(ctx context.Context, key Key, stale alexaevents.Secret) (alexaevents.Secret, error) {
	if err := s.check(key); err != nil {
		return "", err
	}
	return s.renewals.share(ctx, string(key.bytes()), stale, func(ctx context.Context) (alexaevents.Secret, error) {
		return s.renew(ctx, key, stale, true)
	})
}

// HTTPClient returns a client for Amazon's APIs with the account's own grant,
// the one with an empty LinkID: each request carries its access token, and one
// that is answered with 401 is repeated once with a new token, if its body can
// be. The token goes to https URLs of Amazon's API hosts and of Client.APIURL
// only; a request to any other is an error. No redirect is followed. Requests are
// made by Client.HTTPClient; their errors include those of [Source.Token].
func (s *Source) HTTPClient(accountID string) *http.Client {
	key := Key{AccountID: accountID}
	var base *http.Client
	if s.Client != nil { // else check fails
		key.ClientID = s.Client.ID
		base = s.Client.HTTPClient
	}
	client := rest.HTTPClient(base)
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
