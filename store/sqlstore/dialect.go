package sqlstore

import (
	"database/sql"
	"strings"

	"github.com/alexaevents/alexaevents/internal/sqldb"
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
	sqldb.Dialect

	steps []string // steps[n] takes the schema from version n to n+1

	// isolation is the isolation level of the store's own transactions.
	isolation sql.IsolationLevel

	// erasing are the statements that lock for an erasure until its transaction ends.
	// They are empty if the database has one writer at a time.
	erasing map[lockMode]string
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
		Dialect: sqldb.Dialects[string(SQLite)],
		steps: []string{withView(schemaSQLite,
			`replace(strftime('%Y-%m-%dT%H:%M:%fZ', $1 / 1000.0, 'unixepoch'), '.000Z', 'Z')`), strings.ReplaceAll(schemaGrants, "bigint", "INTEGER")},
	},
	Postgres: {
		Dialect: sqldb.Dialects[string(Postgres)],
		steps: []string{withView(schemaPostgres,
			`replace(to_char(timestamp 'epoch' + $1 / 1000 * interval '1s' + $1 % 1000 * interval '1ms',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')`), schemaGrants},
		// Each statement sees what was committed before it began, that is after the
		// statement before it got its lock.
		isolation: sql.LevelReadCommitted,
		erasing: map[lockMode]string{
			shared:    "SELECT pg_advisory_xact_lock_shared(hashtext('alexa_facts'), 'alexa_facts'::regclass::oid::int)",
			exclusive: "SELECT pg_advisory_xact_lock(hashtext('alexa_facts'), 'alexa_facts'::regclass::oid::int)",
		},
	},
}
