package integration

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

func TestSQLiteMigrateAgain(t *testing.T) {
	db := openFile(t, newFile(t), durable)
	require.NoError(t, migrated(t, db).AddFact(t.Context(), linked(user, account, monday)))
	require.Len(t, collect(t, migrated(t, db).UserRecords(t.Context(), skill, user)), 1)
}

// The schema that a program ran as a migration of its own is the same schema.
func TestSQLiteMigrateAfterSchema(t *testing.T) {
	db := openMemory(t)
	_, err := db.Exec(sqlstore.Schema(sqlstore.SQLite))
	require.NoError(t, err)
	require.NoError(t, migrated(t, db).AddFact(t.Context(), linked(user, account, monday)))
}

func TestSQLiteMigrateNewerSchema(t *testing.T) {
	db := openMemory(t)
	store := migrated(t, db)
	_, err := db.Exec("INSERT INTO alexa_schema (version) VALUES (1000)")
	require.NoError(t, err)

	err = store.Migrate(t.Context())
	require.ErrorIs(t, err, sqlstore.ErrNewerSchema)
	require.ErrorContains(t, err, "1000")
	// The connection came back without a transaction.
	require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
}

func TestSQLiteMigrateAllOrNothing(t *testing.T) {
	db := openMemory(t)
	_, err := db.Exec("CREATE TABLE alexa_facts (something TEXT)") // in the way
	require.NoError(t, err)
	requireFailure(t, sqlstore.New(db, sqlstore.SQLite).Migrate(t.Context()))

	_, err = db.Exec("DROP TABLE alexa_facts")
	require.NoError(t, err)
	require.NoError(t, migrated(t, db).AddFact(t.Context(), linked(user, account, monday)))
}

func TestSQLiteMigrateAtOnce(t *testing.T) {
	path := newFile(t)
	var group errgroup.Group
	for range 8 {
		store := sqlstore.New(openFile(t, path, durable), sqlstore.SQLite)
		group.Go(func() error {
			if err := store.Migrate(t.Context()); err != nil {
				return err
			}
			return store.AddFact(t.Context(), linked(user, account, monday))
		})
	}
	require.NoError(t, group.Wait())

	store := migrated(t, openFile(t, path, durable))
	want := identity.Records([]identity.Fact{linked(user, account, monday)})
	require.Equal(t, want, collect(t, store.UserRecords(t.Context(), skill, user)))
}

// Switching a file to WAL fails at once while another process is at work in it.
// Migrate waits all the same, as long as its context lasts.
func TestSQLiteMigrateWaits(t *testing.T) {
	path := newFile(t)
	other, err := openFile(t, path, "_txlock=immediate").Begin()
	require.NoError(t, err)
	store := sqlstore.New(openFile(t, path, durable), sqlstore.SQLite)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, store.Migrate(ctx), context.DeadlineExceeded)

	released := make(chan error, 1)
	time.AfterFunc(20*time.Millisecond, func() { released <- other.Rollback() })
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, <-released)
}
