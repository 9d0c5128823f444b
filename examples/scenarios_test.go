package examples

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
	"github.com/alexaevents/alexaevents/identity"
)

// The scenarios pass against the quickstart's backend. An access token is here
// "customer@account"; the account exists.
func TestScenarios(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "alexaevents")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../cmd/alexaevents", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)

	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String() + "/alexa"
	remote, cloud := startCloud(t, program, "--to", url+"/events", "--directives", url+"/smarthome/NA", "--skill", backend.SkillID)

	accounts, err := backend.OpenAccounts(t.Context(), filepath.Join(t.TempDir(), "scenarios.db"))
	require.NoError(t, err)
	defer accounts.Close()
	b := backend.New(accounts, "secret", slog.New(slog.DiscardHandler))
	client := remote.Client()
	b.Verifier.Roots = remote.Roots()
	b.Verifier.HTTPClient, b.Sender.HTTPClient, b.Sender.Tokens.Client.HTTPClient = client, client, client
	b.Recorder.Account = func(_ context.Context, accessToken string) (string, error) {
		_, account, found := strings.Cut(accessToken, "@")
		if !found {
			return "", identity.ErrNoAccount
		}
		return account, nil
	}
	b.Link = func(_ context.Context, accessToken string) (string, error) { return accessToken, nil }
	mux := http.NewServeMux()
	mux.Handle("/", b.Handler())
	mux.HandleFunc("GET /news", func(w http.ResponseWriter, r *http.Request) {
		texts, err := accounts.Notifications(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(texts)
	})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- b.Serve(ctx, server.Listener, mux) }()
	defer func() {
		stop()
		require.NoError(t, <-served)
	}()

	files, err := filepath.Glob("scenarios/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	play := exec.CommandContext(t.Context(), program, append([]string{"play", "--cloud", cloud}, files...)...)
	output, err = play.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// startCloud starts the command's cloud, and returns it with its URL.
func startCloud(t *testing.T, program string, args ...string) (*alexatest.RemoteCloud, string) {
	t.Helper()
	cloud := exec.CommandContext(t.Context(), program, append([]string{"cloud", "--listen", "127.0.0.1:0"}, args...)...)
	cloud.Stderr = os.Stderr
	out, err := cloud.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cloud.Start())
	t.Cleanup(func() { _ = cloud.Wait() }) // the context of the test has ended
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	url := strings.TrimSpace(line)
	remote, err := alexatest.Remote(url)
	require.NoError(t, err)
	return remote, url
}
