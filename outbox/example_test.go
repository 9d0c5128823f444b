package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// A lamp is switched on while the event gateway is unavailable. The change and its
// report are one transaction, and the report arrives once the gateway is back.
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

	ctx, stop := context.WithCancel(context.Background())
	cloud := alexatest.NewCloud() // a fake Amazon; a program leaves HTTPClient out
	store := sqlstore.New(db, sqlstore.SQLite)
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  store,
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}
	outcomes := make(chan outbox.Outcome)
	box := &outbox.Outbox{
		DB: db, Dialect: sqlstore.SQLite, Sender: sender,
		Observe: func(_ context.Context, o outbox.Observation) { outcomes <- o.Outcome },
	}
	for _, migrate := range []func(context.Context) error{store.Migrate, box.Migrate} {
		if err := migrate(ctx); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE lamps (id TEXT PRIMARY KEY, power TEXT NOT NULL)"); err != nil {
		log.Fatal(err)
	}

	granter := &gateway.Granter{
		Tokens:  tokens,
		Account: func(context.Context, string) (string, error) { return "account-1", nil },
		Region:  alexaevents.Europe,
	}
	code := cloud.Grant(alexaevents.Europe, "customer-1")
	if _, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(code, "token-1")); err != nil {
		log.Fatal(err)
	}

	// The change and its report.
	keys, err := sender.Keys(ctx, "account-1") // before the transaction begins
	if err != nil {
		log.Fatal(err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO lamps (id, power) VALUES ($1, $2)", "lamp-1", gateway.On); err != nil {
		log.Fatal(err)
	}
	err = box.Enqueue(ctx, tx, &gateway.ChangeReport{
		EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.On, time.Now())},
	}, keys...)
	if err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}

	cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Status: 503})
	stopped := make(chan error)
	go func() { stopped <- box.Run(ctx) }()
	fmt.Println(<-outcomes)
	fmt.Println(<-outcomes)
	stop()
	fmt.Println(len(cloud.Sent()), <-stopped)
	// It prints:
	// postponed
	// accepted
	// 1 <nil>
}
