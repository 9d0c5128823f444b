// Package sqldb has the dialects, migrations and retries that packages with tables in
// a SQL database share.
package sqldb

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Dialect is a kind of database.
type Dialect struct {
	// Lock begins a transaction that waits for every other migration of the schema
	// table %s.
	Lock string

	// Exists selects 1 if there is the schema table %s, else 0.
	Exists string

	// Now is the database's time in milliseconds since 1970, constant within a
	// statement.
	Now string

	// Busy reports an error that another transaction causes and that leaves the
	// database unchanged.
	Busy func(error) bool

	// NoSchema reports an error that comes from a missing table or column.
	NoSchema func(error) bool
}

// Dialects are the known ones, by the names that sqlstore gives them.
var Dialects = map[string]Dialect{
	"sqlite": {
		Lock:   "BEGIN IMMEDIATE",
		Exists: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '%s'",
		Now:    "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
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
			state := SQLState(err)
			return state == "42P01" || state == "42703" // undefined_table, undefined_column
		},
	},
}

// isLocked knows SQLITE_BUSY by its text, which is the same through every driver.
func isLocked(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// isConflict knows serialization_failure and deadlock_detected.
func isConflict(err error) bool {
	state := SQLState(err)
	return state == "40001" || state == "40P01"
}

// SQLState returns the code of an error of PostgreSQL:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func SQLState(err error) string {
	var withState interface{ SQLState() string }
	if errors.As(err, &withState) {
		return withState.SQLState()
	}
	return ""
}

// Advise says in the error what to do about a missing table or column.
func (d Dialect) Advise(err error) error {
	if err != nil && d.NoSchema(err) {
		return fmt.Errorf("%w: call Migrate first, with the same Prefix", err)
	}
	return err
}

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// CheckPrefix refuses a prefix that cannot begin the names of tables. Empty is
// valid.
func CheckPrefix(prefix string) error {
	if prefix != "" && !validPrefix.MatchString(prefix) {
		return errors.New("invalid Prefix: it must begin with a letter and have at most 32 of the characters a to z, 0 to 9 and _")
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
