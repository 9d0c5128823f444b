// Package sqldb has what the packages share that keep tables in a SQL database:
// the dialects, migrations and retries.
package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"
)

// Dialect is what sets a kind of database apart.
type Dialect struct {
	// Lock begins a transaction that waits for every other migration of the schema
	// table %s.
	Lock string

	// Exists selects 1 if there is the schema table %s, else 0.
	Exists string

	// Now is the database's time in milliseconds since 1970, constant within a
	// statement.
	Now string

	// Busy reports an error that comes from what others do in the database at the
	// same time, and after which nothing is changed.
	Busy func(error) bool

	// NoSchema reports an error that comes from a missing table or column.
	NoSchema func(error) bool
}

// Dialects are the known ones, by the names that sqlstore gives them.
var Dialects = map[string]Dialect{
	"sqlite": {
		Lock:   "BEGIN IMMEDIATE",
		Exists: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '%s'",
		Now:    "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
		Busy:   isLocked,
		NoSchema: func(err error) bool {
			text := err.Error()
			return strings.Contains(text, "no such table") || strings.Contains(text, "no such column") ||
				strings.Contains(text, "has no column named")
		},
	},
	"postgres": {
		Lock:   "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(hashtext('%s'))",
		Exists: "SELECT count(to_regclass('%s'))",
		Now:    "(extract(epoch FROM statement_timestamp()) * 1000)::bigint",
		Busy:   isConflict,
		NoSchema: func(err error) bool {
			state := sqlState(err)
			return state == "42P01" || state == "42703" // undefined_table, undefined_column
		},
	},
}

// isLocked knows SQLITE_BUSY by its text, which is the same through every driver.
func isLocked(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// isConflict knows serialization_failure and deadlock_detected.
func isConflict(err error) bool {
	state := sqlState(err)
	return state == "40001" || state == "40P01"
}

// sqlState returns the code of an error of PostgreSQL:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func sqlState(err error) string {
	var withState interface{ SQLState() string }
	if errors.As(err, &withState) {
		return withState.SQLState()
	}
	return ""
}

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// CheckPrefix refuses a prefix that cannot begin the names of tables. Empty is
// valid.
func CheckPrefix(prefix string) error {
	if prefix != "" && !validPrefix.MatchString(prefix) {
		return errors.New("the Prefix has other characters than a to z, 0 to 9 and _, or more than 32")
	}
	return nil
}

// Named puts the prefix in place of "alexa_" into a statement.
func Named(prefix, statement string) string {
	if prefix == "" {
		return statement
	}
	return strings.ReplaceAll(statement, "alexa_", prefix)
}

// Schema is a set of tables with a version.
type Schema struct {
	Table string   // has one row for each version that was applied, its name prefixed
	Steps []string // Steps[n] takes the schema from version n to n+1
}

// ErrNewer refuses a schema of a later version of the program.
var ErrNewer = errors.New("the schema is newer than this program")

// Migrate runs the missing steps in one transaction, which waits for every other
// migration.
func (s Schema) Migrate(ctx context.Context, db *sql.DB, d Dialect) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := s.migrate(ctx, conn, d); err != nil {
		rollback(ctx, conn)
		return err
	}
	return nil
}

// migrate can leave the transaction open after an error, that of the first
// statement too.
func (s Schema) migrate(ctx context.Context, conn *sql.Conn, d Dialect) error {
	lock := d.Lock
	if strings.Contains(lock, "%s") {
		lock = fmt.Sprintf(lock, s.Table)
	}
	if _, err := conn.ExecContext(ctx, lock); err != nil {
		return err
	}
	version, err := s.version(ctx, conn, d)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version > len(s.Steps) {
		return fmt.Errorf("%w: it has version %d, the program knows %d", ErrNewer, version, len(s.Steps))
	}
	for _, step := range s.Steps[version:] {
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("from version %d: %w", version, err)
		}
		version++
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// version returns 0 if there is no schema.
func (s Schema) version(ctx context.Context, conn *sql.Conn, d Dialect) (version int, err error) {
	err = conn.QueryRowContext(ctx, fmt.Sprintf(d.Exists, s.Table)).Scan(&version)
	if err != nil || version == 0 {
		return 0, err
	}
	err = conn.QueryRowContext(ctx, "SELECT max(version) FROM "+s.Table).Scan(&version)
	return version, err
}

// rollback leaves no transaction behind on a connection that goes back to the
// pool, even if ctx is cancelled: where it cannot roll back, it drops the
// connection.
func rollback(ctx context.Context, conn *sql.Conn) {
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// patience is how long a call tries to get past others.
const patience = 10 * time.Second

// Retry runs try until it succeeds, and gives up when ctx ends, when the call has
// begun more than ten seconds ago, or after an error that is not busy. Once ctx has
// ended its error is part of any: drivers then give errors of all kinds.
func Retry(ctx context.Context, begun time.Time, busy func(error) bool, try func() error) error {
	longest := time.Duration(0)
	for {
		err := try()
		if err == nil {
			return nil
		}
		if busy(err) && time.Since(begun) < patience {
			longest = min(max(2*longest, 2*time.Millisecond), patience/100)
			select {
			case <-ctx.Done():
			case <-time.After(rand.N(longest)): //nolint:gosec // jitter keeps no secret
				continue
			}
		}
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
			err = fmt.Errorf("%w: %w", ended, err)
		}
		return err
	}
}
