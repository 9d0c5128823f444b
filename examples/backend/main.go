// Backend is the program of the README.
package main

import (
	"context"
	"database/sql"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
	"github.com/alexaevents/alexaevents/store/sqlstore"
	_ "modernc.org/sqlite"
)

const dsn = "file:alexa.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"

func main() {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(8) // enough for reads at once; writes share one connection
	db.SetMaxIdleConns(8) // opening another one costs more than a query
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := store.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	verifier := &signature.Verifier{Skills: []string{"amzn1.ask.skill.your-skill"}, Logger: slog.Default()}
	recorder := &identity.Recorder{Store: store, Account: accountOf(db), Logger: slog.Default()}
	events := &skillevents.Handler{Receive: recorder.Record, Logger: slog.Default()}
	http.Handle("POST /alexa/events", verifier.Handler(events))
	server := &http.Server{
		Addr:              "localhost:8080", // behind whatever ends TLS
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       8 * time.Second, // as long as Alexa waits for a response
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	log.Fatal(server.ListenAndServe())
}

// accountOf says whose access token this is; you issued it.
func accountOf(db *sql.DB) func(context.Context, string) (string, error) {
	return func(ctx context.Context, accessToken string) (accountID string, err error) {
		err = db.QueryRowContext(ctx, "SELECT account_id FROM access_tokens WHERE token = ?", accessToken).Scan(&accountID)
		if errors.Is(err, sql.ErrNoRows) {
			return "", identity.ErrNoAccount // for good; any other error makes Alexa deliver again
		}
		return accountID, err
	}
}
