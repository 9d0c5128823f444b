package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
	"github.com/alexaevents/alexaevents/store/storetest"
)

// A store is right whatever the parameters of its database, if not as fast.
func TestConformance(t *testing.T) {
	sqlite := func(t testing.TB) database { return sqliteAt(newFile(t), "_pragma=synchronous(OFF)") }
	on := func(create newDatabase) func(*testing.T) *sqlstore.Store {
		return func(t *testing.T) *sqlstore.Store { return create(t).store(t) }
	}
	for name, open := range map[string]func(*testing.T) *sqlstore.Store{
		"SQLite":                    on(newSQLite),
		"SQLite without parameters": on(sqlite),
		"SQLite on one connection": func(t *testing.T) *sqlstore.Store {
			d := sqlite(t)
			db := d.open(t)
			db.SetMaxOpenConns(1)
			return d.storeOn(t, db)
		},
		"PostgreSQL": on(newPostgres),
		"PostgreSQL without prepared statements": on(func(t testing.TB) database { // behind PgBouncer
			return newPostgres(t).with("default_query_exec_mode", "simple_protocol")
		}),
		"PostgreSQL, serializable": on(func(t testing.TB) database {
			return newPostgres(t).with("default_transaction_isolation", "serializable")
		}),
		"PostgreSQL with a prefix": func(t *testing.T) *sqlstore.Store {
			d := newPostgres(t)
			d.store(t)
			return d.prefixed(t, "live_")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Identity(t, func(t *testing.T) identity.Store { return open(t) })
			storetest.Grants(t, func(t *testing.T) lwa.Store { return open(t) })
		})
	}
}

// With encrypted tokens.
func TestConformanceSealed(t *testing.T) {
	handle := newKeyset(t)
	onEach(t, func(t *testing.T, create newDatabase) {
		storetest.Grants(t, func(t *testing.T) lwa.Store { return seal(t, create(t).store(t), handle) })
	})
}

func TestRestart(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db, err := d.connect()
		require.NoError(t, err)
		store := d.storeOn(t, db)
		require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
		require.NoError(t, calls["UpdateGrant"](t.Context(), store))
		want, err := store.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		require.NoError(t, db.Close())

		store = d.store(t)
		require.NoError(t, store.AddFact(t.Context(), disabled(user, monday.Add(time.Hour))))
		records := identity.Records([]identity.Fact{linked(user, account, monday), disabled(user, monday.Add(time.Hour))})
		require.Equal(t, records, collect(t, store.UserRecords(t.Context(), skill, user)))
		require.Equal(t, records, collect(t, store.AccountRecords(t.Context(), account)))
		got, err := store.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
