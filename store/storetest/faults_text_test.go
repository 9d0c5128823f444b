package storetest

import (
	"context"
	"errors"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

var errEncoding = errors.New("invalid byte sequence for encoding UTF8")

// repaired is what a database makes of text that it cannot keep.
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
		words: "gave an error: lwa: no grant",
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
