package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// variable is an environment variable that makes the test binary run the program. Its
// value names one of brokenBackends; empty means the real backend.
const variable = "QUICKSTART"

func TestMain(m *testing.M) {
	name, ok := os.LookupEnv(variable)
	if !ok {
		_ = flag.Set("test.parallel", "8") // a scenario mostly waits; the command line overrides this
		os.Exit(m.Run())
	}
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	handler, broken := brokenBackends[name]
	var err error
	switch {
	case broken && command == "backend":
		err = serveCommand(context.Background(), os.Args[2:], handler)
	case name == "keeps the grants of erased accounts" && command == "erase":
		err = eraseWithoutGrants(context.Background(), os.Args[3], os.Args[5])
	default:
		main()
	}
	if err != nil {
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
		"GORACE=atexit_sleep_ms=0") // otherwise a process under the race detector ends a second later
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_, err = cmd.StdinPipe() // a backend stops when its standard input ends
	require.NoError(t, err)
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

func TestQuickstart(t *testing.T) {
	t.Parallel()
	stdout, stderr, err := quickstart(t, "")
	require.NoError(t, err, "%s\n%s", stdout, stderr)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "10. Customer table")
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

// The scenario finds each broken backend.
func TestBrokenBackends(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run breaks no backend")
	}
	t.Parallel()
	found := map[string]string{
		"returns 500":                         "1. Skill events and records: Vincent links the account hopper: expected status 200, got 500",
		"does not store acknowledged events":  "1. Skill events and records: the customer table: expected",
		"stores the time of arrival":          "1. Skill events and records: the customer table: expected",
		"does not verify events":              "2. Forged requests: a link event with another user ID in it: expected status 400, got 200",
		"does not verify requests":            "2. Forged requests: no signature, to the skill: expected status 400, got 200",
		"resolves every user to ada":          "3. Requests to the skill: Margaret sends a request: expected the speech",
		"accepts every grantee":               "4. Grants and change reports: the grant of Mallory (EU): expected 200 ACCEPT_GRANT_FAILED, got 200 AcceptGrant.Response",
		"has one region":                      "4. Grants and change reports: the lamp of hopper is ON: expected the events",
		"stores one grant per account":        "4. Grants and change reports: the lamp of hopper is ON: expected the events",
		"sends reports twice":                 "4. Grants and change reports: the lamp of hopper is ON: a message ID was used twice",
		"loses an event in a crash":           "5. Crash and redelivery: the customer table: expected",
		"keeps grants in memory":              "7. Gateway failures: the lamp of hopper is ON: expected 204 , got 410",
		"keeps the first refresh token":       "7. Gateway failures: the lamp of hopper is ON: expected the events",
		"does not retry":                      "7. Gateway failures: the lamp of each account is ON: expected the events",
		"keeps reports in memory":             "7. Gateway failures: the lamp of hopper is OFF: expected the events",
		"always returns 204":                  "6. Account erasure: the lamp of alan is OFF: expected 410 no live grant, got 204",
		"keeps the grants of erased accounts": "6. Account erasure: the lamp of alan is OFF: expected 410 no live grant, got 204",
		"accepts deleted accounts":            "6. Account erasure: the customer table: expected",
		"accepts foreign topics":              "8. SDNS and Smart Properties events: a genuine message of a foreign topic: expected status 400, got 200",
		"does not verify notifications":       "8. SDNS and Smart Properties events: another topic's message in this one's name: expected status 400, got 200",
		"confirms no subscription":            "8. SDNS and Smart Properties events: alexatest: http://127.0.0.1:",
		"stores duplicate notifications":      "8. SDNS and Smart Properties events: expected the notifications",
		"stores no notifications":             "8. SDNS and Smart Properties events: expected the notifications",
		"logs request bodies":                 "9. Log of the backend: the log contains an access token",
		"logs accounts":                       "9. Log of the backend: the log contains the account hopper",
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

func TestCompareTable(t *testing.T) {
	t.Parallel()
	want := []row{{"user-1", "ada", "2026-01-01T00:00:00Z", null}, {"user-2", "ada", "2026-01-02T00:00:00Z", null}}
	require.NoError(t, compareTable([]numberedRow{{"2", want[1]}, {"1", want[0]}}, want))
	require.ErrorContains(t, compareTable([]numberedRow{{"1", want[0]}, {"1", want[1]}}, want), "not a primary key")
	require.ErrorContains(t, compareTable([]numberedRow{{"", want[0]}, {"1", want[1]}}, want), "not a primary key")
	require.ErrorContains(t, compareTable([]numberedRow{{"1", want[0]}}, want), "expected")
}
