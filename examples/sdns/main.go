// Sdns is the server of an organization that wants to know when the skills of its
// developers pass or fail certification. A developer follows a link and consents; the
// server stores their token, subscribes to the notifications about their skills, and
// posts each certification to a webhook.
//
// Without flags the program demonstrates this on a fake Amazon, and exits with 1 if
// something is not as expected:
//
//	go run ./examples/sdns
//
// With flags it is the server:
//
//	LWA_CLIENT_SECRET=… sdns -url https://organization.example -client-id … -vendor …
//		-topic arn:aws:sns:… -role arn:aws:iam:… -webhook https://…
//
// The LWA security profile allows the return URL https://organization.example/callback.
// Subscribe https://organization.example/sns to the topic, and make the role with
// sdns.CloudFormation. Then a person with a role in the organization's vendor opens
// https://organization.example/consent, and after that each developer.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sns"
	"github.com/alexaevents/alexaevents/store/sqlstore"
	_ "modernc.org/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sdns:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return demonstrate(ctx, out)
	}
	return serve(ctx, args)
}

func serve(ctx context.Context, args []string) error {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	login := &lwa.Client{Secret: os.Getenv("LWA_CLIENT_SECRET")}
	o := &organization{logger: logger}
	flags := flag.NewFlagSet("sdns", flag.ContinueOnError)
	listen := flags.String("listen", "localhost:8080", "the `address` to listen on, behind a proxy that terminates TLS")
	file := flags.String("db", "sdns.db", "the `file` of the SQLite database")
	flags.StringVar(&o.url, "url", "", "the base `URL` of this server")
	flags.StringVar(&login.ID, "client-id", "", "the `ID` of the LWA client")
	flags.StringVar(&o.vendorID, "vendor", "", "the vendor `ID` of the organization")
	flags.StringVar(&o.topicARN, "topic", "", "the `ARN` of the SNS topic")
	flags.StringVar(&o.roleARN, "role", "", "the `ARN` of the IAM role")
	flags.StringVar(&o.webhook, "webhook", "", "the `URL` to post certifications to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if slices.Contains([]string{login.Secret, o.url, login.ID, o.vendorID, o.topicARN, o.roleARN, o.webhook}, "") {
		return errors.New("LWA_CLIENT_SECRET and the flags url, client-id, vendor, topic, role and webhook are required")
	}
	db, err := sql.Open("sqlite", "file:"+*file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer db.Close()
	store := sqlstore.New(db, sqlstore.SQLite) // lwa.Sealed encrypts the tokens in it
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	o.tokens = &lwa.Source{Client: login, Store: store, Logger: logger}
	o.verifier = &sns.Verifier{Topics: []string{o.topicARN}, MaxAge: 2 * time.Hour}
	server := &http.Server{Addr: *listen, Handler: o.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return o.tokens.Flush(flush)
}
