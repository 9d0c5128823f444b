//go:build database

package main

import (
	"database/sql"
	"io"
	"net/url"
	"os"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// openDatabase opens the store in a PostgreSQL database or in an SQLite file. If create
// is true, the file need not exist.
func openDatabase(source, prefix string, create bool) (grantStore, io.Closer, error) {
	dialect, driver := sqlstore.Postgres, "pgx"
	if !isURL(source) {
		dialect, driver = sqlstore.SQLite, "sqlite"
		var err error
		if source, err = sqliteSource(source, create); err != nil {
			return nil, nil, failed(err)
		}
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, nil, failed(err)
	}
	store := sqlstore.New(db, dialect)
	store.Prefix = prefix
	return store, db, nil
}

// sqliteSource returns the data source of an SQLite file, which only its owner can read
// if it is created.
func sqliteSource(path string, create bool) (string, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=rw&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_txlock=immediate", nil
}
