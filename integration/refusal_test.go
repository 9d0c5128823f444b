package integration

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// A SQLite file that takes nothing more while it is in use: the writes fail and
// say why, what is stored stays and can be read, and once the file takes writes
// again the same store goes on.
//
// The full disk is max_page_count, which SQLite itself answers with SQLITE_FULL,
// as it does a file system without space. The process has the rights of a file
// from when it opened it, so that the read-only ones are a connection that
// becomes so, and a file that is moved away, which SQLite will not write to.
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

// A process whose files may not grow, with a write that the system cuts off in
// the middle of it: it fails, and what it had acknowledged is in the file that
// another process goes on with.
func TestSQLiteCutOff(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	d.store(t)
	command := errand{Writing: &writing{Database: d, Count: 1_000_000}}.command(t)
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
