package lwa

import (
	"context"
	"iter"
)

// Store keeps grants. [MemoryStore] is the reference implementation, [Sealed]
// encrypts the tokens on their way into any other, and the package storetest
// tests any of them.
//
// Implementations are safe for concurrent use, by several processes too where
// the storage is shared. They start no goroutines. Times are kept in UTC to the
// millisecond, and the zero time as zero. Text is kept byte for byte; tokens may
// have 4096 bytes. A key that [Grant.Clean] refuses names nothing, and is no
// error, where it is asked for or erased. The parts of a [Key] stay apart: no two keys meet because
// their parts look alike in a row. An iterator that fails yields the error once,
// with a zero Grant, and ends; a loop may stop early at any time, and its body
// may use the store. A method that is given a cancelled context returns its
// error and changes nothing.
//
// A store may also list every grant, in a method Grants, and those that may have
// ended: [Source.EndedGrants] uses the one or the other.
type Store interface {
	// Grant returns the grant of the key, or [ErrNoGrant].
	Grant(ctx context.Context, key Key) (Grant, error)

	// AccountGrants yields the grants of an account that are one client's, in
	// the order of the bytes of their LinkID.
	AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[Grant, error]

	// UpdateGrant gives fn the grant of the key and stores what fn made of it,
	// durably once it returns nil. If there is none, fn gets a zero Grant with
	// that key. No other update of the grant comes between the reading and the
	// storing.
	//
	// The grant is kept as [Grant.Clean] returns it; what that refuses is
	// refused with [ErrInvalidKey]. It keeps its key, whatever fn does to that.
	// A grant without RefreshToken is deleted.
	//
	// If fn returns an error, nothing is stored, and UpdateGrant returns an
	// error that wraps it. The store may run fn more than once; fn starts from
	// the grant that it is given each time, does no I/O and does not use the
	// store. Where the answer to a write was lost, that grant can be what an
	// earlier run of fn has made of it, or what others made of that since.
	UpdateGrant(ctx context.Context, key Key, fn func(*Grant) error) error

	// EraseGrants deletes every grant of the account, of all clients. The empty
	// account has none.
	EraseGrants(ctx context.Context, accountID string) error
}
