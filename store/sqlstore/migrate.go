package sqlstore

import (
	"context"
	_ "embed"
	"regexp"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/internal/sqldb"
)

// ErrNewerSchema means that a later version of this package has migrated the
// database.
var ErrNewerSchema = sqldb.ErrNewer

// Migrate creates the schema in an empty database, and updates an older schema. Call
// it when the program starts: several processes may do so at once, and if the schema is
// current, nothing happens. A migration happens completely or not at all. The error is
// [ErrNewerSchema] if a later version of this package has migrated the database.
func (s *Store) Migrate(ctx context.Context) error {
	return wrap("migrate", s.attempt(ctx, time.Now(), func(t traits) error {
		schema := sqldb.Schema{Table: s.named("alexa_schema")}
		for _, step := range t.steps {
			schema.Steps = append(schema.Steps, s.named(step))
		}
		return schema.Migrate(ctx, s.db, t.Dialect)
	}))
}

var (
	//go:embed schema_sqlite.sql
	schemaSQLite string

	//go:embed schema_postgres.sql
	schemaPostgres string

	// viewCustomers is the same in every dialect except time_text(x), a placeholder
	// for the time of x milliseconds as text.
	//go:embed view_customers.sql
	viewCustomers string

	// schemaGrants is version 2, the same in every dialect except the type of a 64-bit
	// integer.
	//go:embed schema_grants.sql
	schemaGrants string
)

var timeText = regexp.MustCompile(`(?m)time_text\((.+)\)(,?)$`)

// withView adds the view to a schema. The expression replaces time_text($1).
func withView(schema, expression string) string {
	return schema + "\n" + timeText.ReplaceAllString(viewCustomers, expression+"$2")
}

// Schema returns the SQL that [Store.Migrate] runs on an empty database, for programs
// that have migrations of their own. Migrate recognizes a database that was created
// with it. Schema is empty for an unknown dialect.
func Schema(d Dialect) string { return strings.Join(dialects[d].steps, "\n") }
