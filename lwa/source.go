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
// The errors are [ErrNoGrant], [ErrInvalidGrant], [ErrInvalidKey], those of
// [Client.Refresh] and those of the Store. A call whose context ends returns; the
// refresh that it waited for goes on for the others.
//
// Before a grant counts as ended, the Source waits for two seconds or more for
// another process that may be storing a new refresh token. If the store fails
// meanwhile, the error is [alexaevents.ErrTemporary] and not ErrInvalidGrant.
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
		return "", errRefused
	}
	key, now := grant.Key, s.now()
	paused := s.renewals.backoff.waits(now) || s.memory.waits(key, now) || s.unsaved.count() > 0
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

// Format prints the type alone: neither account IDs nor what waits for the store.
func (s *Source) Format(f fmt.State, _ rune) { fmt.Fprint(f, "lwa.Source") }

// TokenSource returns the grant of the key as an [oauth2.TokenSource], for
// libraries that ask for one. Its calls have the context ctx. The token has no
// expiry, so that nobody keeps it: each call is one of [Source.Token].
func (s *Source) TokenSource(ctx context.Context, key Key) oauth2.TokenSource {
	return tokenSource(func() (*oauth2.Token, error) {
		token, err := s.Token(ctx, key)
		if err != nil {
			return nil, err
		}
		return &oauth2.Token{AccessToken: string(token), TokenType: "Bearer"}, nil
	})
}

type tokenSource func() (*oauth2.Token, error)

func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

// Outcome is what became of a refresh, or of a write that was late. The text is
// fit for a metric's label.
type Outcome string

// The outcomes of a refresh, and Saved.
const (
	Refreshed   Outcome = "refreshed"   // a new access token is stored
	Unsaved     Outcome = "unsaved"     // the store failed: what Amazon gave is in memory, and is written until it is stored
	Saved       Outcome = "saved"       // what was Unsaved is stored, or no longer needed
	Superseded  Outcome = "superseded"  // another process changed the grant first; its state counts
	Refused     Outcome = "refused"     // Amazon said invalid_grant: the grant has ended
	Unavailable Outcome = "unavailable" // Amazon gave no answer of use, or left in doubt whether the grant has ended; a later try may succeed
	Skipped     Outcome = "skipped"     // no request was made: in a pause after failures, or while too many grants wait for the store
	Failed      Outcome = "failed"      // the client is at fault
)

// Observation is what a [Source] tells about a refresh: nothing personal.
type Observation struct {
	ClientID string
	Outcome  Outcome
	Err      error // nil after Refreshed, Saved and Superseded
	Waiting  int   // grants whose new tokens are in memory only
}

func (s *Source) report(ctx context.Context, key Key, outcome Outcome, err error) {
	observation := Observation{key.ClientID, outcome, err, s.unsaved.count()}
	if s.Observe != nil {
		_ = rest.Catch(func() error { s.Observe(ctx, observation); return nil }) // a panic must not keep a token from its caller
	}
	if s.Logger == nil {
		return
	}
	attrs := []slog.Attr{slog.String("lwa.client.id", key.ClientID), slog.String("alexa.outcome", string(outcome))}
	level, message := slog.LevelDebug, "access token refreshed"
	switch {
	case err == nil:
		attrs = append(attrs, slog.String("alexa.account.id", key.AccountID), slog.String("alexa.link.id", key.LinkID))
	case outcome == Skipped: // many, and the failure before them was logged
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
