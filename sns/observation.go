package sns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Outcome says what a [Handler], [Lambda] or [SQS] did with a message. The text
// is fit for a metric's label.
type Outcome string

// Only Received acknowledges the message.
const (
	Received      Outcome = "received"      // Receive returned nil, or a subscription was confirmed or has ended
	Failed        Outcome = "failed"        // Receive or a request to SNS failed
	Refused       Outcome = "refused"       // not a message, not a POST, not genuine, or a message of another topic
	Misconfigured Outcome = "misconfigured" // a field is not set: ErrMisconfigured
)

// Observation describes the end of one message.
type Observation struct {
	MessageType string        // such as Notification; empty if the message was not accepted
	TopicArn    string        // empty if the message was not accepted, and for raw messages of SQS
	Timestamp   time.Time     // publication; zero if the message was not accepted, and for raw messages
	Duration    time.Duration // time to handle the message, Receive included
	Outcome     Outcome
	Err         error // reason, such as the error of Receive; nil after Received
}

// outcomeOf returns the outcome of a message; it is nil if it was not accepted.
func outcomeOf(m *Message, err error) Outcome {
	switch {
	case err == nil:
		return Received
	case m != nil:
		return Failed
	case errors.Is(err, ErrMisconfigured):
		return Misconfigured
	case errors.Is(err, ErrFetch):
		return Failed
	}
	return Refused
}

// report is where a Handler, Lambda or SQS reports its messages.
type report struct {
	logger  *slog.Logger
	observe func(context.Context, Observation)
	misuse  *redact.Throttle
}

// end reports one message; it is nil if it was not accepted. The level is that of
// a message that was refused. The log has the attribute unless it is zero.
func (r report) end(ctx context.Context, m *Message, start time.Time, level slog.Level, err error, attribute slog.Attr) {
	outcome := outcomeOf(m, err)
	if r.observe != nil {
		o := Observation{Duration: time.Since(start), Outcome: outcome, Err: err}
		if m != nil {
			o.MessageType, o.TopicArn, o.Timestamp = m.Type, m.TopicArn, m.Timestamp
		}
		r.observe(ctx, o)
	}
	if r.logger == nil || outcome == Received {
		return
	}
	text := "refused a message"
	switch {
	case outcome == Failed:
		text, level = "could not receive a message", slog.LevelWarn
	case outcome == Misconfigured:
		level = r.misuse.Level()
	}
	attributes := []slog.Attr{slog.String("alexa.outcome", string(outcome)), slog.Any("error", err), attribute}
	if m != nil {
		attributes = append(attributes, slog.Any("sns.message", m))
	}
	r.logger.LogAttrs(ctx, level, text, attributes...)
}

func (r report) log() *slog.Logger {
	if r.logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return r.logger
}

// receiver is the common part of a Handler, Lambda and SQS.
type receiver struct {
	verifier *Verifier // that verifies; nil verifies nothing
	confirm  *Verifier // that confirms subscriptions; nil confirms none
	receive  func(context.Context, *Message) error
	report
}

// accept reads a message that AWS itself delivered, and verifies it if there is a
// verifier.
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

// deliver passes a notification to receive, or confirms a subscription.
func (r *receiver) deliver(ctx context.Context, m *Message) error {
	switch {
	case m.Type == UnsubscribeConfirmation: // a request to its URL would subscribe again
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
