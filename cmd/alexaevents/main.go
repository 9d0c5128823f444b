// Command alexaevents simulates Amazon for an Alexa skill on a developer's machine. It
// sends signed events to a backend in any language, and explains what it refuses.
package main

//go:generate go test -run TestReference . -args -update

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitLogin       = 4
	exitRefused     = 5
	exitInterrupted = 130
)

const exitCodes = `Exit codes:

  0    ok
  1    a check failed, or the program could not do its work
  2    the command line is wrong
  3    the cloud, the backend or Amazon could not be reached
  4    a login is needed: alexaevents login
  5    the backend or Amazon refused the request
  130  interrupted

The exit code of "run" is that of its program.
`

// exitError is an error with its exit code and a hint.
type exitError struct {
	code    int
	message string
	hint    string
}

func (e *exitError) Error() string { return e.message }

func failed(err error) error {
	if errors.Is(err, context.Canceled) {
		return &exitError{exitInterrupted, "interrupted", ""}
	}
	return &exitError{exitFailed, err.Error(), ""}
}

func usage(format string, values ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, values...), "see --help"}
}

const defaultCloud = "http://127.0.0.1:4160"

// app has the flags that all commands share, and the streams.
type app struct {
	cloud string
	json  bool
	out   io.Writer
	err   io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	a := &app{out: os.Stdout, err: os.Stderr}
	args := os.Args[1:]
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	a.json = slices.Contains(args, "--json") // errors of the command line itself, too
	err := a.command().ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	os.Exit(a.exit(err, interrupted))
}

func (a *app) exit(err error, interrupted bool) int {
	if err == nil {
		return 0
	}
	var e *exitError
	switch {
	case errors.As(err, &e):
	case interrupted:
		e = &exitError{code: exitInterrupted, message: "interrupted"}
	default:
		e = &exitError{exitUsage, err.Error(), "see --help"} // of cobra
	}
	if e.message == "" {
		return e.code
	}
	if a.json {
		type body struct {
			Exit    int    `json:"exit"`
			Message string `json:"message"`
			Hint    string `json:"hint,omitempty"`
		}
		_ = json.NewEncoder(a.err).Encode(map[string]body{"error": {e.code, e.message, e.hint}})
		return e.code
	}
	fmt.Fprintln(a.err, "alexaevents:", e.message)
	if e.hint != "" {
		fmt.Fprintln(a.err, "  "+e.hint)
	}
	return e.code
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "alexaevents",
		Short: "Amazon on your machine, for the backend of an Alexa skill",
		Long: `Amazon on your machine, for the backend of an Alexa skill in any language.

"cloud" simulates Amazon, "run" starts your backend so that it talks to the cloud,
and "customer" and "send" make Alexa send signed events.`,
		Example: `  alexaevents cloud --to http://localhost:8080/alexa/events
  alexaevents run -- node server.js
  alexaevents customer anna link`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetVersionTemplate("{{.Version}}\n")
	root.PersistentFlags().StringVar(&a.cloud, "cloud", defaultFromEnv(), "`URL` of the running cloud; unless it or ALEXAEVENTS_CLOUD is set, login, whoami, sdns and smartprops call Amazon")
	root.PersistentFlags().BoolVar(&a.json, "json", a.json, "print JSON lines")
	root.AddCommand(a.cloudCommand(), a.runCommand(), a.envCommand(), a.customerCommand(), a.sendCommand(), a.printCommand(),
		a.forgeCommand(), a.playCommand(), a.verifyCommand(), a.manifestCommand(),
		a.loginCommand(), a.logoutCommand(), a.whoamiCommand(), a.sdnsCommand(), a.smartpropsCommand(), a.storedGrantsCommand(), a.versionCommand(),
		&cobra.Command{Use: "exit-codes", Short: "List the exit codes", Long: exitCodes}) // a help topic
	return root
}

// defaultFromEnv returns the cloud of the environment that "run" and "env" make.
func defaultFromEnv() string {
	if url := os.Getenv("ALEXAEVENTS_CLOUD"); url != "" {
		return url
	}
	return defaultCloud
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return strings.Trim(info.Main.Version, "()")
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs, Example: "  alexaevents version",
		RunE: func(*cobra.Command, []string) error {
			return a.print(map[string]string{"version": version()}, version())
		},
	}
}

// print writes a value as a JSON line, or the text.
func (a *app) print(value any, text string) error {
	if !a.json {
		_, err := fmt.Fprintln(a.out, text)
		return err
	}
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// secret returns the value of a flag, or the content of the file of "@FILE", since
// other users of the machine see a command line.
func secret(flag string) (string, error) {
	name, isFile := strings.CutPrefix(flag, "@")
	if !isFile {
		return flag, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", failed(err)
	}
	return strings.TrimSpace(string(data)), nil
}

// await returns what read returns, which may wait for a person or another program, or
// the error of ctx as soon as it ends.
func await[T any](ctx context.Context, read func() (T, error)) (value T, err error) {
	done := make(chan struct{})
	var got T
	var failure error
	go func() {
		defer close(done)
		got, failure = read()
	}()
	select {
	case <-done:
		return got, failure
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

// note writes words for a person.
func (a *app) note(format string, values ...any) {
	if !a.json {
		fmt.Fprintf(a.err, format+"\n", values...)
	}
}
