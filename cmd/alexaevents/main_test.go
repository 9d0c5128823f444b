package main

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

var program string // the built program

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "alexaevents-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "alexaevents")
		if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			fmt.Printf("%s\n", output)
			return 1
		}
		return m.Run()
	}())
}

// outcome is how a process ended.
type outcome struct {
	code        int
	out, errors string
}

// run runs the program.
func run(t *testing.T, url string, args ...string) outcome {
	t.Helper()
	return runInput(t, url, "", args...)
}

func runInput(t *testing.T, url, input string, args ...string) outcome {
	t.Helper()
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), "ALEXAEVENTS_CLOUD="+url, "XDG_CACHE_HOME="+t.TempDir(), "HTTPS_PROXY=", "JAVA_TOOL_OPTIONS=")
	command.Stdin = strings.NewReader(input)
	var out, errors bytes.Buffer
	command.Stdout, command.Stderr = &out, &errors
	err := command.Run()
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // of Run itself
		return outcome{exit.ExitCode(), out.String(), errors.String()}
	}
	require.NoError(t, err)
	return outcome{0, out.String(), errors.String()}
}

// startCloud starts a cloud, and a backend that verifies requests by it. It returns
// the URL of the cloud, and what the backend receives.
func startCloud(t *testing.T, args ...string) (url, backendURL string, received chan skillevents.Event) {
	t.Helper()
	received = make(chan skillevents.Event, 100)
	verifier := &signature.Verifier{Skills: []string{defaultSkill}}
	backend := httptest.NewUnstartedServer(verifier.Handler(&skillevents.Handler{Receive: func(_ context.Context, e skillevents.Event) error {
		received <- e
		return nil
	}}))
	backendURL = "http://" + backend.Listener.Addr().String()
	command := exec.Command(program, append([]string{"cloud", "--listen", "127.0.0.1:0", "--to", backendURL, "--json"}, args...)...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var ready struct{ URL string }
	require.NoError(t, json.Unmarshal(line, &ready))
	t.Cleanup(func() {
		require.NoError(t, command.Process.Signal(os.Interrupt))
		_ = command.Wait()
		require.Equal(t, exitInterrupted, command.ProcessState.ExitCode())
	})
	remote, err := alexatest.Remote(ready.URL)
	require.NoError(t, err)
	verifier.Roots, verifier.HTTPClient = remote.Roots(), remote.Client()
	backend.Start()
	t.Cleanup(backend.Close)
	return ready.URL, backendURL, received
}

func TestHelp(t *testing.T) {
	var all func(c *cobra.Command)
	all = func(c *cobra.Command) {
		args := slices.Concat(strings.Fields(c.CommandPath())[1:], []string{"--help"})
		got := run(t, "", args...)
		require.Zero(t, got.code)
		require.Regexp(t, `Examples:\n  .*alexaevents`, got.out, c.CommandPath())
		require.Contains(t, got.out, "Usage:\n  "+c.CommandPath())
		require.NotEmpty(t, c.Short)
		for _, child := range c.Commands() {
			if child.IsAvailableCommand() {
				all(child)
			}
		}
	}
	all((&app{out: io.Discard, err: io.Discard}).command())
	require.Equal(t, exitCodes+"\n", run(t, "", "help", "exit-codes").out)
}

func TestVersion(t *testing.T) {
	require.Equal(t, run(t, "", "--version"), run(t, "", "version"))
	require.JSONEq(t, `{"version":"`+strings.TrimSpace(run(t, "", "version").out)+`"}`, run(t, "", "version", "--json").out)
	info, err := buildinfo.ReadFile(program)
	require.NoError(t, err)
	require.LessOrEqual(t, len(info.Deps), 12)
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := run(t, "", "completion", shell)
		require.Zero(t, got.code)
		require.Contains(t, got.out, "alexaevents")
	}
	require.Contains(t, run(t, "", "__complete", "send", "Skill").out, "SkillAccountLinked\n")
	require.Contains(t, run(t, "", "__complete", "customer", "anna", "").out, "enable\nlink\n")
	require.Contains(t, run(t, "", "__complete", "cloud", "").out, "journal\t")
}

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"dance"},
		{"--dance"},
		{"send"},
		{"customer", "anna"},
		{"print", "Dance"},
		{"print", "LaunchRequest", "--set", "x"},
		{"cloud", "reset", "x"},
		{"cloud", "--listen", "0.0.0.0:0"},
		{"cloud", "--listen", "x"},
		{"cloud", "--tls", ":443"},
		{"cloud", "fault"},
		{"run"},
		{"manifest", "build"},
		{"manifest", "build", "--endpoint", "http://x"},
		{"send", "LaunchRequest", "--repeat", "0"},
		{"--cloud", "http://[", "customer"},
	} {
		got := run(t, "http://127.0.0.1:1", args...)
		require.Equal(t, exitUsage, got.code, args)
		require.Empty(t, got.out, args)
		require.True(t, strings.HasPrefix(got.errors, "alexaevents: "), got.errors)
	}
	got := run(t, "", "--dance", "--json")
	require.Equal(t, exitUsage, got.code)
	require.JSONEq(t, `{"error":{"exit":2,"message":"unknown flag: --dance","hint":"see --help"}}`, got.errors)
}

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

func TestCustomerAndSend(t *testing.T) {
	url, backend, received := startCloud(t)
	require.Equal(t, outcome{}, run(t, url, "cloud", "reset"))
	got := run(t, url, "customer", "anna", "link")
	require.Zero(t, got.code, got.errors)
	require.Regexp(t, `^AlexaSkillEvent.SkillAccountLinked: status 200 in \d+ ms\n$`, got.out)
	require.IsType(t, (*skillevents.SkillAccountLinked)(nil), <-received)
	require.Equal(t, "anna NA enabled linked\n", run(t, url, "customer").out)

	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("from-a-file\n"), 0o600))
	require.Zero(t, run(t, url, "customer", "emma", "link", "--token", "@"+token, "--region", "EU").code)
	require.Equal(t, "from-a-file", string((<-received).(*skillevents.SkillAccountLinked).AccessToken))
	require.Contains(t, run(t, url, "customer", "emma", "grant").out, "AcceptGrant")
	require.Equal(t, "emma EU code not exchanged\n", run(t, url, "cloud", "grants").out)
	require.Zero(t, run(t, url, "customer", "emma", "disable").code)
	<-received
	require.Equal(t, "emma EU revoked\n", run(t, url, "cloud", "grants").out)

	got = run(t, url, "send", "SkillEnabled", "SkillDisabled", "--repeat", "2", "--shuffle", "--late", "30m", "--json")
	require.Zero(t, got.code, got.errors)
	require.Len(t, strings.Split(strings.TrimSpace(got.out), "\n"), 4)
	for range 4 {
		<-received
	}
	got = run(t, url, "send", "SkillEnabled", "--tamper")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, "status 400")
	got = run(t, url, "send", "SkillEnabled", "--late", "61m")
	require.Equal(t, exitRefused, got.code)
	got = run(t, url, "send", "SkillEnabled", "--to", "http://127.0.0.1:1/", "--json")
	require.Equal(t, exitUnreachable, got.code)
	require.Contains(t, got.errors, `{"error":{"exit":3,`)
	require.Equal(t, exitUsage, run(t, url, "customer", "anna", "dance").code)
	require.Empty(t, received)

	editor := filepath.Join(t.TempDir(), "editor")
	require.NoError(t, os.WriteFile(editor, []byte("#!/bin/sh\nsed -i s/SkillEnabled/SkillDisabled/ \"$1\"\n"), 0o700))
	t.Setenv("EDITOR", editor)
	require.Zero(t, run(t, url, "send", "SkillEnabled", "--edit").code)
	require.IsType(t, (*skillevents.SkillDisabled)(nil), <-received)

	got = run(t, url, "cloud", "journal", "--kind", "event", "--customer", "anna", "--status", "200", "--json")
	require.Contains(t, got.out, `"url":"`+backend)
	got = run(t, url, "cloud", "journal", "--kind", "event", "--wait", "99", "--timeout", "1ms")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errors, "of 99 entries within 1ms")
	require.NotEmpty(t, got.out)
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

func TestForge(t *testing.T) {
	url, _, received := startCloud(t)
	got := run(t, url, "forge", "--strict")
	require.Zero(t, got.code, got.out+got.errors)
	require.Equal(t, 21, strings.Count(got.out, "ok  "))
	<-received
	careless := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer careless.Close()
	got = run(t, url, "forge", "--to", careless.URL)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, 3, strings.Count(got.out, "warn"))
	require.Contains(t, got.errors, "17 of 21")
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Signature-256") == "" {
			w.WriteHeader(http.StatusInternalServerError)
		} else {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer broken.Close()
	require.Equal(t, 2, strings.Count(run(t, url, "forge", "--to", broken.URL).out, "warn  500"))
	require.Equal(t, 2, strings.Count(run(t, url, "forge", "--to", broken.URL, "--strict").out, "FAIL  500"))
	require.Equal(t, exitUnreachable, run(t, url, "forge", "--to", "http://127.0.0.1:1").code)
}

func TestPrint(t *testing.T) {
	got := run(t, "", "print", "SkillAccountLinked", "--skill", "amzn1.ask.skill.1", "--token", "t")
	require.Zero(t, got.code)
	event, err := skillevents.Parse([]byte(got.out))
	require.NoError(t, err)
	require.Equal(t, "t", string(event.(*skillevents.SkillAccountLinked).AccessToken))
	require.Contains(t, run(t, "", "print", "Alexa.PowerController.TurnOn", "--endpoint", "lamp-1").out, `"endpointId":"lamp-1"`)
}

func TestVerify(t *testing.T) {
	url, _, _ := startCloud(t)
	body := strings.TrimSpace(run(t, url, "print", "SkillEnabled").out)
	response, err := http.Post(url+"/_cloud/sign", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	headers := make(map[string]string)
	require.NoError(t, json.NewDecoder(response.Body).Decode(&headers))
	raw := "POST /alexa/events HTTP/1.1\r\n"
	list := []map[string]string{}
	for name, value := range headers {
		raw += strings.ToLower(name) + ": " + value + "\r\n"
		list = append(list, map[string]string{"name": name, "value": value})
	}
	encode := func(v any) string {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		return string(data)
	}
	type object = map[string]any
	request := func(headers any, body string) object {
		return object{"request": object{"headers": headers, "postData": object{"text": body}}}
	}
	for name, file := range map[string]string{
		"raw":    raw + "\r\n" + body,
		"HAR":    encode(object{"log": object{"entries": []object{request([]string(nil), ""), request(list, body)}}}),
		"event":  encode(object{"headers": headers, "body": body}),
		"base64": encode(object{"headers": headers, "body": base64.StdEncoding.EncodeToString([]byte(body)), "isBase64Encoded": true}),
	} {
		got := runInput(t, url, file, "verify", "--fake", "-")
		require.Zero(t, got.code, name+got.out+got.errors)
		require.Equal(t, 8, strings.Count(got.out, "pass"), name)
	}
	for name, test := range map[string]struct {
		file string
		args []string
		want string // what the output contains
		fail int
	}{
		"changed":   {raw + "\r\n" + body + " ", nil, "fail     signature: ", 1},
		"line":      {raw + "\r\n" + body + "\n", nil, "matches the body without its last line break", 1},
		"old":       {raw + "\r\n" + body, []string{"--at", "2090-01-01T00:00:00Z"}, "fail     time: ", 1},
		"skill":     {raw + "\r\n" + body, []string{"--skill", "amzn1.ask.skill.other"}, "fail     skill: ", 1},
		"both":      {raw + "\r\n" + body + " ", []string{"--skill", "amzn1.ask.skill.other", "--at", "2090-01-01T00:00:00Z"}, "fail     signature: ", 3},
		"no header": {"\nA: b\n\n" + body, nil, "fail     headers: ", 1},
		"not JSON":  {raw + "\r\nhello", nil, "fail     body: ", 1},
		"URL":       {strings.Replace(raw, "s3.amazonaws.com", "s3.example.com", 1) + "\r\n" + body, nil, "fail     certificate URL: ", 1},
		"404":       {strings.Replace(raw, "echo-api-cert-", "echo-api-cert-9", 1) + "\r\n" + body, nil, "fail     certificate: ", 1},
	} {
		got := runInput(t, url, test.file, append([]string{"verify", "--fake", "-"}, test.args...)...)
		require.Equal(t, exitFailed, got.code, name)
		require.Contains(t, got.out, test.want, name)
		require.Equal(t, test.fail, strings.Count(got.out, "fail "), name+got.out)
	}
	for _, file := range []string{"", "{}", "[1]", "not a header\n\n", "A: b", `{"log":{"entries":[]}}`, `{"headers":{},"body":"?","isBase64Encoded":true}`} {
		got := runInput(t, url, file, "verify", "--fake", "-", "--json")
		require.Equal(t, exitFailed, got.code, file)
		require.Contains(t, got.errors, `{"error":{"exit":1,`)
	}
	require.Zero(t, run(t, url, "cloud", "fault", "https://s3.amazonaws.com/", "--status", "503", "--times", "-1").code)
	require.Contains(t, runInput(t, url, raw+"\r\n"+body, "verify", "--fake", "-").out, "fail     certificate fetched: ")
	require.Equal(t, exitUsage, runInput(t, url, raw+"\r\n"+body, "verify", "--at", "noon", "-").code)
	require.Equal(t, exitUnreachable, runInput(t, "http://127.0.0.1:1", raw+"\r\n"+body, "verify", "--fake", "-").code)
}

func TestManifest(t *testing.T) {
	built := run(t, "", "manifest", "build", "--endpoint", "https://backend.example/alexa/events", "--certificate", "Trusted", "--subscribe", "SKILL_ENABLED")
	require.Zero(t, built.code, built.errors)
	got := runInput(t, "", `{"manifest":{"events":`+built.out+`}}`, "manifest", "lint", "-")
	require.Zero(t, got.code, got.out)
	require.NotContains(t, got.out, "error: ")
	got = runInput(t, "", `{"manifest":{}}`, "manifest", "lint", "-", "--json")
	require.Equal(t, exitFailed, got.code)
	require.JSONEq(t, `{"kind":"error","path":"manifest.events","text":"missing: the skill gets no events"}`, got.out)
	require.Equal(t, exitFailed, runInput(t, "", "[]", "manifest", "lint", "-").code)
	require.Equal(t, exitFailed, run(t, "", "manifest", "lint", "missing.json").code)
}

func TestRun(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	require.Equal(t, 7, run(t, url, "run", "--", "sh", "-c", "exit 7").code)
	require.Equal(t, 128+int(syscall.SIGKILL), run(t, url, "run", "--", "sh", "-c", "kill -9 $$").code)
	require.Equal(t, exitFailed, run(t, url, "run", "--", "no-such-program").code)
	require.Equal(t, "a b\n", run(t, url, "run", "--", "echo", "a b").out)

	shell := run(t, url, "env")
	require.Contains(t, shell.out, "export HTTPS_PROXY='"+url+"'\n")
	var environment map[string]string
	require.NoError(t, json.Unmarshal([]byte(run(t, url, "env", "--json").out), &environment))
	require.Len(t, environment, strings.Count(shell.out, "export "))

	// A signal reaches the program, whose exit code is that of the command.
	command := exec.Command(program, "run", "--cloud", url, "--", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done")
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	_ = command.Wait()
	require.Equal(t, 9, command.ProcessState.ExitCode())
}

// Programs that know nothing of the cloud reach its Amazon, and nothing else.
func TestClients(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	const certificate = "https://s3.amazonaws.com/echo.api/echo-api-cert-1.pem"
	for _, client := range []struct {
		name string
		args []string
		want string
	}{
		{"curl", []string{"curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}\n", certificate}, "200\n"},
		{"python3", []string{"python3", "-c", "import urllib.request as u; print(u.urlopen('" + certificate + "').status)"}, "200\n"},
		{"node fetch", []string{"node", "-e", "fetch('" + certificate + "').then(r => console.log(r.status))"}, "200\n"},
		{"node https", []string{"node", "-e", "require('https').get('" + certificate + "', r => { console.log(r.statusCode); process.exit() })"}, "200\n"},
		{"node roots", []string{"node", "-e", "const t = require('tls'); console.log(t.rootCertificates.filter(c => c.includes(require('fs').readFileSync(process.env.ALEXAEVENTS_CA, 'utf8').split('\\n')[1])).length)"}, "1\n"},
		{"java", []string{"java", "testdata/Client.java", certificate}, "200 200\n"},
	} {
		t.Run(client.name, func(t *testing.T) {
			if _, err := exec.LookPath(client.args[0]); err != nil {
				t.Skip(err)
			}
			got := run(t, url, append([]string{"run", "--"}, client.args...)...)
			require.Zero(t, got.code, got.errors)
			require.Equal(t, client.want, got.out)
		})
	}
	require.NotZero(t, run(t, url, "run", "--", "curl", "-sS", "https://example.com/").code)
}

// The libraries of Amazon and of others for Node.js accept what the cloud signs, without
// a change, and refuse what was changed. "npm ci" in testdata/node installs them.
func TestLibrariesForNode(t *testing.T) {
	const dir = "testdata/node"
	if _, err := os.Stat(dir + "/node_modules"); err != nil {
		t.Skip(err)
	}
	url, _, _ := startCloud(t, "--offline")
	remote, err := alexatest.Remote(url)
	require.NoError(t, err)
	post := func(path string, body, out any) {
		data, ok := body.([]byte)
		if !ok {
			data, err = json.Marshal(body)
			require.NoError(t, err)
		}
		response, err := http.Post(url+"/_cloud/"+path, "application/json", bytes.NewReader(data))
		require.NoError(t, err)
		if out != nil {
			require.NoError(t, json.NewDecoder(response.Body).Decode(out))
		}
	}
	type object = map[string]any

	t.Run("ask-sdk-express-adapter", func(t *testing.T) {
		backend := exec.Command(program, "run", "--cloud", url, "--", "node", dir+"/adapter.cjs", "0")
		out, err := backend.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, backend.Start())
		defer func() {
			require.NoError(t, backend.Process.Signal(syscall.SIGTERM))
			_ = backend.Wait()
		}()
		port, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		to := "http://127.0.0.1:" + strings.TrimSpace(port) + "/"
		for _, event := range []string{"SkillEnabled", "LaunchRequest"} {
			require.Zero(t, run(t, url, "send", event, "--to", to).code)
			require.Equal(t, exitRefused, run(t, url, "send", event, "--to", to, "--tamper").code)
		}
		got := run(t, url, "forge", "--to", to)
		require.Zero(t, got.code, got.out)
	})
	t.Run("alexa-verifier", func(t *testing.T) {
		body := strings.TrimSpace(run(t, url, "print", "LaunchRequest").out)
		headers := make(map[string]string)
		post("sign", []byte(body), &headers)
		for changed, want := range map[string]string{"": "accepted\n", " ": "refused\n"} {
			input, err := json.Marshal(object{"headers": headers, "body": body + changed})
			require.NoError(t, err)
			require.Equal(t, want, runInput(t, url, string(input), "run", "--", "node", dir+"/verifier.mjs").out)
		}
	})
	t.Run("sns-validator", func(t *testing.T) {
		messages := make(chan string, 1)
		topic := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			message, _ := io.ReadAll(r.Body)
			messages <- string(message)
		}))
		defer topic.Close()
		require.Zero(t, run(t, url, "send", "AlexaDevelopmentEvent.SkillPublish", "--to", topic.URL).code)
		message := <-messages
		for text, want := range map[string]string{
			message: "accepted\n",
			strings.Replace(message, `"Message":"`, `"Message":" `, 1): "refused\n",
		} {
			require.Equal(t, want, runInput(t, url, text, "run", "--", "node", dir+"/sns.cjs").out)
		}
	})
	t.Run("ask-smapi-sdk", func(t *testing.T) {
		const callback = "http://127.0.0.1:9090/cb"
		post("vendors", object{"id": "M1", "customers": []string{"amzn1.account.A"}}, nil)
		var redirect struct{ Redirect string }
		post("consent", object{
			"url":      "https://www.amazon.com/ap/oa?response_type=code&client_id=id&scope=alexa::ask:skills:readwrite&redirect_uri=" + callback,
			"customer": "amzn1.account.A",
		}, &redirect)
		redirected, err := neturl.Parse(redirect.Redirect)
		require.NoError(t, err)
		response, err := remote.Client().PostForm("https://api.amazon.com/auth/o2/token", neturl.Values{
			"grant_type": {"authorization_code"}, "code": {redirected.Query().Get("code")}, "redirect_uri": {callback},
			"client_id": {"id"}, "client_secret": {"secret"},
		})
		require.NoError(t, err)
		var tokens struct {
			Refresh string `json:"refresh_token"`
		}
		require.NoError(t, json.NewDecoder(response.Body).Decode(&tokens))
		got := run(t, url, "run", "--", "node", dir+"/smapi.cjs", tokens.Refresh)
		require.Equal(t, "M1\n", got.out, got.errors)
	})
}

// A backend in Python that knows nothing of the cloud exchanges the code of a grant and
// sends an event, which the journal shows without a token.
func TestBackendInPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip(err)
	}
	url, _, _ := startCloud(t, "--offline")
	backend := exec.Command(program, "run", "--cloud", url, "--", "python3", "testdata/backend.py", "0")
	out, err := backend.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, backend.Start())
	defer func() {
		require.NoError(t, backend.Process.Signal(syscall.SIGTERM))
		_ = backend.Wait()
	}()
	port, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	backendURL := "http://127.0.0.1:" + strings.TrimSpace(port) + "/"

	granted := run(t, url, "customer", "anna", "grant", "--to", backendURL)
	require.Zero(t, granted.code, granted.errors)
	response, err := http.Get(backendURL + "press")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	got := run(t, url, "cloud", "journal", "--wait", "3", "--json")
	require.Zero(t, got.code, got.errors)
	require.Regexp(t, `(?s)"kind":"token".*"kind":"directive".*"kind":"gateway","name":"Alexa.ChangeReport","customer":"anna".*"status":202`, got.out)
	require.NotContains(t, got.out, "Atz")
	require.Equal(t, "anna NA valid\n", run(t, url, "cloud", "grants").out)
}
