package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

func TestMemoryStore(t *testing.T) {
	Identity(t, func(*testing.T) identity.Store { return new(identity.MemoryStore) })
}

// The methods beside those of the interface may be missing.
func TestStoreWithoutMore(t *testing.T) {
	Identity(t, func(*testing.T) identity.Store { return struct{ identity.Store }{new(identity.MemoryStore)} })
}

// TestFaultsAreNoticed breaks a store in one place at a time.
func TestFaultsAreNoticed(t *testing.T) {
	noticed := make(map[string]bool)
	for _, fault := range slices.Concat(writeFaults, readFaults, eraseFaults, textFaults, loopFaults, bulkFaults) {
		noticed[fault.check] = true
		t.Run(fault.name, func(t *testing.T) {
			i := slices.IndexFunc(identityChecks, func(c identityCheck) bool { return c.name == fault.check })
			require.GreaterOrEqual(t, i, 0, "no check %q", fault.check)
			limit := patience
			if strings.Contains(fault.words, "hangs") {
				limit = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			store := newFaulty()
			fault.inject(store)
			err := identityChecks[i].run(ctx, store)
			require.ErrorContains(t, err, fault.words)
		})
	}
	for _, check := range identityChecks {
		require.True(t, noticed[check.name], "no fault shows that the check %q can fail", check.name)
		require.NoError(t, check.run(t.Context(), newFaulty()), "%s, of a store that is not broken", check.name)
	}
}

var readFaults = []fault{
	{
		name: "takes the user of another skill for the same",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, _, amazonUserID string) records {
				return f.Store.UserRecords(ctx, "", amazonUserID)
			}
		},
		check: "skills apart",
		words: "UserRecords(\"amzn1.ask.skill.",
	},
	{
		name: "knows no empty skill",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				return filter(f.Store.UserRecords(ctx, skillID, amazonUserID), func(r identity.Record) bool { return r.SkillID == skillID })
			}
		},
		check: "skills apart",
		words: "UserRecords(\"\"",
	},
	{
		name: "orders a user's records by skill",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				list := toList(f.Store.UserRecords(ctx, skillID, amazonUserID))
				slices.SortStableFunc(list, func(a, b identity.Record) int { return strings.Compare(a.SkillID, b.SkillID) })
				return fromList(list)
			}
		},
		check: "skills apart",
		words: "UserRecords(\"\"",
	},
	{
		name: "orders an account's records newest first",
		inject: func(f *faulty) {
			f.accountRecords = func(ctx context.Context, accountID string) records {
				list := toList(f.Store.AccountRecords(ctx, accountID))
				slices.Reverse(list)
				return fromList(list)
			}
		},
		check: "records of an account",
		words: "AccountRecords(\"a\")",
	},
	{
		name: "leaves closed records out",
		inject: func(f *faulty) {
			f.accountRecords = func(ctx context.Context, accountID string) records {
				return filter(f.Store.AccountRecords(ctx, accountID), identity.Record.Open)
			}
		},
		check: "records of an account",
		words: "AccountRecords(\"a\")",
	},
	{
		name: "returns every record of an account's users",
		inject: func(f *faulty) {
			f.accountRecords = func(context.Context, string) records { return fromList(identity.Records(f.facts)) }
		},
		check: "records of an account",
		words: "AccountRecords(\"a\")",
	},
	{
		name: "derives an account's records from its own links alone",
		inject: func(f *faulty) {
			f.accountRecords = func(_ context.Context, accountID string) records {
				var own []identity.Fact
				for _, fact := range f.facts {
					if fact.AccountID == accountID || fact.Kind != identity.Linked {
						own = append(own, fact)
					}
				}
				return filter(fromList(identity.Records(own)), func(r identity.Record) bool { return r.AccountID == accountID && accountID != "" })
			}
		},
		check: "records of an account",
		words: "AccountRecords(\"a\")",
	},
	{
		name: "takes users without account for those of an account",
		inject: func(f *faulty) {
			f.accountRecords = func(ctx context.Context, accountID string) records {
				if accountID != "" {
					return f.Store.AccountRecords(ctx, accountID)
				}
				return filter(fromList(identity.Records(f.facts)), func(r identity.Record) bool { return r.AccountID == "" })
			}
		},
		check: "the empty account",
		words: "AccountRecords(\"\") must give 0 records",
	},
	{
		name: "returns one page of an account",
		inject: func(f *faulty) {
			f.accountRecords = func(ctx context.Context, accountID string) records {
				list := toList(f.Store.AccountRecords(ctx, accountID))
				return fromList(list[:min(len(list), 1000)])
			}
		},
		check: "a large account",
		words: "must give 1200 records and gave 1000",
	},
	{
		name: "erases one page of an account",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				erased := 0
				return f.drop(ctx, func(fact identity.Fact) bool {
					if fact.AccountID != accountID || erased == 1000 {
						return false
					}
					erased++
					return true
				})
			}
		},
		check: "a large account",
		words: "AccountRecords(\"large\") must give 0 records and gave 200",
	},
	{
		name: "returns the first megabyte of an account",
		inject: func(f *faulty) {
			f.accountRecords = func(ctx context.Context, accountID string) records {
				size := 0
				return filter(f.Store.AccountRecords(ctx, accountID), func(r identity.Record) bool {
					size += len(r.AmazonUserID)
					return size < 1<<20
				})
			}
		},
		check: "a large account",
		words: "must give 1200 records and gave 1040",
	},
	{
		name: "has no iterator for a user that it does not know",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				if len(toList(f.Store.UserRecords(ctx, skillID, amazonUserID))) == 0 {
					return nil
				}
				return f.Store.UserRecords(ctx, skillID, amazonUserID)
			}
		},
		check: "an empty store",
		words: "panicked",
	},
	{
		name: "fails on an account that it does not know",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				if !slices.ContainsFunc(f.facts, func(fact identity.Fact) bool { return fact.AccountID == accountID }) {
					return errors.New("no such account")
				}
				return f.Store.EraseAccount(ctx, accountID)
			}
		},
		check: "an empty store",
		words: "EraseAccount(\"account\") gave an error: no such account",
	},
	{
		name: "yields an error for a user that it does not know",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				list := toList(f.Store.UserRecords(ctx, skillID, amazonUserID))
				if len(list) > 0 {
					return fromList(list)
				}
				return func(yield func(identity.Record, error) bool) { yield(identity.Record{}, errors.New("no rows")) }
			}
		},
		check: "an empty store",
		words: "no rows",
	},
}
