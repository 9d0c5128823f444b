package sns

import (
	"context"
	"fmt"
	"log/slog"
)

// accept reads a message that AWS itself has delivered, and verifies it too if
// there is a verifier.
func accept(ctx context.Context, topics []string, v *Verifier, data []byte) (*Message, error) {
	_, m, err := open(topics, data)
	if err != nil || v == nil {
		return m, err
	}
	return v.Verify(ctx, data)
}

// deliver does what a message asks for. A nil error acknowledges it.
func deliver(ctx context.Context, v *Verifier, m *Message, receive func(context.Context, *Message) error) error {
	switch {
	case m.Type == UnsubscribeConfirmation: // its URL would subscribe again
		return nil
	case m.Type == SubscriptionConfirmation && v == nil:
		return fmt.Errorf("%w: there is no Verifier", ErrConfirm)
	case m.Type == SubscriptionConfirmation:
		return v.Confirm(ctx, m)
	case receive == nil:
		return errNoReceive
	}
	return receive(ctx, m)
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
