package integration

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

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

// A call whose context ends while another transaction blocks it must return the
// context's error, change nothing and leave the pool usable.
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

// Without a free connection a call waits until its context ends.
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

// A server without a free connection causes an error with its message, and no change.
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

// A SQLite file that becomes full or read-only while it is in use: writes fail with the
// cause, stored data stays readable, and when the file accepts writes again the same
// store continues.
//
// max_page_count simulates the full disk: SQLite returns SQLITE_FULL, as on a file
// system without space. An open file keeps its rights, so the read-only cases are a
// connection that becomes read-only, and a file that is moved away, which SQLite does
// not write to.
func TestSQLiteRefuses(t *testing.T) {
	t.Parallel()
	pragma := func(statement string) func(*testing.T, *sql.DB, string) {
		return func(t *testing.T, db *sql.DB, _ string) {
			_, err := db.Exec("PRAGMA " + statement)
			require.NoError(t, err)
		}
	}
	for name, test := range map[string]struct {
		parameters     string
		refuse, permit func(t *testing.T, db *sql.DB, path string)
		code           int
	}{
		"full":            {durable, pragma("max_page_count = 1"), pragma("max_page_count = 1000000"), sqlite3.SQLITE_FULL},
		"full, no WAL":    {"", pragma("max_page_count = 1"), pragma("max_page_count = 1000000"), sqlite3.SQLITE_FULL},
		"made read-only":  {durable, pragma("query_only = ON"), pragma("query_only = OFF"), sqlite3.SQLITE_READONLY},
		"moved elsewhere": {"", move("", ".away"), move(".away", ""), sqlite3.SQLITE_READONLY},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newFile(t)
			db := sqliteAt(path, test.parameters).open(t)
			db.SetMaxOpenConns(1) // a pragma is one connection's
			store := migrated(t, db)
			require.NoError(t, calls["UpdateGrant"](t.Context(), store))
			grant, err := store.Grant(t.Context(), keyOf(account))
			require.NoError(t, err)
			require.NoError(t, store.AddFact(t.Context(), numbered(account, 0)))
			test.refuse(t, db, path)

			acknowledged := 1
			for err == nil { // there may be room in the pages that there are
				if err = store.AddFact(t.Context(), numbered(account, acknowledged)); err == nil {
					acknowledged++
				}
			}
			requireCode(t, test.code, err)
			requireCode(t, test.code, fillGrants(t.Context(), store))
			got, want := firstNumbered(t, store, account, acknowledged)
			require.Equal(t, want, got)
			kept, err := store.Grant(t.Context(), keyOf(account))
			require.NoError(t, err)
			require.Equal(t, grant, kept)

			test.permit(t, db, path)
			for n := range 100 {
				require.NoError(t, store.AddFact(t.Context(), numbered(account, acknowledged+n)))
			}
			got, want = firstNumbered(t, store, account, acknowledged+100)
			require.Equal(t, want, got)
			require.NoError(t, calls["UpdateGrant"](t.Context(), store))
			checkRandomSets(t, store)
			require.NoError(t, sqliteAt(path, "").intact(t.Context(), db))
		})
	}
}

// fillGrants updates grants until that fails.
func fillGrants(ctx context.Context, store *sqlstore.Store) error {
	for n := 0; ; n++ {
		err := store.UpdateGrant(ctx, keyOf(fmt.Sprint(n)), func(g *lwa.Grant) error {
			g.RefreshToken = "Atzr|example"
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func requireCode(t *testing.T, code int, err error) {
	t.Helper()
	requireFailure(t, err)
	var refusal *sqlite.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.Code()&0xff)
}

func move(from, to string) func(*testing.T, *sql.DB, string) {
	return func(t *testing.T, _ *sql.DB, path string) { require.NoError(t, os.Rename(path+from, path+to)) }
}

// The system cuts off a write of a process whose files must not grow. The write fails,
// and another process finds all acknowledged writes in the file.
func TestSQLiteCutOff(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	d.store(t)
	command := childProcess{Writing: &writing{Database: d, Count: 1_000_000}}.command(t)
	command.Args = append([]string{"sh", "-c", `ulimit -f 1000 && exec "$0"`}, command.Path)
	var err error
	command.Path, err = exec.LookPath("sh")
	require.NoError(t, err)
	var log bytes.Buffer
	command.Stderr = &log
	output, err := command.Output()
	require.Error(t, err)
	require.Regexp(t, "^sqlstore: .*disk I/O error", log.String())

	acknowledged := bytes.Count(output, []byte("\n"))
	require.Greater(t, acknowledged, 10)
	db := d.open(t)
	store := d.storeOn(t, db)
	require.NoError(t, store.AddFact(t.Context(), numbered(account, acknowledged))) // the last, which may be there
	got, want := firstNumbered(t, store, account, acknowledged+1)
	require.Equal(t, want, got)
	checkRandomSets(t, store)
	require.NoError(t, d.intact(t.Context(), db))
}
