package integration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

func (d database) prefixed(t testing.TB, prefix string) *sqlstore.Store {
	store := sqlstore.New(d.open(t), d.Dialect)
	store.Prefix = prefix
	require.NoError(t, store.Migrate(t.Context()))
	return store
}

// Stores of different prefixes share nothing, not even their schema.
func TestPrefix(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		development, live := d.prefixed(t, "alexa_development_"), d.prefixed(t, "live")
		fact := linked(user, account, monday)
		require.NoError(t, development.AddFact(t.Context(), fact))
		require.NoError(t, calls["UpdateGrant"](t.Context(), development))

		records := identity.Records([]identity.Fact{fact})
		require.Equal(t, records, collect(t, development.UserRecords(t.Context(), skill, user)))
		require.Empty(t, collect(t, live.UserRecords(t.Context(), skill, user)))
		require.NoError(t, live.EraseAccount(t.Context(), account))
		require.NoError(t, live.EraseGrants(t.Context(), account))
		require.Equal(t, records, collect(t, development.AccountRecords(t.Context(), account)))
		_, err := development.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)

		var accountID string
		db := d.open(t)
		require.NoError(t, db.QueryRow("SELECT AccountID FROM alexa_development_customers").Scan(&accountID))
		require.Equal(t, account, accountID)
		require.Error(t, db.QueryRow("SELECT AccountID FROM alexa_customers").Scan(&accountID))
	})
}
