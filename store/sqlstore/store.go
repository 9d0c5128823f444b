package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/alexaevents/alexaevents/identity"
)

// Store keeps facts in a SQL database. It implements [identity.Store]. A Store
// holds nothing but the handle that [New] was given, so any number of them, in
// any number of processes, may share a database. Its errors wrap those of the
// driver and name no user or account.
type Store struct {
	db      *sql.DB
	dialect Dialect
}

var _ identity.Store = (*Store)(nil)

// New returns the store in a database whose schema [Store.Migrate] has made.
// The store never closes db.
func New(db *sql.DB, dialect Dialect) *Store {
	return &Store{db: db, dialect: dialect}
}

var errNoDatabase = errors.New("sqlstore: New was given no database")

// exec runs one statement, which is a transaction of its own.
func (s *Store) exec(ctx context.Context, task, statement string, args ...any) error {
	if s.db == nil {
		return errNoDatabase
	}
	if _, err := s.db.ExecContext(ctx, statement, args...); err != nil {
		return fmt.Errorf("sqlstore: %s: %w", task, err)
	}
	return nil
}
