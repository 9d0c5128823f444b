// Smarthome is the backend of a smart home skill, which Amazon now also calls an
// add-on: a lamp, a slow lock and a thermostat, with every event that Alexa requires.
// The program demonstrates it on a fake Amazon, checks each step, and exits with 1 if
// something is not as expected.
//
//	go run ./examples/smarthome
//
// Copy skill.go, devices.go, state.go, discovery.go and lambda.go.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	_ "modernc.org/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "smarthome:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "smarthome")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "smarthome.db")+parameters)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	cloud := alexatest.NewCloud()
	skill := newDemoSkill(db, cloud, time.Second, slog.New(slog.DiscardHandler))
	if err := skill.migrate(ctx); err != nil {
		return err
	}
	defer skill.start(ctx)()
	server := httptest.NewServer(skill)
	defer server.Close()
	demo := newDemonstration(out, cloud, skill)
	demo.lambda = forward(server.Client(), server.URL)
	return demo.run(ctx)
}

// parameters are those that package sqlstore requires: a transaction locks the database
// when it begins, and a committed transaction survives a power failure.
const parameters = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"

// newDemoSkill returns the skill with the devices of the accounts house (Ada and Bob)
// and flat (Eve). The lock takes that long.
func newDemoSkill(db *sql.DB, cloud *alexatest.Cloud, lockTakes time.Duration, logger *slog.Logger) *skill {
	client := &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "example", HTTPClient: cloud.Client()}
	s := newSkill(db, client, sessions{
		"ada-1": {"house", "ada"},
		"ada-2": {"house", "ada"}, // refreshed
		"bob-1": {"house", "bob"},
		"eve-1": {"flat", "eve"},
	}, logger,
		newLamp("house", "lamp", "Hall lamp"),
		newLock("house", "lock", "Front door", lockTakes),
		newThermostat("house", "thermostat", "Living room"),
		newLamp("flat", "eves-lamp", "Lamp"),
	)
	s.sender.HTTPClient = cloud.Client()
	return s
}
