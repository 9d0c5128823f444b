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

// The longest parts of a key that every store keeps, in bytes. The sort key of a
// DynamoDB item and an index row of PostgreSQL allow no more.
const (
	maxAccountID = 1536
	maxLink      = 1023 // of ClientID and LinkID together
)

// Key identifies a grant. A [Source] accepts new grants only if AccountID has at
// most 1536 bytes, and ClientID and LinkID together at most 1023.
type Key struct {
	ClientID  string // LWA client that the refresh token was issued to
	AccountID string // account in your own backend

	// LinkID distinguishes the grants of one account: several Alexa customers,
	// such as a family, may link the same account. It is empty for a developer's
	// own grant.
	LinkID string
}

func (k Key) check() error {
	switch {
	case k.ClientID == "":
		return fmt.Errorf("%w: ClientID is empty", ErrInvalidKey)
	case k.AccountID == "":
		return fmt.Errorf("%w: AccountID is empty", ErrInvalidKey)
	case !redact.Storable(k.ClientID):
		return fmt.Errorf("%w: ClientID contains NUL or is not UTF-8", ErrInvalidKey)
	case !redact.Storable(k.AccountID):
		return fmt.Errorf("%w: AccountID contains NUL or is not UTF-8", ErrInvalidKey)
	case !redact.Storable(k.LinkID):
		return fmt.Errorf("%w: LinkID contains NUL or is not UTF-8", ErrInvalidKey)
	}
	return nil
}

// checkLength refuses a key that is too long for some store.
func (k Key) checkLength() error {
	switch {
	case len(k.AccountID) > maxAccountID:
		return fmt.Errorf("%w: AccountID is longer than %d bytes", ErrInvalidKey, maxAccountID)
	case len(k.ClientID)+len(k.LinkID) > maxLink:
		return fmt.Errorf("%w: ClientID and LinkID are longer than %d bytes together", ErrInvalidKey, maxLink)
	}
	return nil
}

// bytes encodes the key and more parts. Different parts have different encodings.
func (k Key) bytes(more ...string) []byte {
	var b []byte
	for _, part := range append([]string{k.ClientID, k.AccountID, k.LinkID}, more...) {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// Grant is a customer's or developer's permission to act for them, with its tokens
// and its state. Times are in UTC, truncated to the millisecond.
//
// A Grant prints and marshals without its tokens. A [Store] converts them with
// string().
type Grant struct {
	Key

	// Region is the customer's region: events are sent to its gateway. It is empty
	// for a developer's own grant.
	Region alexaevents.Region

	AccessToken  alexaevents.Secret // empty after an import, until it is first needed
	RefreshToken alexaevents.Secret // never empty in a store
	IssuedAt     time.Time          // when AccessToken was issued; zero without one
	Expiry       time.Time          // when AccessToken expires; zero if Amazon did not say

	// ConfirmedAt is when the event gateway last accepted an event; zero if it has
	// accepted none since the grant was made.
	ConfirmedAt time.Time

	RefusedAt  time.Time // when Amazon refused RefreshToken; zero if it did not
	DisabledAt time.Time // when the event gateway first reported that the customer disabled the skill; zero if it does not
	ProbedAt   time.Time // when an event was last sent in spite of DisabledAt; zero if none was

	Refused  string // hash of the refresh token that Amazon refused; see Live
	CodeHash string // hash of the code or imported refresh token that the grant was made from
}

// Live reports whether Amazon has not refused the refresh token. A new refresh
// token makes the grant live again.
func (g Grant) Live() bool { return g.Refused == "" || g.Refused != hash(g.RefreshToken) }

// Clean returns the grant as stores keep it: times in UTC, truncated to the
// millisecond. The error is [ErrInvalidKey] for an invalid key, and another one for
// any other text that contains NUL or is not UTF-8.
func (g Grant) Clean() (Grant, error) {
	if err := g.check(); err != nil {
		return Grant{}, err
	}
	for _, value := range []string{string(g.Region), string(g.AccessToken), string(g.RefreshToken), g.Refused, g.CodeHash} {
		if !redact.Storable(value) {
			return Grant{}, errors.New("lwa: a grant's text contains NUL or is not UTF-8")
		}
	}
	for _, at := range []*time.Time{&g.IssuedAt, &g.Expiry, &g.ConfirmedAt, &g.RefusedAt, &g.DisabledAt, &g.ProbedAt} {
		*at = at.UTC().Truncate(time.Millisecond)
	}
	return g, nil
}

// validAt reports whether the access token is valid at that time. A token without
// a known expiry is.
func (g Grant) validAt(now time.Time) bool {
	return g.AccessToken != "" && (g.Expiry.IsZero() || now.Before(g.Expiry))
}

// take copies the tokens of another grant. They are new, so none was refused.
func (g *Grant) take(tokens Grant) {
	g.AccessToken, g.RefreshToken = tokens.AccessToken, tokens.RefreshToken
	g.IssuedAt, g.Expiry = tokens.IssuedAt, tokens.Expiry
	g.Refused, g.RefusedAt = "", time.Time{}
}

// issue sets the tokens of a response.
func (g *Grant) issue(token Token, at time.Time) {
	at = at.UTC().Truncate(time.Millisecond) // as stores keep it
	tokens := Grant{AccessToken: token.AccessToken, RefreshToken: token.RefreshToken, IssuedAt: at}
	if token.ExpiresIn > 0 {
		tokens.Expiry = at.Add(token.ExpiresIn)
	}
	g.take(tokens)
}

// hash identifies a token or code without revealing it: they are too random to be
// guessed from their hash.
func hash(secret alexaevents.Secret) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
