package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
)

const lamps = 25

// demo simulates Amazon and the lamps.
type demo struct {
	options
	cloud     *alexatest.Cloud
	out       io.Writer
	web       *process
	workers   [2]*process
	kills     int
	committed map[string]string // the last state of each lamp that the web process acknowledged
}

func demonstrate(ctx context.Context, o options, out io.Writer) error {
	if o.source == "" {
		dir, err := os.MkdirTemp("", "fleet-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.source = filepath.Join(dir, "fleet.db")
	}
	d := &demo{options: o, cloud: alexatest.NewCloud(), out: out, committed: make(map[string]string)}
	amazon := httptest.NewServer(&httputil.ReverseProxy{
		Transport: d.cloud,
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "https", r.In.Host },
	})
	defer amazon.Close()
	d.amazon = amazon.Listener.Addr().String()
	if err := os.Setenv(secretVariable, "fleet-secret"); err != nil {
		return err
	}
	defer d.stop()
	if err := d.link(ctx); err != nil {
		return err
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	return d.await(ctx)
}

// link stores the grant of a customer, as an AcceptGrant directive would.
func (d *demo) link(ctx context.Context) error {
	f, err := open(ctx, d.options)
	if err != nil {
		return err
	}
	defer f.db.Close()
	granter := &gateway.Granter{
		Tokens:  f.tokens,
		Account: func(context.Context, string) (string, error) { return account, nil },
		Region:  alexaevents.Europe,
	}
	response, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(d.cloud.Grant(alexaevents.Europe, account), "token of anna"))
	if err == nil && !strings.Contains(string(response), "AcceptGrant.Response") {
		err = fmt.Errorf("AcceptGrant failed: %s", response)
	}
	return err
}

// run switches lamps, and kills a process every half second.
func (d *demo) run(ctx context.Context) (err error) {
	if d.web, err = d.start(ctx, "web"); err != nil {
		return err
	}
	for i := range d.workers {
		if d.workers[i], err = d.start(ctx, "worker"); err != nil {
			return err
		}
	}
	kill := time.NewTicker(500 * time.Millisecond)
	defer kill.Stop()
	for range d.changes {
		select {
		case <-kill.C:
			if err := d.kill(ctx); err != nil {
				return err
			}
		default:
		}
		lamp, power := fmt.Sprint("lamp-", rand.IntN(lamps)), "ON"
		if d.committed[lamp] == power {
			power = "OFF"
		}
		if err := d.put(ctx, lamp, power); err != nil {
			return err
		}
		d.committed[lamp] = power
	}
	return nil
}

// kill kills a process, and starts another.
func (d *demo) kill(ctx context.Context) (err error) {
	d.kills++
	if n := rand.IntN(3); n < 2 {
		d.workers[n].kill()
		d.workers[n], err = d.start(ctx, "worker")
		return err
	}
	d.web.kill()
	d.web, err = d.start(ctx, "web")
	return err
}

// put switches a lamp.
func (d *demo) put(ctx context.Context, lamp, power string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, d.web.url+"/lamps/"+lamp+"/"+power, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("the web process responded with %s: %s", response.Status, text)
	}
	return nil
}

// await waits until Alexa has the committed states.
func (d *demo) await(ctx context.Context) error {
	begun := time.Now()
	for {
		shown, messages := d.shown()
		missing := 0
		for lamp, power := range d.committed {
			if shown[lamp] != power {
				missing++
			}
		}
		if missing == 0 {
			fmt.Fprintf(d.out, "%d changes of %d lamps were committed, %d processes were killed.\n", d.changes, len(d.committed), d.kills)
			fmt.Fprintf(d.out, "Alexa got %d reports; changes that waited together became one.\n", messages)
			fmt.Fprintf(d.out, "The last state of every lamp arrived, %s after the last change.\n", time.Since(begun).Round(time.Millisecond))
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if time.Since(begun) > time.Minute {
			return fmt.Errorf("%d lamps are not what was committed", missing)
		}
	}
}

// shown returns the states that Alexa has, and the number of reports.
func (d *demo) shown() (states map[string]string, messages int) {
	states = make(map[string]string)
	sent := d.cloud.Sent()
	for _, s := range sent {
		var report struct {
			Event struct {
				Endpoint struct{ EndpointID string }
				Payload  struct {
					Change struct{ Properties []struct{ Value string } }
				}
			}
		}
		if json.Unmarshal(s.Body, &report) == nil && len(report.Event.Payload.Change.Properties) == 1 {
			states[report.Event.Endpoint.EndpointID] = report.Event.Payload.Change.Properties[0].Value
		}
	}
	return states, len(sent)
}

func (d *demo) stop() {
	for _, p := range append(d.workers[:], d.web) {
		if p != nil {
			p.kill()
		}
	}
}

// process is this program in another role.
type process struct {
	url     string // of the web process
	command *exec.Cmd
}

func (d *demo) start(ctx context.Context, role string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.CommandContext(ctx, program, "-role", role, "-db", d.source, "-amazon", d.amazon)}
	p.command.Stderr = os.Stderr
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil || role != "web" {
		return p, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.kill()
		return nil, errors.New("the web process did not start")
	}
	p.url = strings.TrimSpace(line)
	return p, nil
}

func (p *process) kill() {
	_ = p.command.Process.Kill() // may have ended before
	_ = p.command.Wait()         // the error says that it was killed
}

// amazonAt sends every request to one address, whatever host it is for.
type amazonAt string

func (address amazonAt) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", string(address)
	return http.DefaultTransport.RoundTrip(r)
}
