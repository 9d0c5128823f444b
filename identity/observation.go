package identity

import (
	"context"
	"log/slog"

	"github.com/alexaevents/alexaevents/skillevents"
)

// Outcome is what a [Recorder] did with an event. Its values can be labels of a
// metric.
type Outcome string

// After these outcomes the event is acknowledged.
const (
	Recorded  Outcome = "recorded"   // the fact is stored
	Ignored   Outcome = "ignored"    // the event is of another type, or not new
	NoUser    Outcome = "no_user"    // the event has no user ID; not stored
	NoToken   Outcome = "no_token"   // the event has no access token; stored without account
	NoAccount Outcome = "no_account" // Account returned ErrNoAccount; stored without account
)

// After these outcomes Alexa redelivers the event.
const (
	AccountFailed Outcome = "account_failed" // stored without account for now
	Misconfigured Outcome = "misconfigured"  // ErrMisconfigured; stored without account for now, or not stored if Store is nil
	StoreFailed   Outcome = "store_failed"   // not stored
	Refused       Outcome = "refused"        // the event has no skill ID or time; not stored
)

// Observation describes what a [Recorder] did with an event. It contains no
// personal data.
type Observation struct {
	EventType string // request.type, such as "AlexaSkillEvent.SkillEnabled"
	SkillID   string
	Kind      Kind // kind of the fact; zero without one
	Outcome   Outcome
	Err       error // cause of the Outcome, nil without one; never contains the access token
}

func (r *Recorder) report(ctx context.Context, envelope *skillevents.Envelope, fact Fact, outcome Outcome, err error) {
	if r.Observe != nil {
		r.Observe(ctx, Observation{EventType: envelope.Type, SkillID: envelope.SkillID, Kind: fact.Kind, Outcome: outcome, Err: err})
	}
	if r.Logger == nil {
		return
	}
	level := slog.LevelWarn
	if outcome == Misconfigured {
		level = r.misuse.Level()
	}
	attrs := []slog.Attr{
		slog.String("alexa.event.type", envelope.Type),
		slog.String("alexa.skill.id", envelope.SkillID),
		slog.String("alexa.request.id", envelope.RequestID),
		slog.String("alexa.outcome", string(outcome)),
	}
	if outcome == Recorded || outcome == Ignored {
		level = slog.LevelDebug
		attrs = append(attrs, slog.String("alexa.user.id", fact.AmazonUserID), slog.String("alexa.account.id", fact.AccountID))
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	r.Logger.LogAttrs(ctx, level, "alexa event", attrs...)
}
