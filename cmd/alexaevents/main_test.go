package main

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

var program string // the built program

const releaseFlags = "-s -w" // of the linker

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "alexaevents-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "alexaevents")
		if output, err := exec.Command("go", "build", "-ldflags="+releaseFlags, "-o", program, ".").CombinedOutput(); err != nil {
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

// A person waits for these.
func BenchmarkStart(b *testing.B) {
	b.Run("version", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, exec.Command(program, "--version").Run())
		}
	})
	b.Run("cloud", func(b *testing.B) {
		for b.Loop() {
			command := exec.Command(program, "cloud", "--listen", "127.0.0.1:0")
			out, err := command.StdoutPipe()
			require.NoError(b, err)
			require.NoError(b, command.Start())
			_, err = bufio.NewReader(out).ReadString('\n') // its URL
			require.NoError(b, err)
			require.NoError(b, command.Process.Kill())
			_ = command.Wait()
		}
	})
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
	require.LessOrEqual(t, len(info.Deps), 12, "modules")
	file, err := os.Stat(program)
	require.NoError(t, err)
	require.LessOrEqual(t, file.Size(), int64(13_000_000), "bytes, as in a release")
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
		{"cloud", "--pass", "--offline"},
		{"cloud", "--pass", "--remote"},
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

// A signal ends a command that waits for its input.
func TestAwait(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	open := make(chan struct{})
	defer close(open)
	begun := make(chan struct{})
	go func() {
		<-begun
		stop()
	}()
	_, err := await(ctx, func() (string, error) {
		close(begun)
		<-open
		return "", nil
	})
	require.ErrorIs(t, err, context.Canceled)
	var ended *exitError
	require.ErrorAs(t, failed(err), &ended)
	require.Equal(t, exitInterrupted, ended.code)
	got, err := await(t.Context(), func() (string, error) { return "a line", nil })
	require.NoError(t, err)
	require.Equal(t, "a line", got)
}
