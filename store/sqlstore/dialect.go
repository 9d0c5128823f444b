package sqlstore

import (
	"database/sql"
	"errors"
	"strings"
)

// Dialect is the kind of database of a [Store].
type Dialect string

const (
	// SQLite is SQLite 3.37 or later, with any driver.
	SQLite Dialect = "sqlite"

	// Postgres is PostgreSQL 12 or later, with any driver whose errors have a method
	// SQLState, such as pgx and pq.
	Postgres Dialect = "postgres"
)

// traits are the differences between dialects. The statements on the tables are the
// same in all.
type traits struct {
	steps  []string // steps[n] takes the schema from version n to n+1
	lock   string   // begins a transaction that waits for every other migration
	exists string   // selects 1 if there is a schema, else 0

	// isolation is the isolation level of the store's own transactions.
	isolation sql.IsolationLevel

	// erasing are the statements that lock for an erasure until its transaction ends.
	// They are empty if the database has one writer at a time.
	erasing map[lockMode]string

	// busy reports an error that is caused by another transaction. Nothing was changed
	// then.
	busy func(error) bool

	// noSchema reports an error that is caused by a missing table or column.
	noSchema func(error) bool
}

// lockMode is how an erasure excludes others. An erasure that adds facts again is
// exclusive, since others would not see these facts.
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
		// Each statement sees what was committed before it began, that is after the
		// statement before it got its lock.
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

// isLocked reports SQLITE_BUSY by its text, which is the same in every driver.
func isLocked(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// isConflict reports serialization_failure and deadlock_detected.
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
