package integration

import (
	"context"
	"errors"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

const (
	skill   = "amzn1.ask.skill.11111111-2222-3333-4444-555555555555"
	user    = "amzn1.ask.account.EXAMPLEUSER"
	account = "account-of-example-user"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func linked(amazonUserID, accountID string, at time.Time) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: amazonUserID, At: at, Kind: identity.Linked, AccountID: accountID}
}

func enabled(amazonUserID string, at time.Time) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: amazonUserID, At: at, Kind: identity.Enabled}
}

func disabled(amazonUserID string, at time.Time) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: amazonUserID, At: at, Kind: identity.Disabled}
}

func keyOf(accountID string) lwa.Key {
	return lwa.Key{ClientID: "amzn1.application-oa2-client.example", AccountID: accountID, LinkID: "link"}
}

func collect(t testing.TB, records iter.Seq2[identity.Record, error]) []identity.Record {
	t.Helper()
	var all []identity.Record
	for record, err := range records {
		require.NoError(t, err)
		all = append(all, record)
	}
	return all
}

// calls are all methods of a store that use the database.
var calls = map[string]func(context.Context, *sqlstore.Store) error{
	"Migrate": func(ctx context.Context, s *sqlstore.Store) error { return s.Migrate(ctx) },
	"AddFact": func(ctx context.Context, s *sqlstore.Store) error {
		return s.AddFact(ctx, linked(user, account, monday))
	},
	"AddFacts": func(ctx context.Context, s *sqlstore.Store) error {
		return s.AddFacts(ctx, []identity.Fact{linked(user, account, monday), enabled(user, monday)})
	},
	"Facts":  func(ctx context.Context, s *sqlstore.Store) error { return onlyError(s.Facts(ctx)) },
	"Grants": func(ctx context.Context, s *sqlstore.Store) error { return onlyError(s.Grants(ctx)) },
	"EndedGrants": func(ctx context.Context, s *sqlstore.Store) error {
		return onlyError(s.EndedGrants(ctx, keyOf("").ClientID))
	},
	"UserRecords": func(ctx context.Context, s *sqlstore.Store) error {
		return onlyError(s.UserRecords(ctx, skill, user))
	},
	"AccountRecords": func(ctx context.Context, s *sqlstore.Store) error {
		return onlyError(s.AccountRecords(ctx, account))
	},
	"EraseUser":    func(ctx context.Context, s *sqlstore.Store) error { return s.EraseUser(ctx, skill, user) },
	"EraseAccount": func(ctx context.Context, s *sqlstore.Store) error { return s.EraseAccount(ctx, account) },
	"Purge":        func(ctx context.Context, s *sqlstore.Store) error { return s.Purge(ctx, monday) },
	"Grant": func(ctx context.Context, s *sqlstore.Store) error {
		_, err := s.Grant(ctx, keyOf(account))
		if errors.Is(err, lwa.ErrNoGrant) {
			return nil
		}
		return err
	},
	"AccountGrants": func(ctx context.Context, s *sqlstore.Store) error {
		return onlyError(s.AccountGrants(ctx, keyOf(account).ClientID, account))
	},
	"UpdateGrant": func(ctx context.Context, s *sqlstore.Store) error {
		return s.UpdateGrant(ctx, keyOf(account), func(g *lwa.Grant) error {
			g.RefreshToken = "Atzr|example"
			return nil
		})
	},
	"EraseGrants": func(ctx context.Context, s *sqlstore.Store) error { return s.EraseGrants(ctx, account) },
}

// onlyError returns the error of a sequence, which must yield nothing else.
func onlyError[T comparable](all iter.Seq2[T, error]) (failure error) {
	for value, err := range all {
		if failure != nil || err != nil && value != *new(T) {
			panic("a sequence went on beside its error")
		}
		failure = err
	}
	return failure
}

// requireFailure requires an error of the package that names no person.
func requireFailure(t *testing.T, err error) {
	t.Helper()
	require.ErrorContains(t, err, "sqlstore: ")
	require.NotContains(t, err.Error(), user)
	require.NotContains(t, err.Error(), account)
	require.NotContains(t, err.Error(), "Atzr|")
}

// needServer fails the test if a server does not start. If the error is that a
// developer's machine has none, it skips the test; under CI that is a failure too.
func needServer(t testing.TB, err, none error) {
	t.Helper()
	if errors.Is(err, none) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
}
