package integration

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/skillevents"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

var (
	kills = flag.Int("kills", 100, "how often a backend is killed on each kind of database")
	seed  = flag.Uint64("seed", 0, "seed of the events, their order and the moments of the kills; 0 uses a random one")
)

// often returns how often to repeat something: a fifth in a short run.
func often(times int) int {
	if testing.Short() {
		return times / 5
	}
	return times
}

// The quickstart's backend is killed at random moments, while it starts, while it
// makes its schema and while events arrive, and starts again on the same database. All
// acknowledged events are stored, nothing else is, and after the last acknowledgement
// the customer table is that of all events.
//
// This does not simulate a power failure: the kernel keeps what a killed process wrote.
func TestKills(t *testing.T) {
	program := sync.OnceValue(func() string { return buildQuickstart(t) })
	onEach(t, func(t *testing.T, create newDatabase) {
		path, a := program(), startAlexa(t)
		k := newKilling(t, a, create, func(d database) *exec.Cmd { return quickstart(t.Context(), path, a, d) })
		require.NoError(t, k.run(t.Context(), often(*kills)))
		t.Logf("%d kills, %d of them before the backend listened; %d events acknowledged; "+
			"%d deliveries in flight at a kill; %d events stored, but without a response",
			k.done, k.starting, k.acknowledged, k.inFlight, k.unconfirmed)
		require.Equal(t, often(*kills), k.done)
		if often(*kills) >= 100 { // else the moments may be too few
			require.Greater(t, k.starting, often(*kills)/10)
			require.Positive(t, k.unconfirmed)
			require.Greater(t, k.inFlight, k.unconfirmed)
		}
	})
}

// The test above finds a backend that acknowledges events too early.
func TestKillsOfAckBeforeStore(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		k := newKilling(t, startAlexa(t), create, func(d database) *exec.Cmd { return childProcess{AckBeforeStore: &ackBeforeStore{d}}.command(t) })
		require.ErrorContains(t, k.run(t.Context(), *kills), "an acknowledged event is lost")
		t.Logf("found after %d kills", k.done)
	})
}

// killing kills a backend repeatedly. Its numbers are the sums over all finished
// databases.
type killing struct {
	*alexa
	create  func() database
	launch  func(database) *exec.Cmd
	random  *rand.Rand
	startup time.Duration // duration of the last start

	done, starting                      int // kills, and those before the backend listened
	acknowledged, inFlight, unconfirmed int
}

func newKilling(t *testing.T, a *alexa, create newDatabase, launch func(database) *exec.Cmd) *killing {
	number := *seed
	if number == 0 {
		number = rand.Uint64()
	}
	t.Logf("-seed=%d", number)
	return &killing{
		alexa:   a,
		create:  func() database { return create(t) },
		launch:  launch,
		random:  rand.New(rand.NewPCG(number, 0)),
		startup: 100 * time.Millisecond,
	}
}

// killsPerDatabase is small, since only a new database is without a schema.
const killsPerDatabase = 10

func (k *killing) run(ctx context.Context, kills int) error {
	for done := 0; done < kills; done += killsPerDatabase {
		l := newLedger(k.create())
		for range min(killsPerDatabase, kills-done) {
			if err := k.runOnce(ctx, l); err != nil {
				return err
			}
		}
		if err := k.finish(ctx, l); err != nil {
			return err
		}
		k.acknowledged += len(l.acknowledged)
		k.inFlight += l.inFlight
		k.unconfirmed += len(l.unconfirmed)
	}
	return nil
}

// runOnce runs the backend from a start to a kill.
func (k *killing) runOnce(ctx context.Context, l *ledger) error {
	if k.random.IntN(2) == 0 { // else it is the backend that recovers the database
		if err := l.check(ctx); err != nil {
			return err
		}
	}
	b, err := startProcess(k.launch(l.database))
	if err != nil {
		return err
	}
	k.done++
	if k.random.IntN(5) == 0 || len(l.sent) == 0 && k.random.IntN(3) > 0 {
		k.pause(k.startup)
		printed, err := b.kill()
		if len(printed) == 0 {
			k.starting++
		}
		return err
	}
	url, err := k.serve(ctx, b, l)
	if err != nil {
		return err
	}
	for range 4 {
		l.add(k.history(k.random))
	}
	deliveries := k.deliveries(l)
	stop := make(chan struct{})
	responses := k.deliver(ctx, url, deliveries, stop)
	for range k.random.IntN(len(deliveries)) {
		if err := l.note(<-responses, false); err != nil {
			return err
		}
	}
	k.pause(2 * time.Millisecond)
	close(stop)
	if _, err := b.kill(); err != nil {
		return err
	}
	for a := range responses {
		if err := l.note(a, true); err != nil {
			return err
		}
	}
	return nil
}

// finish delivers the events that were never acknowledged, to a backend that is not
// killed.
func (k *killing) finish(ctx context.Context, l *ledger) error {
	b, err := startProcess(k.launch(l.database))
	if err != nil {
		return err
	}
	url, err := k.serve(ctx, b, l)
	if err != nil {
		return err
	}
	for a := range k.deliver(ctx, url, k.deliveries(l), nil) {
		if err := l.note(a, false); err != nil {
			return err
		}
	}
	if _, err := b.kill(); err != nil {
		return err
	}
	if err := l.check(ctx); err != nil {
		return err
	}
	return l.checkTable(ctx)
}

// serve waits until the backend listens, and checks the database.
func (k *killing) serve(ctx context.Context, b *process, l *ledger) (url string, err error) {
	begun := time.Now()
	if url, err = b.line(); err != nil {
		return "", err
	}
	k.startup = time.Since(begun)
	if err := l.signUp(ctx); err != nil {
		return "", err
	}
	return url, l.check(ctx)
}

// deliveries returns the events that were never acknowledged, and some that were.
func (k *killing) deliveries(l *ledger) []sentEvent {
	return shuffled(k.random, only(l.events, func(event sentEvent) bool {
		return !l.acknowledged[event.fact] || k.random.IntN(8) == 0
	}))
}

// pause waits for a random time.
func (k *killing) pause(most time.Duration) {
	time.Sleep(time.Duration(k.random.Int64N(int64(most))))
}

// ackBeforeStore is a child process: a backend that acknowledges each event before it
// stores the fact.
type ackBeforeStore struct{ Database database }

func (a ackBeforeStore) run(ctx context.Context, out io.Writer) error {
	db, err := a.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	store := sqlstore.New(db, a.Database.Dialect)
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY)"); err != nil {
		return err
	}
	recorder := &identity.Recorder{Store: store, Account: subject}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		if event, err := skillevents.Parse(body); err == nil {
			_ = recorder.Record(context.WithoutCancel(r.Context()), event)
		}
	})}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		untilInputEnds()
		_ = server.Close()
	}()
	if _, err := fmt.Fprintln(out, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	return server.Serve(listener)
}

// subject accepts every access token.
func subject(_ context.Context, accessToken string) (accountID string, err error) {
	var claims jwt.RegisteredClaims
	_, _, err = jwt.NewParser().ParseUnverified(accessToken, &claims)
	return claims.Subject, err
}

// buildQuickstart returns the program of examples/quickstart.
func buildQuickstart(t *testing.T) (path string) {
	path = filepath.Join(t.TempDir(), "quickstart")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../examples", "-o", path, "./quickstart").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return path
}

// quickstart returns the process of the quickstart's backend, on that database.
func quickstart(ctx context.Context, path string, a *alexa, d database) *exec.Cmd {
	name := d.Source
	if d.Dialect == sqlstore.SQLite {
		name, _, _ = strings.Cut(strings.TrimPrefix(d.Source, "file:"), "?")
	}
	return exec.CommandContext(ctx, path, append([]string{"backend", "-db", name}, a.flags...)...)
}
