package lwa

import (
	"context"
	"iter"
)

// Store keeps grants. [MemoryStore] is the reference implementation, [Sealed]
// encrypts the tokens for any other store, and the package storetest tests any
// implementation.
//
// Implementations are safe for concurrent use, also by several processes if they
// share the storage. They start no goroutines. Times are kept in UTC to the
// millisecond, and the zero time as zero. Text is kept byte for byte; a token has
// up to 4096 bytes. Looking up or erasing a key that [Grant.Clean] refuses finds no
// grant, as with an unknown key. Keys are equal only if each of their parts is. An
// iterator that fails yields the error once, with a zero Grant, and ends. A loop may
// stop at any time, and its body may use the store. A method whose context is
// cancelled returns the context's error and changes nothing.
//
// A store may also have the methods Grants and EndedGrants that
// [Source.EndedGrants] describes.
type Store interface {
	// Grant returns the grant of the key, or [ErrNoGrant].
	Grant(ctx context.Context, key Key) (Grant, error)

	// AccountGrants yields the grants of one account and client, in the byte
	// order of their LinkID.
	AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[Grant, error]

	// UpdateGrant reads the grant of the key, calls fn with it, and stores the
	// changed grant. Once it returns nil, the change is durable. If there is no
	// grant, fn gets a zero Grant with the key. The update is atomic: no other
	// update of the grant happens between reading and storing.
	//
	// The grant is stored as [Grant.Clean] returns it; an error of Clean is
	// returned. Changes of fn to the key are ignored. A grant without
	// RefreshToken is deleted.
	//
	// If fn returns an error, nothing is stored, and UpdateGrant returns an error
	// that wraps it. The store may run fn more than once. Each time fn starts
	// from the grant that it gets, does no I/O and does not use the store. If a
	// write's reply is lost, fn may run again on a grant that already contains
	// its change, and later changes of others.
	UpdateGrant(ctx context.Context, key Key, fn func(*Grant) error) error

	// EraseGrants deletes all grants of the account, of every client. The empty
	// account ID has none.
	EraseGrants(ctx context.Context, accountID string) error
}
