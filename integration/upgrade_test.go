package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// version1 is a database with the schema of version 1.
func version1(t testing.TB, create newDatabase) (database, *sql.DB) {
	d := create(t)
	db := d.open(t)
	schema, _, found := strings.Cut(sqlstore.Schema(d.Dialect), "-- Version 2:")
	require.True(t, found)
	_, err := db.Exec(schema)
	require.NoError(t, err)
	return d, db
}

// oldProgram has the statements of a program of version 1.
type oldProgram struct{ db *sql.DB }

const (
	oldSelect = `
SELECT region, access_token, refresh_token, issued_at, expiry, confirmed_at, refused, code_hash, revision,
    account_id, client_id, link_id
FROM alexa_grants WHERE account_id = $1 AND client_id = $2 AND link_id = $3`

	oldInsert = `
INSERT INTO alexa_grants (
    region, access_token, refresh_token, issued_at, expiry, confirmed_at, refused, code_hash, revision,
    account_id, client_id, link_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING`

	oldUpdate = `
UPDATE alexa_grants
SET region = $1, access_token = $2, refresh_token = $3, issued_at = $4, expiry = $5, confirmed_at = $6,
    refused = $7, code_hash = $8, revision = $9
WHERE account_id = $10 AND client_id = $11 AND link_id = $12 AND revision = $13`

	oldDelete = `
DELETE FROM alexa_grants
WHERE account_id = $1 AND client_id = $2 AND link_id = $3 AND revision = $4`
)

// update gives fn the stored refresh token and stores the one that it returns.
func (p oldProgram) update(ctx context.Context, key lwa.Key, fn func(token string) string) error {
	for revision := time.Now().UnixNano(); ; revision++ {
		var region, access, refresh, refused, codeHash, text string
		var at sql.NullInt64
		var before int64
		err := p.db.QueryRowContext(ctx, oldSelect, key.AccountID, key.ClientID, key.LinkID).
			Scan(&region, &access, &refresh, &at, &at, &at, &refused, &codeHash, &before, &text, &text, &text)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		args := []any{"EU", "Atza|old", fn(refresh), nil, nil, nil, "", "", revision, key.AccountID, key.ClientID, key.LinkID}
		var result sql.Result
		switch {
		case before == 0:
			result, err = p.db.ExecContext(ctx, oldInsert, args...)
		case args[2] == "":
			result, err = p.db.ExecContext(ctx, oldDelete, key.AccountID, key.ClientID, key.LinkID, before)
		default:
			result, err = p.db.ExecContext(ctx, oldUpdate, append(args, before)...)
		}
		if err != nil {
			return err
		}
		if changed, err := result.RowsAffected(); changed == 1 || err != nil {
			return err
		}
	}
}

func becomes(token string) func(string) string { return func(string) string { return token } }

func plusOne(token string) string {
	n, _ := strconv.Atoi(token)
	return strconv.Itoa(n + 1)
}

func countUp(g *lwa.Grant) error {
	g.RefreshToken = alexaevents.Secret(plusOne(string(g.RefreshToken)))
	return nil
}

func schemaVersion(t *testing.T, db *sql.DB) (version int) {
	require.NoError(t, db.QueryRow("SELECT max(version) FROM alexa_schema").Scan(&version))
	return version
}

func grantColumns(t *testing.T, db *sql.DB) []string {
	rows, err := db.Query("SELECT * FROM alexa_grants WHERE revision = 0")
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	require.NoError(t, rows.Err())
	return columns
}

// Before Migrate, a program gets an error that names it. After it, the program finds
// every grant.
func TestUpgrade(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d, db := version1(t, create)
		key := keyOf(account)
		require.NoError(t, oldProgram{db}.update(t.Context(), key, becomes("Atzr|1")))
		_, err := db.Exec("UPDATE alexa_grants SET refused = 'hash'")
		require.NoError(t, err)

		store := sqlstore.New(db, d.Dialect)
		_, err = store.Grant(t.Context(), key)
		require.ErrorContains(t, err, "call Migrate first")
		require.NoError(t, store.Migrate(t.Context()))
		want := []lwa.Grant{{Key: key, Region: alexaevents.Europe, AccessToken: "Atza|old", RefreshToken: "Atzr|1", Refused: "hash"}}
		require.Equal(t, want, all(t, store.Grants(t.Context())))
		require.Equal(t, want, all(t, store.EndedGrants(t.Context(), key.ClientID)))
	})
}

// A migration that fails in any of its statements has changed nothing: the old
// program goes on, and the next migration succeeds.
func TestUpgradeInterrupted(t *testing.T) {
	obstacles := map[string]map[sqlstore.Dialect][2]string{} // how each comes and goes
	for _, column := range []string{"refused_at", "disabled_at", "probed_at", "ended_revision"} {
		add, drop := "ALTER TABLE alexa_grants ADD COLUMN "+column+" text", "ALTER TABLE alexa_grants DROP COLUMN "+column
		obstacles[column] = map[sqlstore.Dialect][2]string{sqlstore.SQLite: {add, drop}, sqlstore.Postgres: {add, drop}}
	}
	index := [2]string{"CREATE INDEX alexa_grants_ended ON alexa_facts (id)", "DROP INDEX alexa_grants_ended"}
	obstacles["the index"] = map[sqlstore.Dialect][2]string{sqlstore.SQLite: index, sqlstore.Postgres: index}
	obstacles["the version"] = map[sqlstore.Dialect][2]string{
		sqlstore.SQLite: {
			"CREATE TRIGGER obstacle BEFORE INSERT ON alexa_schema BEGIN SELECT RAISE(ABORT, 'obstacle'); END", "DROP TRIGGER obstacle",
		},
		sqlstore.Postgres: {
			"ALTER TABLE alexa_schema ADD CONSTRAINT obstacle CHECK (version < 2)", "ALTER TABLE alexa_schema DROP CONSTRAINT obstacle",
		},
	}
	onEach(t, func(t *testing.T, create newDatabase) {
		d, db := version1(t, create)
		old, store := oldProgram{db}, sqlstore.New(d.open(t), d.Dialect)
		columns, count := grantColumns(t, db), 0
		for name, obstacle := range obstacles {
			_, err := db.Exec(obstacle[d.Dialect][0])
			require.NoError(t, err)
			requireFailure(t, store.Migrate(t.Context()))
			_, err = db.Exec(obstacle[d.Dialect][1])
			require.NoError(t, err)
			require.Equal(t, columns, grantColumns(t, db), name)
			require.Equal(t, 1, schemaVersion(t, db), name)
			require.NoError(t, old.update(t.Context(), keyOf(account), plusOne), name)
			count++
		}
		// The context may end at any moment, too.
		for wait := time.Duration(0); ; wait += 300 * time.Microsecond {
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			err := store.Migrate(ctx)
			cancel()
			require.NoError(t, old.update(t.Context(), keyOf(account), plusOne))
			count++
			if err == nil {
				break
			}
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Equal(t, 2, schemaVersion(t, db))
		grant, err := store.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(count), string(grant.RefreshToken))
	})
}

// version2 is a child process of the new version: it migrates, and counts in a grant.
type version2 struct{ Database database }

const upgradeCounts = 50

func (v version2) run(ctx context.Context, _ io.Writer) error {
	db, err := v.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	store := sqlstore.New(db, v.Database.Dialect)
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	for range upgradeCounts {
		if err := store.UpdateGrant(ctx, keyOf(account), countUp); err != nil {
			return err
		}
	}
	return nil
}

// Two new processes migrate at once, beside an old one that goes on. No update of
// any of them is lost.
func TestUpgradeByTwoProcesses(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d, db := version1(t, create)
		var old errgroup.Group
		done := make(chan struct{})
		counts := 0
		old.Go(func() error {
			for ; ; counts++ {
				select {
				case <-done:
					return nil
				default:
				}
				if err := (oldProgram{db}).update(t.Context(), keyOf(account), plusOne); err != nil {
					return fmt.Errorf("the old program: %w", err)
				}
			}
		})
		childProcess{Version2: &version2{d}}.atOnce(t, 2)
		close(done)
		require.NoError(t, old.Wait())
		require.Equal(t, 2, schemaVersion(t, db))
		grant, err := sqlstore.New(db, d.Dialect).Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(counts+2*upgradeCounts), string(grant.RefreshToken))
	})
}

// An old program may store new tokens in a grant, without knowing that the grant had
// ended.
func TestOldProgramBesideNew(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		store, old, key := d.storeOn(t, db), oldProgram{db}, keyOf(account)
		ended := lwa.Grant{
			Key: key, Region: alexaevents.Europe, RefreshToken: "Atzr|1", Refused: "hash",
			RefusedAt: monday, DisabledAt: monday.Add(-time.Hour), ProbedAt: monday.Add(-time.Minute),
		}
		mark := func(refused string) {
			t.Helper()
			want := ended
			want.Refused = refused
			require.NoError(t, store.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error { *g = want; return nil }))
			require.Equal(t, []lwa.Grant{want}, all(t, store.EndedGrants(t.Context(), key.ClientID)))
		}
		for _, refused := range []string{"hash", ""} {
			mark(refused)
			require.NoError(t, old.update(t.Context(), key, becomes("Atzr|2")))
			want := []lwa.Grant{{Key: key, Region: alexaevents.Europe, AccessToken: "Atza|old", RefreshToken: "Atzr|2"}}
			require.Equal(t, want, all(t, store.Grants(t.Context())))
			require.Empty(t, all(t, store.EndedGrants(t.Context(), key.ClientID)))
			mark(refused)
			require.NoError(t, old.update(t.Context(), key, becomes("")))
			require.Empty(t, all(t, store.Grants(t.Context())))
			require.NoError(t, old.update(t.Context(), key, becomes("Atzr|3")))
			require.Empty(t, all(t, store.EndedGrants(t.Context(), key.ClientID)))
		}
	})
}

// The time to list ended grants does not grow with the number of live ones.
func TestEndedGrantsPlan(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		d.storeOn(t, db)
		explain := "EXPLAIN "
		if d.Dialect == sqlstore.SQLite {
			explain = "EXPLAIN QUERY PLAN "
		} else {
			_, err := db.Exec(`INSERT INTO alexa_grants (account_id, client_id, link_id, region, access_token, refresh_token, refused, code_hash, revision)
				SELECT 'account-' || n, 'client', 'link', 'EU', '', 'Atzr', '', '', 1 FROM generate_series(1, 5000) AS n; ANALYZE alexa_grants`)
			require.NoError(t, err)
		}
		rows, err := db.Query(explain + `SELECT * FROM alexa_grants
WHERE client_id = 'client' AND (refused <> '' OR disabled_at IS NOT NULL) AND (account_id, link_id) > ('', '')
    AND (refused <> '' OR ended_revision = revision)
ORDER BY account_id, link_id LIMIT 500`)
		require.NoError(t, err)
		defer rows.Close()
		var plan strings.Builder
		for rows.Next() {
			columns, err := rows.Columns()
			require.NoError(t, err)
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(any)
			}
			require.NoError(t, rows.Scan(cells...))
			fmt.Fprintln(&plan, *cells[len(cells)-1].(*any))
		}
		require.NoError(t, rows.Err())
		require.Contains(t, plan.String(), "alexa_grants_ended")
		require.NotContains(t, strings.ToLower(plan.String()), "sort")
	})
}
