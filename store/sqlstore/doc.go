// Package sqlstore stores Alexa user IDs with their accounts, and grants of Login
// with Amazon, in SQLite or PostgreSQL: its [Store] is an [identity.Store] and an
// [lwa.Store] on database/sql. The program imports the driver and opens the database:
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
// code of the program runs. A statement that fails because of another transaction
// (SQLITE_BUSY, a serialization failure or a deadlock) is retried for up to ten
// seconds.
//
// The tokens of grants are stored in plain text. To encrypt them, wrap the store in
// an [lwa.Sealed].
//
// # Concurrent writes
//
// Concurrent writes to one [Store] share transactions, so use one Store for each
// database and prefix. In SQLite this applies to AddFact, AddFacts, UpdateGrant and
// EraseGrants: a call waits while another one writes, and then the first waiting call
// commits up to 64 waiting writes in one transaction. In PostgreSQL, facts that wait
// in the same way become one INSERT. A call returns after the commit that contains
// its write. If one of the writes fails, the transaction is rolled back and each write
// is made alone, so that only the failing one returns an error. Erasures and Purge
// have transactions of their own; in SQLite they wait in the same queue.
//
// A call whose context ends returns the context's error. As with any database, its
// write may still happen. The contexts of other calls do not affect it. Several Stores
// on one database, also in several processes, are correct but slower in SQLite, where
// they compete for its lock.
//
// # SQLite
//
// The parameters above are those of modernc.org/sqlite; other drivers have the same
// under other names.
//
//   - synchronous=FULL: after AddFact returns, the fact survives a power failure.
//     With NORMAL the last facts may be lost, and Alexa does not redeliver events
//     that were acknowledged. A new refresh token may be lost as well, and with it
//     the grant.
//   - busy_timeout: SQLite itself waits while another connection or process writes,
//     which costs less than retries. The call that commits for others waits for this
//     time even if its context ends.
//   - journal_mode=WAL: reads and writes do not wait for each other.
//   - _txlock=immediate: the program's own transactions also wait for the lock when
//     they begin, instead of failing at their first write.
//
// SetMaxOpenConns limits the connections, each of which has a cache and an open file:
// 8 are enough, since reads take microseconds and writes use one connection.
// SetMaxIdleConns has the same number because database/sql otherwise keeps only two
// connections open, and opening one takes longer than most queries. A database in
// memory needs SetMaxOpenConns(1), since each connection has a database of its own.
//
// Erased data can stay in the file until SQLite reuses the space; PRAGMA
// secure_delete=ON overwrites it.
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
// Without SetMaxOpenConns a burst of requests opens one connection each, and the
// server refuses those beyond its max_connections, which must be at least ten times
// the number of processes here. SetMaxIdleConns has the same number, since opening a
// connection takes several round trips.
//
// The encoding of the database must be UTF8. Any isolation level is correct; the
// default, read committed, causes the fewest retries. Behind a pooler that assigns a
// connection to each transaction, such as PgBouncer, pgx needs
// default_query_exec_mode=simple_protocol. The texts of a fact, and those of a
// grant's key, may have about 2600 bytes together, since they are in an index. A
// longer key of a grant is refused with [lwa.ErrInvalidKey].
//
// [Store.Migrate] needs a role that may create tables and views, unless the schema is
// current. Otherwise the program needs only
//
//	GRANT SELECT ON alexa_schema TO app;
//	GRANT SELECT, INSERT, DELETE ON alexa_facts TO app;
//	GRANT SELECT, INSERT, UPDATE, DELETE ON alexa_grants TO app;
//
// and readers of reports need SELECT on alexa_customers.
//
// # From version 1 to 2
//
// Version 2 of the schema stores when a grant ended, in four columns of alexa_grants
// and the index alexa_grants_ended. Migrate adds them in one transaction, which reads
// the table of grants once and blocks writes to it: 100,000 grants take a few seconds.
// After a failure the database still has version 1.
//
// A program of version 1 that is running continues to work, and its writes stay
// correct. It cannot start again, since its Migrate returns [ErrNewerSchema]: migrate
// when you do not plan to go back. In a program of version 2 every call for grants
// fails until Migrate is called; the error says so.
//
// The time is not known for a grant that had ended before the migration. It is removed
// when a program of version 1 writes the grant.
//
// # Tables
//
// All names begin with alexa_, or with [Store.Prefix]. The table alexa_facts
// contains the facts, alexa_grants the grants. The view alexa_customers is the
// customer table that Amazon recommends, derived from the facts as by
// [identity.Records], for people and reports:
//
//	SELECT ID, AmazonUserID, AccountID, StartDatetime, EndDatetime
//	FROM alexa_customers WHERE AmazonUserID = $1
//
// It also has the columns SkillID and EnabledAt. Times are text in RFC 3339 and UTC,
// like 2019-09-01T00:00:00Z, with milliseconds unless those are zero. EndDatetime is
// NULL while a record is open; AccountID, StartDatetime and EnabledAt are NULL if they
// are not known.
//
// A condition on AmazonUserID is fast at any size; any other condition, also on
// AccountID, derives the whole table. The fast way to find the customers of an account
// is
//
//	WHERE AmazonUserID IN (SELECT amazon_user_id FROM alexa_facts
//		WHERE account_id = $1 AND account_id <> '')
//
// in SQLite, and in PostgreSQL, which does not optimize IN here,
//
//	WHERE AmazonUserID = ANY (ARRAY(SELECT amazon_user_id FROM alexa_facts
//		WHERE account_id = $1 AND account_id <> ''))
package sqlstore
