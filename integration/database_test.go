package integration

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/dynamostore"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// database describes a database, so that other processes can open it too.
type database struct {
	Dialect sqlstore.Dialect
	Driver  string
	Source  string
}

// newDatabase makes an empty database that lasts as long as the test.
type newDatabase func(testing.TB) database

// onEach runs the test on each kind of database, in parallel with others.
func onEach(t *testing.T, test func(*testing.T, newDatabase)) {
	t.Parallel()
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, create)
		})
	}
}

// durable are the parameters that the documentation of sqlstore recommends.
const durable = "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"

// newSQLite makes a database that waits for the disk only in benchmarks, as the tests'
// PostgreSQL does: tests kill processes, but simulate no power failure.
func newSQLite(t testing.TB) database {
	if _, timed := t.(*testing.B); timed {
		return sqliteAt(newFile(t), durable)
	}
	return sqliteAt(newFile(t), strings.ReplaceAll(durable, "synchronous(FULL)", "synchronous(OFF)"))
}

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "alexa.db") }

func sqliteAt(path, parameters string) database {
	return database{sqlstore.SQLite, "sqlite", "file:" + path + "?" + parameters}
}

// newPostgres makes a schema of its own, which is faster than a database.
func newPostgres(t testing.TB) database {
	server := database{sqlstore.Postgres, "pgx", postgresServer(t)}
	schema := "alexaevents_" + strings.ToLower(rand.Text())
	db := server.open(t)
	_, err := db.Exec("CREATE SCHEMA " + schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("SET lock_timeout = '10s'; DROP SCHEMA " + schema + " CASCADE")
		require.NoError(t, err)
	})
	return server.with("search_path", schema)
}

// with adds a parameter to the URL of PostgreSQL.
func (d database) with(name, value string) database {
	separator := "?"
	if strings.Contains(d.Source, "?") {
		separator = "&"
	}
	d.Source += separator + url.Values{name: {value}}.Encode()
	return d
}

func (d database) connect() (*sql.DB, error) { return sql.Open(d.Driver, d.Source) }

func (d database) open(t testing.TB) *sql.DB {
	db, err := d.connect()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// store returns a store that is ready for use, with a handle of its own.
func (d database) store(t testing.TB) *sqlstore.Store { return d.storeOn(t, d.open(t)) }

func (d database) storeOn(t testing.TB, db *sql.DB) *sqlstore.Store {
	store := sqlstore.New(db, d.Dialect)
	require.NoError(t, store.Migrate(t.Context()))
	return store
}

// openMemory returns a SQLite database that lives in its only connection.
func openMemory(t testing.TB) *sql.DB {
	db := sqliteAt(":memory:", "").open(t)
	db.SetMaxOpenConns(1)
	return db
}

func migrated(t testing.TB, db *sql.DB) *sqlstore.Store {
	return database{Dialect: sqlstore.SQLite}.storeOn(t, db)
}

// place describes where grants are stored, a database or DynamoDB, so that other
// processes can open it too.
type place struct {
	Database database
	Endpoint string // of DynamoDB; empty is the database
	Prefix   string // of the tables there
}

// onEachPlace runs the test with each kind of place. The function that it passes makes
// an empty one.
func onEachPlace(t *testing.T, test func(*testing.T, func(*testing.T) place)) {
	onEach(t, func(t *testing.T, create newDatabase) {
		test(t, func(t *testing.T) place {
			d := create(t)
			d.store(t)
			return place{Database: d}
		})
	})
	t.Run("DynamoDB", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) place { return place{Endpoint: dynamoEndpoint(t), Prefix: newDynamo(t).Prefix} })
	})
}

func (p place) open() (store lwa.Store, closing func() error, err error) {
	if p.Endpoint != "" {
		store := dynamostore.New(dynamoClient(p.Endpoint))
		store.Prefix = p.Prefix
		return store, func() error { return nil }, nil
	}
	db, err := p.Database.connect()
	if err != nil {
		return nil, nil, err
	}
	return sqlstore.New(db, p.Database.Dialect), db.Close, nil
}

func (p place) store(t *testing.T) lwa.Store {
	store, closing, err := p.open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, closing()) })
	return store
}
