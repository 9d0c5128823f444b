package sqlstore

import (
	"database/sql"
	"errors"
	"strings"
)

// Dialect is the kind of database that a [Store] keeps its tables in.
type Dialect string

const (
	// SQLite is SQLite from version 3.37 on, through any driver.
	SQLite Dialect = "sqlite"

	// Postgres is PostgreSQL from version 12 on, through any driver whose errors
	// have a method SQLState, as those of pgx and pq do.
	Postgres Dialect = "postgres"
)

// traits are what sets a dialect apart. The statements on the tables are the
// same in every dialect.
type traits struct {
	steps  []string // steps[n] takes the schema from version n to n+1
	lock   string   // begins a transaction that waits for every other migration
	exists string   // selects 1 if there is a schema, else 0

	// isolation is that of the store's own transactions.
	isolation sql.IsolationLevel

	// erasing are the locks of erasures, which end with their transaction. They
	// are empty where there is one writer at a time.
	erasing map[lockMode]string

	// busy tells an error that comes from what others do in the database at the
	// same time, and after which nothing is changed.
	busy func(error) bool

	// noSchema tells an error that comes from a table or a column that is not
	// there.
	noSchema func(error) bool
}

// lockMode is how an erasure excludes others. One that adds facts again excludes
// all, which would not see them and leave them.
type lockMode uint8

const (
	shared lockMode = iota
	exclusive
)

var dialects = map[Dialect]traits{
	SQLite: {
		steps: []string{withView(schemaSQLite,
			`replace(strftime('%Y-%m-%dT%H:%M:%fZ', $1 / 1000.0, 'unixepoch'), '.000Z', 'Z')`), strings.ReplaceAll(schemaGrants, "bigint", "INTEGER")},
		lock:   "BEGIN IMMEDIATE",
		exists: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alexa_schema'",
		busy:   isLocked,
		noSchema: func(err error) bool {
			text := err.Error()
			return strings.Contains(text, "no such table") || strings.Contains(text, "no such column") ||
				strings.Contains(text, "has no column named")
		},
	},
	Postgres: {
		steps: []string{withView(schemaPostgres,
			`replace(to_char(timestamp 'epoch' + $1 / 1000 * interval '1s' + $1 % 1000 * interval '1ms',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')`), schemaGrants},
		lock:   "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(hashtext('alexa_schema'))",
		exists: "SELECT count(to_regclass('alexa_schema'))",
		// Each statement sees what was there when it began, which is after any lock
		// that the one before it waited for.
		isolation: sql.LevelReadCommitted,
		erasing: map[lockMode]string{
			shared:    "SELECT pg_advisory_xact_lock_shared(hashtext('alexa_facts'), 'alexa_facts'::regclass::oid::int)",
			exclusive: "SELECT pg_advisory_xact_lock(hashtext('alexa_facts'), 'alexa_facts'::regclass::oid::int)",
		},
		busy: isConflict,
		noSchema: func(err error) bool {
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
