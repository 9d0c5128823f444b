package backend

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// Audience is what the access tokens for Alexa name as their Audience.
const Audience = "alexa-skill"

// Accounts is the backend's own database, of which the library knows nothing.
// Here the library's tables are in it too.
type Accounts struct {
	DB     *sql.DB
	Store  *sqlstore.Store
	tokens *identity.JWT // reads from access tokens of the skill's authorization server whose they are,
	links  *identity.JWT // and by which linking of an account they were issued
}

// OpenAccounts opens a database: the one of a postgres:// URL, or else the
// SQLite file, which it makes if there is none.
func OpenAccounts(ctx context.Context, database string) (*Accounts, error) {
	// synchronous is FULL, not NORMAL: what Alexa was told is stored must survive a
	// power failure.
	driver, dialect := "sqlite", sqlstore.SQLite
	source := "file:" + database + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=busy_timeout(10000)&_txlock=immediate"
	tables := `CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY);
		CREATE TABLE IF NOT EXISTS news (id TEXT PRIMARY KEY, text TEXT NOT NULL)`
	if IsURL(database) {
		driver, dialect, source = "pgx", sqlstore.Postgres, database
		tables = "SELECT pg_advisory_xact_lock(1);" + tables // processes that start at once would both make them
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	store := sqlstore.New(db, dialect)
	_, err = db.ExecContext(ctx, tables)
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Accounts{DB: db, Store: store}, nil
}

func IsURL(database string) bool { return strings.HasPrefix(database, "postgres://") }

func (a *Accounts) Close() error { return a.DB.Close() }

// Trust makes the accounts believe the access tokens that are signed with a key
// of the issuer. The keys are fetched now and then until ctx ends.
func (a *Accounts) Trust(ctx context.Context, issuer string) error {
	const patience = 5 * time.Second // Alexa waits 8 seconds for an answer
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{issuer + "/jwks.json"},
		keyfunc.Override{HTTPTimeout: patience, RateLimitWaitMax: patience})
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

func (a *Accounts) Add(ctx context.Context, accountID string) error {
	_, err := a.DB.ExecContext(ctx, "INSERT INTO accounts (id) VALUES ($1)", accountID)
	return err
}

// Erase deletes the account here first, so that from now on its access tokens
// are those of nobody, and then from the customer table, and with it the
// permissions to send events.
func (a *Accounts) Erase(ctx context.Context, accountID string) error {
	if _, err := a.DB.ExecContext(ctx, "DELETE FROM accounts WHERE id = $1", accountID); err != nil {
		return err
	}
	return errors.Join(a.Store.EraseAccount(ctx, accountID), a.Store.EraseGrants(ctx, accountID))
}

// addNews stores news, once for each ID.
func (a *Accounts) addNews(ctx context.Context, id, text string) error {
	_, err := a.DB.ExecContext(ctx, "INSERT INTO news (id, text) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, text)
	return err
}

func (a *Accounts) News(ctx context.Context) (texts []string, err error) {
	rows, err := a.DB.QueryContext(ctx, "SELECT text FROM news ORDER BY text")
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
