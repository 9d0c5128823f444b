package integration

import (
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
	Stubborn bool // after an error it prints failed and tries again
}

const failed = "failed"

func (w writing) run(ctx context.Context, out io.Writer) error {
	db, err := w.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	store := sqlstore.New(db, w.Database.Dialect)
	if err := w.try(out, func() error { return store.Migrate(ctx) }); err != nil {
		return err
	}
	for n := range w.Count {
		for _, accountID := range []string{account, strconv.Itoa(os.Getpid())} {
			if err := w.try(out, func() error { return store.AddFact(ctx, numbered(accountID, n)) }); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
	}
	return nil
}

func (w writing) try(out io.Writer, do func() error) error {
	for {
		err := do()
		if err == nil || !w.Stubborn {
			return err
		}
		_, _ = fmt.Fprintln(out, failed)
		time.Sleep(20 * time.Millisecond)
	}
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
		_, pids := errand{Writing: &writing{Database: d, Count: count}}.atOnce(t, 3)
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
