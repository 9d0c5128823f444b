package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// Schema is a set of tables with a version.
type Schema struct {
	Table string   // has one row for each version that was applied, its name prefixed
	Steps []string // Steps[n] takes the schema from version n to n+1
}

// ErrNewer refuses a schema of a later version of the program.
var ErrNewer = errors.New("the schema is newer than this program")

// Migrate runs the missing steps in one transaction, which waits for every other
// migration.
func (s Schema) Migrate(ctx context.Context, db *sql.DB, d Dialect) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := s.migrate(ctx, conn, d); err != nil {
		rollback(ctx, conn)
		return err
	}
	return nil
}

// migrate can leave the transaction open after an error, that of the first
// statement too.
func (s Schema) migrate(ctx context.Context, conn *sql.Conn, d Dialect) error {
	lock := d.Lock
	if strings.Contains(lock, "%s") {
		lock = fmt.Sprintf(lock, s.Table)
	}
	if _, err := conn.ExecContext(ctx, lock); err != nil {
		return err
	}
	version, err := s.version(ctx, conn, d)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version > len(s.Steps) {
		return fmt.Errorf("%w: it has version %d, the program knows %d", ErrNewer, version, len(s.Steps))
	}
	for _, step := range s.Steps[version:] {
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("from version %d: %w", version, err)
		}
		version++
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// version returns 0 if there is no schema.
func (s Schema) version(ctx context.Context, conn *sql.Conn, d Dialect) (version int, err error) {
	err = conn.QueryRowContext(ctx, fmt.Sprintf(d.Exists, s.Table)).Scan(&version)
	if err != nil || version == 0 {
		return 0, err
	}
	err = conn.QueryRowContext(ctx, "SELECT max(version) FROM "+s.Table).Scan(&version)
	return version, err
}

// rollback leaves no transaction behind on a connection that goes back to the
// pool, even if ctx is cancelled: where it cannot roll back, it drops the
// connection.
func rollback(ctx context.Context, conn *sql.Conn) {
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}
