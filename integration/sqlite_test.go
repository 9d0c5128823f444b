package integration

import (
	"context"
	"database/sql"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
	"github.com/alexaevents/alexaevents/store/storetest"
)

// durable are the parameters that the documentation of sqlstore recommends.
const durable = "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"

const (
	skill   = "amzn1.ask.skill.11111111-2222-3333-4444-555555555555"
	user    = "amzn1.ask.account.EXAMPLEUSER"
	account = "account-of-example-user"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "alexa.db") }

func openFile(t testing.TB, path, parameters string) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+path+"?"+parameters)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// openMemory returns a database that lives in its only connection.
func openMemory(t testing.TB) *sql.DB {
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func migrated(t testing.TB, db *sql.DB) *sqlstore.Store {
	store := sqlstore.New(db, sqlstore.SQLite)
	require.NoError(t, store.Migrate(t.Context()))
	return store
}

func collect(t testing.TB, records iter.Seq2[identity.Record, error]) []identity.Record {
	t.Helper()
	var all []identity.Record
	for record, err := range records {
		require.NoError(t, err)
		all = append(all, record)
	}
	return all
}

func linked(amazonUserID, accountID string, at time.Time) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: amazonUserID, At: at, Kind: identity.Linked, AccountID: accountID}
}

func enabled(amazonUserID string, at time.Time) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: amazonUserID, At: at, Kind: identity.Enabled}
}

func disabled(amazonUserID string, at time.Time) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: amazonUserID, At: at, Kind: identity.Disabled}
}

func TestSQLiteConformance(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) *sql.DB{
		"durable": func(t *testing.T) *sql.DB { return openFile(t, newFile(t), durable) },
		// A store is right, if not as fast, on one connection and without WAL.
		"plain": func(t *testing.T) *sql.DB {
			db := openFile(t, newFile(t), "_pragma=synchronous(OFF)")
			db.SetMaxOpenConns(1)
			return db
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Identity(t, func(t *testing.T) identity.Store { return migrated(t, open(t)) })
		})
	}
}

func TestSQLiteRestart(t *testing.T) {
	path := newFile(t)
	want := identity.Records([]identity.Fact{linked(user, account, monday), disabled(user, monday.Add(time.Hour))})

	first, err := sql.Open("sqlite", "file:"+path+"?"+durable)
	require.NoError(t, err)
	store := migrated(t, first)
	require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
	require.NoError(t, first.Close())

	second := migrated(t, openFile(t, path, durable))
	require.NoError(t, second.AddFact(t.Context(), disabled(user, monday.Add(time.Hour))))
	require.Equal(t, want, collect(t, second.UserRecords(t.Context(), skill, user)))
	require.Equal(t, want, collect(t, second.AccountRecords(t.Context(), account)))
}

// calls are all methods of a store that talk to the database.
var calls = map[string]func(context.Context, *sqlstore.Store) error{
	"Migrate": func(ctx context.Context, s *sqlstore.Store) error { return s.Migrate(ctx) },
	"AddFact": func(ctx context.Context, s *sqlstore.Store) error {
		return s.AddFact(ctx, linked(user, account, monday))
	},
	"UserRecords": func(ctx context.Context, s *sqlstore.Store) error {
		return onlyError(s.UserRecords(ctx, skill, user))
	},
	"AccountRecords": func(ctx context.Context, s *sqlstore.Store) error {
		return onlyError(s.AccountRecords(ctx, account))
	},
	"EraseUser":    func(ctx context.Context, s *sqlstore.Store) error { return s.EraseUser(ctx, skill, user) },
	"EraseAccount": func(ctx context.Context, s *sqlstore.Store) error { return s.EraseAccount(ctx, account) },
	"Purge":        func(ctx context.Context, s *sqlstore.Store) error { return s.Purge(ctx, monday) },
}

// onlyError returns the error of a sequence that must consist of it.
func onlyError(records iter.Seq2[identity.Record, error]) (failure error) {
	for record, err := range records {
		if failure != nil || record != (identity.Record{}) {
			panic("a sequence went on beside its error")
		}
		failure = err
	}
	return failure
}
