package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/sqldb"
	"github.com/alexaevents/alexaevents/lwa"
)

// Store stores facts and grants in a SQL database. It implements [identity.Store] and
// [lwa.Store]. Any number of Stores, in any number of processes, may share a database;
// concurrent writes to one Store share transactions. Its errors wrap those of the
// driver and contain no user or account ID.
type Store struct {
	// Prefix begins the name of each table, index and view. Stores with different
	// prefixes in one database share no data, such as those of a skill's development
	// and live stages. A prefix begins with a letter and has at most 32 lower-case
	// letters, digits and underscores. Set it before the first call. Empty means
	// "alexa_".
	Prefix string

	db      *sql.DB
	dialect Dialect
	queue   *queue
}

var (
	_ identity.Store = (*Store)(nil)
	_ lwa.Store      = (*Store)(nil)
)

// New returns the store in a database. Call [Store.Migrate] before other methods. The
// store never closes db.
func New(db *sql.DB, dialect Dialect) *Store {
	s := &Store{db: db, dialect: dialect}
	s.queue = s.newQueue()
	return s
}

// traits returns an error if a field of the store is invalid.
func (s *Store) traits() (traits, error) {
	t, known := dialects[s.dialect]
	switch {
	case !known:
		return traits{}, fmt.Errorf("unknown dialect %q", string(s.dialect))
	case s.db == nil:
		return traits{}, errors.New("New was called with a nil *sql.DB")
	}
	return t, sqldb.CheckPrefix(s.Prefix)
}

// named puts the prefix into a statement.
func (s *Store) named(statement string) string { return sqldb.Named(s.Prefix, statement) }

// attempt runs try, with retries. Its errors say what to do if the schema is missing
// or old.
func (s *Store) attempt(ctx context.Context, begun time.Time, try func(traits) error) error {
	t, err := s.traits()
	if err != nil {
		return err
	}
	return t.Advise(sqldb.Retry(ctx, begun, t.Busy, func() error { return try(t) }))
}

func wrap(task string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlstore: %s: %w", task, err)
}

// unkeepable reports whether a parameter is text that no row can contain. PostgreSQL
// would refuse it.
func unkeepable(args []any) bool {
	return slices.ContainsFunc(args, func(arg any) bool {
		s, isText := arg.(string)
		return isText && !redact.Storable(s)
	})
}

// read returns all rows of the query, so that no connection is in use while the caller
// loops over them.
func read[Row any](ctx context.Context, s *Store, task string, scan func(*sql.Rows) (Row, error), query string, args ...any) (all []Row, err error) {
	if unkeepable(args) {
		return nil, ctx.Err()
	}
	err = s.attempt(ctx, time.Now(), func(traits) error {
		rows, err := s.db.QueryContext(ctx, s.named(query), args...)
		if err == nil {
			all, err = scanAll(rows, scan)
		}
		return err
	})
	return all, wrap(task, err)
}

func scanAll[Row any](rows *sql.Rows, scan func(*sql.Rows) (Row, error)) (all []Row, err error) {
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// pageRows is the number of rows of a page of a whole table.
const pageRows = 500

// all yields the rows of a table. The query selects the rows after a key; key returns
// that of a row. The zero Row comes before all others.
func all[Row any](ctx context.Context, s *Store, task string, scan func(*sql.Rows) (Row, error), query string, key func(Row) []any) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var last Row
		for {
			page, err := read(ctx, s, task, scan, query, append(key(last), pageRows)...)
			if err != nil {
				yield(*new(Row), err)
				return
			}
			for _, last = range page {
				if !yield(last, nil) {
					return
				}
			}
			if len(page) < pageRows {
				return
			}
		}
	}
}
