package integration

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// The privileges that the documentation of sqlstore names are enough.
func TestPostgresPrivileges(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	owner := d.open(t)
	d.storeOn(t, owner)
	run := func(statement string) {
		_, err := owner.Exec(statement)
		require.NoError(t, err)
	}
	role := func(privileges string) database {
		name := "alexaevents_" + strings.ToLower(rand.Text())
		run("CREATE ROLE " + name)
		t.Cleanup(func() {
			run("DROP OWNED BY " + name)
			run("DROP ROLE " + name)
		})
		var schema string
		require.NoError(t, owner.QueryRow("SELECT current_schema").Scan(&schema))
		run("GRANT USAGE ON SCHEMA " + schema + " TO " + name)
		run(strings.ReplaceAll(privileges, "app", name))
		return d.with("role", name)
	}

	app := sqlstore.New(role(`
		GRANT SELECT ON alexa_schema TO app;
		GRANT SELECT, INSERT, DELETE ON alexa_facts TO app;
		GRANT SELECT, INSERT, UPDATE, DELETE ON alexa_grants TO app;
	`).open(t), d.Dialect)
	for range 2 {
		for name, call := range calls {
			require.NoError(t, call(t.Context(), app), name)
		}
	}

	require.NoError(t, app.AddFact(t.Context(), linked(user, account, monday)))
	reports := role("GRANT SELECT ON alexa_customers TO app").open(t)
	var accountID string
	require.NoError(t, reports.QueryRow("SELECT AccountID FROM alexa_customers").Scan(&accountID))
	require.Equal(t, account, accountID)
	require.Error(t, reports.QueryRow("SELECT account_id FROM alexa_facts").Scan(&accountID))
}

// The texts of a key that the index has no room for, which no compression makes
// shorter.
func TestPostgresLongKey(t *testing.T) {
	t.Parallel()
	store := newPostgres(t).store(t)
	random := make([]byte, 3000)
	_, err := rand.Read(random)
	require.NoError(t, err)
	put := func(length int) error {
		key := keyOf(base64.StdEncoding.EncodeToString(random)[:length])
		return store.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error { g.RefreshToken = "Atzr|example"; return nil })
	}
	require.NoError(t, put(2500))
	err = put(3800)
	require.ErrorIs(t, err, lwa.ErrInvalidKey)
	requireFailure(t, err)
}

// The server ends a deadlock by failing one of those in it. If that is the store,
// it tries again.
func TestPostgresDeadlock(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	name := "alexaevents_" + strings.ToLower(rand.Text())
	store := d.with("deadlock_timeout", "300ms").with("application_name", name).store(t)
	first, second := linked("first", account, monday), linked("second", account, monday)
	require.NoError(t, store.AddFact(t.Context(), first))
	require.NoError(t, store.AddFact(t.Context(), second))

	other, err := d.with("deadlock_timeout", "60s").open(t).Begin()
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.Rollback() }) // after a failure
	lock := func(user string) {
		_, err := other.Exec("SELECT 1 FROM alexa_facts WHERE amazon_user_id = $1 FOR UPDATE", user)
		require.NoError(t, err)
	}
	lock("second")
	erased := make(chan error, 1)
	go func() { erased <- store.EraseAccount(t.Context(), account) }() // locks the first and waits for the second
	observer := d.open(t)
	require.Eventually(t, func() bool {
		var waiting int
		err := observer.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'", name).Scan(&waiting)
		return err == nil && waiting == 1
	}, 10*time.Second, 5*time.Millisecond)
	began := time.Now()
	lock("first") // the deadlock
	require.Greater(t, time.Since(began), 100*time.Millisecond, "there was no deadlock")
	require.NoError(t, other.Commit())
	require.NoError(t, <-erased)
	require.Empty(t, collect(t, store.AccountRecords(t.Context(), account)))
}
