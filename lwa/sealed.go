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

// AEAD encrypts and authenticates. It has the methods of Tink's AEAD, whose
// keysets rotate keys; crypto/cipher takes a few lines of one's own.
//
// It is called inside UpdateGrant, so it must work without I/O: a key that lives
// in a key management service is for decrypting the key that this uses, once.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// Sealed is a [Store] around a store, which gets to see the access and refresh
// tokens only encrypted, in base64 after a mark. They are bound to the grant's key
// and to their field: a row that was copied to another key gives [ErrSealed].
//
// # Grants that cannot be decrypted
//
// Grant gives ErrSealed. AccountGrants skips such a grant, so that the account's
// other grants stay usable; if the account has no others, it gives ErrSealed.
// Grants and EndedGrants yield the grants that can be decrypted, and then
// ErrSealed. UpdateGrant gives fn a grant with Key and Region alone, stores what
// fn makes of it if that has a RefreshToken, and else gives ErrSealed, in place of
// an error of fn too: so AcceptGrant and an import replace the grant, and nothing
// else changes it.
// Logger and Observe report each.
//
// # Grants from before
//
// A grant that was stored in the clear is read, and encrypted at its next update.
// So whoever can write to the database can give a grant other tokens, in the
// clear. Set RefusePlain once each grant is encrypted.
//
// # Rotating keys
//
// Each update encrypts both tokens with the AEAD's primary key. A loop that
// updates each grant encrypts all of them anew:
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
// To replace a key, add the new one to the keyset and deploy that everywhere, so
// that each process can decrypt what another one encrypts with it. Then make it
// the primary key, deploy that everywhere, and run the loop. If the loop gives no
// error, remove the old key. After such a loop RefusePlain can be set, too.
type Sealed struct {
	Store Store // where the grants go; required
	AEAD  AEAD  // encrypts the tokens; required

	// RefusePlain gives ErrSealed for a grant that is stored in the clear. False
	// reads it.
	RefusePlain bool

	// Logger receives one record at Warn for each time that a grant could not be
	// decrypted. Account and link IDs are in it if the level Debug is enabled. Nil
	// disables logging.
	Logger *slog.Logger

	// Observe is called for each time that a grant could not be decrypted. Nil is
	// not called.
	Observe func(context.Context, SealedObservation)
}

// SealedObservation is a grant that could not be decrypted.
type SealedObservation struct {
	Key Key
	Err error // wraps ErrSealed
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

// Grants yields every grant, as the method Grants of the Store inside does. The
// error is [errors.ErrUnsupported] if the Store has no such method.
func (s *Sealed) Grants(ctx context.Context) iter.Seq2[Grant, error] {
	if err := s.check(); err != nil {
		return failed(err)
	}
	inside, ok := s.Store.(interface {
		Grants(ctx context.Context) iter.Seq2[Grant, error]
	})
	if !ok {
		return failed(fmt.Errorf("lwa: the Store inside Sealed has no method Grants: %w", errors.ErrUnsupported))
	}
	return s.opened(ctx, inside.Grants(ctx), true)
}

// EndedGrants yields the client's grants that have Refused or DisabledAt, for
// [Source.EndedGrants]. The error is [errors.ErrUnsupported] if the Store inside
// has neither a method EndedGrants nor Grants.
func (s *Sealed) EndedGrants(ctx context.Context, clientID string) iter.Seq2[Grant, error] {
	if err := s.check(); err != nil {
		return failed(err)
	}
	return s.opened(ctx, markedGrants(ctx, s.Store, clientID), true)
}

func failed(err error) iter.Seq2[Grant, error] {
	return func(yield func(Grant, error) bool) { yield(Grant{}, err) }
}

// opened yields the grants with their tokens decrypted. If some could not be, the
// error comes last: always if all of them are wanted, or else if none could be.
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
			return unreadable // fn's error is about a grant that is not the stored one
		}
		if err != nil {
			return err
		}
		grant.Key = key
		clean, err := grant.Clean() // while the tokens can be read
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
		return errors.New("lwa: Sealed without Store or AEAD")
	}
	return nil
}

// field is one of the two encrypted fields of a grant. Its name is part of what
// the ciphertext is bound to and must not change.
type field struct {
	name  string
	token *alexaevents.Secret
}

func fields(grant *Grant) []field {
	return []field{{"AccessToken", &grant.AccessToken}, {"RefreshToken", &grant.RefreshToken}}
}

// mark begins each encrypted token. An earlier version wrote none.
const mark = "sealed:"

// seal encrypts the tokens of the grant; an empty one stays empty.
func (s *Sealed) seal(grant *Grant) error {
	for _, f := range fields(grant) {
		if *f.token == "" {
			continue
		}
		ciphertext, err := s.AEAD.Encrypt([]byte(*f.token), grant.bytes(f.name))
		if err != nil {
			return fmt.Errorf("lwa: encrypt a token: %w", err)
		}
		*f.token = alexaevents.Secret(mark + base64.StdEncoding.EncodeToString(ciphertext))
	}
	return nil
}

// open is the reverse of seal. A grant in the clear stays as it is.
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

// plain tells whether the token is in the clear. It has no mark then, and is not
// base64 of a nonce and a tag, as what an earlier version has encrypted is:
// Amazon's tokens have characters that base64 has not.
func plain(token alexaevents.Secret) bool {
	if strings.HasPrefix(string(token), mark) {
		return false
	}
	const nonceAndTag = 12 + 16
	ciphertext, err := base64.StdEncoding.DecodeString(string(token))
	return err != nil || len(ciphertext) < nonceAndTag
}
