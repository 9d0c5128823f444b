package identity

import (
	"context"
	"iter"
	"time"
)

// Store keeps facts and answers with the records that [Records] derives from
// them. [MemoryStore] is the reference implementation; the package storetest
// tests any other.
//
// Implementations are safe for concurrent use, by several processes too where
// the storage is shared. They start no goroutines. Times are kept in UTC to the
// millisecond. Text is kept byte for byte; what [Fact.Clean] refuses names
// nothing, and is no error, where it is asked for or erased. An iterator that fails yields the
// error once, with a zero Record, and ends; a loop may stop early at any time,
// and its body may use the store. A method that is given a cancelled context
// returns its error and changes nothing.
type Store interface {
	// AddFact stores the fact, durably once it returns nil. Adding a fact that
	// is there already changes nothing. The fact is kept as [Fact.Clean]
	// returns it; what that refuses is refused with [ErrInvalidFact].
	AddFact(ctx context.Context, fact Fact) error

	// UserRecords yields the records of an Alexa user, oldest first, closed
	// ones too. An empty skillID asks for every skill.
	UserRecords(ctx context.Context, skillID, amazonUserID string) iter.Seq2[Record, error]

	// AccountRecords yields the records of an account over all its Alexa
	// users, oldest first, closed ones too. The empty account has none.
	AccountRecords(ctx context.Context, accountID string) iter.Seq2[Record, error]

	// EraseUser removes the user's facts, except the Disabled ones, which keep
	// a late event from opening a record again; [Store.Purge] removes those in
	// time. An empty skillID erases the user in every skill.
	EraseUser(ctx context.Context, skillID, amazonUserID string) error

	// EraseAccount removes the account from the facts, as [WithoutAccount]
	// does. If the Linked facts of a user of a skill name no other account, it
	// removes the user's facts as EraseUser does. If they name another account,
	// it removes the Linked facts that name the erased account; one that comes
	// after a Linked fact of another account stays without an account instead.
	// So what was the erased account's is nobody's, and no earlier record opens
	// again. Erasing an account twice is erasing it once.
	EraseAccount(ctx context.Context, accountID string) error

	// Purge removes every fact of each user of a skill whose last fact is
	// older than before, whether or not a record of theirs is open.
	Purge(ctx context.Context, before time.Time) error
}
