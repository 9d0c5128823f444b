package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/internal/sqldb"
)

// postgresPatience is how long a fact waits for a leader, whose connection may be
// one that does not respond.
const postgresPatience = time.Second

// newQueue returns the queue of the dialect's writes. In SQLite every write goes
// through it: connections that compete for the lock poll, and the one that has
// waited longest has no advantage. In PostgreSQL only single facts do, which
// become one statement; other writes are faster on a connection each.
func (s *Store) newQueue() *queue {
	if s.dialect == Postgres {
		return &queue{together: s.insertTogether, final: sqldb.Dialects[string(Postgres)].Busy, patience: postgresPatience}
	}
	return &queue{together: s.commitTogether, final: sqldb.Dialects[string(SQLite)].Busy}
}

// write runs one statement, in a transaction of its own or one that concurrent
// writes share, and returns how many rows it changed. The facts are those that the
// statement adds, if it adds any.
func (s *Store) write(ctx context.Context, facts []identity.Fact, statement string, args ...any) (changed int64, err error) {
	if err := ctx.Err(); err != nil || unkeepable(args) {
		return 0, err
	}
	w := &write{ctx: ctx, begun: time.Now(), statement: s.named(statement), args: args, facts: facts}
	w.alone = func() (int64, error) { return s.exec(ctx, w.begun, w.statement, args...) }
	switch {
	case s.dialect == SQLite:
		w.group = "SQLite"
	case s.dialect == Postgres && len(facts) == 1:
		w.group = s.named("alexa_facts")
	default:
		return w.alone()
	}
	return s.queue.do(w)
}

// exec runs one statement, which is a transaction of its own.
func (s *Store) exec(ctx context.Context, begun time.Time, statement string, args ...any) (changed int64, err error) {
	err = s.attempt(ctx, begun, func(traits) error {
		result, err := s.db.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	return changed, err
}

// commitTogether makes the writes one after the other in a transaction. Once it
// has a connection it does not end early: a transaction lasts a moment, and the
// writes are not the leader's alone.
func (s *Store) commitTogether(ctx context.Context, batch []*write) error {
	return s.transact(ctx, batch[0].begun, func(_ traits, tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx)
		prepared := make(map[string]*sql.Stmt) // most are the same; the transaction closes them
		for _, w := range batch {
			statement, ok := prepared[w.statement]
			if !ok {
				var err error
				if statement, err = tx.PrepareContext(ctx, w.statement); err != nil {
					return err
				}
				prepared[w.statement] = statement
			}
			result, err := statement.ExecContext(ctx, w.args...)
			if err != nil {
				return err
			}
			if w.changed, err = result.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
}

// insertTogether adds the facts of all writes in one statement.
func (s *Store) insertTogether(ctx context.Context, batch []*write) error {
	var facts []identity.Fact
	for _, w := range batch {
		facts = append(facts, w.facts...)
	}
	slices.SortFunc(facts, compareFacts)
	statement, args := insertFacts(facts)
	_, err := s.exec(ctx, batch[0].begun, s.named(statement), args...)
	return err
}

// erase runs the function in a transaction of its own. In SQLite it waits for its
// turn among the writes of this store.
func (s *Store) erase(ctx context.Context, mode lockMode, do func(context.Context, *sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &write{ctx: ctx, begun: time.Now()}
	w.alone = func() (int64, error) {
		return 0, s.transact(ctx, w.begun, func(t traits, tx *sql.Tx) error {
			if lock := t.erasing[mode]; lock != "" {
				if _, err := tx.ExecContext(ctx, s.named(lock)); err != nil {
					return err
				}
			}
			return do(ctx, tx)
		})
	}
	run := w.alone
	if s.dialect == SQLite {
		run = func() (int64, error) { return s.queue.do(w) }
	}
	_, err := run()
	return err
}

// transact runs the function in a transaction, and again where that helps. The
// context ends the waiting for a connection.
func (s *Store) transact(ctx context.Context, begun time.Time, do func(traits, *sql.Tx) error) error {
	return s.attempt(ctx, begun, func(t traits) error {
		conn, tx, err := s.begin(ctx, &sql.TxOptions{Isolation: t.isolation})
		if err != nil {
			return err
		}
		defer conn.Close()
		defer func() { _ = tx.Rollback() }() // does nothing after a commit
		if err := do(t, tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// begin begins a transaction that the end of the context does not roll back: the
// pool may drop the connection then, and a database in memory with it.
func (s *Store) begin(ctx context.Context, options *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	for tries := 0; ; tries++ {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		tx, err := conn.BeginTx(context.WithoutCancel(ctx), options)
		if err == nil {
			return conn, tx, nil
		}
		_ = conn.Close()
		if tries == 3 || !errors.Is(err, driver.ErrBadConn) { // the connection was idle for too long
			return nil, nil, err
		}
	}
}
