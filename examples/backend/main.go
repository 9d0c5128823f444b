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

const (
	skillID = "amzn1.ask.skill.your-skill"
	dsn     = "file:alexa.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"
)

func main() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(8) // concurrent reads; writes share one connection
	db.SetMaxIdleConns(8) // opening a connection costs more than a query
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	verifier := &signature.Verifier{Skills: []string{skillID}, Logger: slog.Default()}
	recorder := &identity.Recorder{Store: store, Account: accountOf(db), Logger: slog.Default()}
	server := &http.Server{
		Addr:              "localhost:8080", // behind a proxy that terminates TLS
		Handler:           endpoints(verifier, recorder),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       8 * time.Second, // as long as Alexa waits for a response
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	log.Fatal(server.ListenAndServe())
}

// endpoints returns the handler of the endpoint for events.
func endpoints(verifier *signature.Verifier, recorder *identity.Recorder) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /alexa/events", verifier.Handler(&skillevents.Handler{Receive: recorder.Record, Logger: slog.Default()}))
	return mux
}

// accountOf returns a function that looks up the account of an access token in your
// own table of the tokens that your authorization server issued.
func accountOf(db *sql.DB) func(context.Context, string) (string, error) {
	return func(ctx context.Context, accessToken string) (accountID string, err error) {
		err = db.QueryRowContext(ctx, "SELECT account_id FROM access_tokens WHERE token = ?", accessToken).Scan(&accountID)
		if errors.Is(err, sql.ErrNoRows) {
			return "", identity.ErrNoAccount // permanent; after any other error Alexa redelivers the event
		}
		return accountID, err
	}
}
