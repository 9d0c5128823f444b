package lwa

import (
	"context"
	"errors"
	"log/slog"

	"github.com/alexaevents/alexaevents/internal/rest"
)

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
