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

// tellStory tells the story to out. Its error is the first thing that was not as
// it should be, with the log of the backend.
func tellStory(ctx context.Context, out io.Writer) (err error) {
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

	fmt.Fprintln(out, "The backend of an Alexa skill and a made-up Amazon: real HTTP, signatures, SQLite and processes.")
	for i, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"Customers come and go", s.comeAndGo},
		{"Strangers knock", s.strangers},
		{"Customers speak to the skill", s.speak},
		{"A lamp is switched on", s.lampGoesOn},
		{"The backend is killed", s.killed},
		{"An account is erased", s.erased},
		{"The lamp in bad weather", s.lampInBadWeather},
		{"News of the skill, and of a hotel", s.newsArrives},
		{"The backend stops, and its log is read", s.readLog},
		{"The customer table", s.showTable},
	} {
		fmt.Fprintf(out, "\n%d. %s\n", i+1, chapter.title)
		if err := chapter.tell(timed); err != nil {
			return fmt.Errorf("%d. %s: %w", i+1, chapter.title, err)
		}
	}
	fmt.Fprint(out, "\nNext, read examples/quickstart/backend: it is the folder to copy. Then\n"+
		"`go doc github.com/alexaevents/alexaevents` lists the packages.\n")
	return nil
}

// stage is where the story happens.
type stage struct {
	out    io.Writer
	now    time.Time // the story began 50 minutes ago
	amazon *amazon
	auth   *authServer

	file    string // the database
	flags   []string
	backend *process
	log     bytes.Buffer // of the backend; not to be read while it runs

	want     map[string]row  // the customer table as it should be, by a name for the row
	recorded map[string]bool // the events that the backend acknowledged, by body
	refusals int

	codes      []string        // that customers' permissions came with
	sent       int             // events for the gateways that were looked at
	messageIDs map[string]bool // of these

	ada, vincent, alan *customer
	alanEvents         []event // until he links the account
}

// setUp makes a stage and starts the backend. The stage is to be torn down even
// after an error.
func setUp(ctx context.Context, out io.Writer, dir string) (*stage, error) {
	s := &stage{
		out:      out,
		now:      time.Now().Truncate(time.Second), // events count whole seconds
		amazon:   startAmazon(),
		file:     filepath.Join(dir, "quickstart.db"),
		recorded: make(map[string]bool),
		want:     make(map[string]row),

		messageIDs: make(map[string]bool),
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
	s.flags = []string{"-db", s.file, "-issuer", s.auth.issuer(), "-amazon", s.amazon.address(), "-roots", roots}
	if err := s.signUp(ctx, "ada", "hopper", "vincent", "alan"); err != nil {
		return s, err
	}
	return s, s.startBackend(ctx)
}

func (s *stage) tearDown() {
	if s.backend != nil {
		s.backend.kill()
	}
	if s.auth != nil {
		s.auth.server.Close()
	}
	s.amazon.server.Close()
}

// signUp does what customers did long ago on the skill's web site.
func (s *stage) signUp(ctx context.Context, accountIDs ...string) error {
	accounts, err := backend.OpenAccounts(ctx, s.file)
	if err != nil {
		return err
	}
	for _, accountID := range accountIDs {
		err = errors.Join(err, accounts.Add(ctx, accountID))
	}
	return errors.Join(err, accounts.Close())
}

func (s *stage) startBackend(ctx context.Context) (err error) {
	s.backend, err = start(ctx, &s.log, s.flags...)
	return err
}

func (s *stage) stopBackend() error {
	s.amazon.client.CloseIdleConnections() // the backend waits for those that were never used
	backend := s.backend
	s.backend = nil
	return backend.stop()
}

// erase is what support does when a customer asks for it.
func (s *stage) erase(ctx context.Context, accountID string) error {
	cmd, err := command(ctx, "erase", "-db", s.file, "-account", accountID)
	if err != nil {
		return err
	}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("erase: %w: %s", err, output)
	}
	return nil
}

func (s *stage) eventsURL() string { return s.backend.url + "/alexa/events" }
func (s *stage) skillURL() string  { return s.backend.url + "/alexa" }

// change changes a row of the table that the story wants.
func (s *stage) change(name string, change func(*row)) {
	r := s.want[name]
	change(&r)
	s.want[name] = r
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, "   "+format+"\n", args...) }

// tell says what came of something that happened at that time.
func (s *stage) tell(at time.Time, what, outcome string) {
	s.say("%s  %-34s → %s", at.UTC().Format(time.TimeOnly), what, outcome)
}

// when is a time of the story as the customer table has it.
func (s *stage) when(minutes int) string {
	return ago(s.now, minutes).UTC().Format(time.RFC3339)
}
