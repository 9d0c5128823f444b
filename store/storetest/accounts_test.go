package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

var eraseFaults = []fault{
	{
		name: "forgets Disabled when it erases a user",
		inject: func(f *faulty) {
			f.eraseUser = func(ctx context.Context, skillID, amazonUserID string) error {
				return f.drop(ctx, func(fact identity.Fact) bool {
					return fact.AmazonUserID == amazonUserID && (skillID == "" || fact.SkillID == skillID)
				})
			}
		},
		check: "erasing a user",
		words: "EraseUser",
	},
	{
		name: "erases a user in every skill",
		inject: func(f *faulty) {
			f.eraseUser = func(ctx context.Context, _, amazonUserID string) error {
				return f.Store.EraseUser(ctx, "", amazonUserID)
			}
		},
		check: "erasing a user",
		words: "EraseUser",
	},
	{
		name: "erases a user in no skill if none is named",
		inject: func(f *faulty) {
			f.eraseUser = func(ctx context.Context, skillID, amazonUserID string) error {
				if skillID == "" {
					return nil
				}
				return f.Store.EraseUser(ctx, skillID, amazonUserID)
			}
		},
		check: "erasing a user",
		words: "EraseUser(\"\", \"two\")",
	},
	{
		name: "erases the links alone of a user",
		inject: func(f *faulty) {
			f.eraseUser = func(ctx context.Context, skillID, amazonUserID string) error {
				return f.drop(ctx, func(fact identity.Fact) bool {
					return fact.AmazonUserID == amazonUserID && (skillID == "" || fact.SkillID == skillID) && fact.Kind == identity.Linked
				})
			}
		},
		check: "erasing a user",
		words: "EraseUser",
	},
	{
		name: "closes records instead of erasing them",
		inject: func(f *faulty) {
			f.eraseUser = func(ctx context.Context, skillID, amazonUserID string) error {
				return f.add(ctx, identity.Fact{SkillID: skillID, AmazonUserID: amazonUserID, At: at(20), Kind: identity.Disabled})
			}
		},
		check: "erasing a user",
		words: "EraseUser",
	},
	{
		name: "erases the links alone of an account",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				return f.drop(ctx, func(fact identity.Fact) bool { return accountID != "" && fact.AccountID == accountID })
			}
		},
		check: "erasing an account",
		words: "EraseAccount(\"a\")",
	},
	{
		name: "erases whole users who have another account",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				var users []user
				for _, fact := range f.facts {
					if accountID != "" && fact.AccountID == accountID {
						users = append(users, userOf(fact))
					}
				}
				return f.drop(ctx, func(fact identity.Fact) bool {
					return slices.Contains(users, userOf(fact)) && fact.Kind != identity.Disabled
				})
			}
		},
		check: "erasing an account",
		words: "EraseAccount(\"a\")",
	},
	{
		name: "takes the account of another skill's user for another account",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				others := make(map[string]bool)
				for _, fact := range f.facts {
					if fact.AccountID != "" && fact.AccountID != accountID {
						others[fact.AmazonUserID] = true
					}
				}
				var own []user
				for _, fact := range f.facts {
					if accountID != "" && fact.AccountID == accountID && !others[fact.AmazonUserID] {
						own = append(own, userOf(fact))
					}
				}
				return f.drop(ctx, func(fact identity.Fact) bool {
					return accountID != "" && fact.AccountID == accountID || slices.Contains(own, userOf(fact)) && fact.Kind != identity.Disabled
				})
			}
		},
		check: "erasing an account",
		words: "EraseAccount(\"a\")",
	},
	{
		name: "gives the users of an account back to the account before",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				remaining := identity.WithoutAccount(f.facts, accountID)
				return f.keep(ctx, slices.DeleteFunc(remaining, func(fact identity.Fact) bool { return !slices.Contains(f.facts, fact) }))
			}
		},
		check: "erasing an account that followed another",
		words: "EraseAccount(\"a\")",
	},
	{
		name: "keeps a link that did not count and now does",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				remaining := identity.WithoutAccount(f.facts, accountID)
				for _, fact := range f.facts {
					if fact.Kind == identity.Linked && fact.AccountID == "B" && accountID != "B" {
						remaining = append(remaining, fact)
					}
				}
				return f.keep(ctx, remaining)
			}
		},
		check: "erasing an account that followed another",
		words: "\"together\"",
	},
	{
		name: "keeps every link of an account without it",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				remaining := identity.WithoutAccount(f.facts, accountID)
				for _, fact := range f.facts {
					if fact.AccountID == accountID {
						fact.AccountID = ""
						remaining = append(remaining, fact)
					}
				}
				return f.keep(ctx, remaining)
			}
		},
		check: "erasing an account that followed another",
		words: "EraseAccount(\"a\")",
	},
	{
		name: "cannot empty a link beside an empty one",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				for _, fact := range f.facts {
					empty := fact
					empty.AccountID = ""
					if fact.AccountID == accountID && slices.Contains(f.facts, empty) {
						return errors.New("UNIQUE constraint failed")
					}
				}
				return f.keep(ctx, identity.WithoutAccount(f.facts, accountID))
			}
		},
		check: "erasing an account that followed another",
		words: "EraseAccount(\"a\") gave an error: UNIQUE constraint failed",
	},
	{
		name: "erases unresolved links with the empty account",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				if accountID != "" {
					return f.Store.EraseAccount(ctx, accountID)
				}
				return f.drop(ctx, func(fact identity.Fact) bool { return fact.Kind == identity.Linked && fact.AccountID == "" })
			}
		},
		check: "erasing unknown users and accounts",
		words: "EraseAccount(\"\")",
	},
	{
		name: "remembers erased facts",
		inject: func(f *faulty) {
			erased := make(map[user]bool)
			f.eraseUser = func(ctx context.Context, skillID, amazonUserID string) error {
				erased[user{skillID, amazonUserID}] = true
				return f.Store.EraseUser(ctx, skillID, amazonUserID)
			}
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				if erased[userOf(fact)] {
					return nil
				}
				return f.add(ctx, fact)
			}
		},
		check: "events after an erasure",
		words: "EraseUser",
	},
	{
		name: "forgets Disabled when it erases an account",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				var own []user
				for _, fact := range f.facts {
					if fact.AccountID == accountID {
						own = append(own, userOf(fact))
					}
				}
				return f.drop(ctx, func(fact identity.Fact) bool { return slices.Contains(own, userOf(fact)) })
			}
		},
		check: "events after an erasure",
		words: "EraseAccount",
	},
	{
		name: "purges by the first fact",
		inject: func(f *faulty) {
			f.purge = func(ctx context.Context, before time.Time) error {
				old := make(map[user]bool)
				for _, fact := range f.facts {
					old[userOf(fact)] = old[userOf(fact)] || fact.At.Before(before)
				}
				return f.drop(ctx, func(fact identity.Fact) bool { return old[userOf(fact)] })
			}
		},
		check: "purging",
		words: "Purge",
	},
	{
		name: "purges fact by fact",
		inject: func(f *faulty) {
			f.purge = func(ctx context.Context, before time.Time) error {
				return f.drop(ctx, func(fact identity.Fact) bool { return fact.At.Before(before) })
			}
		},
		check: "purging",
		words: "Purge",
	},
	{
		name: "purges what is exactly as old",
		inject: func(f *faulty) {
			f.purge = func(ctx context.Context, before time.Time) error {
				return f.Store.Purge(ctx, before.Add(time.Millisecond))
			}
		},
		check: "purging",
		words: "\"border\"",
	},
	{
		name: "purges by the wall clock",
		inject: func(f *faulty) {
			f.purge = func(ctx context.Context, before time.Time) error {
				wall, err := time.Parse(time.DateTime, before.Format(time.DateTime))
				return errors.Join(err, f.Store.Purge(ctx, wall))
			}
		},
		check: "purging",
		words: "Purge(2026-03-01T05:30:05+05:30)",
	},
	{
		name: "spares open records when it purges",
		inject: func(f *faulty) {
			f.purge = func(ctx context.Context, before time.Time) error {
				open := make(map[user]bool)
				for _, record := range identity.Records(f.facts) {
					open[user{record.SkillID, record.AmazonUserID}] = record.Open()
				}
				last := make(map[user]time.Time)
				for _, fact := range f.facts {
					if fact.At.After(last[userOf(fact)]) {
						last[userOf(fact)] = fact.At
					}
				}
				return f.drop(ctx, func(fact identity.Fact) bool { return !open[userOf(fact)] && last[userOf(fact)].Before(before) })
			}
		},
		check: "purging",
		words: "\"open\"",
	},
	{
		name: "purges a user in every skill or in none",
		inject: func(f *faulty) {
			f.purge = func(ctx context.Context, before time.Time) error {
				last := make(map[string]time.Time)
				for _, fact := range f.facts {
					if fact.At.After(last[fact.AmazonUserID]) {
						last[fact.AmazonUserID] = fact.At
					}
				}
				return f.drop(ctx, func(fact identity.Fact) bool { return last[fact.AmazonUserID].Before(before) })
			}
		},
		check: "purging",
		words: "\"open\"",
	},
}
