package integration

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/stretchr/testify/require"
)

// faultyDriver is a driver in front of another one. Fault is called before each
// statement, BEGIN and COMMIT among them; its error is that of the statement.
type faultyDriver struct {
	driver driver.Driver
	source string
	fault  func(ctx context.Context, statement string) error
}

// openFaulty opens the database with a driver that fails as fault says.
func (d database) openFaulty(t testing.TB, fault func(ctx context.Context, statement string) error) *sql.DB {
	db := sql.OpenDB(&faultyDriver{d.open(t).Driver(), d.Source, fault})
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (d *faultyDriver) Driver() driver.Driver { return d.driver }

func (d *faultyDriver) Connect(context.Context) (driver.Conn, error) {
	conn, err := d.driver.Open(d.source)
	if err != nil {
		return nil, err
	}
	return &faultyConn{conn.(fullConn), d}, nil
}

// fullConn has the methods of the connections of both drivers.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
}

type faultyConn struct {
	fullConn
	driver *faultyDriver
}

// CheckNamedValue calls the driver's method.
func (c *faultyConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.fullConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip
}

func (c *faultyConn) ExecContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.driver.fault(ctx, statement); err != nil {
		return nil, err
	}
	return c.fullConn.ExecContext(ctx, statement, args)
}

func (c *faultyConn) QueryContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.driver.fault(ctx, statement); err != nil {
		return nil, err
	}
	return c.fullConn.QueryContext(ctx, statement, args)
}

func (c *faultyConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if err := c.driver.fault(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	tx, err := c.fullConn.BeginTx(ctx, options)
	return &faultyTx{tx, ctx, c.driver}, err
}

type faultyTx struct {
	driver.Tx
	ctx    context.Context //nolint:containedctx // Commit has none
	driver *faultyDriver
}

func (t *faultyTx) Commit() error {
	if err := t.driver.fault(t.ctx, "COMMIT"); err != nil {
		_ = t.Rollback()
		return err
	}
	return t.Tx.Commit()
}
