package integration

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// The privileges that the documentation of sqlstore names are enough.
func TestPostgresPrivileges(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	owner := d.open(t)
	d.storeOn(t, owner)
	run := func(statement string) {
		_, err := owner.Exec(statement)
		require.NoError(t, err)
	}
	role := func(privileges string) database {
		name := "alexaevents_" + strings.ToLower(rand.Text())
		run("CREATE ROLE " + name)
		t.Cleanup(func() {
			run("DROP OWNED BY " + name)
			run("DROP ROLE " + name)
		})
		var schema string
		require.NoError(t, owner.QueryRow("SELECT current_schema").Scan(&schema))
		run("GRANT USAGE ON SCHEMA " + schema + " TO " + name)
		run(strings.ReplaceAll(privileges, "app", name))
		return d.with("role", name)
	}

	app := sqlstore.New(role(`
		GRANT SELECT ON alexa_schema TO app;
		GRANT SELECT, INSERT, DELETE ON alexa_facts TO app;
		GRANT SELECT, INSERT, UPDATE, DELETE ON alexa_grants TO app;
	`).open(t), d.Dialect)
	for range 2 {
		for name, call := range calls {
			require.NoError(t, call(t.Context(), app), name)
		}
	}

	require.NoError(t, app.AddFact(t.Context(), linked(user, account, monday)))
	reports := role("GRANT SELECT ON alexa_customers TO app").open(t)
	var accountID string
	require.NoError(t, reports.QueryRow("SELECT AccountID FROM alexa_customers").Scan(&accountID))
	require.Equal(t, account, accountID)
	require.Error(t, reports.QueryRow("SELECT account_id FROM alexa_facts").Scan(&accountID))
}

// The texts of a key that is too long for the index. Compression does not make them
// shorter.
func TestPostgresLongKey(t *testing.T) {
	t.Parallel()
	store := newPostgres(t).store(t)
	random := make([]byte, 3000)
	_, err := rand.Read(random)
	require.NoError(t, err)
	put := func(length int) error {
		key := keyOf(base64.StdEncoding.EncodeToString(random)[:length])
		return store.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error { g.RefreshToken = "Atzr|example"; return nil })
	}
	require.NoError(t, put(2500))
	err = put(3800)
	require.ErrorIs(t, err, lwa.ErrInvalidKey)
	requireFailure(t, err)
}

// The server ends a deadlock with an error of one transaction. If it is the store's, the
// store retries.
func TestPostgresDeadlock(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	name := "alexaevents_" + strings.ToLower(rand.Text())
	store := d.with("deadlock_timeout", "300ms").with("application_name", name).store(t)
	first, second := linked("first", account, monday), linked("second", account, monday)
	require.NoError(t, store.AddFact(t.Context(), first))
	require.NoError(t, store.AddFact(t.Context(), second))

	other, err := d.with("deadlock_timeout", "60s").open(t).Begin()
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.Rollback() }) // after a failure
	lock := func(user string) {
		_, err := other.Exec("SELECT 1 FROM alexa_facts WHERE amazon_user_id = $1 FOR UPDATE", user)
		require.NoError(t, err)
	}
	lock("second")
	erased := make(chan error, 1)
	go func() { erased <- store.EraseAccount(t.Context(), account) }() // locks the first and waits for the second
	observer := d.open(t)
	require.Eventually(t, func() bool {
		var waiting int
		err := observer.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'", name).Scan(&waiting)
		return err == nil && waiting == 1
	}, 10*time.Second, 5*time.Millisecond)
	began := time.Now()
	lock("first") // the deadlock
	require.Greater(t, time.Since(began), 100*time.Millisecond, "there was no deadlock")
	require.NoError(t, other.Commit())
	require.NoError(t, <-erased)
	require.Empty(t, collect(t, store.AccountRecords(t.Context(), account)))
}

// The server of PostgreSQL is killed repeatedly while processes write, as a whole or one
// of its processes, after which it ends all others. Writes fail during that time; each
// writer continues with its handle, and each acknowledged write is stored once.
func TestPostgresCrash(t *testing.T) {
	const writers, crashes = 3, 6
	t.Parallel()
	server, err := startPostgres()
	needServer(t, err, errNoPostgres)
	t.Cleanup(func() { require.NoError(t, server.stop()) })
	d := database{sqlstore.Postgres, "pgx", server.source}
	store := d.store(t)

	var failures atomic.Int64
	var acknowledged [writers]atomic.Int64
	var processes [writers]*process
	var reading errgroup.Group
	for i := range writers {
		processes[i], err = startProcess(childProcess{Writing: &writing{Database: d, Count: 1_000_000, Stubborn: true}}.command(t))
		require.NoError(t, err)
		reading.Go(func() error {
			lines := bufio.NewScanner(processes[i].output)
			for lines.Scan() {
				if lines.Text() == failed {
					failures.Add(1)
				} else {
					acknowledged[i].Add(1)
				}
			}
			return lines.Err()
		})
	}
	for crash := range crashes + 1 {
		for i := range writers { // goes on
			enough := acknowledged[i].Load() + 50
			require.Eventually(t, func() bool { return acknowledged[i].Load() > enough }, time.Minute, time.Millisecond)
		}
		switch {
		case crash == crashes:
		case crash%2 == 0:
			require.NoError(t, server.crash())
		default:
			require.NoError(t, server.killOne())
		}
	}
	for _, p := range processes {
		require.NoError(t, p.command.Process.Kill())
	}
	require.NoError(t, reading.Wait())
	require.GreaterOrEqual(t, failures.Load(), int64(crashes), "the crashes caused no failure")

	fewest := int64(1 << 62)
	for i, p := range processes {
		require.Error(t, p.command.Wait())
		count := acknowledged[i].Load()
		fewest = min(fewest, count)
		got, want := firstNumbered(t, store, strconv.Itoa(p.command.Process.Pid), int(count))
		require.GreaterOrEqual(t, len(got), len(want))
		require.LessOrEqual(t, len(got), len(want)+1) // the last may be stored, but not acknowledged
		require.Equal(t, want, got[:len(want)])
	}
	got, want := firstNumbered(t, store, account, int(fewest))
	require.Equal(t, want, got[:len(want)])
	checkRandomSets(t, store)
	t.Logf("%d crashes, %d failures", crashes, failures.Load())
}
