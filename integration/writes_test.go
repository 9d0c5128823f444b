package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// writing is a child process that adds facts, those of an account that
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

// Processes that migrate and add facts concurrently, shared ones and their own, lose
// none and get no error.
func TestProcesses(t *testing.T) {
	const count = 200
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		_, pids := childProcess{Writing: &writing{Database: d, Count: count}}.atOnce(t, 3)
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

// crowd is a child process in which many goroutines write to one store: facts and grants
// of their own and one shared grant, while others erase and purge.
type crowd struct {
	Database      database
	Writers, Each int
}

func (c crowd) run(ctx context.Context, _ io.Writer) error {
	db, err := c.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	store := sqlstore.New(db, c.Database.Dialect)
	group, ctx := errgroup.WithContext(ctx)
	for w := range c.Writers {
		group.Go(func() error { return c.write(ctx, store, w) })
	}
	group.Go(func() error { return c.erase(ctx, store) })
	return group.Wait()
}

func (c crowd) accountID(writer int) string { return fmt.Sprintf("%d-%d", os.Getpid(), writer) }

func (c crowd) write(ctx context.Context, store *sqlstore.Store, writer int) error {
	for n := range c.Each {
		if err := store.AddFact(ctx, numbered(c.accountID(writer), n)); err != nil {
			return err
		}
		if err := store.UpdateGrant(ctx, keyOf(c.accountID(writer)), countUpdate); err != nil {
			return err
		}
	}
	return store.UpdateGrant(ctx, keyOf(account), countUpdate)
}

// countUpdate counts the updates of a grant in its refresh token.
func countUpdate(g *lwa.Grant) error {
	n, _ := strconv.Atoi(string(g.RefreshToken))
	g.RefreshToken = alexaevents.Secret(strconv.Itoa(n + 1))
	return nil
}

func (c crowd) erase(ctx context.Context, store *sqlstore.Store) error {
	gone := numbered("gone", os.Getpid())
	for range c.Each {
		if err := errors.Join(
			store.AddFact(ctx, gone),
			store.EraseUser(ctx, skill, gone.AmazonUserID),
			store.AddFact(ctx, gone),
			store.EraseAccount(ctx, "gone"),
			store.Purge(ctx, monday),
			store.EraseGrants(ctx, "gone"),
		); err != nil {
			return err
		}
	}
	return nil
}

// Many goroutines of two processes write concurrently: every write succeeds, and is
// stored once.
func TestCrowd(t *testing.T) {
	const processes, writers, each = 2, 30, 10
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		store := d.store(t)
		c := crowd{Database: d, Writers: writers, Each: each}
		_, pids := childProcess{Crowd: &c}.atOnce(t, processes)
		for _, pid := range pids {
			for w := range writers {
				accountID := fmt.Sprintf("%d-%d", pid, w)
				got, want := firstNumbered(t, store, accountID, each)
				require.Equal(t, want, got)
				grant, err := store.Grant(t.Context(), keyOf(accountID))
				require.NoError(t, err)
				require.Equal(t, alexaevents.Secret(strconv.Itoa(each)), grant.RefreshToken)
			}
		}
		grant, err := store.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		require.Equal(t, alexaevents.Secret(strconv.Itoa(processes*writers)), grant.RefreshToken)
		require.Empty(t, collect(t, store.AccountRecords(t.Context(), "gone")))
	})
}

// No acknowledged write is lost, and the failure of one write, or a caller who leaves,
// fails no other write.
func TestWritesTogether(t *testing.T) {
	t.Parallel()
	sqliteTrigger := func(raise string) []string {
		return []string{`CREATE TRIGGER bad BEFORE INSERT ON alexa_facts WHEN NEW.account_id = 'bad'
			BEGIN SELECT RAISE(` + raise + `, 'bad'); END`}
	}
	for name, test := range map[string]struct {
		open    func(*testing.T) database
		conns   int
		trigger []string
	}{
		"SQLite, ABORT":    {func(t *testing.T) database { return newSQLite(t) }, 0, sqliteTrigger("ABORT")},
		"SQLite, ROLLBACK": {func(t *testing.T) database { return newSQLite(t) }, 8, sqliteTrigger("ROLLBACK")},
		"SQLite, FAIL":     {func(t *testing.T) database { return newSQLite(t) }, 2, sqliteTrigger("FAIL")},
		"SQLite in memory, ROLLBACK": {
			func(*testing.T) database { return sqliteAt(":memory:", "") }, 1, sqliteTrigger("ROLLBACK"),
		},
		"PostgreSQL": {func(t *testing.T) database { return newPostgres(t) }, 10, []string{
			`CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'bad'; END $$`,
			`CREATE TRIGGER bad BEFORE INSERT ON alexa_facts FOR EACH ROW WHEN (NEW.account_id = 'bad') EXECUTE FUNCTION bad()`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := test.open(t)
			db := d.open(t)
			db.SetMaxOpenConns(test.conns)
			store := d.storeOn(t, db)
			for _, statement := range test.trigger {
				_, err := db.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}
			var group sync.WaitGroup
			var acknowledged sync.Map
			for w := range 40 {
				group.Go(func() {
					for i := range 15 {
						fact := numbered(fmt.Sprint(w), i)
						bad, hurried := rand.N(30) == 0, rand.N(4) == 0
						if bad {
							fact.AccountID = "bad"
						}
						ctx, cancel := context.WithCancel(t.Context())
						if hurried {
							time.AfterFunc(rand.N(3*time.Millisecond), cancel)
						}
						err := store.AddFact(ctx, fact)
						ended := ctx.Err() != nil
						cancel()
						switch {
						case err == nil && bad:
							t.Error("a bad fact was acknowledged")
						case err == nil:
							acknowledged.Store(fact.AmazonUserID, true)
						case hurried && errors.Is(err, context.Canceled):
						case !bad:
							t.Errorf("another's failure, with the context ended: %t: %v", ended, err)
						}
					}
				})
			}
			group.Wait()
			count := 0
			for user := range acknowledged.Range {
				count++
				require.Len(t, collect(t, store.UserRecords(t.Context(), skill, user.(string))), 1)
			}
			require.Greater(t, count, 300)
			require.Empty(t, collect(t, store.AccountRecords(t.Context(), "bad")))
			require.Less(t, db.Stats().InUse, 1, "a connection was not given back")
		})
	}
}

// Two stores on one handle share only the handle, and are still correct.
func TestStoresOnOneHandle(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		db.SetMaxOpenConns(4)
		d.storeOn(t, db)
		live := sqlstore.New(db, d.Dialect)
		live.Prefix = "live_"
		require.NoError(t, live.Migrate(t.Context()))
		copied := *live
		copied.Prefix = ""
		var group errgroup.Group
		for _, store := range []*sqlstore.Store{live, &copied, sqlstore.New(db, d.Dialect)} {
			for w := range 8 {
				group.Go(func() error {
					for i := range 10 {
						if err := store.AddFact(t.Context(), numbered(fmt.Sprint(w), i)); err != nil {
							return err
						}
					}
					return nil
				})
			}
		}
		require.NoError(t, group.Wait())
		for _, store := range []*sqlstore.Store{live, &copied} {
			for w := range 8 {
				got, want := firstNumbered(t, store, fmt.Sprint(w), 10)
				require.Equal(t, want, got)
			}
		}
	})
}

// Concurrent erasures of accounts and users erase everything.
func TestErasuresAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		store := create(t).store(t)
		facts := []identity.Fact{
			enabled(user, monday), linked(user, "a", monday.Add(time.Second)), linked(user, "b", monday.Add(2*time.Second)),
			linked(user, "a", monday.Add(3*time.Second)),
		}
		for name, erasures := range map[string][]func() error{
			"two accounts": {
				func() error { return store.EraseAccount(t.Context(), "a") },
				func() error { return store.EraseAccount(t.Context(), "b") },
			},
			"an account and its user": {
				func() error { return store.EraseAccount(t.Context(), "a") },
				func() error { return store.EraseUser(t.Context(), skill, user) },
			},
			"an account and a purge": {
				func() error { return store.EraseAccount(t.Context(), "a") },
				func() error { return store.Purge(t.Context(), monday.Add(time.Hour)) },
			},
		} {
			for range 30 {
				require.NoError(t, store.AddFacts(t.Context(), facts))
				var group errgroup.Group
				for _, erase := range erasures {
					group.Go(erase)
				}
				require.NoError(t, group.Wait())
				require.Empty(t, collect(t, store.UserRecords(t.Context(), skill, user)), name)
			}
		}
	})
}

// With a database without the tables, or with older ones, the error says what to do.
func TestSaysMigrate(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		for name, call := range calls {
			if name == "Migrate" {
				continue
			}
			d := create(t)
			db := d.open(t)
			require.ErrorContains(t, call(t.Context(), sqlstore.New(db, d.Dialect)), "Migrate", name)
		}
		d := create(t)
		db := d.open(t)
		store := d.storeOn(t, db)
		_, err := db.ExecContext(t.Context(), "ALTER TABLE alexa_grants DROP COLUMN code_hash")
		require.NoError(t, err)
		require.ErrorContains(t, calls["Grant"](t.Context(), store), "Migrate")
	})
}
