package alexaevents

import (
	"fmt"
	"log/slog"
)

// Secret is a token or code that must not reach a log. It prints, logs and
// marshals as [redacted]. Only the conversion string(s) returns its text.
//
// Package fmt does not call methods on unexported fields. It prints the text of a
// Secret in an unexported field, directly or inside a struct, unless the outer
// struct has a Format or String method.
type Secret string

const redacted = "[redacted]"

// String returns [redacted], or "" for an empty secret, so that a log shows
// whether it was set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format prints the secret as [Secret.String] does, with every verb.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || f.Flag('#') {
		fmt.Fprintf(f, "%q", s.String())
		return
	}
	fmt.Fprint(f, s.String())
}

// LogValue is the redacted form for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is the redacted form for encoding/json and other encoders of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
