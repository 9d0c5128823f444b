package identity

import (
	"context"
	"iter"
	"slices"
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

// Account returns the account that an Alexa user ID belonged to at the given time.
// If a record covers the time and its account is not known, Account returns an empty
// account and a nil error. If no record covers the time, the error is [ErrNoRecord].
// An empty skillID means every skill; then the record that started last counts.
func Account(ctx context.Context, store Store, skillID, amazonUserID string, at time.Time) (accountID string, err error) {
	err = ErrNoRecord
	for record, storeErr := range store.UserRecords(ctx, skillID, amazonUserID) {
		if storeErr != nil {
			return "", storeErr
		}
		if record.Covers(at) {
			accountID, err = record.AccountID, nil
		}
	}
	return accountID, err
}

// Export yields everything that is stored about an account, oldest first: its
// records, and those records without account of the same users of the same skills.
// It omits the records of those users under another account, which are another
// customer's. An error comes once, alone and last.
func Export(ctx context.Context, store Store, accountID string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		records, err := export(ctx, store, accountID)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for _, record := range records {
			if !yield(record, nil) {
				return
			}
		}
	}
}

func export(ctx context.Context, store Store, accountID string) ([]Record, error) {
	type user struct{ skillID, amazonUserID string }
	users := make(map[user]bool)
	for record, err := range store.AccountRecords(ctx, accountID) {
		if err != nil {
			return nil, err
		}
		users[user{record.SkillID, record.AmazonUserID}] = true
	}
	var records []Record
	for user := range users {
		for record, err := range store.UserRecords(ctx, user.skillID, user.amazonUserID) {
			if err != nil {
				return nil, err
			}
			if record.AccountID == accountID || record.AccountID == "" {
				records = append(records, record)
			}
		}
	}
	slices.SortFunc(records, compareRecords)
	return records, nil
}
