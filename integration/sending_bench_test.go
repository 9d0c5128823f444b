package integration

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

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
		sender := &gateway.Sender{Tokens: tokens, HTTPClient: acceptingGateway(b)}
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

// acceptingGateway returns a client of a gateway that accepts everything.
func acceptingGateway(b *testing.B) *http.Client {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
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
