package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/play"
)

const scenarios = "../../examples/scenarios/"

// playLamps plays files with the backend in Python, in which the old text is replaced.
func playLamps(t *testing.T, old, changed string, files ...string) outcome {
	t.Helper()
	needProgram(t, "python3")
	source, err := os.ReadFile("testdata/lamps.py")
	require.NoError(t, err)
	require.Contains(t, string(source), old)
	backend := filepath.Join(t.TempDir(), "lamps.py")
	require.NoError(t, os.WriteFile(backend, []byte(strings.Replace(string(source), old, changed, 1)), 0o600))
	port := freePort()
	url := fmt.Sprintf("http://127.0.0.1:%d/alexa", port)
	args := append([]string{"play", "--to", url + "/events", "--directives", url + "/smarthome/NA", "--offline"}, files...)
	return run(t, "", append(args, "--", "python3", backend, fmt.Sprint(port))...)
}

var ports atomic.Int32

func init() { ports.Store(20_000 + rand.Int32N(10_000)) }

// freePort returns a port below those that systems give to clients, so that it stays
// free until a backend listens on it.
func freePort() int {
	for {
		port := int(ports.Add(1))
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
}

// lineOf returns the number of the line of a file that has the text.
func lineOf(t *testing.T, file, text string) int {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	before, _, found := strings.Cut(string(content), text)
	require.True(t, found, text)
	return strings.Count(before, "\n") + 1
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(scenarios + "*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 4)
	got := playLamps(t, "", "", files...)
	require.Zero(t, got.code, got.out+got.errors)
	require.Equal(t, len(files), strings.Count(got.out, "ok    "), got.out)
}

// Each scenario fails if the backend is broken.
func TestScenariosOfBrokenBackends(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run breaks no backend")
	}
	t.Parallel()
	for _, test := range []struct{ scenario, old, changed, line, message string }{
		{"life.yaml", "if signed != ", "if False and signed != ", "tamper: true", "send: SkillDisabled: status 200, expected 400"},
		{"life.yaml", "accounts[user] = ", "accounts['x'] = ", "{launch: anna", `launch: anna: response.outputSpeech.text is "Hello. Please link your account.", expected "Hello, home."`},
		{"family.yaml", "if account_of(key) == account]", "if account_of(key) == account][:1]", "customer: ben}", "wait: gateway: 0 of 1 within 10s\n"},
		{"family.yaml", "GATEWAYS[grant['region']]", "GATEWAYS['NA']", "customer: ben}", "wait: gateway: 0 of 1 within 10s; got gateway Alexa.ChangeReport ben status 403: expected status 2xx"},
		{"throttled.yaml", "status == 429 or ", "", "status: 429, count: 2", "wait: gateway: 1 of 2 within 10s"},
		{"lost.yaml", "self.reply(503)", "self.reply(200)", "status: 503\n  - heal", "send: AlexaDevelopmentEvent.SkillPublish: status 200, expected 503"},
		{"lost.yaml", "message['SubscribeURL'], timeout", "message['SigningCertURL'], timeout", "subscribe:", "subscribe: /sns/skills: http://127.0.0.1:"},
		{"lost.yaml", "news[event['requestId']] = ", "news[message['MessageId']] = ", "body: {\"0\"", `get: /news: 1 is "AlexaDevelopmentEvent.SkillPublish: SUCCEEDED", expected null`},
	} {
		t.Run(test.scenario+" "+test.old, func(t *testing.T) {
			t.Parallel()
			file := scenarios + test.scenario
			got := playLamps(t, test.old, test.changed, file)
			require.Equal(t, exitFailed, got.code, got.out+got.errors)
			require.Contains(t, got.out, fmt.Sprintf("\n%s:%d: %s", file, lineOf(t, file, test.line), test.message))
			require.Contains(t, got.errors, "1 of 1 scenarios failed")
		})
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// The scenarios of the README pass, and fail if the backend is broken.
func TestScenariosOfReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var files []string
	dir := t.TempDir()
	for i, block := range yamlBlock.FindAllSubmatch(readme, -1) {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.yaml", i)))
		require.NoError(t, os.WriteFile(files[i], block[1], 0o600))
	}
	require.Len(t, files, 2)
	got := playLamps(t, "", "", files...)
	require.Zero(t, got.code, got.out+got.errors)
	if testing.Short() {
		return // a short run breaks no backend
	}
	for i, change := range [][2]string{{"Hello, {name}.", "Hello."}, {"status == 429 or ", ""}} {
		got := playLamps(t, change[0], change[1], files[i])
		require.Equal(t, exitFailed, got.code, got.out+got.errors)
		require.Contains(t, got.out, "\n"+files[i]+":")
	}
}

// write writes a scenario.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestPlay(t *testing.T) {
	url, _, _ := startCloud(t)
	var requests atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /directives", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"event":{"header":{"name":"ErrorResponse"}}}`)
	})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"requests":%d}`, requests.Add(1))
	})
	mux.HandleFunc("PUT /echo", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"header":%q,"body":%s}`, r.Header.Get("X-Test"), body)
	})
	backend := httptest.NewServer(mux)
	defer backend.Close()
	to := []string{"--to", backend.URL + "/events"}
	good := write(t, "good.yaml", `name: <good> & ok
steps:
  - enable: anna
  - {send: SkillEnabled, customer: ben}
  - {wait: event, count: 2}
  - {wait: event, count: 0, within: 50ms}
  - {get: /slow, within: 5s, body: {requests: 3}}
  - put: /echo
    headers: {X-Test: "1"}
    json: {list: [{a: 1.5}], text: 5}
    status: 202
    body: {header: "1", body.list.0.a: 1.5, body.list.1: null, body.list: [{a: 1.5}], body.text: 5}
  - {put: "http://127.0.0.1:1/x", status: 0}
  - {enable: anna, to: "http://127.0.0.1:1/x", status: 0}
  - {grant: anna, to: /directives, body: {event.header.name: ErrorResponse}}
  - {fault: "https://api.amazon.com/", delay: 1ms}
  - heal
  - age: 1h
`)
	bad := write(t, "bad.yaml", "steps:\n  - enable: anna\n\n  - {grant: anna, to: /directives}\n")

	got := run(t, url, append([]string{"play", good}, to...)...)
	require.Zero(t, got.code, got.out+got.errors)
	require.Regexp(t, `^ok    <good> & ok \(12 steps, \d+ ms\)\n$`, got.out)
	require.Equal(t, "anna NA enabled granted\nben NA\n", run(t, url, "customer").out)

	requests.Store(0)
	got = run(t, url, append([]string{"play", bad, good, "--json"}, to...)...)
	require.Equal(t, exitFailed, got.code)
	require.JSONEq(t, `{"error":{"exit":1,"message":"1 of 2 scenarios failed"}}`, got.errors)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 2)
	var result play.Result
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &result))
	result.Millis = 0
	require.Equal(t, play.Result{
		File: bad, Name: "bad", Steps: 1,
		Failure: &play.Failure{Line: 4, Step: "grant: anna", Message: `the backend responded with an ErrorResponse: {"event":{"header":{"name":"ErrorResponse"}}}`},
	}, result)
	require.Contains(t, lines[1], `"passed":true`)

	requests.Store(0)
	got = run(t, url, append([]string{"play", bad, good, "--format", "junit"}, to...)...)
	require.Equal(t, exitFailed, got.code)
	var report struct {
		Suite struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Cases    []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				Failure string `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(got.out), &report))
	require.Equal(t, 2, report.Suite.Tests)
	require.Equal(t, 1, report.Suite.Failures)
	require.Equal(t, bad, report.Suite.Cases[0].Class)
	require.True(t, strings.HasPrefix(report.Suite.Cases[0].Failure, bad+":4: grant: anna: the backend"))
	require.Equal(t, "<good> & ok", report.Suite.Cases[1].Name)
	require.Empty(t, report.Suite.Cases[1].Failure)
}

func TestPlayFailures(t *testing.T) {
	url, backend, _ := startCloud(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"access_token":"s3cret-1"}`)
	}))
	defer server.Close()
	app := server.URL
	t.Setenv("SECRET", "s3cret-2")
	for _, test := range []struct{ steps, want string }{
		{"- enable: anna\n  status: 400", "3: enable: anna: status 200, expected 400"},
		{"- enable: anna\n  body:\n    a: 1", "3: enable: anna: a is null, expected 1"},
		{"- enable: anna\n  to: /x y\n- enable: anna\n  to: 'http://127.0.0.1:1'", "4: enable: anna: no response from http://127.0.0.1:1: "},
		{"- link: anna\n- grant: anna", "3: grant: anna: no URL for directives: add to: URL"},
		{"- send: Dance", `2: send: Dance: unknown event "Dance"`},
		{"- send: AlexaDevelopmentEvent.SkillPublish", "2: send: AlexaDevelopmentEvent.SkillPublish: a notification needs to"},
		{"- publish: SkillEnabled\n  topic: arn:aws:sns:us-east-1:000011112222:x", "2: publish: SkillEnabled: Amazon publishes no SkillEnabled to a topic"},
		{"- publish: AlexaDevelopmentEvent.SkillPublish\n  topic: x", "2: publish: AlexaDevelopmentEvent.SkillPublish: alexatest: the topic does not exist: x"},
		{"- subscribe: /\n  topic: arn:aws:sns:us-east-1:000011112222:x", "2: subscribe: /: " + backend + "/ did not confirm its subscription"},
		{"- enable: anna\n- {wait: event, count: 0, within: 1ms}", "3: wait: event: expected none, got event AlexaSkillEvent.SkillEnabled anna status 200"},
		{"- enable: anna\n- wait: event\n- {wait: event, within: 1ms}", "4: wait: event: 0 of 1 within 1ms"},
		{"- enable: anna\n- {wait: event, body: {request.type: X}, within: 1ms}", `3: wait: event: 0 of 1 within 1ms; got event AlexaSkillEvent.SkillEnabled anna status 200: request.type is "AlexaSkillEvent.SkillEnabled", expected "X"`},
		{"- forge: /\n- forge: " + app, "3: forge: " + app + ": status 200 for "},
		{"- get: http://127.0.0.1:1/", "2: get: http://127.0.0.1:1/: no response: dial tcp"},
		{"- get: http://127.0.0.1:1/?x=${SECRET}", "2: get: http://127.0.0.1:1/?x=${SECRET}: no response: dial tcp"},
		{"- get: " + app + "/token\n  body: {access_token: '${SECRET}'}", "3: get: " + app + "/token: access_token is not as expected; its value is secret"},
		{"- get: " + app + "/token\n  status: 400", "3: get: " + app + `/token: status 200, expected 400: {"access_token":"[redacted]"}`},
		{"- link: anna\n- {wait: event, body: {request.body.accessToken: '${SECRET}'}, within: 1ms}", "3: wait: event: 0 of 1 within 1ms; got event AlexaSkillEvent.SkillAccountLinked anna status 200: request.body.accessToken is not as expected; its value is secret"},
	} {
		file := write(t, "test.yaml", "steps:\n"+test.steps)
		got := run(t, url, "play", file)
		require.Equal(t, exitFailed, got.code, test.steps)
		require.Contains(t, got.out, "FAIL  test\n"+file+":"+test.want, test.steps)
		require.NotContains(t, got.out, "s3cret")
	}
}

func TestPlayRefuses(t *testing.T) {
	file := write(t, "test.yaml", "steps: [heal]")
	unknown := write(t, "unknown.yaml", "steps:\n- enable: anna\n  wrong: 1")
	for _, args := range [][]string{
		{},
		{"--"},
		{file, "--"},
		{"missing.yaml"},
		{file, unknown},
		{file, "--format", "html"},
		{file, "--to", "x", "--", "true"},
		{file, "--skill", "x"},
		{file, "--offline"},
		{file, "--cloud", "http://127.0.0.1:1", "--", "true"},
	} {
		got := run(t, "http://127.0.0.1:1", append([]string{"play"}, args...)...)
		require.Equal(t, exitUsage, got.code, args)
		require.Empty(t, got.out)
	}
	require.Contains(t, run(t, "", "play", file, unknown).errors, unknown+`:3: unknown field "wrong"`)
	require.Equal(t, exitUnreachable, run(t, "http://127.0.0.1:1", "play", file).code)
	require.Equal(t, string(play.Schema), run(t, "", "play", "--schema").out)

	busy := httptest.NewServer(http.NotFoundHandler())
	defer busy.Close()
	got := run(t, "", "play", file, "--to", busy.URL, "--", "true")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errors, "another program listens at "+busy.Listener.Addr().String())
	for _, command := range []string{"true", "no-such-program"} {
		got := run(t, "", "play", file, "--to", "http://127.0.0.1:1/", "--", command)
		require.Equal(t, exitFailed, got.code)
		require.Regexp(t, "the backend ended before it listened at 127.0.0.1:1: exit status 0|executable file not found", got.errors)
	}
}

func TestPlayLosesCloud(t *testing.T) {
	ending := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/_cloud/status":
			io.WriteString(w, "{}")
		case "/_cloud/reset":
			w.WriteHeader(http.StatusNoContent)
		default:
			panic(http.ErrAbortHandler)
		}
	}))
	defer ending.Close()
	got := run(t, ending.URL, "play", write(t, "test.yaml", "steps: [heal]"))
	require.Equal(t, exitUnreachable, got.code)
	require.Empty(t, got.out)
	require.Contains(t, got.errors, "start a cloud")
}

// A signal ends the backend, too.
func TestPlayInterrupted(t *testing.T) {
	file := write(t, "test.yaml", "steps: [heal]")
	command := exec.Command(program, "play", file, "--to", "http://127.0.0.1:1/", "--", "sh", "-c",
		"trap 'echo ended >&2; exit' TERM; echo started >&2; while :; do sleep 0.05; done")
	errors, err := command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := bufio.NewReader(errors)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "started\n", line)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(lines)
	require.NoError(t, err)
	require.Equal(t, "ended\nalexaevents: interrupted\n", string(rest))
	_ = command.Wait()
	require.Equal(t, exitInterrupted, command.ProcessState.ExitCode())
}
