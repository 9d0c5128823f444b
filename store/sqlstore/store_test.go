package sqlstore_test

import (
	"database/sql"
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
		"New(nil, SQLite)":   sqlstore.New(nil, sqlstore.SQLite),
		"New(nil, Postgres)": sqlstore.New(nil, sqlstore.Postgres),
		"new(Store)":         new(sqlstore.Store),
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
			for _, err := range store.Facts(t.Context()) {
				require.ErrorContains(t, err, "sqlstore: ")
			}
			for _, err := range store.Grants(t.Context()) {
				require.ErrorContains(t, err, "sqlstore: ")
			}
			for _, err := range store.EndedGrants(t.Context(), "c") {
				require.ErrorContains(t, err, "sqlstore: ")
			}
			require.ErrorContains(t, store.AddFacts(t.Context(), []identity.Fact{fact}), "sqlstore: ")
			require.ErrorIs(t, store.AddFacts(t.Context(), []identity.Fact{fact, {}}), identity.ErrInvalidFact)
			require.ErrorIs(t, store.AddFact(t.Context(), identity.Fact{}), identity.ErrInvalidFact)
		})
	}
}

func TestDialects(t *testing.T) {
	require.Empty(t, sqlstore.Schema("oracle"))
	require.ErrorContains(t, sqlstore.New(nil, "oracle").Migrate(t.Context()), `"oracle"`)
}

// The tables share a database with those of the program.
func TestNames(t *testing.T) {
	for _, dialect := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.Postgres} {
		var names []string
		for line := range strings.Lines(sqlstore.Schema(dialect)) {
			if words := strings.Fields(line); len(words) > 2 && words[0] == "CREATE" {
				names = append(names, words[2])
			}
		}
		require.Equal(t, []string{"alexa_schema", "alexa_facts", "alexa_facts_account", "alexa_grants", "alexa_customers", "alexa_grants_ended"}, names)
	}
}

func TestInvalidPrefix(t *testing.T) {
	for _, prefix := range []string{"Alexa_", "9_", "_a", "a b", "a;", `a"`, "a.", "ä", "a\n", strings.Repeat("a", 33)} {
		store := sqlstore.New(new(sql.DB), sqlstore.SQLite) // is not used
		store.Prefix = prefix
		require.ErrorContains(t, store.Migrate(t.Context()), "Prefix", "%q", prefix)
		require.ErrorContains(t, store.EraseAccount(t.Context(), "a"), "Prefix", "%q", prefix)
	}
}
