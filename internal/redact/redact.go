// Package redact makes the words of others fit for an error or a log.
package redact

import (
	"net/url"
	"strings"
	"unicode"
)

const longest = 300 // characters

// Text returns the text as one line of printable characters, cut to 300, in
// which the secrets are struck out: plain, and as a URL has them. Empty secrets
// are none.
func Text(text string, secrets ...string) string {
	var pairs []string
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		for _, form := range [...]string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			pairs = append(pairs, form, "[redacted]")
		}
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
	}, strings.NewReplacer(pairs...).Replace(text))
}
