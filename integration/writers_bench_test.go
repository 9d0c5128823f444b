package integration

import (
	"context"
	"crypto/tls"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

var (
	writersCounts = flag.String("writers", "1,20,200", "numbers of concurrent writers in BenchmarkWriters")
	writersSpan   = flag.Duration("writers-span", 250*time.Millisecond, "how long BenchmarkWriters, BenchmarkSenders and BenchmarkSending write at a time")
	writersRounds = flag.Int("writers-rounds", 3, "how often they write with each number of writers")
)

// writers are concurrent callers that each do one write after the other.
type writers struct {
	writes    int
	failures  int
	took      time.Duration
	latencies []time.Duration // sorted
}

// runWriters runs the callers until the span is over. The function gets the number
// of the caller and of the write.
func runWriters(count int, span time.Duration, write func(writer, n int) error) writers {
	var mu sync.Mutex
	var all writers
	var group sync.WaitGroup
	begun := time.Now()
	for w := range count {
		group.Go(func() {
			var latencies []time.Duration
			failures := 0
			for n := 0; time.Since(begun) < span; n++ {
				before := time.Now()
				if write(w, n) != nil {
					failures++
				}
				latencies = append(latencies, time.Since(before))
			}
			mu.Lock()
			defer mu.Unlock()
			all.failures += failures
			all.latencies = append(all.latencies, latencies...)
		})
	}
	group.Wait()
	all.took = time.Since(begun)
	all.writes = len(all.latencies) - all.failures
	slices.Sort(all.latencies)
	return all
}

func (w writers) rate() float64 { return float64(w.writes) / w.took.Seconds() }

func (w writers) quantile(q float64) float64 {
	return float64(w.latencies[int(q*float64(len(w.latencies)-1))].Microseconds()) / 1000
}

// compareWriters runs two kinds of writers in turn, and reports the median of each
// figure: those that share a store, and those with a store each.
func compareWriters(b *testing.B, count int, together, apart func(writer, n int) error) {
	var ofTogether, ofApart []writers
	for range b.N {
		for range *writersRounds {
			ofApart = append(ofApart, runWriters(count, *writersSpan, apart))
			ofTogether = append(ofTogether, runWriters(count, *writersSpan, together))
		}
	}
	b.ReportMetric(0, "ns/op")
	apartRate := reportWriters(b, ofApart, "writes", "apart-")
	b.ReportMetric(reportWriters(b, ofTogether, "writes", "")/apartRate, "x-apart")
}

// reportWriters reports the median of each figure.
func reportWriters(b *testing.B, all []writers, what, prefix string) (rate float64) {
	median := func(figure func(writers) float64) float64 {
		var figures []float64
		for _, w := range all {
			figures = append(figures, figure(w))
		}
		slices.Sort(figures)
		return figures[len(figures)/2]
	}
	failures := 0
	for _, w := range all {
		failures += w.failures
	}
	rate = median(writers.rate)
	b.ReportMetric(rate, prefix+what+"/s")
	b.ReportMetric(median(func(w writers) float64 { return w.quantile(0.5) }), prefix+"p50-ms")
	b.ReportMetric(median(func(w writers) float64 { return w.quantile(0.99) }), prefix+"p99-ms")
	b.ReportMetric(median(func(w writers) float64 { return w.quantile(1) }), prefix+"max-ms")
	b.ReportMetric(float64(failures), prefix+"failed")
	return rate
}

// onEachWaiting runs the benchmark on each kind of database with the pool that the
// documentation recommends, and waits for the disk.
func onEachWaiting(b *testing.B, run func(*testing.B, *sql.DB, sqlstore.Dialect)) {
	b.Run("SQLite", func(b *testing.B) {
		db := newSQLite(b).open(b)
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8)
		run(b, db, sqlstore.SQLite)
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		server, err := startPostgres("fsync=on")
		needServer(b, err, errNoPostgres)
		b.Cleanup(func() { require.NoError(b, server.stop()) })
		db := database{sqlstore.Postgres, "pgx", server.source}.open(b)
		db.SetMaxOpenConns(10)
		db.SetMaxIdleConns(10)
		run(b, db, sqlstore.Postgres)
	})
}

// BenchmarkWriters times concurrent writers of facts and of grants, each of its
// own ones, against writers that share nothing but the handle.
func BenchmarkWriters(b *testing.B) {
	onEachWaiting(b, func(b *testing.B, db *sql.DB, dialect sqlstore.Dialect) {
		store := sqlstore.New(db, dialect)
		require.NoError(b, store.Migrate(b.Context()))
		var users atomic.Int64
		for name, write := range map[string]func(s *sqlstore.Store, writer, n int) error{
			"AddFact": func(s *sqlstore.Store, _, _ int) error {
				return s.AddFact(b.Context(), enabled(fmt.Sprintf("amzn1.ask.account.%0207d", users.Add(1)), monday))
			},
			"UpdateGrant": func(s *sqlstore.Store, writer, n int) error {
				return s.UpdateGrant(b.Context(), keyOf(fmt.Sprintf("account-%d", writer)), func(g *lwa.Grant) error {
					token := alexaevents.Secret(fmt.Sprintf("%0400d", n))
					g.Region, g.AccessToken, g.RefreshToken = alexaevents.Europe, token, token
					g.IssuedAt, g.Expiry, g.CodeHash = monday, monday.Add(time.Hour), strings.Repeat("0", 64)
					return nil
				})
			},
		} {
			for text := range strings.SplitSeq(*writersCounts, ",") {
				count, err := strconv.Atoi(text)
				require.NoError(b, err)
				b.Run(fmt.Sprintf("%s/writers=%d", name, count), func(b *testing.B) {
					own := make([]*sqlstore.Store, count)
					for w := range own {
						own[w] = sqlstore.New(db, dialect)
					}
					compareWriters(b, count,
						func(writer, n int) error { return write(store, writer, n) },
						func(writer, n int) error { return write(own[writer], writer, n) })
				})
			}
		}
	})
}

// BenchmarkSenders times a whole endpoint with 200 concurrent senders of signed
// events: the senders, the verification and the database share the machine.
func BenchmarkSenders(b *testing.B) {
	const senders = 200
	onEachWaiting(b, func(b *testing.B, db *sql.DB, dialect sqlstore.Dialect) {
		store := sqlstore.New(db, dialect)
		require.NoError(b, store.Migrate(b.Context()))
		cloud := alexatest.NewCloud()
		verifier := &signature.Verifier{Skills: []string{skill}, Roots: cloud.Roots(), HTTPClient: cloud.Client()}

		var users atomic.Int64 // the events are few, their users many
		record := func(storeOf func() *sqlstore.Store) func(context.Context, skillevents.Event) error {
			return func(ctx context.Context, event skillevents.Event) error {
				disabled := *event.(*skillevents.SkillDisabled)
				disabled.UserID = fmt.Sprintf("amzn1.ask.account.%0207d", users.Add(1))
				return (&identity.Recorder{Store: storeOf()}).Record(ctx, &disabled)
			}
		}
		handlers := map[string]http.Handler{
			"/together": &skillevents.Handler{Receive: record(func() *sqlstore.Store { return store })},
			"/apart":    &skillevents.Handler{Receive: record(func() *sqlstore.Store { return sqlstore.New(db, dialect) })},
		}
		mux := http.NewServeMux()
		for path, handler := range handlers {
			mux.Handle(path, verifier.Handler(handler))
		}
		server := httptest.NewServer(mux)
		b.Cleanup(server.Close)
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
		b.Cleanup(client.CloseIdleConnections)

		var headers []http.Header
		var bodies []string
		for range senders {
			customer := &alexatest.Customer{SkillID: skill}
			customer.Enable()
			body := customer.Disable()
			headers = append(headers, cloud.NewRequest(server.URL, body).Header)
			bodies = append(bodies, string(body))
		}
		send := func(path string) func(sender, n int) error {
			return func(sender, _ int) error {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+path, strings.NewReader(bodies[sender]))
				if err != nil {
					return err
				}
				request.Header = headers[sender]
				response, err := client.Do(request)
				if err != nil {
					return err
				}
				defer response.Body.Close()
				_, err = io.Copy(io.Discard, response.Body)
				if response.StatusCode != http.StatusOK {
					return fmt.Errorf("status %d", response.StatusCode)
				}
				return err
			}
		}
		compareWriters(b, senders, send("/together"), send("/apart"))
	})
}

// BenchmarkSending times events to 1000 accounts whose access tokens are fresh,
// over HTTP/2 on the loopback interface, by the client that a Sender has of its
// own. Senders, gateway and database share the machine.
func BenchmarkSending(b *testing.B) {
	const accounts = 1000
	onEachWaiting(b, func(b *testing.B, db *sql.DB, dialect sqlstore.Dialect) {
		tokens := &lwa.Source{Client: &lwa.Client{ID: keyOf("").ClientID, Secret: "secret"}, Store: database{Dialect: dialect}.storeOn(b, db)}
		token := alexaevents.Secret("Atza|" + strings.Repeat("x", 400))
		for account := range accounts {
			require.NoError(b, tokens.Store.UpdateGrant(b.Context(), keyOf(chaosAccount(account)), func(g *lwa.Grant) error {
				now := time.Now()
				g.Region, g.AccessToken, g.RefreshToken = alexaevents.Europe, token, token
				g.IssuedAt, g.Expiry, g.ConfirmedAt = now, now.Add(24*time.Hour), now
				return nil
			}))
		}
		sender := &gateway.Sender{Tokens: tokens, HTTPClient: gatewayClient(b, acceptAll)}
		for _, count := range []int{1, 64, 500} {
			b.Run(fmt.Sprintf("%d in flight", count), func(b *testing.B) {
				send := func(writer, n int) error {
					return sender.Send(b.Context(), chaosAccount((writer+n*count)%accounts), chaosEvent("lamp-1"))
				}
				runWriters(count, 100*time.Millisecond, send) // makes the connections
				var all []writers
				for b.Loop() {
					for range *writersRounds {
						all = append(all, runWriters(count, *writersSpan, send))
					}
				}
				b.ReportMetric(0, "ns/op")
				reportWriters(b, all, "events", "")
			})
		}
	})
}

// acceptAll is a gateway that accepts everything.
func acceptAll(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.WriteHeader(http.StatusAccepted)
}

// gatewayClient returns a client whose only host is a gateway, over HTTP/2.
func gatewayClient(b *testing.B, gateway http.HandlerFunc) *http.Client {
	server := httptest.NewUnstartedServer(gateway)
	server.EnableHTTP2 = true
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 100}
	server.StartTLS()
	b.Cleanup(server.Close)
	client := rest.HTTPClient(nil)
	transport := client.Transport.(*http.Transport).Clone()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, server.Listener.Addr().String())
	}
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com"}
	client.Transport = transport
	return client
}
