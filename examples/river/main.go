// River delivers events to Alexa through River, for backends that already have River
// for their jobs: the arguments of a job are an event for one grant. See package
// outbox for what this lacks: merging, and the order of an endpoint's events.
//
//	go run .
//
// The program runs on SQLite and a fake Amazon; with River's other drivers the same
// job runs on PostgreSQL.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "river:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "river-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "river.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // as River recommends for SQLite

	cloud := alexatest.NewCloud() // Amazon
	tokens := &lwa.Source{Client: &lwa.Client{ID: "client", Secret: "secret", HTTPClient: cloud.Client()}, Store: new(lwa.MemoryStore)}
	granter := &gateway.Granter{
		Tokens:  tokens,
		Account: func(context.Context, string) (string, error) { return "anna", nil },
		Region:  alexaevents.Europe,
	}
	if _, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(cloud.Grant(alexaevents.Europe, "anna"), "token of anna")); err != nil {
		return err
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}
	client, err := start(ctx, db, sender)
	if err != nil {
		return err
	}
	cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Status: 503}) // River tries again

	keys, err := sender.Keys(ctx, "anna")
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	err = enqueue(ctx, tx, client, &gateway.ChangeReport{
		EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.On, time.Now())},
	}, keys...)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for len(cloud.Sent()) == 0 {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	fmt.Fprintln(out, "The gateway accepted the report after one failure.")
	return client.Stop(ctx)
}

// start makes River's tables and starts its workers.
func start(ctx context.Context, db *sql.DB, sender *gateway.Sender) (*river.Client[*sql.Tx], error) {
	driver := riversqlite.New(db)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{sender: sender})
	client, err := river.NewClient(driver, &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 50}},
		Workers: workers,
	})
	if err != nil {
		return nil, err
	}
	return client, client.Start(ctx)
}
