package main

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run -- COMMAND [ARGUMENT...]", Short: "Run a backend so that its Amazon is the cloud", Args: cobra.MinimumNArgs(1),
		Long: `Run a backend so that its Amazon is the cloud. Its environment names the cloud as
HTTPS proxy, and the cloud's certificates beside those of the system: for Node.js,
Python, Java, curl, and programs that read SSL_CERT_FILE. A Go program of this library
follows no proxy: use alexatest.Remote with the variable ALEXAEVENTS_CLOUD.

The exit code is that of the program.`,
		Example: `  alexaevents run -- node server.js
  alexaevents run -- python3 -m flask run`,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := os.MkdirTemp("", "alexaevents-")
			if err != nil {
				return failed(err)
			}
			defer os.RemoveAll(dir)
			child, err := a.child(c, dir, args)
			if err != nil {
				return err
			}
			child.Stdin = os.Stdin
			signals := make(chan os.Signal, 8)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer signal.Stop(signals)
			if err := child.Start(); err != nil {
				return &exitError{exitFailed, err.Error(), ""}
			}
			done := make(chan struct{})
			defer close(done)
			go func() {
				for {
					select {
					case s := <-signals:
						_ = child.Process.Signal(s)
					case <-done:
						return
					}
				}
			}()
			err = child.Wait()
			if ended, ok := errors.AsType[*exec.ExitError](err); ok {
				code := ended.ExitCode()
				if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
					code = 128 + int(status.Signal())
				}
				return &exitError{code: code}
			}
			if err != nil {
				return failed(err)
			}
			return nil
		},
	}
}

// child returns a program whose Amazon is the cloud. The files that its environment
// names are in the directory.
func (a *app) child(c *cobra.Command, dir string, args []string) (*exec.Cmd, error) {
	environment, err := a.environment(c, dir)
	if err != nil {
		return nil, err
	}
	child := exec.Command(args[0], args[1:]...) //nolint:noctx // the person's program, which gets its own signals
	child.Stdout, child.Stderr = a.out, a.err
	child.Env = os.Environ()
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		child.Env = append(child.Env, name+"="+environment[name])
	}
	return child, nil
}

func (a *app) envCommand() *cobra.Command {
	return &cobra.Command{
		Use: "env", Short: "Print the environment of run, for a shell", Args: cobra.NoArgs,
		Long:    "Print the environment that \"run\" gives to a backend, as lines for a shell. The\nfiles with certificates stay in the user's cache directory.",
		Example: `  eval "$(alexaevents env)"`,
		RunE: func(c *cobra.Command, _ []string) error {
			cache, err := os.UserCacheDir()
			if err != nil {
				return failed(err)
			}
			u, err := url.Parse(a.cloud)
			if err != nil {
				return usage("--cloud: %s", err)
			}
			dir := filepath.Join(cache, "alexaevents", strings.ReplaceAll(u.Host, ":", "-"))
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return failed(err)
			}
			environment, err := a.environment(c, dir)
			if err != nil {
				return err
			}
			if a.json {
				return a.print(environment, "")
			}
			for _, name := range slices.Sorted(maps.Keys(environment)) {
				fmt.Fprintf(a.out, "export %s='%s'\n", name, strings.ReplaceAll(environment[name], "'", `'\''`))
			}
			return nil
		},
	}
}

// systemRoots are the files in which systems keep their root certificates.
var systemRoots = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// environment returns the variables that make the cloud the Amazon of a program. It
// writes the files that they name into the directory.
func (a *app) environment(c *cobra.Command, dir string) (map[string]string, error) {
	var roots []byte
	if err := a.call(c.Context(), http.MethodGet, "/_cloud/ca.pem", nil, &roots); err != nil {
		return nil, err
	}
	u, err := url.Parse(a.cloud)
	if err != nil {
		return nil, usage("--cloud: %s", err)
	}
	var system []byte
	for _, name := range append([]string{os.Getenv("SSL_CERT_FILE")}, systemRoots...) {
		if data, err := os.ReadFile(name); err == nil {
			system = slices.Concat(data, []byte("\n"))
			break
		}
	}
	all := slices.Concat(system, roots)
	store, err := trustStore(all)
	if err != nil {
		return nil, failed(err)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, data := range map[string][]byte{"ca.pem": roots, "all.pem": all, "all.jks": store, "preload.cjs": preload} {
		if err := os.WriteFile(file(name), data, 0o600); err != nil {
			return nil, failed(err)
		}
	}
	add := func(variable, text string) string { return strings.TrimSpace(os.Getenv(variable) + " " + text) }
	base := "http://" + u.Host
	local := "localhost,127.0.0.1,::1"
	return map[string]string{
		"ALEXAEVENTS_CLOUD": base, "ALEXAEVENTS_CA": file("ca.pem"),
		"HTTPS_PROXY": base, "https_proxy": base, "NO_PROXY": local, "no_proxy": local,
		"SSL_CERT_FILE": file("all.pem"), "REQUESTS_CA_BUNDLE": file("all.pem"), "CURL_CA_BUNDLE": file("all.pem"), "AWS_CA_BUNDLE": file("all.pem"),
		"NODE_EXTRA_CA_CERTS": file("ca.pem"), "NODE_USE_ENV_PROXY": "1", "NODE_OPTIONS": add("NODE_OPTIONS", nodeRequire(file("preload.cjs"))),
		"JAVA_TOOL_OPTIONS": add("JAVA_TOOL_OPTIONS", fmt.Sprintf(
			"-Dhttps.proxyHost=%s -Dhttps.proxyPort=%s -Dhttp.nonProxyHosts=localhost|127.*|[::1] -Djavax.net.ssl.trustStore=%s -Djavax.net.ssl.trustStorePassword=%s",
			u.Hostname(), u.Port(), file("all.jks"), trustStorePassword)),
	}, nil
}

// preload makes Node.js trust the cloud and use it as proxy.
//
//go:embed preload.cjs
var preload []byte

// nodeRequire quotes a path, which may have spaces, as NODE_OPTIONS wants it.
func nodeRequire(path string) string {
	return `--require "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path) + `"`
}
