package identity

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// ErrNoRecord means that no [Record] covers the given time: as far as is known, the
// user had not linked an account then or, in a skill without account linking, had
// not enabled the skill.
var ErrNoRecord = errors.New("identity: no record covers this time")

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
