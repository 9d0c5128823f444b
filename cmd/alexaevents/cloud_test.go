package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
)

func TestNoCloud(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for _, url := range []string{"http://127.0.0.1:1", other.URL} {
		for _, args := range [][]string{{"customer"}, {"send", "LaunchRequest"}, {"forge"}, {"run", "--", "true"}, {"env"}, {"cloud", "journal"}, {"cloud", "heal"}} {
			got := run(t, url, args...)
			require.Equal(t, exitUnreachable, got.code, args)
			require.Contains(t, got.errors, "alexaevents cloud")
			require.Empty(t, got.out)
		}
	}
}

func TestFaultsAndSnapshot(t *testing.T) {
	url, _, received := startCloud(t)
	require.Zero(t, run(t, url, "customer", "anna", "enable").code)
	<-received
	state := filepath.Join(t.TempDir(), "state.json")
	snapshot := run(t, url, "cloud", "snapshot")
	require.NoError(t, os.WriteFile(state, []byte(snapshot.out), 0o600))
	require.Zero(t, run(t, url, "cloud", "reset").code)
	require.Empty(t, run(t, url, "customer").out)
	require.Equal(t, outcome{}, run(t, url, "cloud", "restore", state))
	require.Equal(t, "anna NA enabled\n", run(t, url, "customer").out)
	require.Equal(t, exitFailed, run(t, url, "cloud", "restore", "missing.json").code)

	require.Equal(t, outcome{}, run(t, url, "cloud", "fault", "https://api.amazon.com/", "--status", "503", "--times", "-1"))
	require.Equal(t, exitUsage, run(t, url, "cloud", "fault", "--code", "X").code)
	remote, err := alexatest.Remote(url)
	require.NoError(t, err)
	for _, want := range []int{503, 503, 400} {
		if want == 400 {
			require.Equal(t, outcome{}, run(t, url, "cloud", "heal"))
		}
		response, err := remote.Client().Get("https://api.amazon.com/user/profile")
		require.NoError(t, err)
		require.Equal(t, want, response.StatusCode)
	}
	require.Equal(t, outcome{}, run(t, url, "cloud", "age", "61m"))
	require.Equal(t, exitUsage, run(t, url, "cloud", "age", "old").code)
}
