package dynamostore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/dynamostore"
)

// What needs a DynamoDB is tested in the module integration.

var (
	fact = identity.Fact{SkillID: "skill", AmazonUserID: "user", At: time.UnixMilli(1), Kind: identity.Linked, AccountID: "account"}
	key  = lwa.Key{ClientID: "client", AccountID: "account", LinkID: "link"}
)

// calls are all methods of a store that talk to DynamoDB.
var calls = map[string]func(*testing.T, *dynamostore.Store) error{
	"CreateTables": func(t *testing.T, s *dynamostore.Store) error { return s.CreateTables(t.Context()) },
	"AddFact":      func(t *testing.T, s *dynamostore.Store) error { return s.AddFact(t.Context(), fact) },
	"AddFacts":     func(t *testing.T, s *dynamostore.Store) error { return s.AddFacts(t.Context(), []identity.Fact{fact}) },
	"EraseUser":    func(t *testing.T, s *dynamostore.Store) error { return s.EraseUser(t.Context(), "skill", "user") },
	"EraseAccount": func(t *testing.T, s *dynamostore.Store) error { return s.EraseAccount(t.Context(), "account") },
	"Purge":        func(t *testing.T, s *dynamostore.Store) error { return s.Purge(t.Context(), time.UnixMilli(2)) },
	"EraseGrants":  func(t *testing.T, s *dynamostore.Store) error { return s.EraseGrants(t.Context(), "account") },
	"Grant": func(t *testing.T, s *dynamostore.Store) error {
		_, err := s.Grant(t.Context(), key)
		return err
	},
	"UpdateGrant": func(t *testing.T, s *dynamostore.Store) error {
		return s.UpdateGrant(t.Context(), key, func(*lwa.Grant) error { return nil })
	},
	"UserRecords": func(t *testing.T, s *dynamostore.Store) (err error) {
		for _, err = range s.UserRecords(t.Context(), "skill", "user") {
		}
		return err
	},
	"AccountRecords": func(t *testing.T, s *dynamostore.Store) (err error) {
		for _, err = range s.AccountRecords(t.Context(), "account") {
		}
		return err
	},
	"Facts": func(t *testing.T, s *dynamostore.Store) (err error) {
		for _, err = range s.Facts(t.Context()) {
		}
		return err
	},
	"AccountGrants": func(t *testing.T, s *dynamostore.Store) (err error) {
		for _, err = range s.AccountGrants(t.Context(), "client", "account") {
		}
		return err
	},
	"EndedGrants": func(t *testing.T, s *dynamostore.Store) (err error) {
		for _, err = range s.EndedGrants(t.Context(), "client") {
		}
		return err
	},
	"Grants": func(t *testing.T, s *dynamostore.Store) (err error) {
		for _, err = range s.Grants(t.Context()) {
		}
		return err
	},
}

func TestMisuse(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, call(t, new(dynamostore.Store)), "nil *dynamodb.Client")
			for _, prefix := range []string{"a b", "a/", "ä", "a\n", strings.Repeat("a", 201)} {
				store := dynamostore.New(dynamodb.New(dynamodb.Options{})) // is not used
				store.Prefix = prefix
				require.ErrorContains(t, call(t, store), "Prefix")
			}
		})
	}
}

func TestInvalidFacts(t *testing.T) {
	store := new(dynamostore.Store)
	require.ErrorIs(t, store.AddFact(t.Context(), identity.Fact{}), identity.ErrInvalidFact)
	require.ErrorIs(t, store.AddFacts(t.Context(), []identity.Fact{fact, {}}), identity.ErrInvalidFact)
}
