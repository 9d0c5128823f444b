package identity

import (
	"context"
	"iter"
	"time"
)

// Store stores facts and returns the records that [Records] derives from them.
// [MemoryStore] is the reference implementation; package storetest tests any other.
//
// Implementations are safe for concurrent use, also by several processes that share
// the storage. They start no goroutines. Times are kept in UTC to the millisecond,
// text byte for byte. Looking up or erasing a text that [Fact.Clean] refuses finds
// nothing and returns no error. An iterator that fails yields the error once, with a
// zero Record, and ends. A loop may stop early at any time, and its body may use the
// store. A method that is called with a cancelled context returns the context's error
// and changes nothing.
type Store interface {
	// AddFact stores the fact as [Fact.Clean] returns it, and returns the error of
	// Clean. If AddFact returns nil, the fact is stored durably. Adding a fact again
	// changes nothing.
	AddFact(ctx context.Context, fact Fact) error

	// UserRecords yields the records of an Alexa user, open and closed, oldest
	// first. An empty skillID means every skill.
	UserRecords(ctx context.Context, skillID, amazonUserID string) iter.Seq2[Record, error]

	// AccountRecords yields the records of an account, open and closed, of all its
	// Alexa users, oldest first. An empty account has no records.
	AccountRecords(ctx context.Context, accountID string) iter.Seq2[Record, error]

	// EraseUser removes the user's facts except the Disabled ones, which keep a late
	// event from opening a record again until [Store.Purge] removes them. An empty
	// skillID means every skill.
	EraseUser(ctx context.Context, skillID, amazonUserID string) error

	// EraseAccount replaces the facts of each user of the account by what
	// [WithoutAccount] returns for them: no fact names the account afterwards, and no
	// earlier record of another account opens again. Erasing an account again
	// changes nothing.
	EraseAccount(ctx context.Context, accountID string) error

	// Purge removes all facts of each user of a skill whose last fact is older than
	// before, even if a record of the user is open.
	Purge(ctx context.Context, before time.Time) error
}
