package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/lwa"
)

// The message of a change report, as a program without the library has it.
type (
	bareMessage struct {
		Event   bareEvent `json:"event"`
		Context struct {
			Properties []bareProperty `json:"properties"`
		} `json:"context"`
	}
	bareEvent struct {
		Header struct {
			Namespace      string `json:"namespace"`
			Name           string `json:"name"`
			PayloadVersion string `json:"payloadVersion"`
			MessageID      string `json:"messageId"`
		} `json:"header"`
		Endpoint struct {
			Scope struct {
				Type  string `json:"type"`
				Token string `json:"token"`
			} `json:"scope"`
			EndpointID string `json:"endpointId"`
		} `json:"endpoint"`
		Payload struct {
			Change struct {
				Cause struct {
					Type string `json:"type"`
				} `json:"cause"`
				Properties []bareProperty `json:"properties"`
			} `json:"change"`
		} `json:"payload"`
	}
	bareProperty struct {
		Namespace    string `json:"namespace"`
		Name         string `json:"name"`
		Value        any    `json:"value"`
		TimeOfSample string `json:"timeOfSample"`
		Uncertainty  int64  `json:"uncertaintyInMilliseconds"`
	}
)

func bareProperties(list []gateway.Property) []bareProperty {
	properties := make([]bareProperty, len(list))
	for i, p := range list {
		properties[i] = bareProperty{p.Namespace, p.Name, p.Value, p.TimeOfSample.UTC().Format("2006-01-02T15:04:05.000Z"), p.Uncertainty.Milliseconds()}
	}
	return properties
}

func bareBody(report *gateway.ChangeReport, messageID, token string) ([]byte, error) {
	var message bareMessage
	header := &message.Event.Header
	header.Namespace, header.Name, header.PayloadVersion, header.MessageID = "Alexa", "ChangeReport", "3", messageID
	endpoint := &message.Event.Endpoint
	endpoint.Scope.Type, endpoint.Scope.Token, endpoint.EndpointID = "BearerToken", token, report.EndpointID
	change := &message.Event.Payload.Change
	change.Cause.Type, change.Properties = string(report.Cause), bareProperties(report.Properties)
	message.Context.Properties = bareProperties(report.Context)
	return json.Marshal(message)
}

// post is all that a program without the library does with a body.
func post(ctx context.Context, client *http.Client, body []byte, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, gatewayURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

var gatewayURL = alexaevents.Europe.APIEndpoint() + "/v3/events"

// A Sender, against a bare HTTP client that sends the same bytes, over TLS on
// the loopback interface.
func BenchmarkSend(b *testing.B) {
	token := "Atza|" + strings.Repeat("x", 400)
	server, last := newGateway(b)
	report := lampReport()
	prepared, err := bareBody(report, uuid.NewString(), token)
	require.NoError(b, err)
	ways := func(client *http.Client) (send, bare, bytesOnly func() error) {
		sender := &gateway.Sender{Tokens: tokensOf(b, token), HTTPClient: client}
		return func() error { return sender.Send(b.Context(), "account", report) },
			func() error {
				body, err := bareBody(report, uuid.NewString(), token)
				if err != nil {
					return err
				}
				return post(b.Context(), client, body, token)
			},
			func() error { return post(b.Context(), client, prepared, token) }
	}

	send, bare, bytesOnly := ways(clientOf(server, 512, false))
	require.NoError(b, send())
	require.JSONEq(b, string(prepared), strings.Replace(*last.Load(), messageIDOf(b, *last.Load()), messageIDOf(b, string(prepared)), 1))

	const requests = 3200 // of a batch, at most
	run := func(b *testing.B, n int, floor, work func() error) {
		one, other := inFlight(b, n, floor), inFlight(b, n, work)
		one(0) // which makes the connections
		other(0)
		compare.Batches(b, min(50, requests/n), one, other)
	}
	for _, n := range []int{1, 64, 500} {
		b.Run(fmt.Sprintf("%d in flight, against encoding/json", n), func(b *testing.B) {
			run(b, n, bare, send)
		})
		b.Run(fmt.Sprintf("%d in flight, against prepared bytes", n), func(b *testing.B) {
			run(b, n, bytesOnly, send)
		})
	}
	send2, bare2, _ := ways(clientOf(server, 512, true))
	for _, n := range []int{64, 500} {
		b.Run(fmt.Sprintf("%d in flight over HTTP/2, against encoding/json", n), func(b *testing.B) {
			run(b, n, bare2, send2)
		})
	}
	few, _, _ := ways(clientOf(server, http.DefaultMaxIdleConnsPerHost, false))
	b.Run("500 in flight, against Go's default of idle connections", func(b *testing.B) {
		run(b, 500, few, send)
	})

	send, bare, bytesOnly = ways(&http.Client{Transport: accepting{}}) // without the network and the server
	for _, test := range []struct {
		name string
		send func() error
	}{{"alone", send}, {"encoding/json alone", bare}, {"prepared bytes alone", bytesOnly}} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := test.send(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// clientOf returns a client that sends the requests for all hosts to the server.
func clientOf(server *httptest.Server, idle int, http2 bool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
		TLSClientConfig:     &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"},
		ForceAttemptHTTP2:   http2,
		MaxIdleConnsPerHost: idle,
	}}
}

// accepting responds at once.
type accepting struct{}

func (accepting) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody, Request: r}, r.Body.Close()
}

// inFlight returns a function that sends n events at the same time.
func inFlight(b *testing.B, n int, send func() error) func(int) {
	once := func() {
		if err := send(); err != nil {
			b.Error(err)
		}
	}
	if n == 1 {
		return func(int) { once() }
	}
	return func(int) {
		var group sync.WaitGroup
		for range n {
			group.Go(once)
		}
		group.Wait()
	}
}

// newGateway returns a server that accepts everything and keeps the last body. It
// also supports HTTP/2, with 100 streams per connection.
func newGateway(b *testing.B) (*httptest.Server, *atomic.Pointer[string]) {
	last := new(atomic.Pointer[string])
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		text := string(body)
		last.Store(&text)
		w.WriteHeader(http.StatusAccepted)
	}))
	server.EnableHTTP2 = true
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 100}
	server.StartTLS()
	b.Cleanup(server.Close)
	return server, last
}

// tokensOf returns a source with one grant, whose access token is this.
func tokensOf(b *testing.B, token string) *lwa.Source {
	tokens := &lwa.Source{Client: &lwa.Client{ID: "client", Secret: "secret"}, Store: new(lwa.MemoryStore)}
	key := lwa.Key{ClientID: "client", AccountID: "account", LinkID: "link"}
	require.NoError(b, tokens.Store.UpdateGrant(b.Context(), key, func(g *lwa.Grant) error {
		now := time.Now()
		g.Region, g.AccessToken, g.RefreshToken = alexaevents.Europe, alexaevents.Secret(token), "Atzr|1"
		g.IssuedAt, g.Expiry, g.ConfirmedAt = now, now.Add(time.Hour), now
		return nil
	}))
	return tokens
}

func lampReport() *gateway.ChangeReport {
	at := time.Date(2026, 11, 22, 8, 30, 0, 123e6, time.UTC)
	return &gateway.ChangeReport{
		EndpointID: "lamp-1",
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.On, at)},
		Context: []gateway.Property{
			gateway.Brightness(80, at),
			gateway.Color(gateway.HSB{Hue: 350.5, Saturation: 0.7138, Brightness: 0.6524}, at),
			gateway.ColorTemperatureInKelvin(7500, at),
			gateway.Connectivity(gateway.Reachable, at),
		},
	}
}

func messageIDOf(b *testing.B, body string) string {
	var message bareMessage
	require.NoError(b, json.Unmarshal([]byte(body), &message))
	return message.Event.Header.MessageID
}
