// Package sqlstore keeps facts about Alexa users, and grants, in a SQL database:
// its [Store] is an [identity.Store] and an [lwa.Store] on database/sql. The
// package imports no driver; the program does, and opens the database:
//
//	import _ "modernc.org/sqlite"
//
//	db, err := sql.Open("sqlite", "file:alexa.db?_pragma=journal_mode(WAL)"+
//		"&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
//	...
//	db.SetMaxOpenConns(8)
//	db.SetMaxIdleConns(8)
//	store := sqlstore.New(db, sqlstore.SQLite)
//	if err := store.Migrate(ctx); err != nil {
//		...
//	}
//	recorder := &identity.Recorder{Store: store, Account: accountOf}
//	tokens := &lwa.Source{Client: client, Store: store}
//
// Several processes may use one database at once. No transaction is open while
// code of the program runs. A statement that fails because of another transaction,
// as SQLite's busy and PostgreSQL's serialization failures and deadlocks do, is
// repeated for up to ten seconds.
//
// The tokens of grants are stored as they are, unless an [lwa.Sealed] goes around
// the store.
//
// # Concurrent writes
//
// Concurrent writes to one [Store] share transactions, so use one Store for a
// database and a prefix. In SQLite these are all calls of AddFact, AddFacts,
// UpdateGrant and EraseGrants: a call that finds another one writing waits, and
// the first of those that wait writes and commits for up to 64 of them. In
// PostgreSQL facts that wait in the same way become one INSERT. A call returns
// after the commit that holds its write. If one write of several fails, all are
// rolled back and made one by one, so that only the bad one fails. Erasures and
// Purge have transactions of their own; in SQLite they take their turn among the
// writes.
//
// A call whose context ends returns the context's error. As with any database, its
// write may happen all the same. The contexts of other calls do not matter to it.
// Several Stores on one handle, also in several processes, work as well; they
// compete for SQLite's lock, which goes to whoever asks at the right moment.
//
// # SQLite
//
// The parameters above are spelled as modernc.org/sqlite has them; other drivers
// have the same under other names.
//
//   - synchronous=FULL: once AddFact returned, the fact survives a power failure.
//     With NORMAL the last facts may be lost, and Alexa, which was answered, does
//     not send them again. A refresh token may be lost likewise, and the grant
//     with it.
//   - busy_timeout: SQLite itself waits while another connection or process
//     writes, which costs less than repeated statements. The call that writes for
//     itself and others waits this time out even if its context ends.
//   - journal_mode=WAL: reading and writing do not wait for each other.
//   - _txlock=immediate: the program's own transactions on the handle wait as
//     well, instead of failing once they write.
//
// SetMaxOpenConns bounds the connections that reads open at once, each with a cache
// and an open file of its own: 8 are enough, since reads take microseconds and
// writes use one connection. SetMaxIdleConns has the same number: database/sql keeps
// two otherwise and closes the rest after each use, and opening one takes longer
// than most queries. A database in memory needs SetMaxOpenConns(1), since each
// connection would have its own.
//
// What was erased can stay readable in the file until SQLite uses the space
// again; PRAGMA secure_delete=ON overwrites it.
//
// # PostgreSQL
//
//	import _ "github.com/jackc/pgx/v5/stdlib"
//
//	db, err := sql.Open("pgx", "postgres://app@db.example/alexa")
//	...
//	db.SetMaxOpenConns(10)
//	db.SetMaxIdleConns(10)
//	store := sqlstore.New(db, sqlstore.Postgres)
//
// Without SetMaxOpenConns a burst of requests opens a connection for each, and the
// server refuses those beyond its max_connections. Ten times the number of
// processes must fit into that. SetMaxIdleConns has the same number, since opening a
// connection takes several round trips.
//
// The database must be encoded in UTF8. Any isolation level is right; the
// default, read committed, repeats the fewest statements. Behind a
// pooler that gives each transaction another connection, as PgBouncer can, pgx
// needs default_query_exec_mode=simple_protocol. Together, the texts of a fact
// may have about 2600 bytes, and so may those of a grant's key: they are in an
// index. A longer key of a grant is refused with [lwa.ErrInvalidKey].
//
// [Store.Migrate] needs a role that may create tables and views, and one that
// may not once the schema is current. The program gets by with
//
//	GRANT SELECT ON alexa_schema TO app;
//	GRANT SELECT, INSERT, DELETE ON alexa_facts TO app;
//	GRANT SELECT, INSERT, UPDATE, DELETE ON alexa_grants TO app;
//
// and whoever reads reports with SELECT on alexa_customers.
//
// # From version 1 to 2
//
// Version 2 of the schema keeps since when a grant has ended, in four columns of
// alexa_grants and the index alexa_grants_ended. Migrate adds them in one
// transaction. It reads the table of grants once, and nobody writes to it
// meanwhile; 100,000 grants take a second or a few. After a failure the database still
// has version 1.
//
// A program of version 1 that runs meanwhile goes on, and its writes stay right. It
// cannot start again: its Migrate returns [ErrNewerSchema]. So migrate once the new
// program is to stay. A program of version 2 needs the new schema for all that it
// does with grants, and says so until Migrate was called.
//
// Since when a grant has ended is not known for one that Amazon refused before, and
// is forgotten where a program of version 1 writes the grant later.
//
// # Tables
//
// All names begin with alexa_, or with [Store.Prefix]. The table alexa_facts
// holds the facts, alexa_grants the grants. The view alexa_customers derives from
// the facts, as [identity.Records] does, the customer table that Amazon
// recommends, for people and reports:
//
//	SELECT ID, AmazonUserID, AccountID, StartDatetime, EndDatetime
//	FROM alexa_customers WHERE AmazonUserID = $1
//
// It has two more columns, SkillID and EnabledAt. Times are text in RFC 3339 and
// UTC, like 2019-09-01T00:00:00Z, with three digits of milliseconds where those
// are not zero. EndDatetime is NULL while a record is open; AccountID,
// StartDatetime and EnabledAt are NULL where they are not known.
//
// A condition on AmazonUserID is fast at any size; any other, on AccountID too,
// derives the whole table. The customers of an account are fast to find by
//
//	WHERE AmazonUserID IN (SELECT amazon_user_id FROM alexa_facts
//		WHERE account_id = $1 AND account_id <> '')
//
// in SQLite, and in PostgreSQL, which does not look through IN, by
//
//	WHERE AmazonUserID = ANY (ARRAY(SELECT amazon_user_id FROM alexa_facts
//		WHERE account_id = $1 AND account_id <> ''))
package sqlstore
