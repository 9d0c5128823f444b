package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
)

// scenario is the state of a run: the fake Amazon, the backend, and what the
// backend should have stored.
type scenario struct {
	out    io.Writer
	now    time.Time // the first event is from 50 minutes before
	amazon *amazon
	auth   *authServer

	database string
	flags    []string // of the backend
	backend  *process
	log      bytes.Buffer // of the backend; not to be read while it runs

	want         map[string]row  // expected customer table, by a name for the row
	acknowledged map[string]bool // acknowledged events, by body
	refusals     int             // requests and messages that the backend refused

	codes      []string        // authorization codes of the grants
	checked    int             // number of checked events of the gateways
	messageIDs map[string]bool // message IDs of the checked events

	ada, vincent, alan *customer
	alanEvents         []event // enablement and account linking
}

// runScenario runs all sections and prints to out. Its error is that of the first
// failed check, with the log of the backend.
func runScenario(ctx context.Context, out io.Writer) (err error) {
	timed, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := setUp(timed, out, dir)
	defer func() {
		s.tearDown()
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w\nThe log of the backend:\n%s", err, s.log.String())
		}
	}()
	if err != nil {
		return err
	}

	fmt.Fprintln(out, "The backend of an Alexa skill against a fake Amazon, over HTTP and with a SQLite file.")
	for i, section := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"Skill events and records", s.skillEvents},
		{"Forged requests", s.forgedRequests},
		{"Requests to the skill", s.skillRequests},
		{"Grants and change reports", s.grants},
		{"Crash and redelivery", s.crash},
		{"Account erasure", s.erasure},
		{"Gateway failures", s.gatewayFailures},
		{"SDNS and Smart Properties events", s.notifications},
		{"Log of the backend", s.checkLog},
		{"Customer table", s.printTable},
	} {
		fmt.Fprintf(out, "\n%d. %s\n", i+1, section.title)
		if err := section.run(timed); err != nil {
			return fmt.Errorf("%d. %s: %w", i+1, section.title, err)
		}
	}
	fmt.Fprint(out, "\nNext: read and copy examples/quickstart/backend.\n"+
		"`go doc github.com/alexaevents/alexaevents` lists the packages.\n")
	return nil
}

// setUp starts the fake Amazon and the backend. Call tearDown even after an
// error.
func setUp(ctx context.Context, out io.Writer, dir string) (*scenario, error) {
	s := &scenario{
		out:          out,
		now:          time.Now().Truncate(time.Second), // events have whole seconds
		amazon:       startAmazon(),
		database:     filepath.Join(dir, "quickstart.db"),
		want:         make(map[string]row),
		acknowledged: make(map[string]bool),
		messageIDs:   make(map[string]bool),
	}
	var err error
	if s.auth, err = startAuthServer(); err != nil {
		return s, err
	}
	s.ada, s.vincent, s.alan = s.newCustomer("Ada"), s.newCustomer("Vincent"), s.newCustomer("Alan")

	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, s.amazon.RootPEM(), 0o600); err != nil {
		return s, err
	}
	s.flags = []string{"-db", s.database, "-issuer", s.auth.issuer(), "-amazon", s.amazon.address(), "-roots", roots}
	if err := s.addAccounts(ctx, "ada", "hopper", "vincent", "alan"); err != nil {
		return s, err
	}
	return s, s.startBackend(ctx)
}

func (s *scenario) tearDown() {
	if s.backend != nil {
		s.backend.kill()
	}
	if s.auth != nil {
		s.auth.server.Close()
	}
	s.amazon.server.Close()
}

func (s *scenario) addAccounts(ctx context.Context, accountIDs ...string) error {
	accounts, err := backend.OpenAccounts(ctx, s.database)
	if err != nil {
		return err
	}
	for _, accountID := range accountIDs {
		err = errors.Join(err, accounts.Add(ctx, accountID))
	}
	return errors.Join(err, accounts.Close())
}

// eraseAccount runs the command erase beside the backend.
func (s *scenario) eraseAccount(ctx context.Context, accountID string) error {
	cmd, err := command(ctx, "erase", "-db", s.database, "-account", accountID)
	if err != nil {
		return err
	}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("erase: %w: %s", err, output)
	}
	return nil
}

func (s *scenario) startBackend(ctx context.Context) (err error) {
	s.backend, err = start(ctx, &s.log, s.flags...)
	return err
}

func (s *scenario) stopBackend() error {
	s.amazon.client.CloseIdleConnections() // the backend waits for connections without a request
	backend := s.backend
	s.backend = nil
	return backend.stop()
}

func (s *scenario) eventsURL() string { return s.backend.url + "/alexa/events" }
func (s *scenario) skillURL() string  { return s.backend.url + "/alexa" }

// change changes a row of the expected customer table.
func (s *scenario) change(name string, change func(*row)) {
	r := s.want[name]
	change(&r)
	s.want[name] = r
}

// timestamp returns the time that many minutes ago, in the form of the customer table.
func (s *scenario) timestamp(minutes int) string {
	return ago(s.now, minutes).UTC().Format(time.RFC3339)
}

func (s *scenario) printf(format string, args ...any) {
	fmt.Fprintf(s.out, "   "+format+"\n", args...)
}

// printStep prints a step, and its outcome unless that is empty.
func (s *scenario) printStep(what, outcome string) { s.printLine("", what, outcome) }

// printEvent prints an event or request with its timestamp, and its outcome.
func (s *scenario) printEvent(e event, outcome string) {
	s.printLine(e.at.UTC().Format(time.TimeOnly), e.text, outcome)
}

func (s *scenario) printLine(at, what, outcome string) {
	if outcome != "" {
		what = fmt.Sprintf("%-34s → %s", what, outcome)
	}
	s.printf("%-8s  %s", at, what)
}
