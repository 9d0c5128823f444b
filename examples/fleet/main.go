// Fleet is a device cloud in three processes: one takes the changes of lamps over
// HTTP, and two deliver them to Alexa through an outbox. They share a SQLite file, or
// a PostgreSQL database, in which case the processes may be on any number of machines:
//
//	go run ./examples/fleet
//	go run ./examples/fleet -db postgres://app@localhost/alexa
//
// The program starts the three processes, simulates Amazon, switches the lamps, and
// kills one of the processes every half second. It exits with 1 unless the last state of
// each lamp arrives.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
	"github.com/alexaevents/alexaevents/store/sqlstore"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var options options
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.StringVar(&options.source, "db", "", "a postgres:// URL, or the path of a SQLite file; empty makes a file for this run")
	flags.StringVar(&options.role, "role", "demo", "demo, web or worker")
	flags.StringVar(&options.amazon, "amazon", "", "address of a fake Amazon, for web and worker")
	flags.IntVar(&options.changes, "changes", 400, "how often the demo switches a lamp")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if options.role == "demo" {
		return demonstrate(ctx, options, os.Stdout)
	}
	f, err := open(ctx, options)
	if err != nil {
		return err
	}
	defer f.db.Close()
	switch options.role {
	case "web":
		return f.web(ctx)
	case "worker":
		return f.outbox.Run(ctx)
	}
	return fmt.Errorf("unknown role %q", options.role)
}

type options struct {
	source  string
	role    string
	amazon  string
	changes int
}

// fleet is what web and worker have in common.
type fleet struct {
	db     *sql.DB
	tokens *lwa.Source
	sender *gateway.Sender
	outbox *outbox.Outbox
}

const sqliteParameters = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"

// open opens the database and makes the tables of the fleet, of the grants and of the
// outbox.
func open(ctx context.Context, o options) (*fleet, error) {
	driver, dialect, source := "sqlite", sqlstore.SQLite, "file:"+o.source+sqliteParameters
	if strings.HasPrefix(o.source, "postgres://") {
		driver, dialect, source = "pgx", sqlstore.Postgres, o.source
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	client := &http.Client{Transport: amazonAt(o.amazon)} // nil in production
	store := sqlstore.New(db, dialect)
	f := &fleet{
		db:     db,
		tokens: &lwa.Source{Client: &lwa.Client{ID: clientID, Secret: os.Getenv(secretVariable), HTTPClient: client}, Store: store},
	}
	f.sender = &gateway.Sender{Tokens: f.tokens, HTTPClient: client}
	f.outbox = &outbox.Outbox{DB: db, Dialect: dialect, Sender: f.sender}
	_, err = db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS lamps (id text PRIMARY KEY, power text NOT NULL)")
	for _, migrate := range []func(context.Context) error{store.Migrate, f.outbox.Migrate} {
		if err == nil {
			err = migrate(ctx)
		}
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return f, nil
}

const (
	clientID       = "amzn1.application-oa2-client.fleet"
	secretVariable = "LWA_CLIENT_SECRET"
	account        = "anna" // of all lamps here
)
