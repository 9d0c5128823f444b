package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

var outboxKills = flag.Int("outbox-kills", 30, "how often TestOutboxLosesNothing kills a process on each kind of database")

// Devices change their state and buttons are pressed in one process, and two others
// deliver the outbox. All are killed at random moments; the workers are also stopped
// for longer than their leases and continued, connections to the gateway are
// swallowed, and PostgreSQL crashes. What the gateway accepted is then compared with
// what was committed, by the rules of outboxLedger.
func TestOutboxLosesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		var crash func() error
		if d.Dialect == sqlstore.Postgres {
			server, err := startPostgres() // of its own, to crash it
			needServer(t, err, errNoPostgres)
			t.Cleanup(func() { require.NoError(t, server.stop()) })
			d.Source, crash = server.source, server.crash
		}
		newLossTrial(t, d, crash).run(t)
	})
}

const lossEndpoints = 40

type lossTrial struct {
	*badAmazon
	database database
	db       *sql.DB
	crash    func() error
	child    outboxChild

	mu       sync.Mutex
	ended    map[string]time.Time // when a process was killed or first suspended, by its name
	arrivals []arrival
}

// arrival is a request that the gateway accepted.
type arrival struct {
	process string
	message string // ID
	at      time.Time
}

func (l *lossTrial) arrive(process, message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrivals = append(l.arrivals, arrival{process, message, time.Now()})
}

func (l *lossTrial) end(process string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended[process].IsZero() {
		l.ended[process] = time.Now()
	}
}

// late returns the messages that arrived from a process that had been killed or
// suspended by then: nobody can call back a request that has left.
func (l *lossTrial) late() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	messages := make(map[string]bool)
	for _, a := range l.arrivals {
		if ended := l.ended[a.process]; !ended.IsZero() && a.at.After(ended) {
			messages[a.message] = true
		}
	}
	return messages
}

func newLossTrial(t *testing.T, d database, crash func() error) *lossTrial {
	l := &lossTrial{
		badAmazon: &badAmazon{cloud: alexatest.NewCloud(), ledger: newChaosLedger()},
		database:  d, crash: crash, ended: make(map[string]time.Time),
	}
	l.accepted = l.arrive
	l.db = d.open(t)
	l.db.SetMaxOpenConns(4)
	store := d.storeOn(t, l.db)
	tokens := &lwa.Source{Client: &lwa.Client{ID: chaosClient, Secret: chaosSecret, HTTPClient: l.cloud.Client()}, Store: store}
	for account := range 4 {
		code := l.cloud.Grant(alexaevents.Europe, chaosCustomer(account, "only"))
		require.NoError(t, tokens.Exchange(t.Context(), chaosKey(account, "only"), alexaevents.Europe, alexaevents.Secret(code)))
	}
	require.NoError(t, (&outbox.Outbox{DB: l.db, Dialect: d.Dialect}).Migrate(t.Context()))
	for _, statement := range []string{
		"CREATE TABLE devices (endpoint text PRIMARY KEY, version integer NOT NULL)",
		"CREATE TABLE presses (press text PRIMARY KEY)",
	} {
		_, err := l.db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	for n := range lossEndpoints {
		_, err := l.db.ExecContext(t.Context(), "INSERT INTO devices (endpoint, version) VALUES ($1, 0)", lossEndpoint(n))
		require.NoError(t, err)
	}
	hosts, certificate := l.serve(t)
	l.child = outboxChild{Database: d, Hosts: hosts, Certificate: certificate}
	return l
}

func lossEndpoint(n int) string { return fmt.Sprint("device-", n) }

func (l *lossTrial) run(t *testing.T) {
	children := []outboxChild{l.child, l.child, l.child}
	children[0].Writes = true
	children[2].Ahead = 30 * time.Second
	processes := make([]*process, len(children))
	started := 0
	start := func(i int) {
		var err error
		started++
		children[i].Name = fmt.Sprint("process-", started)
		processes[i], err = startProcess(childProcess{Outbox: &children[i]}.command(t))
		require.NoError(t, err)
		_, err = processes[i].line()
		require.NoError(t, err)
	}
	for i := range children {
		start(i)
	}
	stops, crashes := 0, 0
	for done := range often(*outboxKills) {
		time.Sleep(rand.N(300 * time.Millisecond))
		switch {
		case done%10 == 5:
			n := 1 + rand.IntN(2)
			worker := processes[n].command.Process
			l.end(children[n].Name)
			require.NoError(t, worker.Signal(syscall.SIGSTOP))
			time.Sleep(6 * time.Second)
			require.NoError(t, worker.Signal(syscall.SIGCONT))
			stops++
		case done%15 == 10 && l.crash != nil:
			require.NoError(t, l.crash())
			crashes++
		case done%6 == 1 && done < often(*outboxKills)*2/3: // what is swallowed later holds its lane for up to ten seconds more
			l.swallow.Store(swallowRequest + int32(done)%2)
		}
		victim := rand.IntN(len(processes))
		l.end(children[victim].Name)
		_, err := processes[victim].kill()
		require.NoError(t, err)
		start(victim)
	}
	time.Sleep(time.Second)
	_, err := processes[0].kill() // and nobody writes any more
	require.NoError(t, err)
	ended := time.Now()
	for waiting := 1; waiting > 0; {
		require.NoError(t, l.db.QueryRowContext(t.Context(), "SELECT count(*) FROM alexa_outbox WHERE state < 2").Scan(&waiting))
		require.Less(t, time.Since(ended), time.Minute)
		time.Sleep(20 * time.Millisecond)
	}
	emptied := time.Since(ended)
	for _, p := range processes[1:] {
		require.NoError(t, p.input.Close())
		_, err := io.ReadAll(p.output)
		require.NoError(t, err)
		require.NoError(t, p.command.Wait(), "%s", &p.log)
	}
	ledger := l.ledgerOf(t)
	verdict := ledger.judge()
	t.Logf("kills: %d, of them after a worker stood still for longer than its lease: %d; crashes of the server: %d; swallowed connections: %d", often(*outboxKills), stops, crashes, l.swallowed.Load())
	t.Logf("changes committed: %d, presses: %d; accepted messages: %d; duplicates with the same message ID: %d; requests of dead or suspended processes that arrived late: %d; presses given up: %d; empty %s after the last change",
		ledger.changes(), len(ledger.pressed), len(ledger.accepted), verdict.duplicates, verdict.late, len(ledger.dead), emptied.Round(time.Millisecond))
	require.Empty(t, verdict.faults)
	require.Positive(t, ledger.changes())
	require.NotEmpty(t, ledger.pressed)
}

// ledgerOf reads what was committed from the database, and what was accepted from
// the gateway.
func (l *lossTrial) ledgerOf(t *testing.T) *outboxLedger {
	ledger := &outboxLedger{versions: make(map[string]int), pressed: make(map[string]bool), dead: make(map[string]bool), late: l.late()}
	read := func(query string, row func(*sql.Rows) error) {
		rows, err := l.db.QueryContext(t.Context(), query)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			require.NoError(t, row(rows))
		}
		require.NoError(t, rows.Err())
	}
	read("SELECT endpoint, version FROM devices", func(rows *sql.Rows) error {
		var endpoint string
		var version int
		err := rows.Scan(&endpoint, &version)
		ledger.versions[endpoint] = version
		return err
	})
	read("SELECT press FROM presses", func(rows *sql.Rows) error {
		var press string
		err := rows.Scan(&press)
		ledger.pressed[press] = true
		return err
	})
	read("SELECT body FROM alexa_outbox WHERE state = 2", func(rows *sql.Rows) error {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		var stored struct{ Body string }
		require.NoError(t, json.Unmarshal(body, &stored))
		ledger.dead[readOutboxMessage(t, []byte(stored.Body)).press] = true
		return nil
	})
	for _, sent := range l.cloud.Sent() {
		ledger.accepted = append(ledger.accepted, readOutboxMessage(t, sent.Body))
	}
	return ledger
}

// outboxMessage is what the ledger needs of an event: a press, or the version of a
// device.
type outboxMessage struct {
	id       string
	endpoint string
	version  int
	press    string
}

func readOutboxMessage(t *testing.T, body []byte) outboxMessage {
	var wire struct {
		Event struct {
			Header   struct{ MessageID string }
			Endpoint struct{ EndpointID string }
			Payload  struct {
				ID     string
				Change struct{ Properties []struct{ Value int } }
			}
		}
	}
	require.NoError(t, json.Unmarshal(body, &wire))
	m := outboxMessage{id: wire.Event.Header.MessageID, endpoint: wire.Event.Endpoint.EndpointID, press: wire.Event.Payload.ID}
	if m.press == "" {
		require.Len(t, wire.Event.Payload.Change.Properties, 1)
		m.version = wire.Event.Payload.Change.Properties[0].Value
	}
	return m
}

// outboxLedger compares what was committed with what the gateway accepted. It knows
// nothing of the outbox but what is promised:
//
//   - The last version of each device arrives. Earlier ones may be merged into it.
//   - No version arrives after a newer one of its device, except from a process that had
//     been killed or suspended by then, and none that was not committed.
//   - A message arrives again only with the same message ID.
//   - A press arrives once, or is given up; none arrives that was not committed.
type outboxLedger struct {
	versions map[string]int // the last that was committed, by endpoint
	pressed  map[string]bool
	dead     map[string]bool // presses that were given up
	late     map[string]bool // IDs of messages that had left a process before it was killed or suspended
	accepted []outboxMessage // in order
}

type outboxVerdict struct {
	duplicates int
	late       int
	faults     []string
}

func (l *outboxLedger) changes() (n int) {
	for _, version := range l.versions {
		n += version
	}
	return n
}

func (l *outboxLedger) judge() (v outboxVerdict) {
	fault := func(format string, args ...any) { v.faults = append(v.faults, fmt.Sprintf(format, args...)) }
	last := make(map[string]outboxMessage)
	presses := make(map[string]int)
	for _, m := range l.accepted {
		if m.press != "" {
			if presses[m.press]++; !l.pressed[m.press] {
				fault("press %s was not committed", m.press)
			}
			continue
		}
		before := last[m.endpoint]
		switch {
		case m.version > l.versions[m.endpoint]:
			fault("version %d of %s was not committed", m.version, m.endpoint)
		case m.version < before.version && l.late[m.id]:
			v.late++
			continue
		case m.version < before.version:
			fault("version %d of %s arrived after version %d", m.version, m.endpoint, before.version)
		case m.version == before.version && m.id != before.id:
			fault("version %d of %s arrived again with another message ID", m.version, m.endpoint)
		case m.version == before.version:
			v.duplicates++
		}
		last[m.endpoint] = m
	}
	for endpoint, version := range l.versions {
		if last[endpoint].version != version {
			fault("version %d of %s is lost: version %d arrived last", version, endpoint, last[endpoint].version)
		}
	}
	for press := range l.pressed {
		switch n := presses[press]; {
		case n == 0 && !l.dead[press]:
			fault("press %s is lost", press)
		case n > 1:
			fault("press %s arrived %d times", press, n)
		}
	}
	return v
}

func TestOutboxLedgerFindsFaults(t *testing.T) {
	t.Parallel()
	one := func(id string, version int) outboxMessage {
		return outboxMessage{id: id, endpoint: "lamp", version: version}
	}
	press := outboxMessage{id: "p", endpoint: "button", press: "1"}
	for name, test := range map[string]struct {
		accepted []outboxMessage
		fault    string
	}{
		"all":             {[]outboxMessage{one("a", 1), one("b", 2), one("b", 2), press}, ""},
		"merged":          {[]outboxMessage{one("b", 2), press}, ""},
		"lost":            {[]outboxMessage{one("a", 1), press}, "version 2 of lamp is lost"},
		"reordered":       {[]outboxMessage{one("b", 2), one("a", 1), one("b", 2), press}, "arrived after version 2"},
		"another ID":      {[]outboxMessage{one("b", 2), one("c", 2), press}, "another message ID"},
		"late":            {[]outboxMessage{one("b", 2), one("late", 1), press}, ""},
		"rolled back":     {[]outboxMessage{one("b", 2), one("c", 3), press}, "version 3 of lamp was not committed"},
		"press lost":      {[]outboxMessage{one("b", 2)}, "press 1 is lost"},
		"press twice":     {[]outboxMessage{one("b", 2), press, press}, "press 1 arrived 2 times"},
		"press of nobody": {[]outboxMessage{one("b", 2), press, {id: "q", press: "2"}}, "press 2 was not committed"},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := &outboxLedger{versions: map[string]int{"lamp": 2}, pressed: map[string]bool{"1": true}, late: map[string]bool{"late": true}, accepted: test.accepted}
			verdict := ledger.judge()
			if test.fault == "" {
				require.Empty(t, verdict.faults)
				return
			}
			require.Contains(t, strings.Join(verdict.faults, "\n"), test.fault)
		})
	}
}

// outboxChild is a process that changes devices, or one that delivers.
type outboxChild struct {
	Database    database
	Hosts       map[string]string // the address for each host of Amazon
	Certificate []byte            // of all of them, in DER
	Name        string            // of the process
	Writes      bool
	Ahead       time.Duration // of its clock, as far as the outbox's user can see one
}

func (c outboxChild) run(ctx context.Context, out io.Writer) error {
	db, err := c.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	client, err := c.client()
	if err != nil {
		return err
	}
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: chaosClient, Secret: chaosSecret, HTTPClient: client},
		Store:  sqlstore.New(db, c.Database.Dialect),
		Now:    func() time.Time { return time.Now().Add(c.Ahead) },
	}
	box := &outbox.Outbox{DB: db, Dialect: c.Database.Dialect, Sender: &gateway.Sender{Tokens: tokens, HTTPClient: client}}
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	over, end := context.WithCancel(ctx)
	go func() {
		untilInputEnds()
		end()
	}()
	if !c.Writes {
		return box.Run(over)
	}
	for over.Err() == nil {
		_ = c.change(over, db, box) // as when the server crashes: the transaction is committed or not
		time.Sleep(rand.N(4 * time.Millisecond))
	}
	return nil
}

// change is a transaction of the user's: a device changes, or a button is pressed.
func (c outboxChild) change(ctx context.Context, db *sql.DB, box *outbox.Outbox) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	account, n := rand.IntN(4), rand.IntN(lossEndpoints)
	var event gateway.Event
	if rand.IntN(8) == 0 {
		press := fmt.Sprint("press-", rand.Uint64())
		if _, err := tx.ExecContext(ctx, "INSERT INTO presses (press) VALUES ($1)", press); err != nil {
			return err
		}
		event = &gateway.SimpleEvent{EndpointID: fmt.Sprint("button-", n), Instance: "press", ID: press, Timestamp: time.Now()}
	} else {
		account = n % 4 // a device is one account's
		var version int
		if err := tx.QueryRowContext(ctx, "UPDATE devices SET version = version + 1 WHERE endpoint = $1 RETURNING version", lossEndpoint(n)).Scan(&version); err != nil {
			return err
		}
		event = &gateway.ChangeReport{
			EndpointID: lossEndpoint(n), Cause: gateway.PhysicalInteraction,
			Properties: []gateway.Property{{Namespace: "Alexa.Example", Name: "version", Value: version, TimeOfSample: time.Unix(int64(version), 0)}},
		}
	}
	if err := box.Enqueue(ctx, tx, event, chaosKey(account, "only")); err != nil {
		return err
	}
	if rand.IntN(10) == 0 {
		return errors.New("the user rolls back")
	}
	return tx.Commit()
}

// client reaches Amazon's hosts at other addresses.
func (c outboxChild) client() (*http.Client, error) {
	certificate, err := x509.ParseCertificate(c.Certificate)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{Timeout: 10 * time.Second, Transport: &namedTransport{name: c.Name, base: &http.Transport{
		DialContext: func(ctx context.Context, network, host string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, c.Hosts[strings.TrimSuffix(host, ":443")])
		},
		TLSClientConfig:     &tls.Config{RootCAs: roots, ServerName: certificate.DNSNames[0]},
		MaxIdleConnsPerHost: 64,
	}}}, nil
}

// namedTransport tells the gateway which process a request is from.
type namedTransport struct {
	name string
	base http.RoundTripper
}

func (t *namedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(processName, t.name)
	return t.base.RoundTrip(r)
}
