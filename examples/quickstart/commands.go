package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
)

// secretVariable is the environment variable of the client secret. Other users can read
// the arguments of a process.
const secretVariable = "ALEXA_CLIENT_SECRET"

// serveCommand runs the backend. It prints its URL when it listens, and stops when its
// standard input ends, so that it does not outlive the process that started it.
func serveCommand(ctx context.Context, args []string, handler func(*backend.Skill) http.Handler) error {
	flags := flag.NewFlagSet("backend", flag.ContinueOnError)
	database := flags.String("db", "quickstart.db", "the database: a `file` of SQLite, or a postgres:// URL")
	issuer := flags.String("issuer", "", "the `URL` of the skill's authorization server")
	amazon := flags.String("amazon", "", "the `address` of a fake Amazon; empty means Amazon")
	roots := flags.String("roots", "", "a PEM `file` with its certificate authority; empty means the system's")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *issuer == "" {
		return errors.New("backend: no issuer")
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()

	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	slog.SetDefault(logger) // keyfunc logs there
	accounts, err := backend.OpenAccounts(ctx, *database)
	if err != nil {
		return err
	}
	defer accounts.Close()
	if err := accounts.Trust(ctx, *issuer); err != nil {
		return err
	}
	b := backend.New(accounts, os.Getenv(secretVariable), logger)
	if *amazon != "" {
		client := &http.Client{Transport: amazonAt(*amazon)}
		b.Verifier.HTTPClient, b.Sender.HTTPClient, b.Sender.Tokens.Client.HTTPClient = client, client, client
		if b.Verifier.Roots, err = readRoots(*roots); err != nil {
			return err
		}
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	return b.Serve(ctx, listener, handler(b))
}

// eraseCommand deletes an account. Support runs it when a customer asks for that.
func eraseCommand(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("erase", flag.ContinueOnError)
	database := flags.String("db", "quickstart.db", "the database: a `file` of SQLite, or a postgres:// URL")
	account := flags.String("account", "", "the `ID` of the account")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *account == "" {
		return errors.New("erase: no account")
	}
	if _, err := os.Stat(*database); err != nil && !backend.IsURL(*database) { // OpenAccounts would create the file
		return err
	}
	accounts, err := backend.OpenAccounts(ctx, *database)
	if err != nil {
		return err
	}
	return errors.Join(accounts.Erase(ctx, *account), accounts.Close())
}

// amazonAt sends every request to one address, whatever host it is for, which
// stays in the Host header.
type amazonAt string

func (address amazonAt) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", string(address)
	return http.DefaultTransport.RoundTrip(r)
}

func readRoots(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("no certificate in %s", file)
	}
	return roots, nil
}
