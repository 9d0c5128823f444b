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

	// viewCustomers is the same in every dialect but for time_text(x), which
	// stands for the time of x milliseconds as text.
	//go:embed view_customers.sql
	viewCustomers string

	// schemaGrants is version 2, the same in every dialect but for the type of
	// an integer of 64 bits.
	//go:embed schema_grants.sql
	schemaGrants string
)

var timeText = regexp.MustCompile(`(?m)time_text\((.+)\)(,?)$`)

// withView adds the view to a schema. The expression is that of time_text($1).
func withView(schema, expression string) string {
	return schema + "\n" + timeText.ReplaceAllString(viewCustomers, expression+"$2")
}

// Schema returns the SQL that [Store.Migrate] runs on an empty database, for
// those who keep all their migrations in one place or want to read it. Migrate
// knows a database that was made with it. It is empty for an unknown dialect.
func Schema(d Dialect) string { return strings.Join(dialects[d].steps, "\n") }
