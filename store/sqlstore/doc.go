// Package sqlstore keeps facts about Alexa users in a SQL database: its [Store]
// is an [identity.Store] on database/sql. The package imports no driver; the
// program does, and opens the database:
//
//	import _ "modernc.org/sqlite"
//
//	db, err := sql.Open("sqlite", "file:alexa.db?_pragma=journal_mode(WAL)"+
//		"&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
//	...
//	store := sqlstore.New(db, sqlstore.SQLite)
//	if err := store.Migrate(ctx); err != nil {
//		...
//	}
//	recorder := &identity.Recorder{Store: store, Account: accountOf}
//
// # SQLite
//
// The parameters above are spelled as modernc.org/sqlite has them; other drivers
// have the same under other names.
//
//   - synchronous=FULL: once AddFact returned, the fact survives a power failure.
//     With NORMAL the last facts may be lost, and Alexa, which was answered, does
//     not send them again.
//   - busy_timeout: how long a write waits while another connection or process
//     writes, before it fails; without it, not at all. A write waits its time out
//     even if its context ends. Each write of a Store is one statement, so it
//     never holds a read lock that keeps it from waiting.
//   - journal_mode=WAL: reading and writing do not wait for each other.
//   - _txlock=immediate: the same for the program's own transactions on the
//     handle, so that they can wait as well.
//
// What was erased can stay readable in the file until SQLite uses the space
// again; PRAGMA secure_delete=ON overwrites it.
//
// # Tables
//
// All names begin with alexa_. The table alexa_facts holds the facts. The view
// alexa_customers derives from them, as [identity.Records] does, the customer
// table that Amazon recommends, for people and reports:
//
//	SELECT ID, AmazonUserID, AccountID, StartDatetime, EndDatetime
//	FROM alexa_customers WHERE AmazonUserID = ?
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
//		WHERE account_id = ? AND account_id <> '')
package sqlstore
