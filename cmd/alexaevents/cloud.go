package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

// The defaults of a cloud.
const (
	defaultSkill   = "amzn1.ask.skill.example"
	defaultBackend = "http://localhost:8080/alexa/events"
)

func (a *app) cloudCommand() *cobra.Command {
	var listen, tlsListen string
	var remote bool
	var config cloud.Config
	c := &cobra.Command{
		Use: "cloud", Short: "Simulate Amazon on this machine", Args: cobra.NoArgs,
		Long: `Simulate Amazon on this machine. One port is an HTTPS proxy for Amazon's names,
serves the same under paths (/api.amazon.com/auth/o2/token), and has a page (/) and a
control API (/_cloud/openapi.yaml). Other hosts pass through the proxy unread.`,
		Example: `  alexaevents cloud --to http://localhost:8080/alexa/events
  alexaevents cloud --state cloud.json --offline`,
		RunE: func(c *cobra.Command, _ []string) error {
			start := time.Now()
			for _, address := range []string{listen, tlsListen} {
				if err := checkListen(address, remote); err != nil {
					return err
				}
			}
			config.Offline = config.Offline || remote
			if config.Offline && config.Pass {
				return usage("--pass passes requests on; --offline and --remote pass none")
			}
			l, err := listenOn(c, listen)
			if err != nil {
				return err
			}
			var tlsListener net.Listener
			if tlsListen != "" {
				if tlsListener, err = listenOn(c, tlsListen); err != nil {
					return err
				}
			}
			server, err := cloud.NewServer(config)
			if err != nil {
				return failed(err)
			}
			ready := map[string]any{"url": "http://" + l.Addr().String(), "ms": time.Since(start).Milliseconds()}
			if err := a.print(ready, "http://"+l.Addr().String()); err != nil {
				return err
			}
			a.note("Amazon is ready. Start your backend: alexaevents run -- COMMAND\nOpen the URL above to see what happens.")
			err = server.Serve(c.Context(), l, tlsListener, func(err error) { a.note("alexaevents: %s", err) })
			if err != nil {
				return failed(err)
			}
			return &exitError{code: exitInterrupted}
		},
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:4160", "`address` to listen on; port 0 is a free one")
	f.StringVar(&tlsListen, "tls", "", "`address` that serves Amazon's names over TLS, for network aliases")
	f.StringVar(&config.To, "to", defaultBackend, "`URL` of the backend for events")
	f.StringVar(&config.Directives, "directives", "", "`URL` of the backend for smart home directives")
	f.StringVar(&config.Skill, "skill", defaultSkill, "skill `ID`")
	f.StringVar(&config.State, "state", "", "`file` that keeps customers and grants over a restart; it holds private keys")
	f.BoolVar(&config.Offline, "offline", false, "refuse to pass other hosts through the proxy")
	f.BoolVar(&config.Pass, "pass", false, "pass what the cloud does not know at s3.amazonaws.com and SNS to the real AWS")
	f.BoolVar(&remote, "remote", false, "allow addresses that other machines reach; implies --offline")
	c.AddCommand(
		a.simple("reset", "Remove customers, grants, faults and the journal", http.MethodPost, "/_cloud/reset"),
		a.ageCommand(), a.faultCommand(),
		a.simple("heal", "Remove all faults", http.MethodDelete, "/_cloud/faults"),
		a.journalCommand(), a.againCommand(), a.grantsCommand(), a.snapshotCommand(), a.restoreCommand(),
	)
	return c
}

func listenOn(c *cobra.Command, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(c.Context(), "tcp", address)
	if err != nil {
		return nil, &exitError{exitFailed, err.Error(), "is another cloud running? a free port: --listen 127.0.0.1:0"}
	}
	return l, nil
}

// checkListen refuses an address that other machines reach.
func checkListen(address string, remote bool) error {
	if address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return usage("not an address: %s", err)
	}
	ip := net.ParseIP(host)
	if loopback := host == "localhost" || ip != nil && ip.IsLoopback(); !loopback && !remote {
		return &exitError{exitUsage, "other machines reach " + address, "to allow that: --remote"}
	}
	return nil
}

// simple returns a command that makes one request without output.
func (a *app) simple(name, short, method, path string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, Example: "  alexaevents cloud " + name,
		RunE: func(c *cobra.Command, _ []string) error { return a.call(c.Context(), method, path, nil, nil) },
	}
}

func (a *app) ageCommand() *cobra.Command {
	return &cobra.Command{
		Use: "age DURATION", Short: "Make codes, tokens and certificates older", Args: cobra.ExactArgs(1),
		Example: "  alexaevents cloud age 61m",
		RunE: func(c *cobra.Command, args []string) error {
			return a.call(c.Context(), http.MethodPost, "/_cloud/age", cloud.Age{By: args[0]}, nil)
		},
	}
}

func (a *app) faultCommand() *cobra.Command {
	var fault cloud.Fault
	c := &cobra.Command{
		Use: "fault [URL]", Short: "Make requests to Amazon fail", Args: cobra.MaximumNArgs(1),
		Long: `Make requests to Amazon fail. The URL is a prefix, such as https://api.amazon.com/;
without one, every request fails.`,
		Example: `  alexaevents cloud fault https://api.amazonalexa.com/v3/events --status 429 --retry-after 2 --times 3
  alexaevents cloud fault https://api.amazon.com/ --lost`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				fault.URL = args[0]
			}
			if fault == (cloud.Fault{URL: fault.URL, Times: fault.Times}) {
				return usage("a fault needs one of --status, --delay, --reset, --lost and --truncate")
			}
			return a.call(c.Context(), http.MethodPost, "/_cloud/faults", fault, nil)
		},
	}
	f := c.Flags()
	f.IntVar(&fault.Times, "times", 1, "`number` of requests; -1 is all")
	f.IntVar(&fault.Status, "status", 0, "`status` of the response; the request has no effect")
	f.StringVar(&fault.Code, "code", "", "error `code` in the response")
	f.StringVar(&fault.RetryAfter, "retry-after", "", "`seconds` in the header Retry-After")
	f.StringVar(&fault.Delay, "delay", "", "`duration` before the response, such as 9s")
	f.BoolVar(&fault.Reset, "reset", false, "break the connection before the request has an effect")
	f.BoolVar(&fault.Lost, "lost", false, "break the connection after the request had its effect")
	f.BoolVar(&fault.Truncate, "truncate", false, "break the connection in the response")
	return c
}

func (a *app) journalCommand() *cobra.Command {
	var filter cloud.Filter
	var wait int
	var timeout time.Duration
	c := &cobra.Command{
		Use: "journal", Short: "List requests with their responses", Args: cobra.NoArgs,
		Long: `List requests with their responses, oldest first, without secrets. With --wait, wait
for so many, and fail with exit code 1 if there are fewer in time.`,
		Example: `  alexaevents cloud journal --kind gateway --wait 1 --timeout 5s
  alexaevents cloud journal --json --customer anna`,
		RunE: func(c *cobra.Command, _ []string) error {
			q := url.Values{"wait": {strconv.Itoa(wait)}, "timeout": {timeout.String()}, "after": {strconv.Itoa(filter.After)}}
			for name, text := range map[string]string{
				"kind": filter.Kind, "name": filter.Name, "customer": filter.Customer, "direction": filter.Direction, "status": filter.Status,
			} {
				if text != "" {
					q.Set(name, text)
				}
			}
			var found []cloud.Entry
			late := a.call(c.Context(), http.MethodGet, "/_cloud/journal?"+q.Encode(), nil, &found)
			for _, e := range found {
				arrow := "backend → Amazon "
				if e.Direction == "to_backend" {
					arrow = "Amazon → backend "
				}
				text := fmt.Sprintf("%4d %s %s %-11s %3d %5d ms  %s %s", e.ID, e.Time.Format("15:04:05.000"), arrow, e.Kind, e.Status, e.Millis, e.Name, e.URL)
				if e.Error != "" {
					text += " " + e.Error
				}
				if err := a.print(e, text); err != nil {
					return errors.Join(err, late)
				}
			}
			return late
		},
	}
	f := c.Flags()
	f.IntVar(&wait, "wait", 0, "`number` of entries to wait for")
	f.DurationVar(&timeout, "timeout", 5*time.Second, "how long to wait")
	f.IntVar(&filter.After, "after", 0, "only entries after this `ID`")
	f.StringVar(&filter.Kind, "kind", "", "only this `kind`: certificate, token, gateway, api, sns, event, directive, notification or forgery")
	f.StringVar(&filter.Name, "name", "", "only this `name`, such as Alexa.ChangeReport")
	f.StringVar(&filter.Customer, "customer", "", "only this `customer`")
	f.StringVar(&filter.Direction, "direction", "", "only this `direction`: to_amazon or to_backend")
	f.StringVar(&filter.Status, "status", "", "only this `status`; 0 is no response")
	return c
}

func (a *app) againCommand() *cobra.Command {
	return &cobra.Command{
		Use: "again ID", Short: "Send an event of the journal again", Args: cobra.ExactArgs(1),
		Long: `Send an event, directive or notification of the journal again, as Amazon does after
a failure. The bytes are the original ones, with the secrets that the journal hides.`,
		Example: "  alexaevents cloud journal --direction to_backend\n  alexaevents cloud again 12",
		RunE: func(c *cobra.Command, args []string) error {
			var entry cloud.Entry
			if err := a.call(c.Context(), http.MethodPost, "/_cloud/journal/"+url.PathEscape(args[0])+"/again", nil, &entry); err != nil {
				return err
			}
			return a.printEntry(entry)
		},
	}
}

func (a *app) grantsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "grants", Short: "List what customers consented to", Args: cobra.NoArgs, Example: "  alexaevents cloud grants --json",
		RunE: func(c *cobra.Command, _ []string) error {
			var grants []alexatest.Grant
			if err := a.call(c.Context(), http.MethodGet, "/_cloud/grants", nil, &grants); err != nil {
				return err
			}
			for _, g := range grants {
				state := "valid"
				switch {
				case g.Revoked:
					state = "revoked"
				case g.ClientID == "":
					state = "code not exchanged"
				}
				if err := a.print(g, fmt.Sprintf("%s %s %s", g.Customer, g.Region, state)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) snapshotCommand() *cobra.Command {
	return &cobra.Command{
		Use: "snapshot", Short: "Print the state, with private keys and tokens", Args: cobra.NoArgs,
		Example: "  alexaevents cloud snapshot > linked.json\n  alexaevents cloud restore linked.json",
		RunE: func(c *cobra.Command, _ []string) error {
			var state []byte
			if err := a.call(c.Context(), http.MethodGet, "/_cloud/snapshot", nil, &state); err != nil {
				return err
			}
			_, err := a.out.Write(state)
			return err
		},
	}
}

func (a *app) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Restore a snapshot", Args: cobra.ExactArgs(1), Example: "  alexaevents cloud restore linked.json",
		RunE: func(c *cobra.Command, args []string) error {
			state, err := os.ReadFile(args[0])
			if err != nil {
				return failed(err)
			}
			return a.call(c.Context(), http.MethodPut, "/_cloud/snapshot", state, nil)
		},
	}
}
