package backend

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	_ "github.com/jackc/pgx/v5/stdlib" // drivers for OpenAccounts
	_ "modernc.org/sqlite"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/outbox"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// Audience is the aud claim of the access tokens that Alexa receives.
const Audience = "alexa-skill"

// Accounts is the backend's own database. It also holds the library's tables.
type Accounts struct {
	DB     *sql.DB
	Store  *sqlstore.Store
	Outbox *outbox.Outbox // events for Alexa, until it has accepted them
	tokens *identity.JWT  // resolves an access token of the skill's authorization server to an account
	links  *identity.JWT  // resolves it to the session in which the account was linked
}

// OpenAccounts opens a database and creates its tables: PostgreSQL for a postgres://
// URL, otherwise a SQLite file.
func OpenAccounts(ctx context.Context, database string) (*Accounts, error) {
	// synchronous is FULL, not NORMAL: an acknowledged event must survive a power
	// failure.
	driver, dialect := "sqlite", sqlstore.SQLite
	source := "file:" + database + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=busy_timeout(10000)&_txlock=immediate"
	tables := `CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY);
		CREATE TABLE IF NOT EXISTS lamps (account TEXT PRIMARY KEY, power TEXT NOT NULL);
		CREATE TABLE IF NOT EXISTS notifications (id TEXT PRIMARY KEY, text TEXT NOT NULL)`
	if IsURL(database) {
		driver, dialect, source = "pgx", sqlstore.Postgres, database
		tables = "SELECT pg_advisory_xact_lock(1);" + tables // several processes may start at once
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	a := &Accounts{DB: db, Store: sqlstore.New(db, dialect), Outbox: &outbox.Outbox{DB: db, Dialect: dialect}}
	_, err = db.ExecContext(ctx, tables)
	for _, migrate := range []func(context.Context) error{a.Store.Migrate, a.Outbox.Migrate} {
		if err == nil {
			err = migrate(ctx)
		}
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

// IsURL reports whether OpenAccounts takes the text for a URL.
func IsURL(database string) bool { return strings.HasPrefix(database, "postgres://") }

// Close closes the database.
func (a *Accounts) Close() error { return a.DB.Close() }

// Trust accepts access tokens that are signed with a key of the issuer. It fetches
// the keys regularly until ctx ends.
func (a *Accounts) Trust(ctx context.Context, issuer string) error {
	const timeout = 5 * time.Second // Alexa waits 8 seconds for a response
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{issuer + "/jwks.json"},
		keyfunc.Override{HTTPTimeout: timeout, RateLimitWaitMax: timeout})
	if err != nil {
		return err
	}
	a.tokens = &identity.JWT{Keyfunc: keys.Keyfunc, Issuer: issuer, Audience: Audience, Exists: a.exists}
	a.links = &identity.JWT{Keyfunc: keys.Keyfunc, Issuer: issuer, Audience: Audience, Claim: "sid"}
	return nil
}

func (a *Accounts) exists(ctx context.Context, accountID string) (exists bool, err error) {
	err = a.DB.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = $1)", accountID).Scan(&exists)
	return exists, err
}

// Add adds an account.
func (a *Accounts) Add(ctx context.Context, accountID string) error {
	_, err := a.DB.ExecContext(ctx, "INSERT INTO accounts (id) VALUES ($1)", accountID)
	return err
}

// Erase deletes an account: first the account itself, so that its access tokens
// resolve to no account, then its lamp and events, its records and its grants.
func (a *Accounts) Erase(ctx context.Context, accountID string) error {
	for _, statement := range []string{"DELETE FROM accounts WHERE id = $1", "DELETE FROM lamps WHERE account = $1"} {
		if _, err := a.DB.ExecContext(ctx, statement, accountID); err != nil {
			return err
		}
	}
	return errors.Join(a.Outbox.EraseAccount(ctx, a.DB, accountID),
		a.Store.EraseAccount(ctx, accountID), a.Store.EraseGrants(ctx, accountID))
}

// addNotification stores a notification, once for each ID.
func (a *Accounts) addNotification(ctx context.Context, id, text string) error {
	_, err := a.DB.ExecContext(ctx, "INSERT INTO notifications (id, text) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, text)
	return err
}

// Notifications returns the stored notifications, in alphabetical order.
func (a *Accounts) Notifications(ctx context.Context) (texts []string, err error) {
	rows, err := a.DB.QueryContext(ctx, "SELECT text FROM notifications ORDER BY text")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, rows.Err()
}
