package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// Store keeps facts and grants in a SQL database. It implements
// [identity.Store] and [lwa.Store]. A Store holds nothing but the handle that
// [New] was given, so any number of them, in any number of processes, may share
// a database. Its errors wrap those of the driver and name no user or account.
type Store struct {
	db      *sql.DB
	dialect Dialect
}

var (
	_ identity.Store = (*Store)(nil)
	_ lwa.Store      = (*Store)(nil)
)

// New returns the store in a database whose schema [Store.Migrate] has made.
// The store never closes db.
func New(db *sql.DB, dialect Dialect) *Store {
	return &Store{db: db, dialect: dialect}
}

var errNoDatabase = errors.New("New was given no database")

// patience is how long a call tries to get past others.
const patience = 10 * time.Second

// attempt runs try, and again while it fails because others are at work in the
// database.
func (s *Store) attempt(ctx context.Context, task string, try func() error) error {
	t, err := s.dialect.traits()
	if err == nil && s.db == nil {
		err = errNoDatabase
	}
	if err != nil {
		return fmt.Errorf("sqlstore: %s: %w", task, err)
	}
	begun := time.Now()
	for wait := time.Millisecond; ; wait = min(2*wait, patience/100) {
		err := try()
		if err == nil {
			return nil
		}
		if t.busy(err) && time.Since(begun) < patience {
			select {
			case <-time.After(wait/2 + rand.N(wait)):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		return fmt.Errorf("sqlstore: %s: %w", task, err)
	}
}

// exec runs one statement, which is a transaction of its own, and returns the
// number of rows that it changed.
func (s *Store) exec(ctx context.Context, task, statement string, args ...any) (changed int64, err error) {
	err = s.attempt(ctx, task, func() error {
		result, err := s.db.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	return changed, err
}

// read returns the rows that the query selects. It reads them all before it
// returns, so that the caller's loop does not hold a connection.
func read[Row any](ctx context.Context, s *Store, task string, scan func(*sql.Rows) (Row, error), query string, args ...any) (all []Row, err error) {
	err = s.attempt(ctx, task, func() error {
		all = nil
		rows, err := s.db.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, row)
		}
		return rows.Err()
	})
	return all, err
}
