package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ErrNewerSchema means that a later version of this package has migrated the
// database.
var ErrNewerSchema = errors.New("the schema is newer than this version of sqlstore")

// Migrate creates the schema in an empty database, and updates an older schema. Call
// it when the program starts: several processes may do so at once, and if the schema is
// current, nothing happens. A migration happens completely or not at all. The error is
// [ErrNewerSchema] if a later version of this package has migrated the database.
func (s *Store) Migrate(ctx context.Context) error {
	return wrap("migrate", s.attempt(ctx, time.Now(), func(t traits) error {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := s.migrate(ctx, conn, t); err != nil {
			rollback(ctx, conn)
			return err
		}
		return nil
	}))
}

// migrate runs the missing steps in a transaction. After any error the transaction may
// still be open.
func (s *Store) migrate(ctx context.Context, conn *sql.Conn, t traits) error {
	if _, err := conn.ExecContext(ctx, s.named(t.lock)); err != nil {
		return err
	}
	version, err := s.schemaVersion(ctx, conn, t)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version > len(t.steps) {
		return fmt.Errorf("%w: it has version %d, the package knows %d", ErrNewerSchema, version, len(t.steps))
	}
	for _, step := range t.steps[version:] {
		if _, err := conn.ExecContext(ctx, s.named(step)); err != nil {
			return fmt.Errorf("from version %d: %w", version, err)
		}
		version++
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// schemaVersion returns 0 if there is no schema.
func (s *Store) schemaVersion(ctx context.Context, conn *sql.Conn, t traits) (version int, err error) {
	err = conn.QueryRowContext(ctx, s.named(t.exists)).Scan(&version)
	if err != nil || version == 0 {
		return 0, err
	}
	err = conn.QueryRowContext(ctx, s.named("SELECT max(version) FROM alexa_schema")).Scan(&version)
	return version, err
}

// rollback rolls back even if ctx is cancelled. If that fails, it drops the connection,
// so that no connection with an open transaction returns to the pool.
func rollback(ctx context.Context, conn *sql.Conn) {
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
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
