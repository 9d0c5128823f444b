package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

var writeFaults = []fault{
	{
		name: "stores nothing",
		inject: func(f *faulty) {
			f.addFact = func(context.Context, identity.Fact) error { return nil }
		},
		check: "the table of the document",
		words: "must give 1 records and gave 0",
	},
	{
		name: "refuses a fact that is there",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				if slices.Contains(f.facts, fact) {
					return errors.New("unique constraint failed")
				}
				return f.add(ctx, fact)
			}
		},
		check: "repeated facts",
		words: "unique constraint failed",
	},
	{
		name: "takes a repeated fact for news",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				again := slices.Contains(f.facts, fact)
				err := f.add(ctx, fact)
				if again {
					fact.At = fact.At.Add(10 * time.Second)
					err = errors.Join(err, f.add(ctx, fact))
				}
				return err
			}
		},
		check: "repeated facts",
		words: "UserRecords",
	},
	{
		name: "takes facts that differ in the account alone for the same",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				for _, known := range f.facts {
					if userOf(known) == userOf(fact) && known.At.Equal(fact.At) && known.Kind == fact.Kind {
						return nil
					}
				}
				return f.add(ctx, fact)
			}
		},
		check: "facts of one instant",
		words: "AddFact(linked \"links\"",
	},
	{
		name: "takes facts that differ in the kind alone for the same",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				for _, known := range f.facts {
					if userOf(known) == userOf(fact) && known.At.Equal(fact.At) && known.AccountID == fact.AccountID {
						return nil
					}
				}
				return f.add(ctx, fact)
			}
		},
		check: "facts of one instant",
		words: "EnabledAt",
	},
	{
		name: "drops facts that come late",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				for _, known := range f.facts {
					if userOf(known) == userOf(fact) && known.At.After(fact.At) {
						return nil
					}
				}
				return f.add(ctx, fact)
			}
		},
		check: "facts in any order",
		words: "-want +got",
	},
	{
		name: "cuts times to the second",
		inject: func(f *faulty) {
			f.clean = func(fact identity.Fact) identity.Fact {
				fact.At = fact.At.Truncate(time.Second)
				return fact
			}
		},
		check: "times in UTC to the millisecond",
		words: "StartDatetime",
	},
	{
		name: "returns digits below the millisecond",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				return change(f.Store.UserRecords(ctx, skillID, amazonUserID), func(r *identity.Record) {
					r.StartDatetime = r.StartDatetime.Add(999)
				})
			}
		},
		check: "times in UTC to the millisecond",
		words: "StartDatetime",
	},
	{
		name: "returns times in a local time zone",
		inject: func(f *faulty) {
			f.accountRecords = func(ctx context.Context, accountID string) records {
				return change(f.Store.AccountRecords(ctx, accountID), func(r *identity.Record) {
					r.StartDatetime = r.StartDatetime.In(time.FixedZone("CET", 3600))
				})
			}
		},
		check: "times in UTC to the millisecond",
		words: "not in UTC",
	},
	{
		name: "takes 1970 for no time",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				return change(f.Store.UserRecords(ctx, skillID, amazonUserID), func(r *identity.Record) {
					if r.EndDatetime.Unix() == 0 {
						r.EndDatetime = time.Time{}
					}
				})
			}
		},
		check: "times in UTC to the millisecond",
		words: "1970-01-01",
	},
	{
		name: "swallows invalid facts",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				if _, err := fact.Clean(); err != nil {
					return nil
				}
				return f.add(ctx, fact)
			}
		},
		check: "invalid facts",
		words: "must give ErrInvalidFact",
	},
	{
		name: "mends invalid facts",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				if fact.Kind != identity.Linked {
					fact.AccountID = ""
				}
				return f.add(ctx, fact)
			}
		},
		check: "invalid facts",
		words: "an account on",
	},
	{
		name: "stores an invalid fact and refuses it then",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				_, err := fact.Clean()
				if err != nil {
					fact.SkillID, fact.AmazonUserID, fact.At, fact.Kind = skill, "user", at(1), identity.Seen
					fact.AccountID = ""
				}
				return errors.Join(err, f.add(ctx, fact))
			}
		},
		check: "invalid facts",
		words: "must give 0 records and gave 1",
	},
	{name: "folds the case of user IDs", inject: mapText(strings.ToLower), check: "text byte for byte", words: "-want +got"},
	{name: "trims user IDs", inject: mapText(strings.TrimSpace), check: "text byte for byte", words: "-want +got"},
	{name: "cuts user IDs to 64 bytes", inject: mapText(func(s string) string { return s[:min(len(s), 64)] }), check: "long text", words: "-want +got"},
	{
		name:   "cuts user IDs to 255 bytes",
		inject: mapText(func(s string) string { return strings.ToValidUTF8(s[:min(len(s), 255)], "") }),
		check:  "long text",
		words:  "-want +got",
	},
	{
		name: "matches accounts by pattern",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				return f.drop(ctx, func(fact identity.Fact) bool {
					pattern := strings.TrimRight(accountID, "%_")
					return fact.AccountID == accountID || pattern != accountID && strings.HasPrefix(fact.AccountID, pattern)
				})
			}
		},
		check: "text byte for byte",
		words: "-want +got",
	},
	{
		name: "fails when it is used by several goroutines",
		inject: func(f *faulty) {
			var lock sync.Mutex
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				if !lock.TryLock() {
					return errors.New("database is locked")
				}
				defer lock.Unlock()
				time.Sleep(time.Millisecond)
				return f.add(ctx, fact)
			}
		},
		check: "several goroutines",
		words: "database is locked",
	},
	{
		name: "erases what comes while it erases",
		inject: func(f *faulty) {
			f.eraseUser = func(ctx context.Context, skillID, amazonUserID string) error {
				f.mu.Lock()
				before := len(f.facts)
				f.mu.Unlock()
				time.Sleep(time.Millisecond)
				f.mu.Lock()
				defer f.mu.Unlock()
				for _, fact := range f.facts[before:] {
					if err := f.Store.EraseUser(ctx, fact.SkillID, fact.AmazonUserID); err != nil {
						return err
					}
				}
				return f.Store.EraseUser(ctx, skillID, amazonUserID)
			}
		},
		check: "several goroutines",
		words: "-want +got",
	},
	{
		name: "keeps 5 facts of a user",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				count := 0
				for _, known := range f.facts {
					if userOf(known) == userOf(fact) {
						count++
					}
				}
				if count == 5 {
					return nil
				}
				return f.add(ctx, fact)
			}
		},
		check: "random histories",
		words: "other steps",
	},
}

func mapText(change func(string) string) func(f *faulty) {
	return func(f *faulty) {
		f.clean = func(fact identity.Fact) identity.Fact {
			fact.AmazonUserID = change(fact.AmazonUserID)
			return fact
		}
		f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
			return f.Store.UserRecords(ctx, skillID, change(amazonUserID))
		}
	}
}

var errEncoding = errors.New("invalid byte sequence for encoding UTF8")

// repaired returns the text as a database stores it that cannot keep invalid text.
func repaired(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "")
}

var textFaults = []fault{
	{
		name: "repairs text",
		inject: func(f *faulty) {
			f.clean = func(fact identity.Fact) identity.Fact {
				fact.SkillID, fact.AmazonUserID, fact.AccountID = repaired(fact.SkillID), repaired(fact.AmazonUserID), repaired(fact.AccountID)
				return fact
			}
		},
		check: "text that cannot be kept",
		words: "must give ErrInvalidFact",
	},
	{
		name: "cannot ask for a user that cannot be kept",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				if repaired(amazonUserID) != amazonUserID {
					return func(yield func(identity.Record, error) bool) { yield(identity.Record{}, errEncoding) }
				}
				return f.Store.UserRecords(ctx, skillID, amazonUserID)
			}
		},
		check: "text that cannot be kept",
		words: errEncoding.Error(),
	},
	{
		name: "finds whom it takes for another",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				return f.Store.UserRecords(ctx, skillID, repaired(amazonUserID))
			}
		},
		check: "text that cannot be kept",
		words: "must give 0 records and gave 1",
	},
	{
		name: "erases whom it takes for another",
		inject: func(f *faulty) {
			f.eraseUser = func(ctx context.Context, skillID, amazonUserID string) error {
				return f.Store.EraseUser(ctx, repaired(skillID), amazonUserID)
			}
		},
		check: "text that cannot be kept",
		words: "-want +got",
	},
}

var grantTextFaults = []grantFault{
	{
		name: "repairs keys",
		inject: func(f *faultyGrants) {
			f.key = func(key lwa.Key) lwa.Key {
				return lwa.Key{ClientID: repaired(key.ClientID), AccountID: repaired(key.AccountID), LinkID: repaired(key.LinkID)}
			}
		},
		check: "text of a grant that cannot be kept",
		words: "must give ErrInvalidKey",
	},
	{
		name: "repairs access tokens",
		inject: func(f *faultyGrants) {
			f.in = func(g lwa.Grant) lwa.Grant {
				g.AccessToken = alexaevents.Secret(repaired(string(g.AccessToken)))
				return g
			}
		},
		check: "text of a grant that cannot be kept",
		words: "took the AccessToken",
	},
	{
		name: "erases the account that it takes for another",
		inject: func(f *faultyGrants) {
			f.eraseGrants = func(ctx context.Context, accountID string) error {
				return f.MemoryStore.EraseGrants(ctx, repaired(accountID))
			}
		},
		check: "text of a grant that cannot be kept",
		words: "gave an error: lwa: no live grant",
	},
	{
		name: "cannot erase an account that cannot be kept",
		inject: func(f *faultyGrants) {
			f.eraseGrants = func(ctx context.Context, accountID string) error {
				if repaired(accountID) != accountID {
					return errEncoding
				}
				return f.MemoryStore.EraseGrants(ctx, accountID)
			}
		},
		check: "text of a grant that cannot be kept",
		words: errEncoding.Error(),
	},
}
