package envelope

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Raw is a JSON value as it is in a scanned document; nil is an absent or null
// one.
type Raw []byte

var (
	errNotText = errors.New("not a JSON string")
	errNotTime = errors.New("neither an RFC 3339 time nor a number of seconds or milliseconds since 1970")
)

// maxTime is the length in bytes of the longest value that is read as a time.
const maxTime = 256

// Text returns the value as a string, "" for a nil value.
func (r Raw) Text() (string, error) {
	text, err := r.TextBytes()
	return string(text), err
}

// TextBytes returns what Text returns, and nil only for a nil value. The result
// points into the scanned bytes if there are no escapes.
func (r Raw) TextBytes() ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	if r[0] != '"' {
		return nil, errNotText
	}
	return r.bytes(), nil
}

// TextIfAny returns the value as a string, "" if it is not one.
func (r Raw) TextIfAny() string {
	text, _ := r.Text()
	return text
}

// bytes returns the bytes between the quotes of a string, with escapes resolved.
// It copies only if there are escapes.
func (r Raw) bytes() []byte {
	text := r[1 : len(r)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	return unescape(nil, text)
}

// Time returns the value as a time: RFC 3339 with or without fractions,
// or a number of milliseconds (from 1e11 on) or seconds since 1970. It returns
// the zero time for a nil value.
func (r Raw) Time() (time.Time, error) {
	if r == nil {
		return time.Time{}, nil
	}
	if len(r) > maxTime {
		return time.Time{}, errNotTime
	}
	if r[0] == '"' {
		t, err := time.Parse(time.RFC3339, string(r.bytes()))
		if err != nil {
			return time.Time{}, errNotTime
		}
		return t.UTC(), nil
	}
	const lastYear = 253402300800000 // the year 10000, in milliseconds
	number, err := strconv.ParseFloat(string(r), 64)
	if err != nil || math.Abs(number) >= lastYear {
		return time.Time{}, errNotTime
	}
	if math.Abs(number) < 1e11 {
		number *= 1000
	}
	return time.UnixMilli(int64(math.Round(number))).UTC(), nil
}

// unescape appends a string that the scan has accepted, with escapes resolved.
// Half a surrogate pair becomes U+FFFD, as in encoding/json.
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

// escapedRune reads the rune of an escape after its first u, and returns how many
// bytes it read.
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
