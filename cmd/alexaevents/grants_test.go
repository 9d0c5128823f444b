package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The module integration tests what the program does with the drivers.
func TestGrantsWithoutDrivers(t *testing.T) {
	for _, database := range []string{"alexa.db", "postgres://app@db.example/alexa"} {
		for _, args := range [][]string{{"list"}, {"relink"}, {"export"}} {
			got := run(t, "", append([]string{"grants", "--database", database}, args...)...)
			require.Equal(t, exitFailed, got.code, args)
			require.Contains(t, got.errors, "go install -tags database ./cmd/alexaevents")
			require.Empty(t, got.out)
		}
	}
	_, err := os.Stat("alexa.db")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestGrantsUsage(t *testing.T) {
	secretFile := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(secretFile, []byte("postgres://app:canary@db.example/alexa\n"), 0o600))
	for want, args := range map[string][]string{
		"give one with --database":                 {"list"},
		"other users of this machine":              {"list", "--database", "postgres://app:canary@db.example/alexa"},
		"write the URL to a file":                  {"relink", "--database", "postgresql://db.example/alexa?password=canary"},
		"tokens go only to a file":                 {"export", "--database", "alexa.db", "--tokens"},
		`--format: csv or jsonl, not "xml"`:        {"export", "--database", "alexa.db", "--format", "xml"},
		`--format: csv or jsonl, not "xls"`:        {"import", "grants.csv", "--database", "alexa.db", "--format", "xls"},
		"accepts 1 arg(s), received 0":             {"import", "--database", "alexa.db"},
		`unknown command "@x" for "alexaevents `:   {"relink", "@x"},
		"this program was built without the drive": {"list", "--database", "@" + secretFile},
	} {
		got := run(t, "", append([]string{"grants"}, args...)...)
		require.Contains(t, got.errors, want)
		require.NotContains(t, got.errors, "canary")
		if args[len(args)-1] != "@"+secretFile {
			require.Equal(t, exitUsage, got.code, args)
		}
	}
}

// A table is checked without a database.
func TestGrantsCheck(t *testing.T) {
	const header = "AccountID,LinkID,Region,RefreshToken\n"
	got := runInput(t, "", header+"1,2,NA,Atzr|canary\n", "grants", "import", "-", "--check", "--client", "client")
	require.Equal(t, outcome{0, "", "the table is valid\n"}, got)
	got = runInput(t, "", header+"1,2,NA,Atzr|canary\n1,2,NA,Atzr|canary2\n", "grants", "import", "-", "--check", "--client", "client")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "alexaevents: transfer: invalid file: line 3: another row has the same ClientID, AccountID and LinkID\n", got.errors)
	got = runInput(t, "", `{"AccountID":"1","RefreshToken":"Atzr|canary"}`, "grants", "import", "-", "--check", "--client", "client", "--format", "jsonl")
	require.Zero(t, got.code, got.errors)
}
