package integration

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// Without a free connection a call waits, for as long as its context lets it.
func TestPoolExhausted(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		db.SetMaxOpenConns(1)
		store := d.storeOn(t, db)
		fact := linked(user, account, monday)
		require.NoError(t, store.AddFact(t.Context(), fact))
		taken, err := db.Conn(t.Context())
		require.NoError(t, err)
		for name, call := range calls {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			err := call(ctx, store)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			requireFailure(t, err)
		}
		waited := db.Stats().WaitCount
		var waiting errgroup.Group
		for _, name := range []string{"AddFact", "UserRecords", "UpdateGrant"} {
			waiting.Go(func() error { return calls[name](t.Context(), store) })
		}
		require.Eventually(t, func() bool { return db.Stats().WaitCount == waited+3 }, 10*time.Second, time.Millisecond)
		require.NoError(t, taken.Close())
		require.NoError(t, waiting.Wait())
		require.Equal(t, identity.Records([]identity.Fact{fact}), collect(t, store.UserRecords(t.Context(), skill, user)))
		checkRandomSets(t, store)
	})
}

// What a server says that has no connection left is told, and nothing changes.
func TestPostgresConnectionLimit(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	owner := d.open(t)
	fact := linked(user, account, monday)
	require.NoError(t, d.storeOn(t, owner).AddFact(t.Context(), fact))
	name := "alexaevents_" + strings.ToLower(rand.Text())
	run := func(statement string) {
		_, err := owner.Exec(strings.ReplaceAll(statement, "app", name))
		require.NoError(t, err)
	}
	var schema string
	require.NoError(t, owner.QueryRow("SELECT current_schema").Scan(&schema))
	run("CREATE ROLE app LOGIN CONNECTION LIMIT 1")
	t.Cleanup(func() { run("DROP OWNED BY app; DROP ROLE app") })
	run("GRANT USAGE ON SCHEMA " + schema + " TO app")
	run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + " TO app")

	db := d.with("user", name).open(t)
	store := sqlstore.New(db, d.Dialect)
	last, err := db.Conn(t.Context())
	require.NoError(t, err)
	for name, call := range calls {
		err := call(t.Context(), store)
		requireFailure(t, err)
		var refusal *pgconn.PgError
		require.ErrorAs(t, err, &refusal, name)
		require.Equal(t, "53300", refusal.Code, name) // too_many_connections
	}
	require.Equal(t, identity.Records([]identity.Fact{fact}), collect(t, d.store(t).UserRecords(t.Context(), skill, user)))
	require.NoError(t, last.Close())
	for name, call := range calls {
		require.NoError(t, call(t.Context(), store), name)
	}
}
