package redact_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/internal/redact"
)

func TestText(t *testing.T) {
	for _, test := range []struct {
		text    string
		secrets []string
		want    string
	}{
		{"", nil, ""},
		{"all is well", []string{""}, "all is well"},
		{"GET /?token=Atza%7Ca+b: refused", []string{"Atza|a b"}, "GET /?token=[redacted]: refused"},
		{"GET /Atza%7Ca%20b", []string{"Atza|a b"}, "GET /[redacted]"},
		{"code one, token Atza|2", []string{"Atza|2", "one"}, "code [redacted], token [redacted]"},
		{"two\nlines\x00 \x1b[31m\xff", nil, "two lines   [31m�"},
		{strings.Repeat("é", 1000), nil, strings.Repeat("é", 300)},
		{strings.Repeat("x", 299) + "secret", []string{"secret"}, strings.Repeat("x", 299) + "["},
	} {
		require.Equal(t, test.want, redact.Text(test.text, test.secrets...))
	}
}

func TestTextShowsNoSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`Atz[ar]\|[A-Z]{8}`).Draw(t, "secret")
		got := redact.Text(rapid.String().Draw(t, "before")+secret+rapid.String().Draw(t, "after"), secret)
		require.NotContains(t, got, secret)
		require.LessOrEqual(t, utf8.RuneCountInString(got), 300)
		require.Equal(t, -1, strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }))
	})
}
