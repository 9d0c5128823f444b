package identity

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Kind is what a [Fact] says about a user.
type Kind uint8

// The kinds are in the order in which facts of the same time apply.
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
// never change, and storing a fact again changes nothing. [Records] derives
// everything else from the set of facts, so neither the order nor the repetition of
// events matters.
type Fact struct {
	SkillID      string
	AmazonUserID string
	At           time.Time // time of the event, in UTC to the millisecond; not its time of arrival
	Kind         Kind
	AccountID    string // account of a Linked fact; empty if the access token was not resolved
}

// Clean returns the fact as stores keep it: At is in UTC and truncated to the
// millisecond. It returns [ErrInvalidFact] for a fact without skill, user, time or a
// known kind, with a time outside the years 1 to 9999, with an account on another
// kind than [Linked], or with text that has a NUL or is not UTF-8.
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

// compareFacts orders facts by skill, user, time, kind and account.
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

// WithoutAccount returns the facts that remain of any number of users after an
// account is erased. Every store calls it in EraseAccount. Facts that [Fact.Clean]
// refuses are removed. The result is sorted. The argument is not changed.
//
//   - A user without a Linked fact of the account keeps all facts.
//   - A user whose Linked facts name only this account keeps only the Disabled facts.
//   - Any other user keeps all facts except the Linked facts of the account. If a
//     Linked fact of another account comes before such a fact, it is kept without
//     account instead of removed, so that the earlier record does not open again.
//
// Of several Linked facts with the same time only the last applies. If it loses its
// account, the others with that time are removed as well.
//
// The records of other accounts keep their account, start and end. Their ID can
// change: a record that ended one of the erased account can now open with the fact
// that opened the erased one.
func WithoutAccount(facts []Fact, accountID string) []Fact {
	facts = inOrder(facts)
	var remaining []Fact
	for len(facts) > 0 {
		n := 1
		for n < len(facts) && facts[n].AmazonUserID == facts[0].AmazonUserID && facts[n].SkillID == facts[0].SkillID {
			n++
		}
		remaining = append(remaining, userWithoutAccount(facts[:n], accountID)...)
		facts = facts[n:]
	}
	return remaining
}

// userWithoutAccount is WithoutAccount for one user, whose facts are sorted.
func userWithoutAccount(facts []Fact, accountID string) []Fact {
	named, shared := false, false
	for _, fact := range facts {
		if fact.AccountID != "" {
			named = named || fact.AccountID == accountID
			shared = shared || fact.AccountID != accountID
		}
	}
	var remaining []Fact
	earlier := false // a Linked fact of another account came before
	for i, fact := range facts {
		switch {
		case !named:
		case !shared:
			if fact.Kind != Disabled {
				continue
			}
		case fact.AccountID == accountID:
			if !earlier {
				continue
			}
			fact.AccountID = ""
		case fact.AccountID != "":
			earlier = true
			if lastLink(facts[i:]).AccountID == accountID {
				continue
			}
		}
		remaining = append(remaining, fact)
	}
	slices.SortFunc(remaining, compareFacts)
	return slices.Compact(remaining) // without its account a fact can equal another one
}

// lastLink returns the last of the Linked facts with the time of the first one.
func lastLink(facts []Fact) Fact {
	n := 1
	for n < len(facts) && facts[n].Kind == Linked && facts[n].At.Equal(facts[0].At) {
		n++
	}
	return facts[n-1]
}
