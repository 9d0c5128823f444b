package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
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

// A cloud that starts again with its state file knows its customers and grants, and
// backends keep their tokens and trust.
func TestState(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	var roots, refreshToken string
	t.Run("first", func(t *testing.T) {
		url, _, received := startCloud(t, "--state", state)
		require.Zero(t, run(t, url, "customer", "anna", "link").code)
		<-received
		var grant cloud.Grant
		require.NoError(t, json.Unmarshal([]byte(run(t, url, "customer", "anna", "grant", "--json").out), &grant))
		refreshToken = requestToken(t, url, "grant_type", "authorization_code", "code", grant.Code)
		roots = get(t, url+"/_cloud/ca.pem")
	})
	info, err := os.Stat(state)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	t.Run("again", func(t *testing.T) {
		url, _, received := startCloud(t, "--state", state)
		require.Equal(t, "anna NA valid\n", run(t, url, "cloud", "grants").out)
		require.Equal(t, "anna NA enabled linked granted\n", run(t, url, "customer").out)
		requestToken(t, url, "grant_type", "refresh_token", "refresh_token", refreshToken)
		require.Equal(t, roots, get(t, url+"/_cloud/ca.pem"))
		require.Zero(t, run(t, url, "send", "SkillEnabled").code)
		<-received
	})
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

// requestToken makes a token request of a client, and returns the refresh token.
func requestToken(t *testing.T, url string, form ...string) string {
	t.Helper()
	values := neturl.Values{"client_id": {"id"}, "client_secret": {"secret"}}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	response, err := http.PostForm(url+"/api.amazon.com/auth/o2/token", values)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	var tokens struct {
		Refresh string `json:"refresh_token"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&tokens))
	return tokens.Refresh
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
