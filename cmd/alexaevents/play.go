package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/play"
)

func (a *app) playCommand() *cobra.Command {
	var config cloud.Config
	var format string
	var schema bool
	c := &cobra.Command{
		Use: "play FILE... [-- COMMAND [ARGUMENT...]]", Short: "Play scenarios, as tests of a backend",
		Long: `Play scenarios, as tests of a backend. A scenario is a YAML file with steps: what
customers do, how Amazon fails, and what the backend must send. A failure names its
file and line.

  steps:
    - grant: anna
    - {fault: "https://api.amazonalexa.com/", status: 429, retry_after: 1}
    - post: /lamps/anna/ON
    - {wait: gateway, name: Alexa.ChangeReport, customer: anna}

With a command, play starts a cloud of its own and the backend, as "run" does, and
waits until the backend listens at the URL of --to. Without one, it uses the running
cloud. Each scenario begins with a reset of the cloud; the backend keeps its state.

"alexaevents play --schema" prints the JSON Schema of scenarios, for an editor.`,
		Example: `  alexaevents play scenarios/*.yaml -- node server.js
  alexaevents play link.yaml --to http://localhost:8080/alexa/events --format junit > report.xml`,
		RunE: func(c *cobra.Command, args []string) error {
			if schema {
				_, err := a.out.Write(play.Schema)
				return err
			}
			var command []string
			if dash := c.ArgsLenAtDash(); dash >= 0 {
				args, command = args[:dash], args[dash:]
				if len(command) == 0 {
					return usage("no command after --")
				}
			}
			if len(args) == 0 {
				return usage("no scenario")
			}
			if format == "" {
				format = "text"
				if a.json {
					format = "json"
				}
			}
			if !slices.Contains(play.Formats, format) {
				return usage("--format: not one of %s: %q", strings.Join(play.Formats, ", "), format)
			}
			for _, name := range []string{"skill", "offline"} {
				if c.Flags().Changed(name) && command == nil {
					return usage("--%s is for a cloud of its own: add -- and the command of the backend", name)
				}
			}
			if c.Flags().Changed("cloud") && command != nil {
				return usage("--cloud: with a command, play starts a cloud of its own")
			}
			scenarios, err := readScenarios(args)
			if err != nil {
				return err
			}
			if command != nil {
				stop, err := a.startBackend(c, config, command)
				if err != nil {
					return err
				}
				defer stop()
			}
			return a.play(c.Context(), config, scenarios, &play.Report{Format: format, Out: a.out})
		},
	}
	f := c.Flags()
	f.StringVar(&config.To, "to", "", "`URL` of the backend for events (default that of the cloud)")
	f.StringVar(&config.Directives, "directives", "", "`URL` of the backend for directives (default that of the cloud)")
	f.StringVar(&config.Skill, "skill", defaultSkill, "skill `ID`, with a command")
	f.BoolVar(&config.Offline, "offline", false, "refuse to pass other hosts through the proxy, with a command")
	f.StringVar(&format, "format", "", "`format` of the report: text, json or junit (default text)")
	f.BoolVar(&schema, "schema", false, "print the JSON Schema of scenarios")
	return c
}

// readScenarios reads all files before any is played.
func readScenarios(files []string) (scenarios []*play.Scenario, err error) {
	var wrong []string
	for _, file := range files {
		scenario, err := play.Read(file)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		scenarios = append(scenarios, scenario)
	}
	if len(wrong) > 0 {
		return nil, &exitError{exitUsage, strings.Join(wrong, "\n"), "what a scenario may have: alexaevents play --schema"}
	}
	return scenarios, nil
}

func (a *app) play(ctx context.Context, config cloud.Config, scenarios []*play.Scenario, report *play.Report) error {
	var status cloud.Status
	if err := a.call(ctx, http.MethodGet, "/_cloud/status", nil, &status); err != nil {
		return err
	}
	var lost error // the cloud has ended
	call := func(ctx context.Context, method, path string, in, out any) error {
		err := a.call(ctx, method, path, in, out)
		if e, ok := errors.AsType[*exitError](err); ok && e.code == exitUnreachable {
			lost = err
		}
		return err
	}
	player := &play.Player{Call: call, Events: status.To, Directives: status.Directives}
	if config.To != "" {
		player.Events = config.To
	}
	if config.Directives != "" {
		player.Directives = config.Directives
	}
	for _, scenario := range scenarios {
		result, err := player.Play(ctx, scenario)
		if err != nil || lost != nil {
			return cmp.Or(lost, err)
		}
		if err := report.Add(result); err != nil {
			return failed(err)
		}
	}
	if err := report.Close(); err != nil {
		return failed(err)
	}
	if wrong := report.Failed(); wrong > 0 {
		return &exitError{exitFailed, fmt.Sprintf("%d of %d scenarios failed", wrong, len(scenarios)), ""}
	}
	return nil
}

// startBackend starts a cloud in this process and a backend whose Amazon it is. The
// returned function stops the backend.
func (a *app) startBackend(c *cobra.Command, config cloud.Config, command []string) (stop func(), err error) {
	if config.To == "" {
		config.To = defaultBackend
	}
	u, err := url.Parse(config.To)
	if err != nil || u.Host == "" {
		return nil, usage("--to: not a URL: %q", config.To)
	}
	address := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), u.Scheme))
	if listens(c.Context(), address) {
		return nil, &exitError{exitFailed, "another program listens at " + address, "stop it, or let the backend listen elsewhere: --to URL"}
	}
	server, err := cloud.NewServer(config)
	if err != nil {
		return nil, failed(err)
	}
	l, err := listenOn(c, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a.cloud = "http://" + l.Addr().String()
	go func() {
		if err := server.Serve(c.Context(), l, nil, func(error) {}); err != nil {
			a.note("alexaevents: %s", err)
		}
	}()
	dir, err := os.MkdirTemp("", "alexaevents-")
	if err != nil {
		return nil, failed(err)
	}
	child, err := a.child(c, dir, command)
	if err == nil {
		child.Stdout = a.err // standard output is for the report
		err = child.Start()
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, failed(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = child.Wait()
		close(ended)
	}()
	stop = func() {
		defer os.RemoveAll(dir)
		endChild(child, ended)
	}
	if err := waitForBackend(c.Context(), address, ended, child); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

const (
	startTime = time.Minute      // how long a backend may take until it listens
	stopTime  = 10 * time.Second // how long it may take to end after SIGTERM
)

func listens(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		connection.Close()
	}
	return err == nil
}

// waitForBackend returns when the backend listens.
func waitForBackend(ctx context.Context, address string, ended chan struct{}, child *exec.Cmd) error {
	timeout := time.After(startTime)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return failed(fmt.Errorf("the backend ended before it listened at %s: %s", address, child.ProcessState))
		case <-timeout:
			return &exitError{exitUnreachable, fmt.Sprintf("the backend does not listen at %s after %s", address, startTime), "another URL: --to"}
		case <-ticker.C:
			if listens(ctx, address) {
				return nil
			}
		}
	}
}

// endChild ends the backend, and waits until it has ended.
func endChild(child *exec.Cmd, ended chan struct{}) {
	if err := child.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = child.Process.Kill() // no such signal on this system
	}
	select {
	case <-ended:
	case <-time.After(stopTime):
		_ = child.Process.Kill()
		<-ended
	}
}
