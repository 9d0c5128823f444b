package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// writing is the errand of a process that adds facts, those of an account that
// all writers share and those of one named by its process ID, and prints each
// number once both are stored.
type writing struct {
	Database database
	Count    int
}

func (w writing) run(ctx context.Context, out io.Writer) error {
	db, err := w.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	store := sqlstore.New(db, w.Database.Dialect)
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	for n := range w.Count {
		for _, accountID := range []string{account, strconv.Itoa(os.Getpid())} {
			if err := store.AddFact(ctx, numbered(accountID, n)); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
	}
	return nil
}

// numbered is the n-th fact that a writer adds to an account.
func numbered(accountID string, n int) identity.Fact {
	return linked(fmt.Sprintf("%s-%s-%d", user, accountID, n), accountID, monday.Add(time.Duration(n)*time.Second))
}

// firstNumbered returns the records of an account, and the first n of those that
// it must have.
func firstNumbered(t *testing.T, store *sqlstore.Store, accountID string, n int) (got, want []identity.Record) {
	var facts []identity.Fact
	for i := range n {
		facts = append(facts, numbered(accountID, i))
	}
	return collect(t, store.AccountRecords(t.Context(), accountID)), identity.Records(facts)
}

// Processes that make the schema and facts at once, the same and their own,
// neither lose one nor see an error.
func TestProcesses(t *testing.T) {
	const count = 200
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		_, pids := errand{Writing: &writing{d, count}}.atOnce(t, 3)
		accounts := []string{account}
		for _, pid := range pids {
			accounts = append(accounts, strconv.Itoa(pid))
		}
		store := d.store(t)
		for _, accountID := range accounts {
			got, want := firstNumbered(t, store, accountID, count)
			require.Equal(t, want, got)
		}
	})
}

// What AddFact acknowledged outlives the death of its process.
func TestKilled(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		command := errand{Writing: &writing{d, 1_000_000}}.command(t)
		output, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		acknowledged := 0
		for lines := bufio.NewScanner(output); lines.Scan(); acknowledged++ {
			require.Equal(t, strconv.Itoa(acknowledged), lines.Text())
			if acknowledged == 200 {
				require.NoError(t, command.Process.Kill())
			}
		}
		require.Error(t, command.Wait())
		require.Greater(t, acknowledged, 200)

		db := d.open(t)
		got, want := firstNumbered(t, d.storeOn(t, db), account, acknowledged)
		require.GreaterOrEqual(t, len(got), len(want)) // the last may be stored, but not acknowledged
		require.Equal(t, want, got[:len(want)])
		if d.Dialect == sqlstore.SQLite {
			var check string
			require.NoError(t, db.QueryRow("PRAGMA integrity_check").Scan(&check))
			require.Equal(t, "ok", check)
		}
	})
}
