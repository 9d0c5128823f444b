package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// builtCommand builds the command alexaevents with the drivers of databases, once.
var builtCommand = sync.OnceValues(func() (path string, err error) {
	dir, err := os.MkdirTemp("", "alexaevents-command-")
	if err != nil {
		return "", err
	}
	removeCommand = func() error { return os.RemoveAll(dir) }
	path = filepath.Join(dir, "alexaevents")
	output, err := exec.Command("go", "build", "-C", "../cmd/alexaevents", "-tags", "database", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return path, nil
})

// removeCommand removes what builtCommand has built, when all tests have ended.
var removeCommand = func() error { return nil }

// grantsCommand runs alexaevents grants on a database.
type grantsCommand struct {
	t        *testing.T
	database string
}

func newGrantsCommand(t *testing.T, d database) grantsCommand {
	source := d.Source
	if d.Dialect == sqlstore.SQLite {
		source, _, _ = strings.Cut(strings.TrimPrefix(source, "file:"), "?")
	}
	return grantsCommand{t, source}
}

// run returns what the process prints. No output has a token.
func (c grantsCommand) run(code int, args ...string) (out, errs string) {
	c.t.Helper()
	program, err := builtCommand()
	require.NoError(c.t, err)
	command := exec.Command(program, append([]string{"grants"}, args...)...)
	command.Env = append(os.Environ(), "ALEXAEVENTS_DATABASE="+c.database)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(c.t, err, &exit)
	}
	require.Equal(c.t, code, command.ProcessState.ExitCode(), "%v: %s", args, stderr.String())
	for _, secret := range []string{"Atza|", "Atzr|", "sealed:"} {
		require.NotContains(c.t, stdout.String()+stderr.String(), secret)
	}
	return stdout.String(), stderr.String()
}

// put stores grants.
func put(t *testing.T, store lwa.Store, grants ...lwa.Grant) {
	t.Helper()
	writes, ctx := errgroup.WithContext(t.Context())
	writes.SetLimit(64)
	for _, grant := range grants {
		writes.Go(func() error {
			return store.UpdateGrant(ctx, grant.Key, func(stored *lwa.Grant) error {
				*stored = grant
				return nil
			})
		})
	}
	require.NoError(t, writes.Wait())
}

func grantsOf(t *testing.T, grants iter.Seq2[lwa.Grant, error]) (all []lwa.Grant) {
	t.Helper()
	for grant, err := range grants {
		require.NoError(t, err)
		all = append(all, grant)
	}
	return all
}

const commandClient = "amzn1.application-oa2-client.command"

var commandTime = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// commandGrant returns a live grant.
func commandGrant(account string) lwa.Grant {
	return lwa.Grant{
		Key: lwa.Key{ClientID: commandClient, AccountID: account, LinkID: "customer-1"}, Region: alexaevents.Europe,
		AccessToken: alexaevents.Secret("Atza|" + account), RefreshToken: alexaevents.Secret("Atzr|" + account), IssuedAt: commandTime,
	}
}

// refused returns the grant after Amazon has refused its refresh token.
func refused(t *testing.T, grant lwa.Grant) lwa.Grant {
	t.Helper()
	store := new(lwa.MemoryStore)
	put(t, store, grant)
	tokens := &lwa.Source{Store: store, Client: &lwa.Client{ID: commandClient, Secret: "secret", HTTPClient: alexatest.NewCloud().Client()}}
	_, err := tokens.Renew(t.Context(), grant.Key, grant.AccessToken)
	require.ErrorIs(t, err, lwa.ErrInvalidGrant)
	grant, err = store.Grant(t.Context(), grant.Key)
	require.NoError(t, err)
	require.False(t, grant.Live())
	return grant
}

func TestGrantsCommand(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		source := create(t)
		store, command := source.store(t), newGrantsCommand(t, source)
		var grants []lwa.Grant
		for i := range 1000 {
			grants = append(grants, commandGrant(fmt.Sprintf("account-%d", i)))
		}
		ended := refused(t, commandGrant("refused"))
		disabled := commandGrant("disabled")
		disabled.DisabledAt = commandTime
		other := commandGrant("other")
		other.ClientID, other.LinkID, other.Region = "another client", "", ""
		put(t, store, append(grants, ended, disabled, other)...)

		out, _ := command.run(0, "list")
		require.Equal(t, 1003, strings.Count(out, "\n"))
		require.Equal(t, 1001, strings.Count(out, "live "))
		require.Contains(t, out, "disabled  account disabled  link customer-1  region EU  client "+commandClient+"  since 2026-11-26T12:00:00Z\n")
		out, _ = command.run(0, "list", "--client", "another client", "--json")
		require.JSONEq(t, `{"state":"live","account_id":"other","client_id":"another client","issued_at":"2026-11-26T12:00:00Z"}`, out)

		out, errs := command.run(0, "relink", "--json")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Len(t, lines, 2)
		require.JSONEq(t, `{"state":"disabled","account_id":"disabled","link_id":"customer-1","client_id":"`+commandClient+`","region":"EU","since":"2026-11-26T12:00:00Z"}`, lines[0])
		require.Contains(t, lines[1], `{"state":"refused","account_id":"refused","link_id":"customer-1",`)
		require.Empty(t, errs)
		out, errs = command.run(0, "relink", "--client", "another client")
		require.Empty(t, out)
		require.Equal(t, "0 grants must be linked again\n", errs)

		out, errs = command.run(0, "export")
		require.Equal(t, 1004, strings.Count(out, "\n"))
		require.Contains(t, errs, "exported 1000 rows\n")
		file := filepath.Join(t.TempDir(), "grants.csv")
		command.run(2, "export", "--tokens")
		command.run(0, "export", "--tokens", "--to", file)
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		_, errs = command.run(1, "export", "--to", file)
		require.Contains(t, errs, "exists")

		// The table goes to another database. SQLite waits for the disk after each row.
		target := create(t)
		copied, rows := newGrantsCommand(t, target), 1003
		if target.Dialect == sqlstore.SQLite {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			file, rows = filepath.Join(t.TempDir(), "few.csv"), 13
			few := regexp.MustCompile(`(?m)^[^,]*,account-[0-9]{2,3},.*\n`).ReplaceAll(data, nil)
			require.NoError(t, os.WriteFile(file, few, 0o600))
		}
		copied.run(1, "import", file)
		_, errs = copied.run(0, "import", file, "--check")
		require.Contains(t, errs, "the table is valid")
		out, errs = copied.run(0, "import", file, "--migrate")
		require.Equal(t, fmt.Sprintf("%d rows: %d stored, 0 as before\n", rows, rows), out)
		require.Equal(t, rows > 1000, strings.Contains(errs, "imported 1000 rows\n"))
		out, _ = copied.run(0, "import", file, "--json")
		require.Equal(t, fmt.Sprintf(`{"row":%[1]d,"kept":"live"}`+"\n"+`{"rows":%[1]d,"stored":0,"kept":%[1]d}`+"\n", rows), out)
		copies := target.store(t)
		wanted := slices.DeleteFunc(grantsOf(t, store.Grants(t.Context())), func(g lwa.Grant) bool { return rows < 1000 && len(g.AccountID) > len("account-1") })
		require.Empty(t, cmp.Diff(wanted, grantsOf(t, copies.Grants(t.Context()))))

		// Tables of other systems.
		table := filepath.Join(t.TempDir(), "old.jsonl")
		require.NoError(t, os.WriteFile(table, []byte(`{"AccountID":"new","LinkID":"1","RefreshToken":"Atzr|new"}`+"\n"+
			`{"ClientID":"`+commandClient+`","AccountID":"account-1","LinkID":"customer-1","Region":"NA","RefreshToken":"Atzr|older"}`+"\n"), 0o600))
		_, errs = copied.run(1, "import", table)
		require.Contains(t, errs, "line 1: ")
		out, _ = copied.run(0, "import", table, "--client", commandClient, "--region", "FE")
		require.Equal(t, "row 2: the stored grant stays: one of the two has no IssuedAt, so it is not known which is newer\n2 rows: 1 stored, 1 as before\n", out)
		grant, err := copies.Grant(t.Context(), lwa.Key{ClientID: commandClient, AccountID: "new", LinkID: "1"})
		require.NoError(t, err)
		require.Equal(t, alexaevents.FarEast, grant.Region)
	})
}

// The command lists encrypted grants, and neither exports their tokens nor mixes them
// with others.
func TestGrantsCommandOnEncryptedGrants(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		source := create(t)
		store, command := source.store(t), newGrantsCommand(t, source)
		sealed := &lwa.Sealed{Store: store, AEAD: newAESGCM(t)}
		disabled := commandGrant("disabled")
		disabled.DisabledAt = commandTime
		put(t, sealed, commandGrant("live"), refused(t, commandGrant("refused")), disabled)
		before := grantsOf(t, sealed.Grants(t.Context()))

		for _, action := range []string{"list", "relink"} {
			out, _ := command.run(0, action, "--json")
			states := make(map[string]string)
			for line := range strings.Lines(out) {
				var listed struct {
					State     string `json:"state"`
					AccountID string `json:"account_id"`
					Encrypted bool   `json:"encrypted"`
				}
				require.NoError(t, json.Unmarshal([]byte(line), &listed))
				require.True(t, listed.Encrypted)
				states[listed.AccountID] = listed.State
			}
			want := map[string]string{"live": "live", "refused": "refused", "disabled": "disabled"}
			if action == "relink" {
				delete(want, "live")
			}
			require.Equal(t, want, states)
		}
		command.run(0, "export")
		file := filepath.Join(t.TempDir(), "grants.csv")
		_, errs := command.run(1, "export", "--tokens", "--to", file)
		require.Contains(t, errs, "the tokens are encrypted")
		_, err := os.Stat(file)
		require.ErrorIs(t, err, os.ErrNotExist)

		table := filepath.Join(t.TempDir(), "new.csv")
		require.NoError(t, os.WriteFile(table, []byte("ClientID,AccountID,RefreshToken\n"+commandClient+",another,Atzr|another\n"), 0o600))
		_, errs = command.run(1, "import", table)
		require.Contains(t, errs, "lwa.Sealed")
		require.Empty(t, cmp.Diff(before, grantsOf(t, sealed.Grants(t.Context()))))

		plain := create(t)
		stored, err := store.Grant(t.Context(), commandGrant("live").Key)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(table, []byte("ClientID,AccountID,RefreshToken\n"+commandClient+",another,"+string(stored.RefreshToken)+"\n"), 0o600))
		_, errs = newGrantsCommand(t, plain).run(1, "import", table, "--migrate")
		require.Contains(t, errs, "the tokens are encrypted")
		require.Empty(t, grantsOf(t, plain.store(t).Grants(t.Context())))
	})
}
