package identity_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

func storeWith(t require.TestingT, facts ...identity.Fact) *identity.MemoryStore {
	store := new(identity.MemoryStore)
	for _, f := range facts {
		require.NoError(t, store.AddFact(context.Background(), f))
	}
	return store
}

func TestAccount(t *testing.T) {
	inSkill := func(skillID string, f identity.Fact) identity.Fact {
		f.SkillID = skillID
		return f
	}
	store := storeWith(t,
		enabled(1), linked(2, "a"), linked(5, "b"), disabled(8), enabled(10), linked(12, ""),
		of("gone", disabled(5)),
		inSkill("other", linked(4, "c")),
	)
	tests := []struct {
		name        string
		skill, user string
		at          int
		want        string
		err         error
	}{
		{"before all", skillID, userID, 0, "", identity.ErrNoRecord},
		{"enabled, not linked yet", skillID, userID, 1, "", identity.ErrNoRecord},
		{"linked", skillID, userID, 2, "a", nil},
		{"relinked", skillID, userID, 5, "b", nil},
		{"just before the disable", skillID, userID, 7, "b", nil},
		{"disabled", skillID, userID, 8, "", identity.ErrNoRecord},
		{"enabled again, link unread", skillID, userID, 15, "", nil},
		{"before a disable without a past", skillID, "gone", 4, "", nil},
		{"after it", skillID, "gone", 5, "", identity.ErrNoRecord},
		{"another skill", "other", userID, 4, "c", nil},
		{"every skill: the record that started last", "", userID, 4, "c", nil},
		{"every skill", "", userID, 5, "b", nil},
		{"every skill, in the gap of one", "", userID, 8, "c", nil},
		{"an unknown user", skillID, "nobody", 5, "", identity.ErrNoRecord},
		{"an unknown skill", "nothing", userID, 5, "", identity.ErrNoRecord},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := identity.Account(t.Context(), store, test.skill, test.user, at(test.at))
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestExport(t *testing.T) {
	store := storeWith(t,
		enabled(1), linked(2, "b"), linked(5, ""), linked(7, "a"), disabled(8), // of two accounts, one after the other
		of("second", enabled(0)), of("second", disabled(1)), of("second", linked(3, "a")),
		of("stranger", linked(1, "b")), of("nobody", enabled(1)), of("gone", disabled(1)),
		identity.Fact{SkillID: "other", AmazonUserID: userID, At: at(0), Kind: identity.Enabled}, // who knows whose
	)
	tests := []struct {
		account string
		want    []row
	}{
		{"a", []row{
			{of("second", enabled(0)), "", 0, 1, 0},
			{of("second", linked(3, "a")), "a", 3, none, none},
			{linked(5, ""), "", 5, 7, 1},
			{linked(7, "a"), "a", 7, 8, 1},
		}},
		{"b", []row{
			{of("stranger", linked(1, "b")), "b", 1, none, none},
			{enabled(1), "b", 2, 5, 1},
			{linked(5, ""), "", 5, 7, 1},
		}},
		{"c", nil},
		{"", nil},
	}
	for _, test := range tests {
		t.Run(test.account, func(t *testing.T) {
			var want []identity.Record
			for _, row := range test.want {
				want = append(want, row.record())
			}
			require.Equal(t, want, collect(t, identity.Export(t.Context(), store, test.account)))
		})
	}
	for _, err := range identity.Export(t.Context(), store, "a") {
		require.NoError(t, err)
		break // panics if Export goes on
	}
}

// brokenStore fails in one of its reads.
type brokenStore struct {
	*identity.MemoryStore
	users, accounts error
}

var errBroken = errors.New("the disk is gone")

func (s brokenStore) UserRecords(ctx context.Context, skillID, amazonUserID string) iter.Seq2[identity.Record, error] {
	return failing(s.MemoryStore.UserRecords(ctx, skillID, amazonUserID), s.users)
}

func (s brokenStore) AccountRecords(ctx context.Context, accountID string) iter.Seq2[identity.Record, error] {
	return failing(s.MemoryStore.AccountRecords(ctx, accountID), s.accounts)
}

// failing yields the records and then the error, if there is one.
func failing(records iter.Seq2[identity.Record, error], err error) iter.Seq2[identity.Record, error] {
	return func(yield func(identity.Record, error) bool) {
		for record, err := range records {
			if !yield(record, err) {
				return
			}
		}
		if err != nil {
			yield(identity.Record{}, err)
		}
	}
}

func TestQuestionsReportErrorsOfTheStore(t *testing.T) {
	memory := storeWith(t, linked(1, "a"))
	for name, store := range map[string]identity.Store{
		"users":    brokenStore{MemoryStore: memory, users: errBroken},
		"accounts": brokenStore{MemoryStore: memory, accounts: errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			var errs []error
			for record, err := range identity.Export(t.Context(), store, "a") {
				require.Zero(t, record)
				errs = append(errs, err)
			}
			require.Equal(t, []error{errBroken}, errs)
		})
	}
	account, err := identity.Account(t.Context(), brokenStore{MemoryStore: memory, users: errBroken}, skillID, userID, at(1))
	require.ErrorIs(t, err, errBroken)
	require.Empty(t, account)
}

// collect returns the records of an iterator that must not fail.
func collect(t require.TestingT, records iter.Seq2[identity.Record, error]) []identity.Record {
	var all []identity.Record
	for record, err := range records {
		require.NoError(t, err)
		all = append(all, record)
	}
	return all
}
