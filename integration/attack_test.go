package integration

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

var (
	attackers = flag.String("attackers", "0,20", "numbers of attackers that a backend is measured under")
	attackFor = flag.Duration("attackfor", 300*time.Millisecond, "how long each measurement under attack takes")
)

// attacked is a child process: a backend under attack. It prints a genuine
// request for itself, and serves until its input ends.
type attacked struct{}

// genuine is a genuine request in the form of HTTP/1.1.
type genuine struct {
	URL    string
	Header http.Header
	Body   []byte
}

func (attacked) run(_ context.Context, out io.Writer) error {
	cloud := alexatest.NewCloud()
	verifier := &signature.Verifier{Skills: []string{skill}, Roots: cloud.Roots(), HTTPClient: cloud.Client()}
	recorder := &identity.Recorder{Store: new(identity.MemoryStore), Account: func(context.Context, string) (string, error) { return account, nil }}
	server := &http.Server{
		Handler:           verifier.Handler(&skillevents.Handler{Receive: recorder.Record}),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	event := cloud.NewRequest("http://"+listener.Addr().String(), (&alexatest.Customer{SkillID: skill}).Enable())
	body, err := io.ReadAll(event.Body)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(genuine{event.URL.String(), event.Header, body}); err != nil {
		return err
	}
	go func() { _ = server.Serve(listener) }()
	untilInputEnds()
	return nil
}

// attack attacks the server until the context ends.
type attack func(ctx context.Context, client *http.Client, g genuine)

var attacks = map[string]attack{
	"nested documents": func(ctx context.Context, client *http.Client, g genuine) {
		const depth = 10_000 // 50 kB
		g.Body = []byte(strings.Repeat(`{"":`, depth) + "0" + strings.Repeat("}", depth))
		g.forge()
		for ctx.Err() == nil {
			_, _ = g.send(ctx, client)
		}
	},
	"ordinary forgers": func(ctx context.Context, client *http.Client, g genuine) {
		g.forge()
		for ctx.Err() == nil {
			_, _ = g.send(ctx, client)
		}
	},
	"slow bodies": func(ctx context.Context, _ *http.Client, g genuine) {
		for ctx.Err() == nil {
			g.trickle(ctx)
		}
	},
}

// forge replaces the signature by bytes of the same length.
func (g *genuine) forge() {
	g.Header = g.Header.Clone()
	g.Header.Set("Signature-256", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 256)))
}

func (g *genuine) send(ctx context.Context, client *http.Client) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL, bytes.NewReader(g.Body))
	if err != nil {
		return 0, err
	}
	r.Header = g.Header
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// trickle announces a megabyte and sends single bytes slowly.
func (g *genuine) trickle(ctx context.Context) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }()
	defer context.AfterFunc(ctx, func() { _ = connection.Close() })()
	_, err = fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: backend\r\nContent-Length: 1000000\r\n")
	for name := range g.Header {
		_, _ = fmt.Fprintf(connection, "%s: %s\r\n", name, g.Header.Get(name))
	}
	for text := "\r\n{"; err == nil; text = " " {
		_, err = io.WriteString(connection, text)
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// underAttack is what a run measures: of genuine senders, and of the server.
type underAttack struct {
	perSecond   float64
	median, p99 time.Duration
	peak        int // MiB; zero where the system does not say
}

// measure runs a server of its own under attack.
func measure(t *testing.T, attack attack, count int) underAttack {
	const senders = 20
	server, err := startProcess(childProcess{Attacked: &attacked{}}.command(t))
	require.NoError(t, err)
	defer func() {
		_, err := server.kill()
		require.NoError(t, err)
	}()
	line, err := server.line()
	require.NoError(t, err)
	var g genuine
	require.NoError(t, json.Unmarshal([]byte(line), &g))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders + count}}
	defer client.CloseIdleConnections()
	status, err := g.send(t.Context(), client)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)

	attacking, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	for range count {
		all.Go(func() { attack(attacking, client, g) })
	}
	var mu sync.Mutex
	var took []time.Duration
	var failure error
	start := time.Now()
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			var own []time.Duration
			for time.Since(start) < *attackFor || len(own) == 0 {
				sent := time.Now()
				status, err := g.send(t.Context(), client)
				if err != nil || status != http.StatusOK {
					mu.Lock()
					failure = fmt.Errorf("a genuine request failed with %d: %w", status, err)
					mu.Unlock()
					return
				}
				own = append(own, time.Since(sent))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	sending.Wait()
	elapsed := time.Since(start)
	stop()
	all.Wait()
	require.NoError(t, failure)
	slices.Sort(took)
	return underAttack{float64(len(took)) / elapsed.Seconds(), took[len(took)/2], took[len(took)*99/100], peakMemory(server.command.Process.Pid)}
}

// peakMemory returns the largest resident set of a process in MiB, zero if the
// system does not say.
func peakMemory(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kib >> 10
		}
	}
	return 0
}

// Under each kind of attack, genuine requests are served, and no kind costs the server
// much more than ordinary forged requests.
//
//	go test -run UnderAttack -v -attackers 0,200,500 -attackfor 10s
//
// measures longer than the test.
func TestUnderAttack(t *testing.T) {
	const (
		attempts  = 5   // a busy machine disturbs one, not all
		share     = 0.3 // of the rate under ordinary forgers; the recursive scan had 0.01
		moreTaken = 64  // MiB; the stacks of a recursive scan took 8 for each attacker
	)
	t.Logf("%-20s %9s %12s %10s %10s %8s", "attack", "attackers", "genuine/s", "p50", "p99", "peak MiB")
	for text := range strings.SplitSeq(*attackers, ",") {
		count, err := strconv.Atoi(text)
		require.NoError(t, err)
		row := func(name string) underAttack {
			u := measure(t, attacks[name], count)
			t.Logf("%-20s %9d %12.0f %10v %10v %8d", name, count, u.perSecond, u.median.Round(10*time.Microsecond), u.p99.Round(10*time.Microsecond), u.peak)
			return u
		}
		if count == 0 {
			row("ordinary forgers")
			continue
		}
		enough := false
		for range attempts {
			ordinary, nested := row("ordinary forgers"), row("nested documents")
			require.LessOrEqual(t, nested.peak, ordinary.peak+moreTaken)
			if enough = nested.perSecond >= share*ordinary.perSecond; enough {
				break
			}
		}
		require.True(t, enough, "nested documents cost genuine senders too much")
		row("slow bodies")
	}
}
