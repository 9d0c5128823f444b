package lwa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// Source returns access tokens of the grants in a store, and refreshes them. Calls
// for the same grant share one request to Amazon. Use one Source for all grants of
// a client; several processes may share a store. It is safe for concurrent use; its
// fields must not change once it is in use.
//
// New tokens are stored before they are returned. If the store fails, the Source
// keeps them in memory, returns them, and writes them in the background until the
// store has them: a late write. While grants wait for the store, tokens are not refreshed
// before they expire; while 1000 wait, no token is refreshed. Call [Source.Flush]
// before the process ends.
//
// After failures that concern the client, such as an outage of Login with Amazon,
// throttling or a wrong client secret, the Source backs off: it makes no requests
// for 1 second after the second failure in a row, then for 2, 4 and up to 30
// seconds, or for as long as the header Retry-After asks, up to a day. Then one
// request decides whether the others may follow. After failures that concern one
// grant, the Source backs off for that grant. During backoff a call that needs a
// new token fails at once, with [Error.RetryAfter].
type Source struct {
	Client *Client // makes the requests; required
	Store  Store   // keeps the grants; required

	// Logger receives one record for each refresh and each late write: at level
	// Warn for a failure, otherwise at level Debug, the only one with account and
	// link IDs. Nil disables logging.
	Logger *slog.Logger

	// Observe is called for each record of Logger, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	renewals  renewals
	standings standings
	unsaved   changes
}

// Token returns an access token of the grant. In the last five to six minutes
// before a token expires, Token returns it and refreshes it in the background. An
// expired token is refreshed first.
//
// The errors are [ErrNoGrant], [ErrInvalidGrant], [ErrInvalidKey], those of
// [Client.Refresh] and those of Store. If ctx ends, the call returns and the
// refresh continues for other callers.
//
// After Amazon refuses a refresh token, the Source waits at least two seconds for
// another process that may be storing a new one. Only then is the grant marked as
// ended. If the store fails during that time, the error is
// [alexaevents.ErrTemporary] and not ErrInvalidGrant.
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

// GrantToken is [Source.Token] for a grant that was just read from the store. It
// reads the grant again only to refresh it.
func (s *Source) GrantToken(ctx context.Context, grant Grant) (alexaevents.Secret, error) {
	if err := s.check(grant.Key); err != nil {
		return "", err
	}
	if unsaved := s.unsaved.of(grant.Key); unsaved != nil {
		_ = unsaved.apply(&grant) // on an error the grant is unchanged
	}
	return s.token(ctx, grant)
}

func (s *Source) token(ctx context.Context, grant Grant) (alexaevents.Secret, error) {
	if !grant.Live() {
		return "", errRefused
	}
	key, now := grant.Key, s.now()
	paused := s.renewals.backoff.waits(now) || s.standings.waits(key, now) || s.unsaved.count() > 0
	return s.renewals.fresh(ctx, string(key.bytes()), grant, now, paused, func(ctx context.Context) (alexaevents.Secret, error) {
		return s.renew(ctx, key, grant.AccessToken, false)
	})
}

// Renew replaces the stale access token, which an API refused with 401. It makes a
// request only if the store has no other token, and at most once a minute for a
// grant; otherwise it returns the current token. The errors are those of
// [Source.Token].
func (s *Source) Renew(ctx context.Context, key Key, stale alexaevents.Secret) (alexaevents.Secret, error) {
	if err := s.check(key); err != nil {
		return "", err
	}
	return s.renewals.share(ctx, string(key.bytes()), stale, func(ctx context.Context) (alexaevents.Secret, error) {
		return s.renew(ctx, key, stale, true)
	})
}

func (s *Source) check(key Key) error {
	switch {
	case s.Client == nil:
		return errors.New("lwa: Source.Client is nil")
	case s.Store == nil:
		return errors.New("lwa: Source.Store is nil")
	}
	if err := key.check(); err != nil {
		return err
	}
	if key.ClientID != s.Client.ID {
		return fmt.Errorf("%w: ClientID is not the ID of Source.Client", ErrInvalidKey)
	}
	return nil
}

func (s *Source) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// Format prints only the type, without account IDs and tokens.
func (s *Source) Format(f fmt.State, _ rune) { fmt.Fprint(f, "lwa.Source") }

// TokenSource returns an [oauth2.TokenSource] for the grant, for libraries that take
// one. It gets each token from [Source.Token] with ctx. Its tokens claim to expire in
// a minute, so that libraries that cache a token, as [oauth2.NewClient] does, ask
// again.
func (s *Source) TokenSource(ctx context.Context, key Key) oauth2.TokenSource {
	return tokenSource(func() (*oauth2.Token, error) {
		token, err := s.Token(ctx, key)
		if err != nil {
			return nil, err
		}
		return &oauth2.Token{AccessToken: string(token), TokenType: "Bearer", Expiry: time.Now().Add(time.Minute)}, nil
	})
}

type tokenSource func() (*oauth2.Token, error)

func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

// Outcome is how a refresh or a late write ended. It can be the label of a metric.
type Outcome string

// The outcomes of a refresh, and Saved for a late write.
const (
	Refreshed   Outcome = "refreshed"   // a new access token is stored
	Unsaved     Outcome = "unsaved"     // the store failed: the new tokens are in memory until a late write stores them
	Saved       Outcome = "saved"       // a late write stored the tokens, or they are no longer needed
	Superseded  Outcome = "superseded"  // another process changed the grant first; its change stays
	Refused     Outcome = "refused"     // Amazon refused with invalid_grant: the grant has ended
	Unavailable Outcome = "unavailable" // temporary failure: of Amazon, or of the store after a refusal
	Skipped     Outcome = "skipped"     // no request during backoff, or while 1000 grants wait for the store
	Failed      Outcome = "failed"      // Amazon refused the client or the request
)

// Observation reports a refresh or a late write of a [Source]. It contains no
// personal data.
type Observation struct {
	ClientID string
	Outcome  Outcome
	Err      error // nil after Refreshed, Saved and Superseded
	Waiting  int   // number of grants that wait for the store
}

func (s *Source) report(ctx context.Context, key Key, outcome Outcome, err error) {
	observation := Observation{key.ClientID, outcome, err, s.unsaved.count()}
	if s.Observe != nil {
		_ = rest.Catch(func() error { s.Observe(ctx, observation); return nil }) // a panic must not cost the caller a token
	}
	if s.Logger == nil {
		return
	}
	attrs := []slog.Attr{slog.String("lwa.client.id", key.ClientID), slog.String("alexa.outcome", string(outcome))}
	level, message := slog.LevelDebug, "access token refreshed"
	switch {
	case err == nil:
		attrs = append(attrs, slog.String("alexa.account.id", key.AccountID), slog.String("alexa.link.id", key.LinkID))
	case outcome == Skipped: // frequent; the failure before was logged at Warn
		message = "access token not refreshed"
	case outcome == Unsaved:
		level, message = slog.LevelWarn, "access token refreshed, but not stored yet"
	default:
		level, message = slog.LevelWarn, "access token not refreshed"
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	if failure, ok := errors.AsType[*rest.PanicError](err); ok {
		attrs = append(attrs, slog.String("stack", string(failure.Stack)))
	}
	s.Logger.LogAttrs(ctx, level, message, attrs...)
}
