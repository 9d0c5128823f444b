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

func TestMigrateAgain(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		require.NoError(t, d.store(t).AddFact(t.Context(), linked(user, account, monday)))
		require.Len(t, collect(t, d.store(t).UserRecords(t.Context(), skill, user)), 1)
	})
}

// A schema that a program created with a migration of its own is the same schema.
func TestMigrateAfterSchema(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		_, err := d.open(t).Exec(sqlstore.Schema(d.Dialect))
		require.NoError(t, err)
		require.NoError(t, d.store(t).AddFact(t.Context(), linked(user, account, monday)))
	})
}

func TestMigrateNewerSchema(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		db.SetMaxOpenConns(1)
		store := d.storeOn(t, db)
		for _, newer := range []string{"3", "1000"} { // by one, as the next version is, and by more
			_, err := db.Exec("INSERT INTO alexa_schema (version) VALUES (" + newer + ")")
			require.NoError(t, err)

			err = store.Migrate(t.Context())
			require.ErrorIs(t, err, sqlstore.ErrNewerSchema)
			require.ErrorContains(t, err, "it has version "+newer+", the program knows 2")
			// The connection came back without a transaction.
			require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
			other := sqlstore.New(d.open(t), d.Dialect)
			require.Len(t, collect(t, other.UserRecords(t.Context(), skill, user)), 1)
		}
	})
}

func TestMigrateAllOrNothing(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		_, err := db.Exec("CREATE TABLE alexa_grants (something TEXT)") // in the way
		require.NoError(t, err)
		requireFailure(t, sqlstore.New(db, d.Dialect).Migrate(t.Context()))

		_, err = db.Exec("DROP TABLE alexa_grants")
		require.NoError(t, err)
		require.NoError(t, d.storeOn(t, db).AddFact(t.Context(), linked(user, account, monday)))
	})
}

func TestMigrateAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		var group errgroup.Group
		for range 8 {
			store := sqlstore.New(d.open(t), d.Dialect)
			group.Go(func() error {
				if err := store.Migrate(t.Context()); err != nil {
					return err
				}
				return store.AddFact(t.Context(), linked(user, account, monday))
			})
		}
		require.NoError(t, group.Wait())
		want := identity.Records([]identity.Fact{linked(user, account, monday)})
		require.Equal(t, want, collect(t, d.store(t).UserRecords(t.Context(), skill, user)))
	})
}

// Switching a SQLite file to WAL fails at once while another process is at work
// in it. Migrate still waits, until its context ends.
func TestMigrateWaits(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	unlock := sqliteAt(path, "").lock(t)
	d := sqliteAt(path, durable)
	store := sqlstore.New(d.open(t), d.Dialect)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, store.Migrate(ctx), context.DeadlineExceeded)

	released := make(chan error, 1)
	time.AfterFunc(20*time.Millisecond, func() { released <- unlock() })
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, <-released)
}

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
