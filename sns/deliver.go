package sns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Observation tells how a message was handled. Type, TopicArn and Timestamp are
// those of the message. They are empty if the message was refused.
type Observation struct {
	Type      string
	TopicArn  string
	Timestamp time.Time     // publication; zero for a raw message
	Duration  time.Duration // handling, Receive included
	Err       error         // nil if the message was acknowledged; else the reason, such as what Receive returned
}

// receiver is what a Handler, Lambda and SQS have in common.
type receiver struct {
	verifier *Verifier // that verifies; nil verifies nothing
	confirm  *Verifier // that confirms subscriptions; nil confirms none
	receive  func(context.Context, *Message) error
	logger   *slog.Logger
	observe  func(context.Context, Observation)
	misused  *redact.Throttle
}

// accept reads a message that AWS itself has delivered. It verifies the message
// too if there is a verifier.
func (r *receiver) accept(ctx context.Context, topics []string, data []byte) (*Message, error) {
	d, m, err := open(topics, data)
	switch {
	case err != nil:
		return nil, err
	case r.verifier != nil:
		return r.verifier.Verify(ctx, data)
	}
	m.Message = string(d.text[body])
	return m, nil
}

// deliver does what a message asks for. A nil error acknowledges it.
func (r *receiver) deliver(ctx context.Context, m *Message) error {
	switch {
	case m.Type == UnsubscribeConfirmation: // its URL would subscribe again
		r.log().WarnContext(ctx, "a subscription has ended", slog.Any("sns.message", m))
		return nil
	case m.Type == Notification:
		return r.receive(ctx, m)
	case r.confirm == nil:
		return fmt.Errorf("%w: there is no Verifier", ErrConfirm)
	}
	err := r.confirm.Confirm(ctx, m)
	if err == nil {
		r.log().InfoContext(ctx, "confirmed a subscription", slog.Any("sns.message", m))
	}
	return err
}

// report calls Observe. The message is nil if it was refused.
func (r *receiver) report(ctx context.Context, m *Message, start time.Time, err error) {
	if r.observe == nil {
		return
	}
	o := Observation{Duration: time.Since(start), Err: err}
	if m != nil {
		o.Type, o.TopicArn, o.Timestamp = m.Type, m.TopicArn, m.Timestamp
	}
	r.observe(ctx, o)
}

func (r *receiver) log() *slog.Logger {
	if r.logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return r.logger
}

// logFailure logs why a message is not acknowledged. The message is nil if it was
// refused. Misuse is logged at Error, at most once a minute, and otherwise at Debug,
// since it concerns every message.
func (r *receiver) logFailure(ctx context.Context, level slog.Level, m *Message, err error, attributes ...slog.Attr) {
	text := "refused a message"
	attributes = append([]slog.Attr{slog.String("alexa.outcome", "refused"), slog.Any("error", err)}, attributes...)
	if m != nil {
		text = "could not receive a message"
		attributes = append(attributes, slog.Any("sns.message", m))
	}
	switch {
	case errors.Is(err, errMisuse) && r.misused.Allow():
		level = slog.LevelError
	case errors.Is(err, errMisuse):
		level = slog.LevelDebug
	}
	r.log().LogAttrs(ctx, level, text, attributes...)
}
