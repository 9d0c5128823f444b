package lwa

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"

	"github.com/alexaevents/alexaevents"
)

// ErrSealed says that a token in the store cannot be decrypted: the key is not
// the one it was encrypted with, or the row was changed or moved. EraseGrants
// removes such grants.
var ErrSealed = errors.New("lwa: a stored token cannot be decrypted")

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
// tokens only encrypted, in base64. They are bound to the grant's key and to
// their field: a row that was copied to another key gives [ErrSealed], and so
// does a grant that was stored without encryption.
//
// Each update encrypts both tokens anew, and so moves them to the newest key.
type Sealed struct {
	Store Store // where the grants go; required
	AEAD  AEAD  // encrypts the tokens; required
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
		return Grant{}, err
	}
	return grant, nil
}

// AccountGrants implements [Store].
func (s *Sealed) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[Grant, error] {
	if err := s.check(); err != nil {
		return failed(err)
	}
	return s.opened(s.Store.AccountGrants(ctx, clientID, accountID))
}

// Grants yields every grant, as the method Grants of the Store inside does, up to
// the first that cannot be decrypted. The error is [errors.ErrUnsupported] if the
// Store has no such method.
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
	return s.opened(inside.Grants(ctx))
}

func failed(err error) iter.Seq2[Grant, error] {
	return func(yield func(Grant, error) bool) { yield(Grant{}, err) }
}

// opened yields the grants with their tokens decrypted.
func (s *Sealed) opened(grants iter.Seq2[Grant, error]) iter.Seq2[Grant, error] {
	return func(yield func(Grant, error) bool) {
		for grant, err := range grants {
			if err == nil {
				err = s.open(&grant)
			}
			if err != nil {
				yield(Grant{}, err)
				return
			}
			if !yield(grant, nil) {
				return
			}
		}
	}
}

// UpdateGrant implements [Store].
func (s *Sealed) UpdateGrant(ctx context.Context, key Key, fn func(*Grant) error) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.Store.UpdateGrant(ctx, key, func(grant *Grant) error {
		if err := s.open(grant); err != nil {
			return err
		}
		if err := fn(grant); err != nil {
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
		*f.token = alexaevents.Secret(base64.StdEncoding.EncodeToString(ciphertext))
	}
	return nil
}

// open is the reverse of seal.
func (s *Sealed) open(grant *Grant) error {
	for _, f := range fields(grant) {
		if *f.token == "" {
			continue
		}
		ciphertext, err := base64.StdEncoding.DecodeString(string(*f.token))
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
