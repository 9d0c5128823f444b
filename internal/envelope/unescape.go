package envelope

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unescape appends a string that the scan has accepted, escapes resolved. Half
// a surrogate pair becomes U+FFFD, as in encoding/json.
func unescape(b, text []byte) []byte {
	n := len(b)
	b = append(b, text...) // no escape is shorter than what it stands for
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			switch c = text[i]; c {
			case 'b':
				c = '\b'
			case 'f':
				c = '\f'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'u':
				r, length := escapedRune(text[i+1:])
				n += utf8.EncodeRune(b[n:], r)
				i += length
				continue
			}
		}
		b[n] = c
		n++
	}
	return b[:n]
}

// escapedRune reads the rune of an escape from behind its first u, and tells
// how many bytes that took.
func escapedRune(text []byte) (r rune, length int) {
	r = hexRune(text)
	if utf16.IsSurrogate(r) {
		if len(text) >= 10 && text[4] == '\\' && text[5] == 'u' {
			if pair := utf16.DecodeRune(r, hexRune(text[6:])); pair != utf8.RuneError {
				return pair, 10
			}
		}
		r = utf8.RuneError
	}
	return r, 4
}

// hexRune reads four hexadecimal digits.
func hexRune(digits []byte) (r rune) {
	for _, c := range digits[:4] {
		r = r<<4 | rune(hex[c]&0xf)
	}
	return r
}
