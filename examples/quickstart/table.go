package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
)

// row is a row of the customer table as Amazon's page "Communication Related to
// your Skill Customers" has it, without the first column.
type row struct {
	AmazonUserID  string
	AccountID     string
	StartDatetime string
	EndDatetime   string
}

// numberedRow has the first column too, the primary key.
type numberedRow struct {
	ID string
	row
}

const null = "NULL" // a null, as readTable returns it

// readTable reads the whole table with SQL, without the library.
func readTable(ctx context.Context, db *sql.DB) ([]numberedRow, error) {
	rows, err := db.QueryContext(ctx, `
		SELECT ID, AmazonUserID, coalesce(AccountID, 'NULL'), coalesce(StartDatetime, 'NULL'), coalesce(EndDatetime, 'NULL')
		FROM alexa_customers ORDER BY StartDatetime, ID`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var table []numberedRow
	for rows.Next() {
		var r numberedRow
		if err := rows.Scan(&r.ID, &r.AmazonUserID, &r.AccountID, &r.StartDatetime, &r.EndDatetime); err != nil {
			return nil, err
		}
		table = append(table, r)
	}
	return table, rows.Err()
}

// compareTable compares the table with the expected rows, in any order.
func compareTable(table []numberedRow, want []row) error {
	ids := make(map[string]bool)
	var got []row
	for _, r := range table {
		ids[r.ID] = true
		got = append(got, r.row)
	}
	if len(ids) != len(table) || ids[""] {
		return errors.New("ID is not a primary key of the customer table")
	}
	slices.SortFunc(got, compareRows)
	want = slices.SortedFunc(slices.Values(want), compareRows)
	if !slices.Equal(got, want) {
		return fmt.Errorf("the customer table: expected\n%sgot\n%s", format(number(want)), format(number(got)))
	}
	return nil
}

func compareRows(a, b row) int {
	return cmp.Or(
		cmp.Compare(a.StartDatetime, b.StartDatetime), cmp.Compare(a.AmazonUserID, b.AmazonUserID),
		cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.EndDatetime, b.EndDatetime),
	)
}

func number(rows []row) []numberedRow {
	var table []numberedRow
	for _, r := range rows {
		table = append(table, numberedRow{"-", r})
	}
	return table
}

// format returns the table as text, with shortened IDs.
func format(table []numberedRow) string {
	var text strings.Builder
	line := func(columns ...any) { fmt.Fprintf(&text, "   %-9s | %-26s | %-9s | %-20s | %s\n", columns...) }
	line("ID", "AmazonUserID", "AccountID", "StartDatetime", "EndDatetime")
	io.WriteString(&text, "   "+strings.Repeat("-", 96)+"\n")
	for _, r := range table {
		line(shorten(r.ID, 8), shorten(r.AmazonUserID, 25), r.AccountID, r.StartDatetime, r.EndDatetime)
	}
	return text.String()
}

func shorten(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return text[:length] + "…"
}

// table reads the customer table while the backend runs.
func (s *scenario) table(ctx context.Context) (table []numberedRow, err error) {
	accounts, err := backend.OpenAccounts(ctx, s.database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, accounts.Close()) }()
	return readTable(ctx, accounts.DB)
}

// checkTable expects exactly the rows of s.want in the customer table.
func (s *scenario) checkTable(ctx context.Context) error {
	table, err := s.table(ctx)
	if err != nil {
		return err
	}
	if err := compareTable(table, slices.Collect(maps.Values(s.want))); err != nil {
		return err
	}
	s.printf("✓ the customer table has exactly the %d expected rows", len(table))
	return nil
}

// keepsTable calls do, and expects the same customer table after it as before.
func (s *scenario) keepsTable(ctx context.Context, do func() error) error {
	before, err := s.table(ctx)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	after, err := s.table(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) {
		return fmt.Errorf("the customer table has changed: expected\n%sgot\n%s", format(before), format(after))
	}
	s.printf("✓ the customer table is unchanged")
	return nil
}
