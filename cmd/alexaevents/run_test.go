package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

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

// startBackend runs a backend whose Amazon is the cloud, until the test ends. The backend
// prints its port.
func startBackend(t *testing.T, url string, args ...string) (backendURL string) {
	t.Helper()
	backend := exec.Command(program, append([]string{"run", "--cloud", url, "--"}, args...)...)
	backend.Stderr = os.Stderr
	out, err := backend.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, backend.Start())
	t.Cleanup(func() {
		require.NoError(t, backend.Process.Signal(syscall.SIGTERM))
		_ = backend.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return "http://127.0.0.1:" + strings.TrimSpace(port) + "/"
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
		{"python3 requests", []string{"python3", "-c", "import requests; print(requests.get('" + certificate + "').status_code)"}, "200\n"},
		{"java", []string{"java", "testdata/Client.java", certificate}, "200 200\n"},
	} {
		t.Run(client.name, func(t *testing.T) {
			needProgram(t, client.args[0])
			if client.name == "python3 requests" {
				need(t, exec.Command("python3", "-c", "import requests").Run())
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
	_, err := os.Stat(dir + "/node_modules")
	need(t, err)
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

	t.Run("ask-sdk-express-adapter", func(t *testing.T) {
		to := startBackend(t, url, "node", dir+"/adapter.cjs", "0")
		for _, event := range []string{"SkillEnabled", "LaunchRequest"} {
			require.Zero(t, run(t, url, "send", event, "--to", to).code)
			require.Equal(t, exitRefused, run(t, url, "send", event, "--to", to, "--tamper").code)
		}
		refused, accepted, broken := forge(t, url, to)
		require.Equal(t, 16, refused)
		require.Equal(t, 3, accepted, "which Amazon's documents do not mention")
		require.Equal(t, 1, broken)
	})
	t.Run("undici", func(t *testing.T) {
		got := run(t, url, "run", "--", "node", dir+"/undici.cjs", "https://s3.amazonaws.com/echo.api/echo-api-cert-1.pem")
		require.Equal(t, "200\n", got.out, got.errors)
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

// A backend in Go, in a process of its own, refuses whatever is not genuine.
func TestBackendInGo(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	backend := filepath.Join(t.TempDir(), "backend")
	output, err := exec.Command("go", "build", "-o", backend, "./testdata/backend").CombinedOutput()
	require.NoError(t, err, "%s", output)
	to := startBackend(t, url, backend)
	require.Zero(t, run(t, url, "send", "SkillEnabled", "--to", to).code)
	require.Equal(t, exitRefused, run(t, url, "send", "SkillEnabled", "--to", to, "--tamper").code)
	refused, accepted, broken := forge(t, url, to)
	require.Equal(t, 20, refused)
	require.Zero(t, accepted)
	require.Zero(t, broken)
}

// forge counts the forgeries that a backend refuses with a status of 4xx, accepts, and
// responds to with 5xx. It fails if the backend accepts one that Amazon requires to
// refuse, or refuses the genuine event.
func forge(t *testing.T, url, to string) (refused, accepted, broken int) {
	t.Helper()
	got := run(t, url, "forge", "--to", to, "--json")
	require.Zero(t, got.code, got.out)
	for decoder := json.NewDecoder(strings.NewReader(got.out)); decoder.More(); {
		var forged cloud.Forged
		require.NoError(t, decoder.Decode(&forged))
		switch {
		case forged.Name == cloud.Genuine:
		case !forged.Refused:
			accepted++
		case forged.Status >= 500:
			broken++
		default:
			refused++
		}
	}
	return refused, accepted, broken
}

// A backend in Python that knows nothing of the cloud exchanges the code of a grant and
// sends an event, which the journal shows without a token.
func TestBackendInPython(t *testing.T) {
	needProgram(t, "python3")
	url, _, _ := startCloud(t, "--offline")
	backendURL := startBackend(t, url, "python3", "testdata/backend.py", "0")

	require.Zero(t, run(t, url, "customer", "anna", "link", "--to", backendURL).code)
	granted := run(t, url, "customer", "anna", "grant", "--to", backendURL)
	require.Zero(t, granted.code, granted.errors)
	response, err := http.Get(backendURL + "press")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	got := run(t, url, "cloud", "journal", "--after", "1", "--wait", "3", "--json")
	require.Zero(t, got.code, got.errors)
	require.Regexp(t, `(?s)"kind":"token".*"kind":"directive".*"kind":"gateway","name":"Alexa.ChangeReport","customer":"anna".*"status":202`, got.out)
	require.NotContains(t, got.out, "Atz")
	require.Equal(t, "anna NA valid\n", run(t, url, "cloud", "grants").out)
}

// needProgram skips the test on a developer's machine that lacks a program.
func needProgram(t *testing.T, name string) {
	t.Helper()
	_, err := exec.LookPath(name)
	need(t, err)
}

// need skips the test if a developer's machine lacks what the test runs. Under CI that is
// a failure.
func need(t *testing.T, err error) {
	t.Helper()
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
}
