package integration

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

func TestFailures(t *testing.T) {
	t.Parallel()
	reads := []string{"Migrate", "Facts", "UserRecords", "AccountRecords", "Grants", "Grant", "AccountGrants", "EndedGrants"}
	for name, test := range map[string]struct {
		create newDatabase
		broken func(*testing.T, database) database
		works  []string // the calls that need nothing of what is broken
	}{
		"SQLite, read-only": {
			create: newSQLite,
			broken: func(t *testing.T, _ database) database {
				path := newFile(t)
				sqliteAt(path, durable).store(t)
				return sqliteAt(path, "mode=ro")
			},
			works: reads,
		},
		"SQLite, not migrated": {create: newSQLite, works: []string{"Migrate"}},
		"SQLite, not a database": {
			create: newSQLite,
			broken: func(t *testing.T, _ database) database {
				path := newFile(t)
				require.NoError(t, os.WriteFile(path, []byte("this is no SQLite database file, only a text"), 0o600))
				return sqliteAt(path, durable)
			},
		},
		"SQLite, no such folder": {
			create: newSQLite,
			broken: func(t *testing.T, _ database) database { return sqliteAt(newFile(t)+"/alexa.db", durable) },
		},
		"PostgreSQL, read-only": {create: newPostgres, broken: func(t *testing.T, d database) database {
			d.store(t)
			return d.with("default_transaction_read_only", "on")
		}, works: reads},
		"PostgreSQL, not migrated": {create: newPostgres, works: []string{"Migrate"}},
		"PostgreSQL, no such database": {
			create: newPostgres,
			broken: func(_ *testing.T, d database) database { return d.with("dbname", "alexaevents_nowhere") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for callName, call := range calls {
				d := test.create(t)
				if test.broken != nil {
					d = test.broken(t, d)
				}
				err := call(t.Context(), sqlstore.New(d.open(t), d.Dialect))
				if slices.Contains(test.works, callName) {
					require.NoError(t, err, callName)
				} else {
					requireFailure(t, err)
				}
			}
		})
	}
}

func TestClosed(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		store := d.storeOn(t, db)
		require.NoError(t, db.Close())
		for _, call := range calls {
			requireFailure(t, call(t.Context(), store))
		}
	})
}

func TestCancelled(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		store := create(t).store(t)
		fact := linked(user, account, monday)
		require.NoError(t, store.AddFact(t.Context(), fact))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, call := range calls {
			err := call(ctx, store)
			require.ErrorIs(t, err, context.Canceled, name)
			requireFailure(t, err)
		}
		require.Equal(t, identity.Records([]identity.Fact{fact}), collect(t, store.UserRecords(t.Context(), skill, user)))
	})
}

// lock holds all tables until the function that it returns is called.
func (d database) lock(t *testing.T) (unlock func() error) {
	if d.Dialect == sqlstore.SQLite {
		d.Source += "&_txlock=immediate"
	}
	tx, err := d.open(t).Begin()
	require.NoError(t, err)
	if d.Dialect == sqlstore.Postgres {
		_, err = tx.Exec("LOCK TABLE alexa_schema, alexa_facts, alexa_grants")
		require.NoError(t, err)
	}
	t.Cleanup(func() { _ = tx.Rollback() }) // after a failure
	return tx.Rollback
}

// A call whose context ends while another transaction is in its way must give up
// with the context's error, change nothing and leave the pool usable.
func TestCancelledWhileWaiting(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		d.Source = strings.ReplaceAll(d.Source, "busy_timeout(10000)", "busy_timeout(1)")
		db := d.open(t)
		db.SetMaxOpenConns(1)
		store := d.storeOn(t, db)
		unlock := d.lock(t)
		for wait := range 100 { // so that it ends in every statement
			for _, call := range []string{"AddFact", "Migrate", "UpdateGrant"} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(wait)*50*time.Microsecond)
				require.ErrorIs(t, calls[call](ctx, store), context.DeadlineExceeded, call)
				cancel()
			}
		}
		require.NoError(t, unlock())

		require.Empty(t, collect(t, store.UserRecords(t.Context(), skill, user)))
		_, err := store.Grant(t.Context(), keyOf(account))
		require.ErrorIs(t, err, lwa.ErrNoGrant)
		require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
	})
}
