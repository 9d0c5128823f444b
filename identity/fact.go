package identity

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// ErrInvalidFact refuses a [Fact] that lacks what every fact has, or whose text
// cannot be kept. The error's text names the field, never its value.
var ErrInvalidFact = errors.New("identity: invalid fact")

// Kind is what Amazon said about a user in a [Fact].
type Kind uint8

// The kinds stand in the order in which facts of the same instant count.
const (
	Enabled  Kind = iota + 1 // the skill was enabled
	Seen                     // the user spoke to the skill
	Linked                   // the user's account was linked
	Disabled                 // the skill was disabled
)

// String returns the kind in lower case, such as "linked", and "none" for the
// zero Kind.
func (k Kind) String() string {
	switch k {
	case 0:
		return "none"
	case Enabled:
		return "enabled"
	case Seen:
		return "seen"
	case Linked:
		return "linked"
	case Disabled:
		return "disabled"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Fact is one thing that Amazon said about one Alexa user of one skill. Facts
// never change; storing one twice is storing it once. Everything that this
// package knows is derived from the set of facts by [Records], so neither the
// order nor the repetition of events matters.
type Fact struct {
	SkillID      string
	AmazonUserID string
	At           time.Time // when it happened, in UTC, cut to the millisecond; never when it arrived
	Kind         Kind
	AccountID    string // for Linked only: the account; empty if the token could not be resolved
}

// Clean returns the fact as stores keep it: At in UTC and cut to the
// millisecond. It refuses with [ErrInvalidFact] a fact without skill, user,
// time or a known kind, one whose time lies outside the years 1 to 9999, one
// with an account on another kind than [Linked], and one whose text has a NUL
// or is not UTF-8.
func (f Fact) Clean() (Fact, error) {
	f.At = f.At.UTC().Truncate(time.Millisecond)
	year := f.At.Year()
	switch {
	case f.SkillID == "":
		return Fact{}, fmt.Errorf("%w: SkillID is empty", ErrInvalidFact)
	case f.AmazonUserID == "":
		return Fact{}, fmt.Errorf("%w: AmazonUserID is empty", ErrInvalidFact)
	case f.At.IsZero():
		return Fact{}, fmt.Errorf("%w: At is zero", ErrInvalidFact)
	case year < 1 || year > 9999:
		return Fact{}, fmt.Errorf("%w: At is outside the years 1 to 9999", ErrInvalidFact)
	case f.Kind < Enabled || f.Kind > Disabled:
		return Fact{}, fmt.Errorf("%w: Kind is unknown", ErrInvalidFact)
	case f.AccountID != "" && f.Kind != Linked:
		return Fact{}, fmt.Errorf("%w: AccountID on another Kind than Linked", ErrInvalidFact)
	case !redact.Storable(f.SkillID):
		return Fact{}, fmt.Errorf("%w: SkillID has a NUL or is not UTF-8", ErrInvalidFact)
	case !redact.Storable(f.AmazonUserID):
		return Fact{}, fmt.Errorf("%w: AmazonUserID has a NUL or is not UTF-8", ErrInvalidFact)
	case !redact.Storable(f.AccountID):
		return Fact{}, fmt.Errorf("%w: AccountID has a NUL or is not UTF-8", ErrInvalidFact)
	}
	return f, nil
}

// ID is the [Record.ID] of a record that the fact opens: 32 hexadecimal digits,
// the first half of a SHA-256 over SkillID, AmazonUserID, the milliseconds
// since the Unix epoch (8 bytes, big endian), Kind (1 byte) and AccountID, each
// text after its length in bytes as a varint.
func (f Fact) ID() string {
	var buffer [512]byte
	b := appendText(buffer[:0], f.SkillID)
	b = appendText(b, f.AmazonUserID)
	b = binary.BigEndian.AppendUint64(b, uint64(f.At.UnixMilli()))
	b = append(b, byte(f.Kind))
	b = appendText(b, f.AccountID)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:len(sum)/2])
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// compareFacts orders facts by skill and user, and those of one user as they
// count: by time, then kind, then the bytes of the account.
func compareFacts(a, b Fact) int {
	if c := cmp.Compare(a.SkillID, b.SkillID); c != 0 {
		return c
	}
	if c := cmp.Compare(a.AmazonUserID, b.AmazonUserID); c != 0 {
		return c
	}
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	return cmp.Compare(a.AccountID, b.AccountID)
}
