package identity

import (
	"context"
	"log/slog"

	"github.com/alexaevents/alexaevents/skillevents"
)

// Outcome says what a [Recorder] did with an event. The text is fit for a
// metric's label.
type Outcome string

// After these the event is acknowledged.
const (
	Recorded  Outcome = "recorded"   // the fact is stored
	Ignored   Outcome = "ignored"    // it tells nothing, or nothing new
	NoUser    Outcome = "no_user"    // it has no user ID: no fact
	NoToken   Outcome = "no_token"   // the link has no access token: stored without account
	NoAccount Outcome = "no_account" // Account returned ErrNoAccount: stored without account
)

// After these Alexa redelivers the event.
const (
	AccountFailed Outcome = "account_failed" // stored without account for now
	Misconfigured Outcome = "misconfigured"  // ErrMisconfigured: stored without account for now, or not stored without Store
	StoreFailed   Outcome = "store_failed"   // not stored
	Refused       Outcome = "refused"        // it has no skill or time: no fact
)

// Observation describes what a [Recorder] did with an event. It holds no
// personal data.
type Observation struct {
	EventType string // request.type, such as "AlexaSkillEvent.SkillEnabled"
	SkillID   string
	Kind      Kind // of the fact; zero if the event tells none
	Outcome   Outcome
	Err       error // the cause of any Outcome that has one; the access token is struck from its text
}

func (r *Recorder) report(ctx context.Context, envelope *skillevents.Envelope, fact Fact, outcome Outcome, err error) {
	if r.Observe != nil {
		r.Observe(ctx, Observation{EventType: envelope.Type, SkillID: envelope.SkillID, Kind: fact.Kind, Outcome: outcome, Err: err})
	}
	if r.Logger == nil {
		return
	}
	level := slog.LevelWarn
	switch {
	case outcome == Misconfigured && r.misuse.Allow():
		level = slog.LevelError
	case outcome == Misconfigured:
		level = slog.LevelDebug
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
