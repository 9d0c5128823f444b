package integration

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

var (
	outboxWaiting = flag.Int("outbox-waiting", 2000, "how many events wait in BenchmarkOutboxDrain")
	outboxSpan    = flag.Duration("outbox-span", time.Second, "how long BenchmarkOutboxLatency, BenchmarkOutboxThrottled and BenchmarkOutboxRegionDown enqueue")
)

// countingGateway accepts events, and notes when.
type countingGateway struct {
	mu       sync.Mutex
	accepted map[string]time.Time // by endpoint; nil notes nothing
	count    atomic.Int64
	throttle atomic.Bool // refuses the endpoints that begin with "throttled-"
	down     atomic.Bool
	refused  atomic.Int64 // too many requests
	failed   atomic.Int64 // while it is down
	together atomic.Int64 // requests at a time while it is down
	most     atomic.Int64
	delay    time.Duration // of each response
}

func (g *countingGateway) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if g.down.Load() {
		g.most.Store(max(g.most.Load(), g.together.Add(1)))
		defer g.together.Add(-1)
		g.failed.Add(1)
		time.Sleep(10 * time.Millisecond)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if g.throttle.Load() && strings.Contains(string(body), "throttled-") {
		g.refused.Add(1)
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if strings.Contains(string(body), `"slow-`) {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(g.delay)
	g.count.Add(1)
	if g.accepted != nil {
		g.mu.Lock()
		g.accepted[readChaosMessage(body).Event.Endpoint.EndpointID] = time.Now()
		g.mu.Unlock()
	}
	w.WriteHeader(http.StatusAccepted)
}

// benchOutbox returns an outbox and the keys of its accounts, whose tokens are good
// for an hour.
func benchOutbox(b *testing.B, d database, accounts int, g *countingGateway) (*outbox.Outbox, []lwa.Key) {
	db := d.open(b)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	store := d.storeOn(b, db) // as in a backend
	keys := make([]lwa.Key, accounts)
	for i := range keys {
		keys[i] = lwa.Key{ClientID: "client", AccountID: fmt.Sprint("account-", i), LinkID: "link"}
		require.NoError(b, store.UpdateGrant(b.Context(), keys[i], func(grant *lwa.Grant) error {
			now := time.Now()
			*grant = lwa.Grant{Key: grant.Key, Region: alexaevents.Europe, AccessToken: "Atza|example", RefreshToken: "Atzr|example", IssuedAt: now, Expiry: now.Add(time.Hour), ConfirmedAt: now}
			return nil
		}))
	}
	tokens := &lwa.Source{Client: &lwa.Client{ID: "client", Secret: "secret"}, Store: store}
	box := &outbox.Outbox{DB: db, Dialect: d.Dialect, Sender: &gateway.Sender{Tokens: tokens, HTTPClient: gatewayClient(b, g.serve)}}
	require.NoError(b, box.Migrate(b.Context()))
	return box, keys
}

// riverArgs are those of a job that is a message.
type riverArgs struct {
	Key     lwa.Key          `json:"key"`
	Message *gateway.Message `json:"message"`
}

func (riverArgs) Kind() string { return "alexa_event" }

// newRiver makes River's tables in the database, and a client that only inserts.
func newRiver(b *testing.B, d database, db *sql.DB) *river.Client[*sql.Tx] {
	var driver riverdriver.Driver[*sql.Tx] = riverdatabasesql.New(db)
	if d.Dialect == sqlstore.SQLite {
		driver = riversqlite.New(db)
	}
	migrator, err := rivermigrate.New(driver, nil)
	require.NoError(b, err)
	_, err = migrator.Migrate(b.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(b, err)
	client, err := river.NewClient(driver, &river.Config{})
	require.NoError(b, err)
	return client
}

// The transaction of a user's change with an event, against the same with the job of
// River.
func BenchmarkOutboxEnqueue(b *testing.B) {
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		b.Run(name, func(b *testing.B) {
			d := create(b)
			box, keys := benchOutbox(b, d, 1, new(countingGateway))
			client := newRiver(b, d, box.DB)
			event := report("lamp-1", "power", "ON", time.Now())
			transaction := func(insert func(*sql.Tx) error) {
				tx, err := box.DB.BeginTx(b.Context(), nil)
				require.NoError(b, err)
				require.NoError(b, insert(tx))
				require.NoError(b, tx.Commit())
			}
			compare.Run(b, func(int) {
				transaction(func(tx *sql.Tx) error {
					m, err := gateway.NewMessage(event)
					if err == nil {
						_, err = client.InsertTx(b.Context(), tx, riverArgs{keys[0], m}, nil)
					}
					return err
				})
			}, func(int) {
				transaction(func(tx *sql.Tx) error { return box.Enqueue(b.Context(), tx, event, keys...) })
			})
		})
	}
}

// The time from the transaction's begin until the gateway has the event, while events
// come at a steady rate.
func BenchmarkOutboxLatency(b *testing.B) {
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		for _, rate := range []int{50, 500} {
			b.Run(fmt.Sprint(name, "/", rate, " per second"), func(b *testing.B) {
				g := &countingGateway{accepted: make(map[string]time.Time)}
				box, keys := benchOutbox(b, create(b), 1000, g)
				stop := startOutbox(b, box)
				for b.Loop() {
					latencies := steady(b, box, keys, g, rate, *outboxSpan, "")
					b.ReportMetric(quantileMS(latencies, 0.5), "p50-ms")
					b.ReportMetric(quantileMS(latencies, 0.99), "p99-ms")
					b.ReportMetric(quantileMS(latencies, 1), "max-ms")
				}
				b.ReportMetric(0, "ns/op")
				stop()
			})
		}
	}
}

func startOutbox(b *testing.B, box *outbox.Outbox) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(b, <-done)
	}
}

// steady enqueues events of endpoints of their own at a steady rate, and returns how
// long each took, sorted, but for accounts with the prefix.
func steady(b *testing.B, box *outbox.Outbox, keys []lwa.Key, g *countingGateway, rate int, span time.Duration, except string) []time.Duration {
	var mu sync.Mutex
	begun := make(map[string]time.Time)
	var group sync.WaitGroup
	prefix := fmt.Sprint("e", time.Now().UnixNano(), "-")
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	for i := range int(span.Seconds() * float64(rate)) {
		<-ticker.C
		group.Go(func() {
			key, endpoint := keys[i%len(keys)], fmt.Sprint(prefix, i)
			if except != "" && strings.HasPrefix(key.AccountID, except) {
				endpoint = "throttled-" + endpoint
			}
			before := time.Now()
			tx, err := box.DB.BeginTx(b.Context(), nil)
			if err == nil {
				defer func() { _ = tx.Rollback() }()
				err = box.Enqueue(b.Context(), tx, report(endpoint, "power", "ON", before), key)
			}
			if err == nil {
				err = tx.Commit()
			}
			if err != nil {
				b.Error(err)
				return
			}
			if !strings.HasPrefix(endpoint, "throttled-") {
				mu.Lock()
				begun[endpoint] = before
				mu.Unlock()
			}
		})
	}
	group.Wait()
	var latencies []time.Duration
	deadline := time.Now().Add(time.Minute)
	for len(latencies) < len(begun) {
		require.True(b, time.Now().Before(deadline), "events are missing")
		time.Sleep(5 * time.Millisecond)
		latencies = latencies[:0]
		g.mu.Lock()
		for endpoint, before := range begun {
			if at, ok := g.accepted[endpoint]; ok {
				latencies = append(latencies, at.Sub(before))
			}
		}
		g.mu.Unlock()
	}
	slices.Sort(latencies)
	return latencies
}

func quantileMS(sorted []time.Duration, q float64) float64 {
	return float64(sorted[int(q*float64(len(sorted)-1))].Microseconds()) / 1000
}

// fill enqueues one event for each of n endpoints.
func fill(b *testing.B, box *outbox.Outbox, keys []lwa.Key, n int) {
	for from := 0; from < n; from += 1000 {
		tx, err := box.DB.BeginTx(b.Context(), nil)
		require.NoError(b, err)
		for i := from; i < min(n, from+1000); i++ {
			require.NoError(b, box.Enqueue(b.Context(), tx, report(fmt.Sprint("lamp-", i), "power", "ON", time.Now()), keys[i%len(keys)]))
		}
		require.NoError(b, tx.Commit())
	}
}

// How fast events leave that wait, with one and two workers, against a Sender that has
// as many in flight and needs no database. A gateway that responds at once leaves the
// processors as the limit, which two workers share; one that takes as long as Amazon's
// leaves the number of requests at a time.
func BenchmarkOutboxDrain(b *testing.B) {
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		for _, test := range []struct {
			workers int
			delay   time.Duration
		}{{1, 0}, {2, 0}, {1, 50 * time.Millisecond}, {2, 50 * time.Millisecond}} {
			b.Run(fmt.Sprint(name, "/", test.workers, " workers, response after ", test.delay), func(b *testing.B) {
				g := &countingGateway{delay: test.delay}
				box, keys := benchOutbox(b, create(b), 1000, g)
				box.MaxAge = func(*gateway.Message) time.Duration { return 24 * time.Hour }
				for b.Loop() {
					fill(b, box, keys, *outboxWaiting)
					goal := g.count.Load() + int64(*outboxWaiting)
					begun := time.Now()
					var stops []func()
					for range test.workers {
						stops = append(stops, startOutbox(b, box))
					}
					tenth := int64(*outboxWaiting) / 10
					first := await(g, goal-9*tenth, begun)
					last := await(g, goal-tenth, begun)
					whole := await(g, goal, begun)
					for _, stop := range stops {
						stop()
					}
					b.ReportMetric(float64(*outboxWaiting)/whole.Seconds(), "events/s")
					b.ReportMetric(first.Seconds()/(whole-last).Seconds(), "last/first")
				}
				if test.delay == 0 {
					b.ReportMetric(bareRate(b, box.Sender, keys), "bare-events/s")
				}
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				b.ReportMetric(float64(memory.Sys)/(1<<20), "MiB")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func await(g *countingGateway, count int64, begun time.Time) time.Duration {
	for g.count.Load() < count {
		time.Sleep(time.Millisecond)
	}
	return time.Since(begun)
}

// bareRate is how many events per second the sender sends with 64 in flight.
func bareRate(b *testing.B, sender *gateway.Sender, keys []lwa.Key) float64 {
	var group sync.WaitGroup
	const events, inFlight = 6400, 64
	begun := time.Now()
	for w := range inFlight {
		group.Go(func() {
			for i := w; i < events; i += inFlight {
				if err := sender.SendTo(b.Context(), keys[i%len(keys)], report(fmt.Sprint("lamp-", i), "power", "ON", time.Now())); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	return events / time.Since(begun).Seconds()
}

// What others feel of one grant in a hundred that is throttled: their p99 with and
// without it.
func BenchmarkOutboxThrottled(b *testing.B) {
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		b.Run(name, func(b *testing.B) {
			g := &countingGateway{accepted: make(map[string]time.Time)}
			box, keys := benchOutbox(b, create(b), 10_000, g)
			for i := range keys { // one in a hundred, but those that the steady events use
				if i%100 == 7 {
					fill(b, box, keys[i:i+1], 1)
				}
			}
			stop := startOutbox(b, box)
			for b.Loop() {
				g.throttle.Store(false)
				calm := steady(b, box, keys, g, 200, *outboxSpan, "")
				g.throttle.Store(true)
				throttled := steady(b, box, slices.Concat(keys[:99], []lwa.Key{{ClientID: "client", AccountID: "account-9999", LinkID: "link"}}), g, 200, *outboxSpan, "account-9999")
				b.ReportMetric(quantileMS(calm, 0.99), "calm-p99-ms")
				b.ReportMetric(quantileMS(throttled, 0.99), "p99-ms")
				b.ReportMetric(quantileMS(throttled, 0.99)/quantileMS(calm, 0.99), "p99/calm")
				b.ReportMetric(float64(g.refused.Load()), "refused")
			}
			b.ReportMetric(0, "ns/op")
			stop()
		})
	}
}

// What others feel of one endpoint for which very many events wait: change reports, of
// which many become one request, and presses, of which each takes as long as Alexa.
func BenchmarkOutboxLongLane(b *testing.B) {
	at := time.Now()
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		for kind, event := range map[string]gateway.Event{"reports": report("slow-lamp", "power", "ON", at), "presses": press("slow-door")} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				g := &countingGateway{accepted: make(map[string]time.Time)}
				box, keys := benchOutbox(b, create(b), 100, g)
				stop := func() {}
				for b.Loop() {
					tx, err := box.DB.BeginTx(b.Context(), nil)
					require.NoError(b, err)
					for range *outboxWaiting {
						require.NoError(b, box.Enqueue(b.Context(), tx, event, keys[0]))
					}
					require.NoError(b, tx.Commit())
					stop()
					stop = startOutbox(b, box)
					latencies := steady(b, box, keys[1:], g, 20, *outboxSpan, "")
					b.ReportMetric(quantileMS(latencies, 0.5), "p50-ms")
					b.ReportMetric(quantileMS(latencies, 0.99), "p99-ms")
					b.ReportMetric(quantileMS(latencies, 1), "max-ms")
				}
				b.ReportMetric(0, "ns/op")
				stop()
			})
		}
	}
}

// A region that is down for a while: how many requests at a time find out whether it is
// back, and how long it takes until everything is delivered.
func BenchmarkOutboxRegionDown(b *testing.B) {
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		b.Run(name, func(b *testing.B) {
			g := &countingGateway{accepted: make(map[string]time.Time)}
			box, keys := benchOutbox(b, create(b), 100, g)
			stop := startOutbox(b, box)
			for b.Loop() {
				g.down.Store(true)
				var back time.Time
				var group sync.WaitGroup
				group.Go(func() {
					time.Sleep(*outboxSpan / 5)
					g.most.Store(0) // the first requests were under way together
					time.Sleep(*outboxSpan * 4 / 5)
					back = time.Now()
					g.down.Store(false)
				})
				latencies := steady(b, box, keys, g, 100, *outboxSpan, "")
				group.Wait()
				b.ReportMetric(time.Since(back).Seconds(), "s-until-empty")
				b.ReportMetric(float64(g.most.Load()), "requests-at-a-time")
				b.ReportMetric(float64(g.failed.Load()), "failed")
				b.ReportMetric(float64(len(latencies)), "events")
			}
			b.ReportMetric(0, "ns/op")
			stop()
		})
	}
}
