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
	longest = 300 // characters
	short   = 8   // bytes of a secret that may also be a part of a word
)

// Text returns the text as one line of printable characters, cut to 300, in
// which the secrets are struck out: plain, and as a URL has them. Empty secrets
// are none. A secret of less than 8 bytes is struck only where it is not a part
// of a longer word.
func Text(text string, secrets ...string) string {
	for _, form := range forms(secrets) {
		text = strike(text, form)
	}
	runes := 0
	return strings.Map(func(r rune) rune {
		if runes++; runes > longest {
			return -1
		}
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// Error returns an error with the text that [Text] makes of the text of err.
// errors.Is finds all that err is. errors.As finds it only if no text in the
// tree of err shows a secret.
func Error(err error, secrets ...string) error {
	return &cleaned{text: Text(err.Error(), secrets...), err: err, shown: !shows(err, forms(secrets))}
}

// shows tells whether a text in the tree of err has one of the forms of a secret.
func shows(err error, forms []string) bool {
	if err == nil {
		return false
	}
	for _, form := range forms {
		if strike(err.Error(), form) != err.Error() {
			return true
		}
	}
	switch err := err.(type) { //nolint:errorlint // the errors inside have their turn
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
	shown bool // err may be seen
}

func (e *cleaned) Error() string        { return e.text }
func (e *cleaned) Is(target error) bool { return errors.Is(e.err, target) }
func (e *cleaned) As(target any) bool   { return e.shown && errors.As(e.err, target) }

// forms returns the secrets in the forms in which a text may have them.
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

// Storable tells whether every database keeps the text byte for byte: it is
// UTF-8 and has no NUL, since PostgreSQL takes nothing else.
func Storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
