package envelope

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// SyntaxError says where and why the bytes are not a valid document. Its text has
// none of the bytes.
type SyntaxError struct {
	Offset int // offset of the invalid byte
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
}

// maxDepth is how many objects and lists may be open at once. Alexa's requests
// have less than 20. [scanner.value] has a bit for each in a uint64.
const maxDepth = 64

// maxMembers is how many members an object may have that is read. Those of Alexa's
// requests have less than 20.
const maxMembers = 256

// maxEscaped is the length in bytes, between the quotes, of the longest name
// whose escapes are resolved. No name that is read can be that long.
const maxEscaped = 256

const (
	noDigit     = "no digit in a number"
	occursTwice = "member occurs twice"
)

// Scan finds the members of a request. It accepts what encoding/json accepts,
// except a document that is not an object, more than 64 levels, more than 256
// members in an object that is read, invalid UTF-8, and a second member of a
// decisive name, since decoders disagree about it. Any other member that occurs
// twice is absent.
//
// Anyone can send the bytes: Scan takes less time than [encoding/json.Valid], and
// hardly any memory. The result points into data.
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

// scanner walks over data. Each method takes the offset of the first byte that it
// scans, and returns the offset after the last one, or failed.
type scanner struct {
	data []byte
	err  SyntaxError // after failed

	// For Scan: the fields, and bits for those that occurred once, and more often.
	found       Envelope
	seen, twice uint64

	// For Members: its visit, and the names that visit has read.
	visit func(name []byte, value Raw) bool
	names struct {
		few  [16][]byte // without an allocation
		n    int
		more [][]byte
	}

	escaped   bool   // the last string had escapes
	unescaped []byte // the last name with escapes
}

const failed = -1

func (s *scanner) fail(at int, reason string) int {
	s.err = SyntaxError{Offset: at, Reason: reason}
	return failed
}

func (s *scanner) document(n *Node) error {
	start := space(s.data, 0)
	end := failed
	if at(s.data, start) != '{' {
		s.fail(start, "not a JSON object")
	} else if end = s.object(start, 1, root, n); end != failed {
		if end = space(s.data, end); end != len(s.data) {
			end = s.fail(end, "something follows the JSON object")
		} else if !utf8.Valid(s.data) {
			end = s.fail(0, "invalid UTF-8")
		}
	}
	if end == failed {
		return &SyntaxError{s.err.Offset, s.err.Reason}
	}
	return nil
}

// space skips white space. It is short, so that the compiler inlines it.
func space(data []byte, i int) int {
	if i < len(data) && data[i] > ' ' {
		return i
	}
	return spaces(data, i)
}

func spaces(data []byte, i int) int {
	for i < len(data) {
		switch data[i] {
		case ' ', '\n', '\t', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// at returns the byte at i, after the end 0, which JSON does not allow between
// values.
func at(data []byte, i int) byte {
	if i < len(data) {
		return data[i]
	}
	return 0
}

// object scans an object whose members are read: a field, or root, or a node.
// Depth counts the open objects with this one.
func (s *scanner) object(i, depth int, f Field, n *Node) int {
	data := s.data
	i = space(data, i+1)
	if at(data, i) == '}' {
		return i + 1
	}
	for range maxMembers {
		if i = s.member(i, depth, f, n); i == failed {
			return failed
		}
		i = space(data, i)
		switch at(data, i) {
		case '}':
			return i + 1
		case ',':
			i = space(data, i+1)
		default:
			return s.fail(i, "no comma or brace after a member")
		}
	}
	return s.fail(i, "more than 256 members")
}

// member scans a member of an object that is read.
func (s *scanner) member(start, depth int, object Field, parent *Node) int {
	s.escaped = false
	end, valueAt := s.name(start)
	if end == failed {
		return failed
	}
	name := s.data[start+1 : end-1]
	escaped := s.escaped && len(name) <= maxEscaped
	if escaped {
		s.unescaped = unescape(s.unescaped[:0], name)
		name = s.unescaped
	}
	f, node := none, (*Node)(nil)
	switch {
	case parent != nil:
		if node = parent.member(name); node != nil && node.occurred {
			return s.fail(start, occursTwice)
		}
	case s.visit == nil:
		if f = object.member(name); !s.mark(f) {
			return s.fail(start, occursTwice)
		}
	}
	if at(s.data, valueAt) == '{' && (f.hasMembers() || node != nil && node.Members != nil) {
		end = s.object(valueAt, depth+1, f, node)
	} else {
		end = s.value(valueAt, depth)
	}
	if end == failed || f == none && node == nil && s.visit == nil {
		return end
	}
	var value Raw
	if s.data[valueAt] != 'n' {
		value = s.data[valueAt:end:end]
	}
	switch {
	case node != nil:
		node.Value, node.occurred = value, true
	case f != none:
		s.found[f] = value
	case s.visit(name, value):
		if escaped {
			name = bytes.Clone(name)
		}
		if !s.add(name) {
			return s.fail(start, occursTwice)
		}
	}
	return end
}

// add notes the name of a member that visit reads. It reports false for a second
// member of the name.
func (s *scanner) add(name []byte) bool {
	same := func(other []byte) bool { return string(other) == string(name) }
	n := &s.names
	if slices.ContainsFunc(n.few[:n.n], same) || slices.ContainsFunc(n.more, same) {
		return false
	}
	if n.n < len(n.few) {
		n.few[n.n] = name
		n.n++
	} else {
		n.more = append(n.more, name)
	}
	return true
}

// mark notes that a field occurs. It reports false if it must not occur again.
func (s *scanner) mark(f Field) bool {
	if f == none {
		return true
	}
	bit := uint64(1) << f
	s.twice |= s.seen & bit
	s.seen |= bit
	return s.twice&decisive == 0
}

// name scans the name of a member. It returns the offset of the value too.
func (s *scanner) name(i int) (end, value int) {
	data := s.data
	if at(data, i) != '"' {
		return s.fail(i, "no member name"), 0
	}
	if end = s.text(i); end == failed {
		return failed, 0
	}
	colon := space(data, end)
	if at(data, colon) != ':' {
		return s.fail(colon, "no colon after a member name"), 0
	}
	return end, space(data, colon+1)
}

// value scans a value that is not read, where depth objects are open. It does not
// recurse, since anyone can send deeply nested values.
func (s *scanner) value(i, depth int) int {
	data := s.data
	outside := depth
	var lists uint64 // a bit for each that is open inside, 1 for a list; the lowest is the innermost
value:
	for {
		switch c := at(data, i); c {
		case '"':
			i = s.text(i)
		case 't':
			i = s.literal(i, "true")
		case 'f':
			i = s.literal(i, "false")
		case 'n':
			i = s.literal(i, "null")
		case '{', '[':
			if depth++; depth > maxDepth {
				return s.fail(i, "more than 64 levels")
			}
			i = space(data, i+1)
			if lists <<= 1; c == '[' {
				lists |= 1
			}
			switch {
			case at(data, i) == c+2: // the brace or bracket that closes it
				i++
				lists >>= 1
				depth--
			case c == '[':
				continue
			default:
				var end int
				if end, i = s.name(i); end == failed {
					return failed
				}
				continue
			}
		case '1', '2', '3', '4', '5', '6', '7', '8', '9': // most numbers
			for i++; isDigit(at(data, i)); i++ {
			}
			if next := at(data, i); next == '.' || next|0x20 == 'e' {
				i = s.fraction(i)
			}
		default:
			i = s.number(i)
		}
		if i == failed {
			return failed
		}
		for depth > outside {
			i = space(data, i)
			c, inList := at(data, i), lists&1 != 0
			switch {
			case c == ',' && inList:
				i = space(data, i+1)
				continue value
			case c == ',':
				var end int
				if end, i = s.name(space(data, i+1)); end == failed {
					return failed
				}
				continue value
			case c == ']' && inList, c == '}' && !inList:
				i++
				lists >>= 1
				depth--
			case inList:
				return s.fail(i, "no comma or bracket after an element")
			default:
				return s.fail(i, "no comma or brace after a member")
			}
		}
		return i
	}
}

// text scans a string.
func (s *scanner) text(i int) int {
	data := s.data
	i++
	for i < len(data) {
		switch c := data[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return s.fail(i, "control character in a string")
		case c != '\\':
			if i++; at(data, i) != '\\' && at(data, i) != '"' {
				i += plain(data[i:])
			}
			continue
		}
		s.escaped = true
		switch i++; at(data, i) {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			for range 4 {
				if i++; hex[at(data, i)] == 0 {
					return s.fail(i, "no hexadecimal digit in an escape")
				}
			}
		default:
			return s.fail(i, "unknown escape")
		}
		i++
	}
	return s.fail(i, "unterminated string")
}

// plain returns how many bytes at the start of data are plain characters of a
// string: not a quote, a backslash or a control character. Most bytes of a request
// are plain, so it checks eight at a time.
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

func (s *scanner) number(i int) int {
	data := s.data
	if at(data, i) == '-' {
		if i++; !isDigit(at(data, i)) {
			return s.fail(i, noDigit)
		}
	}
	switch c := at(data, i); {
	case c == '0':
		i++
	case isDigit(c):
		for isDigit(at(data, i)) {
			i++
		}
	default:
		return s.fail(i, "no JSON value")
	}
	return s.fraction(i)
}

// fraction scans the rest of a number after its integer part.
func (s *scanner) fraction(i int) int {
	if at(s.data, i) == '.' {
		if i = s.digits(i + 1); i == failed {
			return failed
		}
	}
	if at(s.data, i)|0x20 == 'e' {
		i++
		if c := at(s.data, i); c == '+' || c == '-' {
			i++
		}
		return s.digits(i)
	}
	return i
}

func (s *scanner) digits(i int) int {
	if !isDigit(at(s.data, i)) {
		return s.fail(i, noDigit)
	}
	for isDigit(at(s.data, i)) {
		i++
	}
	return i
}

func (s *scanner) literal(i int, word string) int {
	end := i + len(word)
	if end > len(s.data) || string(s.data[i:end]) != word {
		return s.fail(i, "no JSON value")
	}
	return end
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// hex has the value of each hexadecimal digit, plus 0x10; 0 for other bytes.
var hex = func() (table [256]byte) {
	for value, digit := range []byte("0123456789abcdef") {
		table[digit] = 0x10 | byte(value)
		if digit >= 'a' {
			table[digit-'a'+'A'] = table[digit]
		}
	}
	return table
}()
