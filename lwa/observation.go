package lwa

import (
	"context"
	"errors"
	"log/slog"
)

// Outcome is what became of a refresh. The text is fit for a metric's label.
type Outcome string

// The outcomes of a refresh.
const (
	Refreshed   Outcome = "refreshed"   // a new access token is stored
	Superseded  Outcome = "superseded"  // another process changed the grant first; its state counts
	Refused     Outcome = "refused"     // Amazon said invalid_grant: the grant has ended
	Unavailable Outcome = "unavailable" // Amazon gave no answer of use; a later try may succeed
	Failed      Outcome = "failed"      // the client or the store is at fault
)

// Observation is what a [Source] tells about a refresh: nothing personal.
type Observation struct {
	ClientID string
	Outcome  Outcome
	Err      error // nil after Refreshed and Superseded
}

func (s *Source) report(ctx context.Context, key Key, err error) {
	observation := Observation{ClientID: key.ClientID, Outcome: Failed, Err: err}
	switch {
	case err == nil:
		observation.Outcome = Refreshed
	case errors.Is(err, errChanged):
		observation.Outcome, observation.Err = Superseded, nil
	case errors.Is(err, ErrRefused):
		observation.Outcome = Refused
	case errors.Is(err, ErrUnavailable):
		observation.Outcome = Unavailable
	}
	if s.Observe != nil {
		s.Observe(ctx, observation)
	}
	if s.Logger == nil {
		return
	}
	attrs := []slog.Attr{slog.String("lwa.client.id", key.ClientID), slog.String("alexa.outcome", string(observation.Outcome))}
	if observation.Err == nil {
		attrs = append(attrs, slog.String("alexa.account.id", key.AccountID), slog.String("alexa.link.id", key.LinkID))
		s.Logger.LogAttrs(ctx, slog.LevelDebug, "access token refreshed", attrs...)
		return
	}
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "access token not refreshed", append(attrs, slog.Any("error", observation.Err))...)
}
