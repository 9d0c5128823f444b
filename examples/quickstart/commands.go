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
)

// secretVariable is the environment variable with the secret of the client ID: the
// arguments of a process can be read by others.
const secretVariable = "ALEXA_CLIENT_SECRET"

// serveCommand is the process of the backend. It prints its address once it
// listens, and ends when its standard input does: so it never outlives whoever
// started it.
func serveCommand(ctx context.Context, args []string, handler func(*backend) http.Handler) error {
	flags := flag.NewFlagSet("backend", flag.ContinueOnError)
	database := flags.String("db", "quickstart.db", "the database: a `file` of SQLite, or a postgres:// URL")
	issuer := flags.String("issuer", "", "the `URL` of the skill's authorization server")
	amazon := flags.String("amazon", "", "the `address` of a made-up Amazon; empty is the real one")
	roots := flags.String("roots", "", "a PEM `file` of its certificate authority; empty is the system's")
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
	slog.SetDefault(logger) // where keyfunc reports
	accounts, err := openAccounts(ctx, *database)
	if err != nil {
		return err
	}
	defer accounts.Close()
	if err := accounts.trust(ctx, *issuer); err != nil {
		return err
	}
	b := newBackend(accounts, os.Getenv(secretVariable), logger)
	if *amazon != "" {
		client := &http.Client{Transport: amazonAt(*amazon)}
		b.verifier.HTTPClient, b.sender.HTTPClient, b.sender.Tokens.Client.HTTPClient = client, client, client
		if b.verifier.Roots, err = readRoots(*roots); err != nil {
			return err
		}
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	return serve(ctx, listener, handler(b))
}

// eraseCommand is what support runs when a customer asks to be forgotten.
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
	if _, err := os.Stat(*database); err != nil && !isURL(*database) { // an empty new database has nobody to erase
		return err
	}
	accounts, err := openAccounts(ctx, *database)
	if err != nil {
		return err
	}
	return errors.Join(accounts.erase(ctx, *account), accounts.Close())
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
