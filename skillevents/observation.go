package skillevents

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Outcome says what a [Handler] or [Lambda] did with an event. The text is fit
// for a metric's label.
type Outcome string

// Alexa redelivers the event after every Outcome but Received.
const (
	Received      Outcome = "received"      // Receive returned nil; the event is acknowledged
	Failed        Outcome = "failed"        // Receive returned an error
	Refused       Outcome = "refused"       // not an event, not a POST, or an event of another skill
	Misconfigured Outcome = "misconfigured" // a field or the verifier is missing: ErrMisconfigured
)

// Observation describes the end of one request or invocation. It holds no
// personal data.
type Observation struct {
	EventType string        // request.type; empty without an event
	SkillID   string        // ID of the event's skill; empty without an event
	Duration  time.Duration // time to handle the event, Receive included
	Outcome   Outcome
	Err       error // reason, such as the error of Receive; nil after Received
}

// report is where a Handler or Lambda reports its events.
type report struct {
	logger  *slog.Logger
	observe func(context.Context, Observation)
	misuse  *redact.Throttle
}

// end reports one event; it is nil if none was read.
func (r report) end(ctx context.Context, event Event, start time.Time, outcome Outcome, err error) {
	envelope := new(Envelope)
	if event != nil {
		envelope = event.Common()
	}
	if r.observe != nil {
		r.observe(ctx, Observation{
			EventType: envelope.Type, SkillID: envelope.SkillID,
			Duration: time.Since(start), Outcome: outcome, Err: err,
		})
	}
	if r.logger == nil || outcome == Received {
		return
	}
	text, level := "refused an event", slog.LevelWarn
	switch {
	case outcome == Failed:
		text = "could not receive an event"
	case errors.Is(err, errMethod):
		level = slog.LevelInfo // anyone can cause these
	case outcome == Misconfigured:
		level = r.misuse.Level()
	}
	r.logger.LogAttrs(ctx, level, text,
		slog.String("alexa.event.type", envelope.Type),
		slog.String("alexa.skill.id", envelope.SkillID),
		slog.String("alexa.request.id", envelope.RequestID),
		slog.String("alexa.outcome", string(outcome)),
		slog.String("error", redact.Text(err.Error(), secrets(event)...)))
}

// secrets returns the tokens of an event. An error of package net/http shows
// them if they are part of a URL.
func secrets(event Event) []string {
	if event == nil {
		return nil
	}
	envelope := event.Common()
	tokens := []string{string(envelope.AccessToken), string(envelope.ConsentToken), string(envelope.APIAccessToken)}
	if linked, ok := event.(*SkillAccountLinked); ok {
		tokens = append(tokens, string(linked.AccessToken))
	}
	return tokens
}
