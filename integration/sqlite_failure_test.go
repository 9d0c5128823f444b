package integration

import (
	"context"
	"database/sql"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// requireFailure requires an error of the package that names no person.
func requireFailure(t *testing.T, err error) {
	t.Helper()
	require.ErrorContains(t, err, "sqlstore: ")
	require.NotContains(t, err.Error(), user)
	require.NotContains(t, err.Error(), account)
}

func TestSQLiteFailures(t *testing.T) {
	for name, test := range map[string]struct {
		open  func(t *testing.T) *sql.DB
		works []string // the calls that need nothing of what is broken
	}{
		"closed": {
			open: func(t *testing.T) *sql.DB {
				db := openFile(t, newFile(t), durable)
				migrated(t, db)
				require.NoError(t, db.Close())
				return db
			},
		},
		"read-only": {
			open: func(t *testing.T) *sql.DB {
				path := newFile(t)
				migrated(t, openFile(t, path, durable))
				return openFile(t, path, "mode=ro")
			},
			works: []string{"Migrate", "UserRecords", "AccountRecords"},
		},
		"not migrated": {
			open:  func(t *testing.T) *sql.DB { return openMemory(t) },
			works: []string{"Migrate"},
		},
		"not a database": {
			open: func(t *testing.T) *sql.DB {
				path := newFile(t)
				require.NoError(t, os.WriteFile(path, []byte("this is no SQLite database file, only a text"), 0o600))
				return openFile(t, path, "_pragma=busy_timeout(10000)")
			},
		},
		"no such folder": {
			open: func(t *testing.T) *sql.DB { return openFile(t, newFile(t)+"/alexa.db", durable) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for callName, call := range calls {
				err := call(t.Context(), sqlstore.New(test.open(t), sqlstore.SQLite))
				if slices.Contains(test.works, callName) {
					require.NoError(t, err, callName)
				} else {
					requireFailure(t, err)
				}
			}
		})
	}
}

func TestSQLiteCancelled(t *testing.T) {
	store := migrated(t, openFile(t, newFile(t), durable))
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
}

// A writer whose context ends while another one holds the lock must give up
// with the context's error, change nothing and leave the pool usable.
func TestSQLiteCancelledWhileWaiting(t *testing.T) {
	path := newFile(t)
	db := openFile(t, path, "_pragma=busy_timeout(200)&_txlock=immediate")
	store := migrated(t, db)

	other, err := openFile(t, path, "_txlock=immediate").Begin()
	require.NoError(t, err)
	for _, call := range []string{"AddFact", "Migrate"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		require.ErrorIs(t, calls[call](ctx, store), context.DeadlineExceeded, call)
		cancel()
	}
	require.NoError(t, other.Rollback())

	require.Empty(t, collect(t, store.UserRecords(t.Context(), skill, user)))
	require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
}
