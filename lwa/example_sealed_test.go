package lwa_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/alexaevents/alexaevents/lwa"
)

// The store receives the tokens encrypted. This AEAD has one key; Tink's has the same
// two methods and rotates keys.
func ExampleSealed() {
	encryption, err := newAEAD([]byte("32 bytes from a secret manager.."))
	if err != nil {
		fmt.Println(err)
		return
	}
	database := new(lwa.MemoryStore)
	store := &lwa.Sealed{Store: database, AEAD: encryption}
	ctx := context.Background()

	key := lwa.Key{ClientID: "amzn1.application-oa2-client.example", AccountID: "account-1"}
	err = store.UpdateGrant(ctx, key, func(grant *lwa.Grant) error {
		grant.RefreshToken = "Atzr|example"
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range []lwa.Store{store, database} {
		grant, err := s.Grant(ctx, key)
		fmt.Println(string(grant.RefreshToken) == "Atzr|example", err)
	}

	store.AEAD, err = newAEAD([]byte("another key that knows nothing.."))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = store.Grant(ctx, key)
	fmt.Println(errors.Is(err, lwa.ErrSealed))
	// Output:
	// true <nil>
	// false <nil>
	// true
}

// aead is an lwa.AEAD on crypto/cipher.
type aead struct{ cipher.AEAD }

func newAEAD(key []byte) (aead, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return aead{}, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return aead{gcm}, err
}

func (a aead) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return a.Seal(nil, nil, plaintext, associatedData), nil
}

func (a aead) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	return a.Open(nil, nil, ciphertext, associatedData)
}
