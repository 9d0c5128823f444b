package envelope

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
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

// maxDepth is how many objects and lists may be open at once. Alexa's requests
// stay below 20. [scanner.value] has a bit for each in a uint64.
const maxDepth = 64

// maxEscaped is the length in bytes, between the quotes, of the longest name
// whose escapes are resolved. No name that is read can be that long.
const maxEscaped = 256

const (
	noDigit     = "no digit in a number"
	tooDeep     = "more than 64 levels"
	occursTwice = "member occurs twice"
)

// Scan finds the members of a request. It accepts what encoding/json accepts,
// except a document that is not an object, one of more than 64 levels, invalid
// UTF-8, and a second member of a name that decides which event of which user
// this is, or how old: decoders disagree about such bytes. Any other member that
// the request has twice is treated as absent.
//
// The bytes may be a stranger's: Scan takes less time than [encoding/json.Valid],
// and hardly any memory. The result points into data.
func Scan(data []byte) (Envelope, error) {
	s := scanner{data: data}
	if err := s.document(nil); err != nil {
		return Envelope{}, err
	}
	for f := range fields {
		if s.twice>>f&1 != 0 {
			s.found[f], s.found[inside[f]] = nil, nil
		}
	}
	return s.found, nil
}

// Members calls visit for each member of a JSON object that is not a request:
// its name, and its value, nil if that is null. Visit reports whether it reads
// the members of this name; a second one of these is an error. Otherwise Members
// accepts what Scan accepts. If it returns an error, visit may have seen some
// members already.
//
// Names and values may point into data. A name is valid only during the call, and
// if it is longer than 256 bytes its escapes are not resolved.
func Members(data []byte, visit func(name []byte, value Raw) bool) error {
	var few [16][]byte
	s := scanner{data: data, visit: visit, names: few[:0]}
	return s.document(nil)
}

// Node is a value that [Find] finds, and which of its members it finds too.
type Node struct {
	Value   Raw              // nil if absent or null
	Members map[string]*Node // if the value is an object

	occurred bool
}

// Find finds the members of a JSON object that is not a request, at any depth, in
// one scan. A second member of a name that it looks for is an error. Otherwise it
// accepts what Scan accepts.
//
// The values point into data.
func Find(data []byte, members map[string]*Node) error {
	s := scanner{data: data}
	return s.document(&Node{Members: members})
}

// scanner walks over data. Each method takes the offset at which its piece
// starts and returns the offset behind it.
type scanner struct {
	data []byte

	// For Scan: the fields, and which of them occurred, once or more often.
	found       Envelope
	seen, twice uint64

	// For Members: its visit, and the names that visit reads and has seen.
	visit func(name []byte, value Raw) bool
	names [][]byte

	unescaped []byte // the last name that had escapes
}

func (s *scanner) document(n *Node) error {
	start := s.space(0)
	if s.at(start) != '{' {
		return s.fail(start, "not a JSON object")
	}
	end, err := s.object(start, 1, root, n)
	if err != nil {
		return err
	}
	if end = s.space(end); end != len(s.data) {
		return s.fail(end, "something follows the JSON object")
	}
	if !utf8.Valid(s.data) {
		return s.fail(0, "invalid UTF-8")
	}
	return nil
}

func (s *scanner) fail(at int, reason string) error {
	return &SyntaxError{Offset: at, Reason: reason}
}

// space is short, so that the compiler inlines it.
func (s *scanner) space(i int) int {
	if i < len(s.data) && s.data[i] > ' ' {
		return i
	}
	return s.spaces(i)
}

func (s *scanner) spaces(i int) int {
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

// object scans an object whose members are looked at: a field, or root, or a node.
// Depth counts the open objects, this one included.
func (s *scanner) object(i, depth int, f Field, n *Node) (int, error) {
	i = s.space(i + 1)
	if s.at(i) == '}' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = s.member(i, depth, f, n); err != nil {
			return 0, err
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

// member scans a member of an object that is looked at.
func (s *scanner) member(start, depth int, object Field, parent *Node) (int, error) {
	i, valueAt, err := s.name(start)
	if err != nil {
		return 0, err
	}
	name := s.data[start+1 : i-1]
	escaped := len(name) <= maxEscaped && bytes.IndexByte(name, '\\') >= 0
	if escaped {
		s.unescaped = unescape(s.unescaped[:0], name)
		name = s.unescaped
	}
	f, node := none, (*Node)(nil)
	switch {
	case parent != nil:
		if node = parent.Members[string(name)]; node != nil && node.occurred {
			return 0, s.fail(start, occursTwice)
		}
	case s.visit == nil:
		if f = object.member(name); !s.mark(f) {
			return 0, s.fail(start, occursTwice)
		}
	}
	if s.at(valueAt) == '{' && (f.hasMembers() || node != nil && node.Members != nil) {
		i, err = s.object(valueAt, depth+1, f, node)
	} else {
		i, err = s.value(valueAt, depth)
	}
	if err != nil {
		return 0, err
	}
	var value Raw
	if s.data[valueAt] != 'n' {
		value = s.data[valueAt:i:i]
	}
	switch {
	case node != nil:
		node.Value, node.occurred = value, true
	case f != none:
		s.found[f] = value
	case s.visit != nil && s.visit(name, value):
		if slices.ContainsFunc(s.names, func(other []byte) bool { return string(other) == string(name) }) {
			return 0, s.fail(start, occursTwice)
		}
		if escaped {
			name = bytes.Clone(name)
		}
		s.names = append(s.names, name)
	}
	return i, nil
}

// mark notes that a field occurs. It reports false if it must not.
func (s *scanner) mark(f Field) bool {
	bit := uint64(1) << f
	if f != none && s.seen&bit != 0 {
		s.twice |= bit
	}
	s.seen |= bit
	return s.twice&decisive == 0
}

// name scans the name of a member, and returns where its value starts too.
func (s *scanner) name(i int) (end, value int, err error) {
	if s.at(i) != '"' {
		return 0, 0, s.fail(i, "no member name")
	}
	if end, err = s.text(i); err != nil {
		return 0, 0, err
	}
	colon := s.space(end)
	if s.at(colon) != ':' {
		return 0, 0, s.fail(colon, "no colon behind a member name")
	}
	return end, s.space(colon + 1), nil
}

// value scans a value that is not looked at, where depth objects are open. It
// does not recurse: strangers choose how deep values nest.
func (s *scanner) value(i, depth int) (int, error) {
	outside := depth
	var lists uint64 // a bit for each that is open inside, 1 for a list; the lowest is the innermost
	var err error
value:
	for {
		switch c := s.at(i); c {
		case '"':
			i, err = s.text(i)
		case 't':
			i, err = s.literal(i, "true")
		case 'f':
			i, err = s.literal(i, "false")
		case 'n':
			i, err = s.literal(i, "null")
		case '{', '[':
			if depth++; depth > maxDepth {
				return 0, s.fail(i, tooDeep)
			}
			i = s.space(i + 1)
			if lists <<= 1; c == '[' {
				lists |= 1
			}
			switch {
			case s.at(i) == c+2: // the brace or bracket that closes it
				i++
				lists >>= 1
				depth--
			case c == '[':
				continue
			default:
				if _, i, err = s.name(i); err != nil {
					return 0, err
				}
				continue
			}
		default:
			i, err = s.number(i)
		}
		if err != nil {
			return 0, err
		}
		for depth > outside {
			i = s.space(i)
			c, inList := s.at(i), lists&1 != 0
			switch {
			case c == ',' && inList:
				i = s.space(i + 1)
				continue value
			case c == ',':
				if _, i, err = s.name(s.space(i + 1)); err != nil {
					return 0, err
				}
				continue value
			case c == ']' && inList, c == '}' && !inList:
				i++
				lists >>= 1
				depth--
			case inList:
				return 0, s.fail(i, "no comma or bracket behind an element")
			default:
				return 0, s.fail(i, "no comma or brace behind a member")
			}
		}
		return i, nil
	}
}

// text scans a string.
func (s *scanner) text(i int) (int, error) {
	i++
	for i < len(s.data) {
		switch c := s.data[i]; {
		case c == '"':
			return i + 1, nil
		case c < ' ':
			return 0, s.fail(i, "control character in a string")
		case c != '\\':
			if i++; s.at(i) != '\\' && s.at(i) != '"' {
				i += plain(s.data[i:])
			}
			continue
		}
		switch i++; s.at(i) {
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
		i++
	}
	return 0, s.fail(i, "string without end")
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
		if i++; !isDigit(s.at(i)) {
			return 0, s.fail(i, noDigit)
		}
	}
	switch c := s.at(i); {
	case c == '0':
		i++
	case isDigit(c):
		for i++; isDigit(s.at(i)); i++ {
		}
	default:
		return 0, s.fail(i, "no JSON value")
	}
	var err error
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
		return 0, s.fail(i, noDigit)
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
