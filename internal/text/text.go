// Package text says which text can be kept.
package text

import (
	"strings"
	"unicode/utf8"
)

// Storable tells whether every database keeps the text byte for byte: it is
// UTF-8 and has no NUL, since PostgreSQL takes nothing else.
func Storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
