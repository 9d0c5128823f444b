package lwa

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"

	"github.com/alexaevents/alexaevents"
)

// AEAD is authenticated encryption with associated data. Tink's AEAD implements
// it and can rotate keys; an adapter for crypto/cipher has a few lines, as in the
// example of [Sealed].
//
// It is called inside UpdateGrant and does no I/O. With a key management service,
// decrypt a data key once when the program starts, and use that key here.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// Sealed is a [Store] that encrypts access and refresh tokens before another store
// keeps them, in base64 after a prefix. An encrypted token is bound to its grant's
// key and to its field: a row that is copied to another key cannot be decrypted.
//
// # Grants that cannot be decrypted
//
// Grant returns [ErrSealed]. AccountGrants skips such a grant, so that the
// account's other grants stay usable; if there are no others, the error is
// ErrSealed. Grants and EndedGrants yield the other grants first and ErrSealed
// last. UpdateGrant calls fn with a grant that has Key and Region only. If fn sets a
// RefreshToken and returns nil, the grant is stored; otherwise the error is
// ErrSealed. So a new AcceptGrant or an import replaces the grant, and nothing else
// changes it. Logger and Observe report each such grant.
//
// # Existing grants in plain text
//
// A grant that was stored in plain text is read, and encrypted at its next update.
// Therefore anyone who can write to the database can replace the tokens of a grant
// with others in plain text. Set RefusePlain once every grant is encrypted.
//
// # Rotating keys
//
// Each update encrypts both tokens with the AEAD's primary key. This loop encrypts
// all grants again:
//
//	for grant, err := range sealed.Grants(ctx) {
//		if err == nil {
//			err = sealed.UpdateGrant(ctx, grant.Key, func(*lwa.Grant) error { return nil })
//		}
//		if err != nil {
//			return err
//		}
//	}
//
// To replace a key, first add the new one to the keyset and deploy to all
// processes, so that each can decrypt with it. Then make it the primary key, deploy
// to all processes, and run the loop. If the loop returns no error, remove the old
// key. After such a loop you can also set RefusePlain.
type Sealed struct {
	Store Store // keeps the grants; required
	AEAD  AEAD  // encrypts the tokens; required

	// RefusePlain refuses a grant in plain text with ErrSealed. False reads it.
	RefusePlain bool

	// Logger receives one record at level Warn each time a grant cannot be
	// decrypted. If level Debug is enabled, it contains the account and link IDs.
	// Nil disables logging.
	Logger *slog.Logger

	// Observe is called each time a grant cannot be decrypted, for metrics. Nil
	// disables it.
	Observe func(context.Context, SealedObservation)
}

// SealedObservation reports a grant that cannot be decrypted.
type SealedObservation struct {
	Key Key   // IDs in it are personal data
	Err error // wraps [ErrSealed]
}

var _ Store = (*Sealed)(nil)

// Grant implements [Store].
func (s *Sealed) Grant(ctx context.Context, key Key) (Grant, error) {
	if err := s.check(); err != nil {
		return Grant{}, err
	}
	grant, err := s.Store.Grant(ctx, key)
	if err != nil {
		return Grant{}, err
	}
	if err := s.open(&grant); err != nil {
		s.report(ctx, key, err)
		return Grant{}, err
	}
	return grant, nil
}

// AccountGrants implements [Store].
func (s *Sealed) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[Grant, error] {
	if err := s.check(); err != nil {
		return failed(err)
	}
	return s.opened(ctx, s.Store.AccountGrants(ctx, clientID, accountID), false)
}

// Grants yields every grant, with the method Grants of Store. Without that method
// the error is [errors.ErrUnsupported].
func (s *Sealed) Grants(ctx context.Context) iter.Seq2[Grant, error] {
	if err := s.check(); err != nil {
		return failed(err)
	}
	inside, ok := s.Store.(interface {
		Grants(ctx context.Context) iter.Seq2[Grant, error]
	})
	if !ok {
		return failed(fmt.Errorf("lwa: Sealed.Store has no method Grants: %w", errors.ErrUnsupported))
	}
	return s.opened(ctx, inside.Grants(ctx), true)
}

// EndedGrants yields the client's grants with Refused or DisabledAt, for
// [Source.EndedGrants], with the method EndedGrants or Grants of Store. Without
// either the error is [errors.ErrUnsupported].
func (s *Sealed) EndedGrants(ctx context.Context, clientID string) iter.Seq2[Grant, error] {
	if err := s.check(); err != nil {
		return failed(err)
	}
	return s.opened(ctx, markedGrants(ctx, s.Store, clientID), true)
}

func failed(err error) iter.Seq2[Grant, error] {
	return func(yield func(Grant, error) bool) { yield(Grant{}, err) }
}

// opened yields the grants with decrypted tokens. If some cannot be decrypted, the
// error comes last: always with all, otherwise only if no grant was yielded.
func (s *Sealed) opened(ctx context.Context, grants iter.Seq2[Grant, error], all bool) iter.Seq2[Grant, error] {
	return func(yield func(Grant, error) bool) {
		var unreadable error
		read := 0
		for grant, err := range grants {
			if err != nil {
				yield(Grant{}, err)
				return
			}
			if err := s.open(&grant); err != nil {
				s.report(ctx, grant.Key, err)
				unreadable = err
				continue
			}
			read++
			if !yield(grant, nil) {
				return
			}
		}
		if unreadable != nil && (all || read == 0) {
			yield(Grant{}, unreadable)
		}
	}
}

// UpdateGrant implements [Store].
func (s *Sealed) UpdateGrant(ctx context.Context, key Key, fn func(*Grant) error) error {
	if err := s.check(); err != nil {
		return err
	}
	var unreadable error
	err := s.Store.UpdateGrant(ctx, key, func(grant *Grant) error {
		if unreadable = s.open(grant); unreadable != nil {
			*grant = Grant{Key: key, Region: grant.Region}
		}
		err := fn(grant)
		if unreadable != nil && (err != nil || grant.RefreshToken == "") {
			return unreadable // an error of fn is not about the stored grant
		}
		if err != nil {
			return err
		}
		grant.Key = key
		clean, err := grant.Clean() // before the tokens are encrypted
		if err != nil {
			return err
		}
		*grant = clean
		return s.seal(grant)
	})
	if unreadable != nil {
		s.report(ctx, key, unreadable)
	}
	return err
}

func (s *Sealed) report(ctx context.Context, key Key, err error) {
	if s.Observe != nil {
		s.Observe(ctx, SealedObservation{key, err})
	}
	if s.Logger == nil {
		return
	}
	attrs := []slog.Attr{slog.String("lwa.client.id", key.ClientID), slog.Any("error", err)}
	if s.Logger.Enabled(ctx, slog.LevelDebug) {
		attrs = append(attrs, slog.String("alexa.account.id", key.AccountID), slog.String("alexa.link.id", key.LinkID))
	}
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "grant cannot be decrypted", attrs...)
}

// EraseGrants implements [Store].
func (s *Sealed) EraseGrants(ctx context.Context, accountID string) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.Store.EraseGrants(ctx, accountID)
}

func (s *Sealed) check() error {
	if s.Store == nil || s.AEAD == nil {
		return errors.New("lwa: Sealed.Store or Sealed.AEAD is nil")
	}
	return nil
}

// field is an encrypted field of a grant. The ciphertext is bound to its name,
// which must not change.
type field struct {
	name  string
	token *alexaevents.Secret
}

func fields(grant *Grant) []field {
	return []field{{"AccessToken", &grant.AccessToken}, {"RefreshToken", &grant.RefreshToken}}
}

// mark is the prefix of each encrypted token. An earlier version wrote none.
const mark = "sealed:"

// seal encrypts the tokens of the grant. An empty token stays empty.
func (s *Sealed) seal(grant *Grant) error {
	for _, f := range fields(grant) {
		if *f.token == "" {
			continue
		}
		ciphertext, err := s.AEAD.Encrypt([]byte(*f.token), grant.bytes(f.name))
		if err != nil {
			return fmt.Errorf("lwa: encrypting a token: %w", err)
		}
		*f.token = alexaevents.Secret(mark + base64.StdEncoding.EncodeToString(ciphertext))
	}
	return nil
}

// open decrypts the tokens of the grant, unless they are in plain text.
func (s *Sealed) open(grant *Grant) error {
	if !s.RefusePlain && plain(grant.AccessToken) && plain(grant.RefreshToken) {
		return nil
	}
	for _, f := range fields(grant) {
		if *f.token == "" {
			continue
		}
		ciphertext, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(*f.token), mark))
		if err != nil {
			return fmt.Errorf("%w: it is not base64", ErrSealed)
		}
		plaintext, err := s.AEAD.Decrypt(ciphertext, grant.bytes(f.name))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSealed, err)
		}
		*f.token = alexaevents.Secret(plaintext)
	}
	return nil
}

// plain reports whether the token is in plain text: it has no mark, and is not
// base64 with room for a nonce and a tag, as tokens that an earlier version
// encrypted are. Amazon's tokens have characters that base64 does not.
func plain(token alexaevents.Secret) bool {
	if strings.HasPrefix(string(token), mark) {
		return false
	}
	const nonceAndTag = 12 + 16
	ciphertext, err := base64.StdEncoding.DecodeString(string(token))
	return err != nil || len(ciphertext) < nonceAndTag
}
