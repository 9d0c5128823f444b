package redact_test

import (
	"errors"
	"fmt"
	"net/url"
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
		{"a cat, at a", []string{"a"}, "[redacted] cat, at [redacted]"},
		{"secrets: sec, sec-1, 7sec, secé, é sec", []string{"sec"}, "secrets: [redacted], [redacted]-1, 7sec, secé, é [redacted]"},
		{"inlongsecretside", []string{"longsecret"}, "in[redacted]side"},
		{"two\nlines\x00 \x1b[31m\xff", nil, "two lines   [31m�"},
		{strings.Repeat("é", 1000), nil, strings.Repeat("é", 300)},
		{strings.Repeat("x", 298) + " secret", []string{"secret"}, strings.Repeat("x", 298) + " ["},
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

type verbose struct{ text string }

func (v *verbose) Error() string { return v.text }

var errKnown = errors.New("known")

// errors.Is finds every error, errors.As only one without a secret.
func TestError(t *testing.T) {
	const token = "Atza|canary-1"
	for _, test := range []struct {
		err   error
		text  string
		shown bool
	}{
		{fmt.Errorf("GET: %w: %w", &verbose{"refused"}, errKnown), "GET: refused: known", true},
		{fmt.Errorf("GET ?t=%s: %w: %w", url.QueryEscape(token), &verbose{"refused"}, errKnown), "GET ?t=[redacted]: refused: known", false},
		{outer{fmt.Errorf("%w: %w", &verbose{"token " + token}, errKnown)}, "outer", false},
		{several{errKnown, &verbose{"token " + token}}, "several", false},
		{several{errKnown, &verbose{"refused"}}, "several", true},
	} {
		err := redact.Error(test.err, token)
		require.EqualError(t, err, test.text)
		require.ErrorIs(t, err, errKnown)
		var v *verbose
		require.Equal(t, test.shown, errors.As(err, &v))
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, err), "canary")
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, e.Error(), "canary")
		}
	}
}

// outer hides the text of the error that it wraps.
type outer struct{ err error }

func (outer) Error() string   { return "outer" }
func (o outer) Unwrap() error { return o.err }

// several hides the texts of the errors that it wraps.
type several []error

func (several) Error() string     { return "several" }
func (s several) Unwrap() []error { return s }

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
		require.Equal(t, want, redact.Storable(s), "%q", s)
	}
}
