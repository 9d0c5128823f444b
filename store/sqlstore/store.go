package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/lwa"
)

// Store keeps facts and grants in a SQL database. It implements
// [identity.Store] and [lwa.Store]. Any number of them, in any number of
// processes, may share a database; concurrent writes to one Store share
// transactions. Its errors wrap those of the driver and name no user or account.
type Store struct {
	// Prefix begins the name of each table, index and view, in place of
	// "alexa_": stores with different prefixes share a database and nothing
	// else, such as those of a skill's development and live stages. It consists
	// of at most 32 lower-case letters, digits and underscores and begins with a
	// letter. It must not change once the store is in use. Empty is "alexa_".
	Prefix string

	db      *sql.DB
	dialect Dialect
	queue   *queue
}

var (
	_ identity.Store = (*Store)(nil)
	_ lwa.Store      = (*Store)(nil)
)

// New returns the store in a database whose schema [Store.Migrate] has made.
// The store never closes db.
func New(db *sql.DB, dialect Dialect) *Store {
	s := &Store{db: db, dialect: dialect}
	s.queue = s.newQueue()
	return s
}

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// traits fails if the fields of the store are of no use.
func (s *Store) traits() (traits, error) {
	t, known := dialects[s.dialect]
	switch {
	case !known:
		return traits{}, fmt.Errorf("unknown dialect %q", string(s.dialect))
	case s.db == nil:
		return traits{}, errors.New("there is no database: New was given nil")
	case s.Prefix != "" && !validPrefix.MatchString(s.Prefix):
		return traits{}, errors.New("the Prefix has other characters than a to z, 0 to 9 and _, or more than 32")
	}
	return t, nil
}

// named puts the prefix into a statement.
func (s *Store) named(statement string) string {
	if s.Prefix == "" {
		return statement
	}
	return strings.ReplaceAll(statement, "alexa_", s.Prefix)
}

// attempt runs try, and again where that helps. The errors of try say what to do
// if the schema is not the one that the statements need.
func (s *Store) attempt(ctx context.Context, begun time.Time, try func(traits) error) error {
	t, err := s.traits()
	if err != nil {
		return err
	}
	err = retry(ctx, begun, t.busy, func() error { return try(t) })
	if err != nil && t.noSchema(err) {
		return fmt.Errorf("%w: call Migrate first, with the same Prefix", err)
	}
	return err
}

func wrap(task string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlstore: %s: %w", task, err)
}

// unkeepable tells whether a parameter is text that is in no row. PostgreSQL
// would not compare it.
func unkeepable(args []any) bool {
	return slices.ContainsFunc(args, func(arg any) bool {
		s, isText := arg.(string)
		return isText && !redact.Storable(s)
	})
}

// read returns the rows that the query selects. It reads them all before it
// returns, so that the caller's loop does not hold a connection.
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
