package integration

import (
	"bufio"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// The server of PostgreSQL dies again and again while processes write, as a
// whole or by the death of one of its processes, which makes it end all others.
// Writes fail meanwhile; each writer goes on with the handle that it has, and
// whatever was acknowledged is there, once.
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
		processes[i], err = startProcess(errand{Writing: &writing{Database: d, Count: 1_000_000, Stubborn: true}}.command(t))
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
	require.GreaterOrEqual(t, failures.Load(), int64(crashes), "the crashes disturbed nobody")

	least := int64(1 << 62)
	for i, p := range processes {
		require.Error(t, p.command.Wait())
		count := acknowledged[i].Load()
		least = min(least, count)
		got, want := firstNumbered(t, store, strconv.Itoa(p.command.Process.Pid), int(count))
		require.GreaterOrEqual(t, len(got), len(want))
		require.LessOrEqual(t, len(got), len(want)+1) // the last may be stored, but not acknowledged
		require.Equal(t, want, got[:len(want)])
	}
	got, want := firstNumbered(t, store, account, int(least))
	require.Equal(t, want, got[:len(want)])
	checkRandomSets(t, store)
	t.Logf("%d crashes, %d failures", crashes, failures.Load())
}
