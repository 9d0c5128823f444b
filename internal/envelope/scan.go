package envelope

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// SyntaxError says where and why the bytes are not an Alexa request. Its text
// holds none of them.
type SyntaxError struct {
	Offset int // of the byte that is wrong
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
}

// maxDepth is how deep values may nest, as in encoding/json.
const maxDepth = 10000

// Scan finds the members of a request. It accepts what encoding/json accepts,
// except invalid UTF-8, a document that is not an object, and an object of the
// envelope that has a member twice: decoders disagree about such bytes.
//
// The result points into data.
func Scan(data []byte) (Envelope, error) {
	s := scanner{data: data}
	if err := s.document(root); err != nil {
		return Envelope{}, err
	}
	return s.found, nil
}

// Members calls visit for each member of a JSON object that is not a request:
// its name, and its value, nil if that is null. It accepts what Scan accepts.
// If it returns an error, visit may have seen some members already.
//
// Names and values may point into data.
func Members(data []byte, visit func(name []byte, value Raw)) error {
	s := scanner{data: data, visit: visit}
	return s.document(flat)
}

// scanner walks over data. Each method takes the offset at which its piece
// starts and returns the offset behind it.
type scanner struct {
	data  []byte
	found Envelope
	visit func(name []byte, value Raw) // of the level flat
}

func (s *scanner) document(l level) error {
	if !utf8.Valid(s.data) {
		return s.fail(0, "invalid UTF-8")
	}
	start := s.space(0)
	if s.at(start) != '{' {
		return s.fail(start, "not a JSON object")
	}
	end, err := s.object(start, 1, l)
	if err != nil {
		return err
	}
	if end = s.space(end); end != len(s.data) {
		return s.fail(end, "something follows the JSON object")
	}
	return nil
}

func (s *scanner) fail(at int, reason string) error {
	return &SyntaxError{Offset: at, Reason: reason}
}

func (s *scanner) space(i int) int {
	for i < len(s.data) {
		switch s.data[i] {
		case ' ', '\n', '\t', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// at returns the byte at i, and 0, which no JSON text allows between values,
// behind the end.
func (s *scanner) at(i int) byte {
	if i < len(s.data) {
		return s.data[i]
	}
	return 0
}

func (s *scanner) value(i, depth int, l level) (int, error) {
	switch c := s.at(i); {
	case c == '"':
		return s.text(i)
	case c == '{':
		return s.object(i, depth+1, l)
	case c == '[':
		return s.array(i, depth+1)
	case c == '-' || isDigit(c):
		return s.number(i)
	case c == 't':
		return s.literal(i, "true")
	case c == 'f':
		return s.literal(i, "false")
	case c == 'n':
		return s.literal(i, "null")
	}
	return 0, s.fail(i, "no JSON value")
}

func (s *scanner) object(i, depth int, l level) (int, error) {
	if depth > maxDepth {
		return 0, s.fail(i, "too deep")
	}
	i = s.space(i + 1)
	if s.at(i) == '}' {
		return i + 1, nil
	}
	var keys keySet
	var err error
	for {
		if s.at(i) != '"' {
			return 0, s.fail(i, "no member name")
		}
		start := i
		if i, err = s.text(i); err != nil {
			return 0, err
		}
		var key []byte
		field, inner := none, outside
		if l != outside {
			key = Raw(s.data[start:i]).bytes()
			if !keys.add(key) {
				return 0, s.fail(start, "member occurs twice")
			}
			field, inner = l.member(key)
		}
		if i = s.space(i); s.at(i) != ':' {
			return 0, s.fail(i, "no colon behind a member name")
		}
		start = s.space(i + 1)
		if i, err = s.value(start, depth, inner); err != nil {
			return 0, err
		}
		var value Raw
		if s.data[start] != 'n' {
			value = s.data[start:i:i]
		}
		switch {
		case field != none:
			s.found[field] = value
		case l == flat:
			s.visit(key, value)
		}
		i = s.space(i)
		switch s.at(i) {
		case '}':
			return i + 1, nil
		case ',':
			i = s.space(i + 1)
		default:
			return 0, s.fail(i, "no comma or brace behind a member")
		}
	}
}

func (s *scanner) array(i, depth int) (int, error) {
	if depth > maxDepth {
		return 0, s.fail(i, "too deep")
	}
	i = s.space(i + 1)
	if s.at(i) == ']' {
		return i + 1, nil
	}
	var err error
	for {
		if i, err = s.value(i, depth, outside); err != nil {
			return 0, err
		}
		i = s.space(i)
		switch s.at(i) {
		case ']':
			return i + 1, nil
		case ',':
			i = s.space(i + 1)
		default:
			return 0, s.fail(i, "no comma or bracket behind an element")
		}
	}
}

// text scans a string.
func (s *scanner) text(i int) (int, error) {
	for i++; ; i++ {
		i += plain(s.data[i:])
		switch {
		case i == len(s.data):
			return 0, s.fail(i, "string without end")
		case s.data[i] == '"':
			return i + 1, nil
		case s.data[i] != '\\':
			return 0, s.fail(i, "control character in a string")
		}
		i++
		switch s.at(i) {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			for range 4 {
				if i++; !isHex(s.at(i)) {
					return 0, s.fail(i, "no hexadecimal digit in an escape")
				}
			}
		default:
			return 0, s.fail(i, "unknown escape")
		}
	}
}

// plain returns how many bytes at the start of data stand for themselves in a
// string: all but the quote, the backslash and the control characters. Most
// bytes of a request are such ones, so it looks at eight at a time.
func plain(data []byte) int {
	const each, top = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; n+8 <= len(data); n += 8 {
		word := binary.LittleEndian.Uint64(data[n:])
		quote, backslash := word^'"'*each, word^'\\'*each
		// A difference borrows into the top bit of a byte that is too small. The
		// lowest such bit is exact; those above it may have been borrowed from.
		if special := ((word-' '*each)&^word | (quote-each)&^quote | (backslash-each)&^backslash) & top; special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	for ; n < len(data); n++ {
		if c := data[n]; c < ' ' || c == '"' || c == '\\' {
			break
		}
	}
	return n
}

func (s *scanner) number(i int) (int, error) {
	if s.at(i) == '-' {
		i++
	}
	var err error
	if s.at(i) == '0' {
		i++
	} else if i, err = s.digits(i); err != nil {
		return 0, err
	}
	if s.at(i) == '.' {
		if i, err = s.digits(i + 1); err != nil {
			return 0, err
		}
	}
	if c := s.at(i); c == 'e' || c == 'E' {
		i++
		if c := s.at(i); c == '+' || c == '-' {
			i++
		}
		return s.digits(i)
	}
	return i, nil
}

func (s *scanner) digits(i int) (int, error) {
	if !isDigit(s.at(i)) {
		return 0, s.fail(i, "no digit in a number")
	}
	for isDigit(s.at(i)) {
		i++
	}
	return i, nil
}

func (s *scanner) literal(i int, word string) (int, error) {
	end := i + len(word)
	if end > len(s.data) || string(s.data[i:end]) != word {
		return 0, s.fail(i, "no JSON value")
	}
	return end, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// keySet holds the member names of one object: few in an honest request, any
// number in a hostile one.
type keySet struct {
	few  [12][]byte
	n    int
	many map[string]struct{}
}

// add reports false if the key is there already.
func (k *keySet) add(key []byte) bool {
	if k.n < len(k.few) {
		for _, other := range k.few[:k.n] {
			if string(other) == string(key) {
				return false
			}
		}
		k.few[k.n] = key
		k.n++
		return true
	}
	if k.many == nil {
		k.many = make(map[string]struct{})
		for _, other := range k.few {
			k.many[string(other)] = struct{}{}
		}
	}
	if _, ok := k.many[string(key)]; ok {
		return false
	}
	k.many[string(key)] = struct{}{}
	return true
}
