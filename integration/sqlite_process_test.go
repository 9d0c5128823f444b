package integration

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// The test binary started with these variables is a writer: it adds facts to the
// database at the path, those of an account that all writers share and those of
// one named by its process id, and prints each number once both are stored.
const writerPath, writerCount = "ALEXAEVENTS_TEST_WRITER", "ALEXAEVENTS_TEST_COUNT"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerPath); path != "" {
		if err := write(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func write(path string) error {
	count, err := strconv.Atoi(os.Getenv(writerCount))
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?"+durable)
	if err != nil {
		return err
	}
	defer db.Close()
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := store.Migrate(context.Background()); err != nil {
		return err
	}
	for n := range count {
		for _, accountID := range []string{account, strconv.Itoa(os.Getpid())} {
			if err := store.AddFact(context.Background(), numbered(accountID, n)); err != nil {
				return err
			}
		}
		fmt.Println(n)
	}
	return nil
}

// numbered is the n-th fact that a writer adds to an account.
func numbered(accountID string, n int) identity.Fact {
	return linked(fmt.Sprintf("%s-%s-%d", user, accountID, n), accountID, monday.Add(time.Duration(n)*time.Second))
}

func writer(t *testing.T, path string, count int) *exec.Cmd {
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), writerPath+"="+path, writerCount+"="+strconv.Itoa(count))
	return command
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

// Processes that make the file, the schema and facts at once, the same and their
// own, neither lose one nor see an error.
func TestSQLiteProcesses(t *testing.T) {
	const count = 200
	path := newFile(t)
	var group errgroup.Group
	commands := make([]*exec.Cmd, 3)
	for i := range commands {
		commands[i] = writer(t, path, count)
		group.Go(func() error {
			if output, err := commands[i].CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, bytes.TrimSpace(output))
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())

	store := migrated(t, openFile(t, path, durable))
	accounts := []string{account}
	for _, command := range commands {
		accounts = append(accounts, strconv.Itoa(command.Process.Pid))
	}
	for _, accountID := range accounts {
		got, want := firstNumbered(t, store, accountID, count)
		require.Equal(t, want, got)
	}
}

// What AddFact acknowledged outlives the death of its process.
func TestSQLiteKilled(t *testing.T) {
	path := newFile(t)
	command := writer(t, path, 1_000_000)
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

	db := openFile(t, path, durable)
	got, want := firstNumbered(t, migrated(t, db), account, acknowledged)
	require.GreaterOrEqual(t, len(got), len(want)) // the last may be stored, but not acknowledged
	require.Equal(t, want, got[:len(want)])
	var check string
	require.NoError(t, db.QueryRow("PRAGMA integrity_check").Scan(&check))
	require.Equal(t, "ok", check)
}
