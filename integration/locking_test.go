package integration

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// locking is a child process with an open transaction. It prints a line when that holds
// the rows that calls writes, a fact and the grant, or with SQLite the whole file. It
// rolls back when its input ends.
type locking struct{ Database database }

func (l locking) run(ctx context.Context, out io.Writer) error {
	db, err := l.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	fact := linked(user, account, monday)
	for statement, args := range map[string][]any{
		"INSERT INTO alexa_facts (amazon_user_id, skill_id, at, kind, account_id, id) VALUES ($1, $2, $3, $4, $5, $6)": {
			fact.AmazonUserID, fact.SkillID, fact.At.UnixMilli(), int64(fact.Kind), fact.AccountID, fact.ID(),
		},
		"UPDATE alexa_grants SET region = region": nil,
	} {
		if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(out, "locked"); err != nil {
		return err
	}
	untilInputEnds()
	return tx.Rollback()
}

// While another process holds the rows that a call writes, the call waits until its
// context or the database ends the wait.
func TestLocked(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		store := d.store(t)
		require.NoError(t, calls["UpdateGrant"](t.Context(), store))
		before, err := store.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		update := func(ctx context.Context, s *sqlstore.Store) error {
			return s.UpdateGrant(ctx, keyOf(account), func(g *lwa.Grant) error {
				g.CodeHash += "again"
				return nil
			})
		}
		hurried, limit := d, "database is locked (5) (SQLITE_BUSY)"
		if d.Dialect == sqlstore.SQLite {
			hurried.Source = strings.ReplaceAll(d.Source, "busy_timeout(10000)", "busy_timeout(1)")
		} else {
			hurried, limit = d.with("lock_timeout", "200ms"), "canceling statement due to lock timeout (SQLSTATE 55P03)"
		}
		hurriedStore := hurried.store(t)
		writes := map[string]func(context.Context, *sqlstore.Store) error{"AddFact": calls["AddFact"], "UpdateGrant": update}
		other, err := startProcess(childProcess{Locking: &locking{d}}.command(t))
		require.NoError(t, err)
		line, err := other.line()
		require.NoError(t, err)
		require.Equal(t, "locked", line)

		// The context ends first.
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		for name, write := range writes {
			err := write(ctx, hurriedStore)
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			requireFailure(t, err)
		}
		// The patience of the database and of the store end first.
		var impatient errgroup.Group
		for _, write := range writes {
			impatient.Go(func() error {
				if err := write(t.Context(), hurriedStore); err == nil || !strings.Contains(err.Error(), limit) {
					return fmt.Errorf("expected %s, got %w", limit, err)
				}
				return nil
			})
		}
		require.NoError(t, impatient.Wait())
		after, err := store.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		require.Equal(t, before, after)

		// The other process ends first.
		var waiting errgroup.Group
		for _, write := range writes {
			waiting.Go(func() error { return write(t.Context(), store) })
		}
		time.AfterFunc(100*time.Millisecond, func() { _ = other.input.Close() })
		require.NoError(t, waiting.Wait())
		require.NoError(t, other.command.Wait(), "%s", &other.log)
		want := identity.Records([]identity.Fact{linked(user, account, monday)})
		require.Equal(t, want, collect(t, store.AccountRecords(t.Context(), account)))
		after, err = store.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		require.Equal(t, "again", after.CodeHash)
		checkRandomSets(t, store)
	})
}
