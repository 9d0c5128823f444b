package sqlstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// What needs a database is tested in the module integration.

func TestWithoutDatabase(t *testing.T) {
	fact := identity.Fact{SkillID: "s", AmazonUserID: "u", At: time.UnixMilli(1), Kind: identity.Enabled}
	for name, store := range map[string]*sqlstore.Store{
		"New(nil, SQLite)": sqlstore.New(nil, sqlstore.SQLite),
		"new(Store)":       new(sqlstore.Store),
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, store.Migrate(t.Context()), "sqlstore: ")
			require.ErrorContains(t, store.AddFact(t.Context(), fact), "sqlstore: ")
			require.ErrorContains(t, store.EraseUser(t.Context(), "s", "u"), "sqlstore: ")
			require.ErrorContains(t, store.EraseAccount(t.Context(), "a"), "sqlstore: ")
			require.ErrorContains(t, store.Purge(t.Context(), time.UnixMilli(2)), "sqlstore: ")
			_, err := store.Grant(t.Context(), lwa.Key{})
			require.ErrorContains(t, err, "sqlstore: ")
			require.ErrorContains(t, store.UpdateGrant(t.Context(), lwa.Key{}, func(*lwa.Grant) error { return nil }), "sqlstore: ")
			require.ErrorContains(t, store.EraseGrants(t.Context(), "a"), "sqlstore: ")
			for _, err := range store.AccountGrants(t.Context(), "c", "a") {
				require.ErrorContains(t, err, "sqlstore: ")
			}
			for _, err := range store.UserRecords(t.Context(), "s", "u") {
				require.ErrorContains(t, err, "sqlstore: ")
			}
			for _, err := range store.AccountRecords(t.Context(), "a") {
				require.ErrorContains(t, err, "sqlstore: ")
			}
			require.ErrorIs(t, store.AddFact(t.Context(), identity.Fact{}), identity.ErrInvalidFact)
		})
	}
}

func TestDialects(t *testing.T) {
	require.Contains(t, sqlstore.Schema(sqlstore.SQLite), "CREATE TABLE alexa_facts")
	require.Empty(t, sqlstore.Schema("oracle"))
	require.ErrorContains(t, sqlstore.New(nil, "oracle").Migrate(t.Context()), `"oracle"`)
}

// The tables share a database with those of the program.
func TestNames(t *testing.T) {
	for line := range strings.Lines(sqlstore.Schema(sqlstore.SQLite)) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "CREATE" {
			require.Regexp(t, "^alexa_", words[2])
		}
	}
}
