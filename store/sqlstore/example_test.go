package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// A customer links an account and disables the skill. The records come from the store,
// and from the view for people who work with SQL.
func Example() {
	// This needs the driver: import _ "modernc.org/sqlite"
	db, err := sql.Open("sqlite", "file:alexa.db?_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)

	ctx := context.Background()
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}

	// In a backend, an identity.Recorder adds the facts of the events that arrive.
	const skillID, userID = "amzn1.ask.skill.EXAMPLE", "amzn1.ask.account.EXAMPLE"
	start := time.Date(2019, 9, 1, 0, 0, 0, 0, time.UTC)
	for _, fact := range []identity.Fact{
		{SkillID: skillID, AmazonUserID: userID, At: start, Kind: identity.Linked, AccountID: "customer-7"},
		{SkillID: skillID, AmazonUserID: userID, At: start.AddDate(0, 0, 5), Kind: identity.Disabled},
	} {
		if err := store.AddFact(ctx, fact); err != nil {
			log.Fatal(err)
		}
	}

	for record, err := range store.AccountRecords(ctx, "customer-7") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.AmazonUserID, record.Open())
	}
	var account, from, until string
	err = db.QueryRow(`SELECT AccountID, StartDatetime, EndDatetime FROM alexa_customers WHERE AmazonUserID = ?`, userID).
		Scan(&account, &from, &until)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account, from, until)
	// It prints:
	// amzn1.ask.account.EXAMPLE false
	// customer-7 2019-09-01T00:00:00Z 2019-09-06T00:00:00Z
}
