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

// A store is correct with other parameters of its database, although slower, and inside
// a Sealed.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run tests databases with the recommended parameters alone: see TestTwoHandles")
	}
	t.Parallel()
	for name, test := range map[string]struct {
		open   func(testing.TB) *sqlstore.Store
		sealed bool
	}{
		"SQLite without parameters, sealed": {
			open: func(t testing.TB) *sqlstore.Store {
				return sqliteAt(newFile(t), "_pragma=synchronous(OFF)").store(t)
			},
			sealed: true,
		},
		"SQLite on one connection": {
			open: func(t testing.TB) *sqlstore.Store { return migrated(t, openMemory(t)) },
		},
		"PostgreSQL without prepared statements, sealed": { // as behind PgBouncer
			open: func(t testing.TB) *sqlstore.Store {
				return newPostgres(t).with("default_query_exec_mode", "simple_protocol").store(t)
			},
			sealed: true,
		},
		"PostgreSQL, serializable, with a prefix": {
			open: func(t testing.TB) *sqlstore.Store {
				return newPostgres(t).with("default_transaction_isolation", "serializable").prefixed(t, "live_")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handle := newKeyset(t)
			storetest.Identity(t, func(t *testing.T) identity.Store { return test.open(t) })
			storetest.Grants(t, func(t *testing.T) lwa.Store {
				if test.sealed {
					return seal(t, test.open(t), handle)
				}
				return test.open(t)
			})
		})
	}
}

// Two processes share a database, each with a handle of its own.
func TestTwoHandles(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		storetest.Identity(t, func(t *testing.T) identity.Store { return create(t).store(t) })
		storetest.SharedGrants(t, func(t *testing.T) (first, second lwa.Store) {
			d := create(t)
			return d.store(t), d.store(t)
		})
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
