package text_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/text"
)

func TestStorable(t *testing.T) {
	for s, want := range map[string]bool{
		"":                     true,
		"amzn1.ask.account":    true,
		"\t\n\x01\x7f":         true,
		"é e\u0301 \U0001f511": true,
		"\ufffd \uffff":        true, // the replacement character is a character
		"\x00":                 false,
		"a\x00b":               false,
		"\xff":                 false,
		"a\xc3":                false, // half a character
		"\xed\xa0\x80":         false, // half a surrogate pair
		"\xc0\x80":             false, // a NUL in disguise
	} {
		require.Equal(t, want, text.Storable(s), "%q", s)
	}
}
