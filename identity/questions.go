package identity

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// ErrNoRecord says that no [Record] covers the time that [Account] was asked
// for: as far as is known, the user ID had linked no account then and, in a
// skill without account linking, had not enabled the skill.
var ErrNoRecord = errors.New("identity: no record covers this time")

// Account returns the account of an Alexa user at an instant. The account is
// empty with a nil error if a record covers the instant but no account is
// known, and the error is [ErrNoRecord] if none covers it. An empty skillID asks
// for every skill; the record that started last answers then.
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

// Export yields all that can be told about an account, oldest first: its
// records, and those without account of the same users of the same skills.
// Records of those users under another account are another customer's and stay
// out. An error comes once, alone and last.
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
