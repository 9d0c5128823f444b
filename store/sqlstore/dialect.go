package sqlstore

import (
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

	// busy tells an error that comes from what others do in the database at the
	// same time, and after which nothing is changed.
	busy func(error) bool
}

var dialects = map[Dialect]traits{
	SQLite: {
		steps: []string{withView(schemaSQLite,
			`replace(strftime('%Y-%m-%dT%H:%M:%fZ', $1 / 1000.0, 'unixepoch'), '.000Z', 'Z')`)},
		lock:   "BEGIN IMMEDIATE",
		exists: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alexa_schema'",
		busy:   isLocked,
	},
	Postgres: {
		steps: []string{withView(schemaPostgres,
			`replace(to_char(timestamp 'epoch' + $1 / 1000 * interval '1s' + $1 % 1000 * interval '1ms',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')`)},
		lock:   "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(hashtext('alexa_schema'))",
		exists: "SELECT count(to_regclass('alexa_schema'))",
		busy:   isConflict,
	},
}

// isLocked knows SQLITE_BUSY by its text, which is the same through every driver.
func isLocked(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// isConflict knows serialization_failure and deadlock_detected by their codes:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isConflict(err error) bool {
	var withState interface{ SQLState() string }
	if !errors.As(err, &withState) {
		return false
	}
	state := withState.SQLState()
	return state == "40001" || state == "40P01"
}
