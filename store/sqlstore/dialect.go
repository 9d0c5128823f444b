package sqlstore

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
)

// Dialect is the kind of database that a [Store] keeps its tables in.
type Dialect string

const (
	// SQLite is SQLite from version 3.37 on, through any driver.
	SQLite Dialect = "sqlite"

	// Postgres is PostgreSQL from version 12 on, through any driver whose errors
	// have a method SQLState, as those of pgx have.
	Postgres Dialect = "postgres"
)

var (
	//go:embed schema_sqlite.sql
	schemaSQLite string

	//go:embed schema_postgres.sql
	schemaPostgres string
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
		steps:  []string{schemaSQLite},
		lock:   "BEGIN IMMEDIATE",
		exists: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alexa_schema'",
		// SQLITE_BUSY has the same text through every driver.
		busy: func(err error) bool { return strings.Contains(err.Error(), "database is locked") },
	},
	Postgres: {
		steps:  []string{schemaPostgres},
		lock:   "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(hashtext('alexa_schema'))",
		exists: "SELECT count(to_regclass('alexa_schema'))",
		busy: func(err error) bool {
			var state interface{ SQLState() string }
			return errors.As(err, &state) && slices.Contains([]string{serializationFailure, deadlockDetected}, state.SQLState())
		},
	},
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const serializationFailure, deadlockDetected = "40001", "40P01"

// Schema returns the SQL that [Store.Migrate] runs on an empty database, for
// those who keep all their migrations in one place or want to read it. Migrate
// knows a database that was made with it. It is empty for an unknown dialect.
func Schema(d Dialect) string { return strings.Join(dialects[d].steps, "\n") }
