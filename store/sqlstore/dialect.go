package sqlstore

import (
	_ "embed"
	"fmt"
	"strings"
)

// Dialect is the kind of database that a [Store] keeps its tables in.
type Dialect string

// SQLite is SQLite from version 3.37 on, through any driver.
const SQLite Dialect = "sqlite"

//go:embed schema_sqlite.sql
var schemaSQLite string

// traits are what sets a dialect apart. The statements on the tables are the
// same in every dialect.
type traits struct {
	steps  []string // steps[n] takes the schema from version n to n+1
	lock   string   // begins a transaction that waits for every other writer
	exists string   // selects 1 if there is a schema, else 0

	// busy tells an error that comes from what others do in the database at the
	// same time, and after which nothing is changed.
	busy func(error) bool
}

func (d Dialect) traits() (traits, error) {
	switch d {
	case SQLite:
		return traits{
			steps:  []string{schemaSQLite},
			lock:   "BEGIN IMMEDIATE",
			exists: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alexa_schema'",
			busy:   isLocked,
		}, nil
	}
	return traits{}, fmt.Errorf("unknown dialect %q", string(d))
}

// isLocked knows SQLITE_BUSY by its text, which is the same through every driver.
func isLocked(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// Schema returns the SQL that [Store.Migrate] runs on an empty database, for
// those who keep all their migrations in one place or want to read it. Migrate
// knows a database that was made with it. It is empty for an unknown dialect.
func Schema(d Dialect) string {
	t, _ := d.traits()
	return strings.Join(t.steps, "\n")
}
