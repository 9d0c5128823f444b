package lwa

import (
	"fmt"
	"log/slog"

	"github.com/alexaevents/alexaevents"
)

// redacted is what of a Client may be printed.
type redacted struct {
	ID     string
	Secret alexaevents.Secret
}

func (c Client) redacted() redacted { return redacted{c.ID, alexaevents.Secret(c.Secret)} }

// Format prints the client ID, and [redacted] for the secret.
func (c Client) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), c.redacted())
}

// LogValue is the redacted form for log/slog.
func (c Client) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.Any("secret", alexaevents.Secret(c.Secret)))
}

// MarshalText is the redacted form for encoding/json and its kin.
func (c Client) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }

// Format prints the type alone: neither account IDs nor what waits for the store.
func (s *Source) Format(f fmt.State, _ rune) { fmt.Fprint(f, "lwa.Source") }
