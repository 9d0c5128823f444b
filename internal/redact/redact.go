// Package redact decides what may be shown in an error or a log, and what text
// can be stored.
package redact

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText = 300 // characters
	short   = 8   // bytes; a shorter secret may also be a part of a word
)

// Text returns the text as one line of at most 300 printable characters without the
// secrets, plain or URL-encoded. It ignores empty secrets. A secret of less than 8
// bytes is removed only where it is not a part of a longer word.
func Text(text string, secrets ...string) string {
	for _, form := range forms(secrets) {
		text = strike(text, form)
	}
	runes := 0
	return strings.Map(func(r rune) rune {
		if runes++; runes > maxText {
			return -1
		}
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// Error returns an error whose text is that of err after [Text]. errors.Is works as
// for err. errors.As works as for err if no text in the tree of err has a secret,
// and finds nothing otherwise.
func Error(err error, secrets ...string) error {
	return &cleaned{text: Text(err.Error(), secrets...), err: err, shown: !shows(err, forms(secrets))}
}

// shows reports whether a text in the tree of err has one of the forms of a secret.
func shows(err error, forms []string) bool {
	if err == nil {
		return false
	}
	for _, form := range forms {
		if strike(err.Error(), form) != err.Error() {
			return true
		}
	}
	switch err := err.(type) { //nolint:errorlint // the wrapped errors are checked too
	case interface{ Unwrap() error }:
		return shows(err.Unwrap(), forms)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(err.Unwrap(), func(err error) bool { return shows(err, forms) })
	}
	return false
}

type cleaned struct {
	text  string
	err   error
	shown bool // whether errors.As may find err
}

func (e *cleaned) Error() string        { return e.text }
func (e *cleaned) Is(target error) bool { return errors.Is(e.err, target) }
func (e *cleaned) As(target any) bool   { return e.shown && errors.As(e.err, target) }

// forms returns each secret plain and URL-encoded.
func forms(secrets []string) (forms []string) {
	for _, secret := range secrets {
		if secret != "" {
			forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret))
		}
	}
	return forms
}

func strike(text, secret string) string {
	const struck = "[redacted]"
	if len(secret) >= short {
		return strings.ReplaceAll(text, secret, struck)
	}
	var b strings.Builder
	rest := text
	for {
		before, after, found := strings.Cut(rest, secret)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		last, _ := utf8.DecodeLastRuneInString(text[:len(text)-len(after)-len(secret)])
		next, _ := utf8.DecodeRuneInString(after)
		if isWord(last) || isWord(next) {
			b.WriteString(secret)
		} else {
			b.WriteString(struck)
		}
		rest = after
	}
}

func isWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// Storable reports whether every database stores the text unchanged: it is UTF-8
// without NUL, as PostgreSQL requires.
func Storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
