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

// The environment variable QUICKSTART turns the test binary into the program;
// its value names the backend of backends to use, and none is the real one.
const variable = "QUICKSTART"

func TestMain(m *testing.M) {
	name, ok := os.LookupEnv(variable)
	if !ok {
		_ = flag.Set("test.parallel", "8") // a story mostly waits; a flag of the command line wins
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
		err = eraseHalf(context.Background(), os.Args[3], os.Args[5])
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
	require.Contains(t, stdout, "10. The customer table")
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
	if testing.Short() {
		t.Skip("a short run breaks no backend")
	}
	t.Parallel()
	found := map[string]string{
		"fails":                               "1. Customers come and go: Vincent links the account hopper: expected the answer 200, got 500",
		"forgets what it acknowledged":        "1. Customers come and go: the customer table should be",
		"takes arrival for the time":          "1. Customers come and go: the customer table should be",
		"believes every event":                "2. Strangers knock: Ada's link, with Mallory's user ID in it: expected the answer 400, got 200",
		"believes every request":              "2. Strangers knock: no signature, spoken: expected the answer 400, got 200",
		"greets strangers as Ada":             "3. Customers speak to the skill: Margaret speaks: expected to hear",
		"believes every grantee":              "4. A lamp is switched on: the grant of Mallory (EU): expected the answer 200 ACCEPT_GRANT_FAILED, got 200 AcceptGrant.Response",
		"knows one region":                    "4. A lamp is switched on: the lamp of hopper goes ON: the gateways should have",
		"keeps one grant for an account":      "4. A lamp is switched on: the lamp of hopper goes ON: the gateways should have",
		"reports twice":                       "4. A lamp is switched on: the lamp of hopper goes ON: a message ID was used twice",
		"forgets when it is killed":           "5. The backend is killed: the customer table should be",
		"keeps grants in memory":              "7. The lamp in bad weather: the lamp of hopper goes ON: expected the answer 204 , got 410",
		"keeps the first refresh token":       "7. The lamp in bad weather: the lamp of hopper goes ON: the gateways should have",
		"gives up at once":                    "7. The lamp in bad weather: the lamp of each goes ON: the gateways should have",
		"keeps reports in memory":             "7. The lamp in bad weather: the lamp of hopper goes OFF: the gateways should have",
		"says that all went well":             "6. An account is erased: the lamp of alan goes OFF: expected the answer 410 no live grant, got 204",
		"keeps the grants of erased accounts": "6. An account is erased: the lamp of alan goes OFF: expected the answer 410 no live grant, got 204",
		"knows accounts that do not exist":    "6. An account is erased: the customer table should be",
		"takes the news of everybody":         "8. News of the skill, and of a hotel: a genuine message of Mallory's own topic: expected the answer 400, got 200",
		"believes all news":                   "8. News of the skill, and of a hotel: another topic's message in this one's name: expected the answer 400, got 200",
		"confirms nothing":                    "8. News of the skill, and of a hotel: alexatest: http://127.0.0.1:",
		"stores news twice":                   "8. News of the skill, and of a hotel: the news should be",
		"drops news":                          "8. News of the skill, and of a hotel: the news should be",
		"writes all that it hears to a log":   "9. The backend stops, and its log is read: the log holds an access token",
		"writes accounts to a log":            "9. The backend stops, and its log is read: the log holds the account hopper",
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

func TestCheckTable(t *testing.T) {
	t.Parallel()
	want := []row{{"user-1", "ada", "2026-01-01T00:00:00Z", null}, {"user-2", "ada", "2026-01-02T00:00:00Z", null}}
	require.NoError(t, checkTable([]numberedRow{{"2", want[1]}, {"1", want[0]}}, want))
	require.ErrorContains(t, checkTable([]numberedRow{{"1", want[0]}, {"1", want[1]}}, want), "not a primary key")
	require.ErrorContains(t, checkTable([]numberedRow{{"", want[0]}, {"1", want[1]}}, want), "not a primary key")
	require.ErrorContains(t, checkTable([]numberedRow{{"1", want[0]}}, want), "should be")
}
