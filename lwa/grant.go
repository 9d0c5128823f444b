package lwa

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// ErrInvalidKey refuses a [Key] without ClientID or AccountID, one whose text
// has a NUL, is not UTF-8 or is too long, or one of another client. The error's
// text names the field, never its value.
var ErrInvalidKey = errors.New("lwa: invalid key")

// What every store keeps of a key, in bytes. The sort key of a DynamoDB item and
// the index row of PostgreSQL allow no more.
const (
	maxAccountID = 1536
	maxLink      = 1023 // of ClientID and LinkID together
)

// Key names a grant. A [Source] takes new grants only if AccountID has at most
// 1536 bytes, and ClientID and LinkID have at most 1023 together.
type Key struct {
	ClientID  string // the LWA client that got the refresh token; no other can use it
	AccountID string // the backend's own account

	// LinkID tells apart the authorizations of one account: several Alexa
	// customers, a family, may link the same account. It is empty for a
	// developer's own grant.
	LinkID string
}

func (k Key) check() error {
	switch {
	case k.ClientID == "":
		return fmt.Errorf("%w: ClientID is empty", ErrInvalidKey)
	case k.AccountID == "":
		return fmt.Errorf("%w: AccountID is empty", ErrInvalidKey)
	case !redact.Storable(k.ClientID):
		return fmt.Errorf("%w: ClientID has a NUL or is not UTF-8", ErrInvalidKey)
	case !redact.Storable(k.AccountID):
		return fmt.Errorf("%w: AccountID has a NUL or is not UTF-8", ErrInvalidKey)
	case !redact.Storable(k.LinkID):
		return fmt.Errorf("%w: LinkID has a NUL or is not UTF-8", ErrInvalidKey)
	}
	return nil
}

// checkLength refuses a key that some store does not keep.
func (k Key) checkLength() error {
	switch {
	case len(k.AccountID) > maxAccountID:
		return fmt.Errorf("%w: AccountID is longer than %d bytes", ErrInvalidKey, maxAccountID)
	case len(k.ClientID)+len(k.LinkID) > maxLink:
		return fmt.Errorf("%w: ClientID and LinkID are longer than %d bytes together", ErrInvalidKey, maxLink)
	}
	return nil
}

// bytes is a form of the key, and of what follows it, in which no two are alike.
func (k Key) bytes(more ...string) []byte {
	var b []byte
	for _, part := range append([]string{k.ClientID, k.AccountID, k.LinkID}, more...) {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// Grant is a person's permission to act for them, and where it stands. Times are
// in UTC, cut to the millisecond.
//
// A Grant prints and marshals without its tokens: a [Store] must convert them
// with string().
type Grant struct {
	Key

	// Region is that of the customer: where events about them are sent. It is
	// empty for a developer's own grant.
	Region alexaevents.Region

	AccessToken  alexaevents.Secret // empty after an import, until it is first needed
	RefreshToken alexaevents.Secret // never empty in a store
	IssuedAt     time.Time          // when AccessToken was issued; zero without one
	Expiry       time.Time          // when AccessToken expires; zero if Amazon did not say

	// ConfirmedAt is when the event gateway last accepted an event; zero if it
	// never did since the grant was given.
	ConfirmedAt time.Time

	RefusedAt  time.Time // when Amazon refused RefreshToken; zero while it has not
	DisabledAt time.Time // since when the event gateway says that the customer disabled the skill; zero while it does not
	ProbedAt   time.Time // when an event was last sent in spite of DisabledAt; zero if none was

	Refused  string // the hash of the refresh token that Amazon refused; see Live
	CodeHash string // the hash of the code, or of the imported refresh token, that the grant was made from
}

// Live tells whether Amazon has not refused the refresh token yet. A new refresh
// token makes the grant live again.
func (g Grant) Live() bool { return g.Refused == "" || g.Refused != hash(g.RefreshToken) }

// Clean returns the grant as stores keep it: times in UTC and cut to the
// millisecond. It refuses with [ErrInvalidKey] a grant of an invalid key, and any
// other text that has a NUL or is not UTF-8.
func (g Grant) Clean() (Grant, error) {
	if err := g.check(); err != nil {
		return Grant{}, err
	}
	for _, value := range []string{string(g.Region), string(g.AccessToken), string(g.RefreshToken), g.Refused, g.CodeHash} {
		if !redact.Storable(value) {
			return Grant{}, errors.New("lwa: a grant's text has a NUL or is not UTF-8")
		}
	}
	for _, at := range []*time.Time{&g.IssuedAt, &g.Expiry, &g.ConfirmedAt, &g.RefusedAt, &g.DisabledAt, &g.ProbedAt} {
		*at = at.UTC().Truncate(time.Millisecond)
	}
	return g, nil
}

// validAt tells whether the access token is good at that time, as far as is
// known: one without expiry is, until an API refuses it.
func (g Grant) validAt(now time.Time) bool {
	return g.AccessToken != "" && (g.Expiry.IsZero() || now.Before(g.Expiry))
}

// take puts the tokens of another grant into the grant. They are new, so nobody
// has refused them yet.
func (g *Grant) take(tokens Grant) {
	g.AccessToken, g.RefreshToken = tokens.AccessToken, tokens.RefreshToken
	g.IssuedAt, g.Expiry = tokens.IssuedAt, tokens.Expiry
	g.Refused, g.RefusedAt = "", time.Time{}
}

// issue puts the tokens of a response into the grant.
func (g *Grant) issue(token Token, at time.Time) {
	tokens := Grant{AccessToken: token.AccessToken, RefreshToken: token.RefreshToken, IssuedAt: at}
	if token.ExpiresIn > 0 {
		tokens.Expiry = at.Add(token.ExpiresIn)
	}
	g.take(tokens)
}

// hash is what may be kept of a secret beside it: tokens and codes are too
// random to be guessed from it.
func hash(secret alexaevents.Secret) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
