package sqlstore

import (
	_ "embed"
	"regexp"
	"strings"
)

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
