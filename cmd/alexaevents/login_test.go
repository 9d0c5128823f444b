package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	testClient = "amzn1.application-oa2-client.organization"
	testSecret = "amzn1.oa2-cs.v1.canary"
)

// developer runs the program with a home directory of their own.
type developer struct {
	t           *testing.T
	cloud, home string
	output      *bytes.Buffer // all of it, but that of "login token"
}

func newDeveloper(t *testing.T, cloud string) *developer {
	return &developer{t, cloud, t.TempDir(), new(bytes.Buffer)}
}

func (d *developer) command(args ...string) *exec.Cmd {
	command := exec.Command(program, args...)
	command.Dir = d.home
	command.Env = append(os.Environ(), "ALEXAEVENTS_CLOUD="+d.cloud, "HOME="+d.home, "XDG_CONFIG_HOME="+filepath.Join(d.home, "config"), "DISPLAY=", "WAYLAND_DISPLAY=", "SSH_CONNECTION=")
	return command
}

func (d *developer) run(args ...string) outcome { return d.runInput("", args...) }

func (d *developer) runInput(input string, args ...string) outcome {
	command := d.command(args...)
	command.Stdin = strings.NewReader(input)
	var out, words bytes.Buffer
	command.Stdout, command.Stderr = &out, &words
	err := command.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(d.t, err)
	}
	if len(args) < 2 || args[1] != "token" {
		d.output.Write(out.Bytes())
	}
	d.output.Write(words.Bytes())
	return outcome{command.ProcessState.ExitCode(), out.String(), words.String()}
}

// ok runs a command that must succeed, and returns its output.
func (d *developer) ok(args ...string) string {
	d.t.Helper()
	got := d.run(args...)
	require.Zero(d.t, got.code, "%v: %s", args, got.errors)
	return got.out
}

// login logs in as a customer of the cloud.
func (d *developer) login(customer string, args ...string) {
	d.t.Helper()
	args = append([]string{"login", "--client-id", testClient, "--customer", customer}, args...)
	got := d.runInput(testSecret+"\n", args...)
	require.Zero(d.t, got.code, got.errors)
}

// path is that of a file in the home directory, in which the program runs.
func (d *developer) path(name string) string { return filepath.Join(d.home, name) }

// write writes a file in the home directory.
func (d *developer) write(name, text string) {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(d.path(name), []byte(text), 0o600))
}

// requireNoSecrets fails if a secret of the profiles, or another token or code, is in the
// output, in the journal, or in a file other than those of the profiles.
func (d *developer) requireNoSecrets() {
	d.t.Helper()
	secrets := []string{testSecret, "Atza|", "Atza%7C", "Atzr|", "Atzr%7C", "ANalexatest"}
	profiles, err := filepath.Glob(filepath.Join(d.home, "config", "alexaevents", "cloud-*", "*"))
	require.NoError(d.t, err)
	require.NotEmpty(d.t, profiles)
	for _, path := range profiles {
		info, err := os.Stat(path)
		require.NoError(d.t, err)
		require.Equal(d.t, fs.FileMode(0o600), info.Mode().Perm(), path)
		data, err := os.ReadFile(path)
		require.NoError(d.t, err)
		var profile map[string]any
		require.NoError(d.t, json.Unmarshal(data, &profile))
		for _, name := range []string{"client_secret", "access_token", "refresh_token", "verifier"} {
			if secret, ok := profile[name].(string); ok {
				secrets = append(secrets, secret)
			}
		}
	}
	journal := d.ok("cloud", "journal", "--json")
	require.Contains(d.t, journal, "/auth/o2/token")
	texts := map[string]string{"journal": journal, "output": d.output.String()}
	require.NoError(d.t, filepath.WalkDir(d.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains(profiles, path) {
			return err
		}
		data, err := os.ReadFile(path)
		texts[path] = string(data)
		return err
	}))
	for where, text := range texts {
		for _, secret := range secrets {
			require.NotContains(d.t, text, secret, where)
		}
	}
}

// post makes a request to the control API of the cloud.
func post(t *testing.T, url, path string, body, out any) {
	t.Helper()
	data, err := json.Marshal(body)
	require.NoError(t, err)
	response, err := http.Post(url+"/_cloud/"+path, "application/json", bytes.NewReader(data))
	require.NoError(t, err)
	defer response.Body.Close()
	require.Less(t, response.StatusCode, 300)
	if out != nil {
		require.NoError(t, json.NewDecoder(response.Body).Decode(out))
	}
}

// consent returns the URL to which Amazon redirects the browser of the customer.
func consent(t *testing.T, url, consentURL, customer string) string {
	t.Helper()
	var redirect cloud.Redirect
	post(t, url, "consent", cloud.Consent{URL: consentURL, Customer: customer}, &redirect)
	return redirect.Redirect
}

// A login with a real browser's requests: foreign ones change nothing.
func TestLoginInBrowser(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	d := newDeveloper(t, url)
	d.write("secret.txt", testSecret+"\n")
	command := d.command("login", "--client-id", testClient, "--client-secret", "@secret.txt", "--redirect", "http://127.0.0.1:0/cb", "--no-browser")
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	consentURL, err := neturl.Parse(strings.TrimSpace(line))
	require.NoError(t, err)
	query := consentURL.Query()
	require.Equal(t, "S256", query.Get("code_challenge_method"))
	require.Equal(t, "alexa::ask:subscriptions alexa::ask:skills:readwrite", query.Get("scope"))
	require.NotContains(t, line, testSecret)

	get := func(url string) (int, string) {
		response, err := http.Get(url)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	redirectURI := query.Get("redirect_uri")
	for _, foreign := range []string{"", "?code=x", "?code=x&state=y", "?error=access_denied&state=y"} {
		status, _ := get(redirectURI + foreign)
		require.Equal(t, http.StatusBadRequest, status, foreign)
	}
	status, _ := get(strings.TrimSuffix(redirectURI, "cb") + "favicon.ico")
	require.Equal(t, http.StatusNotFound, status)
	status, page := get(consent(t, url, consentURL.String(), "amzn1.account.A"))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "You are logged in.")
	rest, err := io.ReadAll(lines)
	require.NoError(t, err)
	require.Equal(t, "profile default: alexa::ask:subscriptions alexa::ask:skills:readwrite\n", string(rest))
	require.NoError(t, command.Wait())
	require.NoError(t, os.Remove(filepath.Join(d.home, "secret.txt")))
	require.Contains(t, d.ok("whoami"), "user    amzn1.account.A\n")
	d.requireNoSecrets()
}

func TestLogin(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	d := newDeveloper(t, url)
	got := d.run("whoami")
	require.Equal(t, outcome{exitLogin, "", "alexaevents: profile \"default\": not logged in\n  alexaevents login --profile default\n"}, got)

	d.login("amzn1.account.A")
	post(t, url, "vendors", cloud.Vendor{ID: "M1", Customers: []string{"amzn1.account.A"}}, nil)
	var h holder
	require.NoError(t, json.Unmarshal([]byte(d.ok("whoami", "--json")), &h))
	require.Equal(t, "default amzn1.account.A "+testClient, h.Profile+" "+h.UserID+" "+h.ClientID)
	require.Equal(t, defaultScopes, h.Scopes)
	require.Equal(t, "M1", h.Vendors[0].ID)
	require.InDelta(t, 3600, h.Seconds, 60)

	// A second login keeps the client, its secret and the scopes.
	d.ok("login", "--customer", "amzn1.account.A", "--scope", lwa.ScopeEnterpriseManagement)
	require.Contains(t, d.ok("whoami"), "alexa::ask:subscriptions alexa::ask:skills:readwrite alexa::enterprise:management\n")

	// An expired token is refreshed.
	require.Zero(t, run(t, url, "cloud", "age", "61m").code)
	require.Contains(t, d.ok("whoami"), "amzn1.account.A")

	// Profiles are separate, and so are clouds.
	d.login("amzn1.account.B", "--profile", "other")
	require.Contains(t, d.ok("whoami", "--profile", "other"), "amzn1.account.B")
	require.Contains(t, d.ok("whoami"), "amzn1.account.A")
	token := strings.TrimSpace(d.ok("login", "token", "--profile", "other"))
	d.write("token", token)
	require.Contains(t, d.ok("whoami", "--access-token", "@token"), "amzn1.account.B")
	require.Equal(t, exitUsage, d.run("whoami", "--access-token", "@token", "--profile", "other").code)
	require.NoError(t, os.Remove(filepath.Join(d.home, "token")))
	otherURL, _, _ := startCloud(t, "--offline")
	require.Equal(t, exitLogin, d.run("whoami", "--cloud", otherURL).code)

	require.Contains(t, d.ok("__complete", "whoami", "--profile", ""), "default\nother\n")
	d.requireNoSecrets()
	require.Empty(t, d.ok("logout"))
	require.Equal(t, exitLogin, d.run("whoami").code)
	require.Zero(t, d.run("logout").code)
}

// A client without a secret gets no refresh token.
func TestPublicLogin(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	d := newDeveloper(t, url)
	got := d.run("login", "--client-id", "public", "--public", "--customer", "amzn1.account.A")
	require.Zero(t, got.code, got.errors)
	require.Contains(t, got.errors, "The client got no refresh token: this login ends at ")
	require.Contains(t, d.ok("whoami"), "amzn1.account.A")
	require.NotEmpty(t, d.ok("login", "token"))
	require.Zero(t, run(t, url, "cloud", "age", "61m").code)
	got = d.run("whoami")
	require.Equal(t, exitLogin, got.code)
	require.Contains(t, got.errors, "the client got no refresh token")
	d.requireNoSecrets()
}

func TestInvitation(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	d := newDeveloper(t, url)
	const redirect = "https://organization.example/callback"
	require.Equal(t, exitLogin, d.run("login", "invite", "dana", "--redirect", redirect).code)
	d.login("amzn1.account.ORGANIZATION")

	first := strings.TrimSpace(d.ok("login", "invite", "dana", "--redirect", redirect))
	link := strings.TrimSpace(d.ok("login", "invite", "dana", "--redirect", redirect, "--scope", lwa.ScopeSubscriptions))
	ben := strings.TrimSpace(d.ok("login", "invite", "ben", "--redirect", redirect))
	require.Equal(t, exitLogin, d.run("login", "token", "--profile", "dana").code)

	got := d.runInput(consent(t, url, first, "amzn1.account.DANA"), "login", "accept")
	require.Equal(t, exitFailed, got.code, "a later invitation replaced it")
	require.Contains(t, got.errors, "no invitation has this state")
	for _, input := range []string{"", "x", "https://organization.example/callback?code=x", "%"} {
		require.Equal(t, exitUsage, d.runInput(input, "login", "accept").code, input)
	}
	d.requireNoSecrets() // of open invitations, too
	state := func(link string) string {
		u, err := neturl.Parse(link)
		require.NoError(t, err)
		return u.Query().Get("state")
	}
	got = d.runInput(redirect+"?error=access_denied&state="+state(link), "login", "accept")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, "the person did not consent")
	got = d.runInput(redirect+"?code=ANalexatestx&state="+state(link), "login", "accept")
	require.Equal(t, exitRefused, got.code)

	// The invitation is still there. Each code goes to its invitation.
	got = d.runInput(consent(t, url, ben, "amzn1.account.BEN"), "login", "accept")
	require.Equal(t, outcome{0, "profile ben: alexa::ask:subscriptions alexa::ask:skills:readwrite\n", ""}, got)
	got = d.runInput(consent(t, url, link, "amzn1.account.DANA"), "login", "accept")
	require.Equal(t, outcome{0, "profile dana: alexa::ask:subscriptions\n", ""}, got)
	require.Equal(t, exitFailed, d.runInput(consent(t, url, link, "amzn1.account.DANA"), "login", "accept").code, "it was accepted")
	require.Contains(t, d.ok("whoami", "--profile", "dana"), "user    amzn1.account.DANA\nclient  "+testClient+"\n")

	// Each token that is handed out is new.
	var token, next struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(d.ok("login", "token", "--profile", "dana", "--json")), &token))
	require.NoError(t, json.Unmarshal([]byte(d.ok("login", "token", "--profile", "dana", "--json")), &next))
	require.NotEqual(t, token.AccessToken, next.AccessToken)
	remote, err := alexatest.Remote(url)
	require.NoError(t, err)
	info, err := (&lwa.Client{ID: testClient, HTTPClient: remote.Client()}).TokenInfo(t.Context(), "x")
	require.Error(t, err)
	require.Zero(t, info)

	require.Equal(t, exitUsage, d.run("login", "invite", "default", "--redirect", redirect).code)
	require.Equal(t, exitUsage, d.run("login", "invite", "../x", "--redirect", redirect).code)
	require.Equal(t, exitUsage, d.run("login", "invite", "eve", "--redirect", "callback").code)
	d.requireNoSecrets()
}

func TestLoginErrors(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	d := newDeveloper(t, url)
	d.write("empty", "")
	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "name the client", []string{"login"}},
		{exitUsage, "client secret is missing", []string{"login", "--client-id", "x"}},
		{exitUsage, "other users of this machine", []string{"login", "--client-id", "x", "--client-secret", "canary"}},
		{exitUsage, "empty is empty", []string{"login", "--client-id", "x", "--client-secret", "@empty"}},
		{exitFailed, "no such file", []string{"login", "--client-id", "x", "--client-secret", "@missing"}},
		{exitUsage, "not on this machine", []string{"login", "--client-id", "x", "--public", "--redirect", "http://192.0.2.1:9090/cb"}},
		{exitUsage, "not a URL", []string{"login", "--client-id", "x", "--public", "--redirect", "https://backend.example/cb"}},
		{exitUsage, "name of a profile", []string{"whoami", "--profile", "../x"}},
		{exitUsage, "other users of this machine", []string{"whoami", "--access-token", "canary"}},
		{exitUnreachable, "no cloud", []string{"login", "--client-id", "x", "--public", "--cloud", "http://127.0.0.1:1"}},
	} {
		got := d.run(test.args...)
		require.Equal(t, test.code, got.code, "%v: %s", test.args, got.errors)
		require.Contains(t, got.errors, test.want)
		require.NotContains(t, got.errors, "canary")
		require.Empty(t, got.out)
	}
	amazon := d.command("login", "--client-id", "x", "--public", "--customer", "anna")
	amazon.Env = append(amazon.Env, "ALEXAEVENTS_CLOUD=")
	require.Error(t, amazon.Run())
	require.Equal(t, exitUsage, amazon.ProcessState.ExitCode(), "nobody consents at once at Amazon")

	// Amazon refuses the code: the client's secret is wrong.
	d.login("amzn1.account.A")
	got := d.runInput("wrong\n", "login", "--client-id", testClient, "--profile", "other", "--customer", "amzn1.account.A", "--json")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, `{"error":{"exit":5,"message":"lwa: invalid_client`)
	require.Equal(t, exitLogin, d.run("whoami", "--profile", "other").code, "a login that failed leaves nothing")
	d.requireNoSecrets()
}

// A browser is opened where there is one.
func TestBrowser(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the test has a browser for Linux")
	}
	url, _, _ := startCloud(t, "--offline")
	d := newDeveloper(t, url)
	bin := t.TempDir()
	opened := filepath.Join(bin, "opened")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" > "+opened+".new\nmv "+opened+".new "+opened+"\n"), 0o700))
	command := d.command("login", "--client-id", "x", "--public", "--redirect", "http://127.0.0.1:0/cb")
	command.Env = append(command.Env, "ALEXAEVENTS_CLOUD=", "PATH="+bin+":"+os.Getenv("PATH"), "DISPLAY=:99")
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(opened)
		return err == nil && string(text) == line
	}, time.Minute, 10*time.Millisecond)
	require.True(t, strings.HasPrefix(line, "https://www.amazon.com/ap/oa?"), line)
	require.NoError(t, command.Process.Signal(os.Interrupt))
	_ = command.Wait()
	require.Equal(t, exitInterrupted, command.ProcessState.ExitCode())
}
