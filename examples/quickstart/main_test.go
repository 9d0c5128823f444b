package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/skillevents"
)

// The environment variable QUICKSTART turns the test binary into the program;
// its value names the backend of backends to use, and none is the real one.
const variable = "QUICKSTART"

func TestMain(m *testing.M) {
	name, ok := os.LookupEnv(variable)
	if !ok {
		os.Exit(m.Run())
	}
	handler, broken := brokenBackends[name]
	if !broken || len(os.Args) == 1 || os.Args[1] != "backend" {
		main()
		return
	}
	if err := serveCommand(context.Background(), os.Args[2:], handler); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// quickstart runs the program with one of brokenBackends, or the real backend.
func quickstart(t *testing.T, backend string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), variable+"="+backend,
		"GORACE=atexit_sleep_ms=0") // else each process under the race detector takes a second to end
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_, err = cmd.StdinPipe() // a backend lives as long as its standard input
	require.NoError(t, err)
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

func TestQuickstart(t *testing.T) {
	t.Parallel()
	stdout, stderr, err := quickstart(t, "")
	require.NoError(t, err, "%s\n%s", stdout, stderr)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "7. The customer table")
	require.Equal(t, 8, strings.Count(stdout, "… | amzn1.ask.account."), "rows")
	for line := range strings.Lines(stdout) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 100, line)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   []string
		stderr string
	}{
		{[]string{"serve"}, `unknown command "serve"`},
		{[]string{"erase", "-db", t.TempDir() + "/a.db"}, "no account"},
		{[]string{"erase", "-db", t.TempDir() + "/missing/a.db", "-account", "ada"}, "no such file"},
		{[]string{"backend", "-db", t.TempDir() + "/a.db"}, "no issuer"},
		{[]string{"backend", "-db", t.TempDir() + "/a.db", "-issuer", "http://127.0.0.1:1", "-amazon", "127.0.0.1:1", "-roots", "missing.pem"}, "missing.pem"},
	} {
		stdout, stderr, err := quickstart(t, "", test.args...)
		require.Error(t, err, test.args)
		require.Empty(t, stdout)
		require.Contains(t, stderr, test.stderr)
	}
}

// A story that is always told to the end proves nothing.
func TestBrokenBackends(t *testing.T) {
	t.Parallel()
	found := map[string]string{
		"fails":                             "1. Customers come and go: Alan links the account alan: expected the answer 200, got 500",
		"forgets what it acknowledged":      "1. Customers come and go: the customer table should be",
		"takes arrival for the time":        "1. Customers come and go: the customer table should be",
		"believes every event":              "2. Strangers knock: Ada's link, with Mallory's user ID in it: expected the answer 400, got 200",
		"believes every request":            "2. Strangers knock: no signature, spoken: expected the answer 400, got 200",
		"greets strangers as Ada":           "3. Customers speak to the skill: Margaret speaks: expected to hear",
		"forgets when it is killed":         "4. The backend is killed: the customer table should be",
		"knows accounts that do not exist":  "5. An account is erased: the customer table should be",
		"writes all that it hears to a log": "6. The backend stops, and its log is read: the log holds an access token",
	}
	require.Len(t, brokenBackends, len(found))
	for name := range brokenBackends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, stderr, err := quickstart(t, name)
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, 1, exit.ExitCode())
			require.Contains(t, stderr, found[name])
		})
	}
}

var brokenBackends = map[string]func(*backend) http.Handler{
	"fails": func(*backend) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	},
	"forgets what it acknowledged": func(b *backend) http.Handler {
		b.recorder.Store = &alteredStore{b.recorder.Store, func(f *identity.Fact) bool { return f.Kind != identity.Disabled }}
		return b.handler()
	},
	"forgets when it is killed": func(b *backend) http.Handler {
		b.recorder.Store = &alteredStore{b.recorder.Store, func(f *identity.Fact) bool { return f.AccountID != "vincent" }}
		return b.handler()
	},
	"takes arrival for the time": func(b *backend) http.Handler {
		b.recorder.Store = &alteredStore{b.recorder.Store, func(f *identity.Fact) bool { f.At = time.Now(); return true }}
		return b.handler()
	},
	"believes every event": func(b *backend) http.Handler {
		return unless("/alexa/events", b.handler(), func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			event, err := skillevents.Parse(body)
			if err != nil || b.recorder.Record(r.Context(), event) != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
	},
	"believes every request": func(b *backend) http.Handler {
		return unless("/alexa", b.handler(), b.speak)
	},
	"greets strangers as Ada": func(b *backend) http.Handler {
		return unless("/alexa", b.handler(), b.verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"response":{"outputSpeech":{"text":"Hello, ada."}}}`)
		})).ServeHTTP)
	},
	"knows accounts that do not exist": func(b *backend) http.Handler {
		accountOf := b.recorder.Account
		b.recorder.Account = func(ctx context.Context, accessToken string) (string, error) {
			accountID, err := accountOf(ctx, accessToken)
			if err != nil {
				return "alan", nil
			}
			return accountID, nil
		}
		return b.handler()
	},
	"writes all that it hears to a log": func(b *backend) http.Handler {
		handler := b.handler()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			slog.Info("request", "body", string(body))
			r.Body = io.NopCloser(bytes.NewReader(body))
			handler.ServeHTTP(w, r)
		})
	},
}

// unless returns the handler with another one for a path.
func unless(path string, handler http.Handler, other http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			other(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// alteredStore changes facts before it stores them, or drops them.
type alteredStore struct {
	identity.Store
	alter func(*identity.Fact) (keep bool)
}

func (s *alteredStore) AddFact(ctx context.Context, fact identity.Fact) error {
	if !s.alter(&fact) {
		return nil
	}
	return s.Store.AddFact(ctx, fact)
}

func TestCheckTable(t *testing.T) {
	t.Parallel()
	want := []row{{"user-1", "ada", "2026-01-01T00:00:00Z", null}, {"user-2", "ada", "2026-01-02T00:00:00Z", null}}
	require.NoError(t, checkTable([]numberedRow{{"2", want[1]}, {"1", want[0]}}, want))
	require.ErrorContains(t, checkTable([]numberedRow{{"1", want[0]}, {"1", want[1]}}, want), "not a primary key")
	require.ErrorContains(t, checkTable([]numberedRow{{"", want[0]}, {"1", want[1]}}, want), "not a primary key")
	require.ErrorContains(t, checkTable([]numberedRow{{"1", want[0]}}, want), "should be")
}
