// Package outages compares a Sender and an Outbox while Amazon, the database or the
// process fails.
package outages

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

var update = flag.Bool("update", false, "write the table of docs/outbox.md")

const (
	document = "../../docs/outbox.md"
	header   = "| outage | event | `Sender.Send` | outbox |\n|---|---|---|---|\n"
)

// The clock of SQLite is that of Go, so that an hour of a bubble is an hour in the
// database.
func init() {
	sqlite.MustRegisterScalarFunction("julianday", 1, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return float64(time.Now().UnixMilli())/86_400_000 + 2440587.5, nil
	})
}

const (
	eventGateway = "https://api.eu.amazonalexa.com/"
	login        = "https://api.amazon.com/"
	early        = "state, when it begins"
	late         = "state, 5 minutes before it ends"
	discovery    = "DeleteReport, when it begins"
	state        = "state"
	doorbell     = "doorbell"
)

// An outbox asks the gateway of a region that fails every two seconds, and an
// lwa.Source asks Login with Amazon every 30 to 45 seconds, as long as it fails.
const (
	gatewayBack = 5 * time.Second
	loginBack   = 50 * time.Second
)

// outage is one that ends, and the events that happen meanwhile.
type outage struct {
	name   string
	events []string
	run    func(*trial)
	back   time.Duration // when events that wait arrive, after the outage
}

var outages = []outage{
	{"gateway: 503 for an hour", []string{early, discovery, late}, hour(alexatest.Fault{URL: eventGateway, Status: http.StatusServiceUnavailable}), gatewayBack},
	{
		"gateway: 429, Retry-After: 3600, for an hour",
		[]string{early, discovery, late},
		hour(alexatest.Fault{URL: eventGateway, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}}),
		gatewayBack,
	},
	{"LWA: 503 for an hour", []string{early, discovery, late}, hour(alexatest.Fault{URL: login, Status: http.StatusServiceUnavailable}), loginBack},
	{"database away for 10 s", []string{"state, just before", "state, meanwhile"}, func(r *trial) {
		r.report("state, just before")
		r.cut()
		r.report("state, meanwhile")
		time.Sleep(10 * time.Second)
		r.reconnect()
	}, gatewayBack},
	{"process killed before a retry", []string{state}, func(r *trial) {
		r.cloud.Fail(alexatest.Fault{URL: eventGateway, Status: http.StatusServiceUnavailable})
		r.report(state)
		time.Sleep(500 * time.Millisecond)
		r.kill()
		r.start()
	}, gatewayBack},
	{"process killed while it waits for the response", []string{state, doorbell}, func(r *trial) {
		r.cloud.Fail(alexatest.Fault{URL: eventGateway, Delay: 2 * time.Second, Times: -1})
		r.report(state)
		r.report(doorbell)
		time.Sleep(time.Second)
		r.kill()
		r.start()
	}, gatewayBack},
}

// hour returns an outage of an hour with this response. The process does not run for
// most of it.
func hour(fault alexatest.Fault) func(*trial) {
	return func(r *trial) {
		r.cloud.ExpireTokens()
		fault.Times = -1
		r.cloud.Fail(fault)
		r.report(early)
		r.report(discovery)
		time.Sleep(16 * time.Minute)
		r.stop()
		time.Sleep(38 * time.Minute)
		r.start()
		time.Sleep(time.Minute)
		r.report(late)
		time.Sleep(5 * time.Minute)
		r.cloud.Heal()
	}
}

// trial is a backend with one customer.
type trial struct {
	t      *testing.T
	source string
	boxed  bool // events go through the outbox
	cloud  *alexatest.Cloud

	db     *sql.DB
	away   *atomic.Bool
	sender *gateway.Sender
	box    *outbox.Outbox
	ctx    context.Context // of the process
	end    context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	outcomes map[string]string // by event
}

func newTrial(t *testing.T, boxed bool) *trial {
	r := &trial{t: t, boxed: boxed, cloud: alexatest.NewCloud(), outcomes: make(map[string]string)}
	r.source = "file:" + filepath.Join(t.TempDir(), "alexa.db") +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)&_txlock=immediate"
	r.start()
	key := lwa.Key{ClientID: r.sender.Tokens.Client.ID, AccountID: "anna", LinkID: "1"}
	code := r.cloud.Grant(alexaevents.Europe, "anna")
	require.NoError(t, r.sender.Tokens.Exchange(t.Context(), key, alexaevents.Europe, alexaevents.Secret(code)))
	require.NoError(t, r.sender.Send(t.Context(), "anna", event("before"))) // Alexa confirms the grant
	require.NoError(t, r.sender.Flush(t.Context()))
	return r
}

// start starts a process.
func (r *trial) start() {
	r.away = new(atomic.Bool)
	r.db = sql.OpenDB(&connector{r.source, r.away})
	r.reconnect()
	store := sqlstore.New(r.db, sqlstore.SQLite)
	require.NoError(r.t, store.Migrate(r.t.Context()))
	client := r.cloud.Client()
	r.sender = &gateway.Sender{
		Tokens:     &lwa.Source{Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: client}, Store: store},
		HTTPClient: client,
	}
	r.box = &outbox.Outbox{DB: r.db, Dialect: sqlstore.SQLite, Sender: r.sender, Observe: r.observe}
	require.NoError(r.t, r.box.Migrate(r.t.Context()))
	r.ctx, r.end = context.WithCancel(r.t.Context())
	if r.boxed {
		box, ctx := r.box, r.ctx
		r.work.Go(func() { require.NoError(r.t, box.Run(ctx)) })
	}
}

func (r *trial) stop() {
	r.end()
	r.work.Wait()
	require.NoError(r.t, r.sender.Flush(r.t.Context()))
	require.NoError(r.t, r.db.Close())
}

// kill ends the process: nothing that it does from now on reaches the database.
func (r *trial) kill() {
	r.cut()
	r.end()
	r.work.Wait()
	require.NoError(r.t, r.db.Close())
}

func (r *trial) cut() {
	r.away.Store(true)
	r.db.SetMaxIdleConns(0)
}

func (r *trial) reconnect() {
	r.away.Store(false)
	r.db.SetMaxIdleConns(4)
}

func endpointOf(name string) string {
	return strings.NewReplacer(" ", "-", ",", "").Replace(name)
}

// event returns an event of an endpoint whose ID is the event's name.
func event(name string) gateway.Event {
	endpoint := endpointOf(name)
	switch name {
	case discovery:
		return &gateway.DeleteReport{EndpointIDs: []string{endpoint}}
	case doorbell:
		return &gateway.DoorbellPress{EndpointID: endpoint, Cause: gateway.PhysicalInteraction, Timestamp: time.Now()}
	}
	return &gateway.ChangeReport{
		EndpointID: endpoint, Cause: gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.On, time.Now())},
	}
}

func typeOf(t *testing.T, name string) string {
	message, err := gateway.NewMessage(event(name))
	require.NoError(t, err)
	return message.Type()
}

// report sends or enqueues an event.
func (r *trial) report(name string) {
	e := event(name)
	if !r.boxed {
		sender, ctx := r.sender, r.ctx
		r.work.Go(func() {
			err := sender.Send(ctx, "anna", e)
			switch {
			case ctx.Err() != nil:
				r.note(name, "lost with the process")
			case err != nil:
				r.note(name, kindOf(err))
			}
		})
		synctest.Wait()
		return
	}
	err := func() error {
		keys, err := r.sender.Keys(r.ctx, "anna")
		if err != nil {
			return err
		}
		tx, err := r.db.BeginTx(r.ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if err := r.box.Enqueue(r.ctx, tx, e, keys...); err != nil {
			return err
		}
		return tx.Commit()
	}()
	if err != nil {
		r.note(name, kindOf(err))
	}
}

func (r *trial) note(name, outcome string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes[name] = outcome
}

func kindOf(err error) string {
	for name, kind := range map[string]error{
		"ErrThrottled": gateway.ErrThrottled, "ErrUnavailable": gateway.ErrUnavailable,
		"ErrEnded": gateway.ErrEnded, "ErrMisconfigured": gateway.ErrMisconfigured,
	} {
		if errors.Is(err, kind) {
			return name
		}
	}
	return "error of the database"
}

// connector opens connections unless the database is away.
type connector struct {
	source string
	away   *atomic.Bool
}

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	if c.away.Load() {
		return nil, errors.New("the database is away")
	}
	return c.Driver().Open(c.source)
}

// Driver returns the registered driver, which has the clock.
func (c *connector) Driver() driver.Driver {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return nil
	}
	defer db.Close()
	return db.Driver()
}

// observe notes how events end that do not arrive, by their type.
func (r *trial) observe(_ context.Context, o outbox.Observation) {
	switch o.Outcome {
	case outbox.Expired:
		r.note(o.Event, fmt.Sprintf("expires after %.0f minutes", o.Age.Minutes()))
	case outbox.Dead:
		r.note(o.Event, "dead letter")
	}
}

// arrivals returns how often an event has arrived, and with how many message IDs.
func (r *trial) arrivals(name string) (n, messageIDs int) {
	ids := make(map[string]bool)
	for _, sent := range r.cloud.Sent() {
		if !strings.Contains(string(sent.Body), `"`+endpointOf(name)+`"`) {
			continue
		}
		var message struct {
			Event struct{ Header struct{ MessageID string } }
		}
		require.NoError(r.t, json.Unmarshal(sent.Body, &message))
		ids[message.Event.Header.MessageID] = true
		n++
	}
	return n, len(ids)
}

// outcome returns what became of an event that has arrived so soon after the outage,
// or later, or never.
func (r *trial) outcome(name string, soon bool, back time.Duration) string {
	n, messageIDs := r.arrivals(name)
	require.LessOrEqual(r.t, messageIDs, 1)
	known, end := r.outcomes[name], r.outcomes[typeOf(r.t, name)]
	switch {
	case n == 0:
		return cmp.Or(known, end, "lost")
	case n > 1:
		return "arrives twice, with one message ID"
	case name == doorbell && end != "":
		return "arrives, and is a " + end
	case known != "":
		return "arrives; " + known
	case !r.boxed:
		return "accepted"
	case soon:
		return fmt.Sprintf("arrives within %.0f s after the outage", back.Seconds())
	}
	return "arrives later"
}

// endings returns how the events of an outage end.
func endings(t *testing.T, o outage, boxed bool) (all []string) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrial(t, boxed)
		o.run(r)
		time.Sleep(o.back)
		soon := make(map[string]bool)
		for _, name := range o.events {
			n, _ := r.arrivals(name)
			soon[name] = n > 0
		}
		time.Sleep(time.Minute)
		r.stop()
		for _, name := range o.events {
			all = append(all, r.outcome(name, soon[name], o.back))
		}
	})
	return all
}

// The table of docs/outbox.md.
func TestOutages(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString(header)
	for _, o := range outages {
		sent, boxed := endings(t, o, false), endings(t, o, true)
		for i, name := range o.events {
			fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", o.name, name, sent[i], boxed[i])
		}
	}
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	before, after, found := strings.Cut(string(text), header)
	require.True(t, found)
	_, after, _ = strings.Cut(after, "\n\n")
	want := before + table.String() + "\n" + after
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(want), 0o666))
		return
	}
	require.Equal(t, want, string(text))
}
