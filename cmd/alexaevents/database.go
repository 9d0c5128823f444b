//go:build database

package main

// The drivers of "grants". They are 12 modules and 8 MB, which a developer who only
// simulates Amazon does not need.
import (
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)
