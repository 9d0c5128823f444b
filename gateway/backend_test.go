package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	clientID     = "amzn1.application-oa2-client.0001"
	clientSecret = "amzn1.oa2-cs.v1.secret-canary"
	loginURL     = "https://api.amazon.com/"
)

var gatewayURL = alexaevents.Europe.APIEndpoint()

// backend is a skill's backend with a fake Amazon. The skill's access tokens have
// the form account/link/serial. The customer of the cloud is named like the link.
type backend struct {
	cloud  *alexatest.Cloud
	store  *watchedStore
	tokens *lwa.Source
	sender *gateway.Sender
	log    *logBuffer
}

func newBackend() *backend {
	b := &backend{cloud: alexatest.NewCloud(), store: new(watchedStore), log: new(logBuffer)}
	logger := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.tokens = &lwa.Source{
		Client: &lwa.Client{ID: clientID, Secret: clientSecret, HTTPClient: b.cloud.Client()},
		Store:  b.store, Logger: logger,
	}
	b.sender = &gateway.Sender{Tokens: b.tokens, HTTPClient: b.cloud.Client(), Logger: logger}
	return b
}

// granter returns a Granter for a region.
func (b *backend) granter(region alexaevents.Region) *gateway.Granter {
	return &gateway.Granter{Tokens: b.tokens, Account: accountOf, Link: linkOf, Region: region, Logger: b.tokens.Logger}
}

var errNoSuchToken = errors.New("no such token")

func accountOf(_ context.Context, accessToken string) (string, error) {
	parts := strings.Split(accessToken, "/")
	if len(parts) != 3 {
		return "", errNoSuchToken
	}
	return parts[0], nil
}

func linkOf(_ context.Context, accessToken string) (string, error) {
	parts := strings.Split(accessToken, "/")
	if len(parts) != 3 {
		return "", errNoSuchToken
	}
	return parts[1], nil
}

func keyOf(account, link string) lwa.Key {
	return lwa.Key{ClientID: clientID, AccountID: account, LinkID: link}
}

// acceptGrant returns an AcceptGrant directive with the access token, whose customer
// grants in the region.
func (b *backend) acceptGrant(region alexaevents.Region, accessToken string) []byte {
	return alexatest.AcceptGrantDirective(b.cloud.Grant(region, strings.Split(accessToken, "/")[1]), accessToken)
}

// link stores a grant of the customer for the account.
func (b *backend) link(t require.TestingT, region alexaevents.Region, account, customer string) {
	requireAccepted(t, b.granter(region), b.acceptGrant(region, account+"/"+customer+"/1"))
}

func requireAccepted(t require.TestingT, granter *gateway.Granter, directive []byte) {
	require.Equal(t, "AcceptGrant.Response", respond(context.Background(), t, granter, directive))
}

// respond returns the name of the response to an AcceptGrant directive, or the type of
// the error.
func respond(ctx context.Context, t require.TestingT, granter *gateway.Granter, directive []byte) string {
	response, err := granter.AcceptGrant(ctx, directive)
	require.NoError(t, err)
	return responseName(t, response)
}

// responseName returns the name of a response to AcceptGrant, or the type of the
// error.
func responseName(t require.TestingT, response json.RawMessage) string {
	var message struct {
		Event struct {
			Header  struct{ Namespace, Name string }
			Payload struct{ Type string }
		}
	}
	require.NoError(t, json.Unmarshal(response, &message), "%s", response)
	require.Equal(t, "Alexa.Authorization", message.Event.Header.Namespace)
	if message.Event.Header.Name == "ErrorResponse" {
		return message.Event.Payload.Type
	}
	return message.Event.Header.Name
}

// grant returns the stored grant, the zero Grant without one.
func (b *backend) grant(t require.TestingT, account, link string) lwa.Grant {
	grant, err := b.store.MemoryStore.Grant(context.Background(), keyOf(account, link))
	if !errors.Is(err, lwa.ErrNoGrant) {
		require.NoError(t, err)
	}
	return grant
}

// holds reports whether there is a grant that has not ended.
func (b *backend) holds(t require.TestingT, account, link string) bool {
	grant := b.grant(t, account, link)
	return grant.RefreshToken != "" && grant.Live()
}

// customers returns the customers of the accepted events, in order.
func (b *backend) customers() (names []string) {
	for _, sent := range b.cloud.Sent() {
		names = append(names, sent.Customer)
	}
	return names
}

// gatewayCalls counts the requests to the gateways of all regions.
func (b *backend) gatewayCalls() (n int) {
	for _, region := range []alexaevents.Region{alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast} {
		n += b.cloud.Calls(region.APIEndpoint() + "/v3/events")
	}
	return n
}

func lampReport() *gateway.ChangeReport {
	return &gateway.ChangeReport{EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction, Properties: []gateway.Property{lampOn()}}
}

func doorbellPress() *gateway.DoorbellPress {
	return &gateway.DoorbellPress{EndpointID: "door-1", Cause: gateway.PhysicalInteraction, Timestamp: at}
}

// watchedStore is a MemoryStore that counts calls and can fail.
type watchedStore struct {
	lwa.MemoryStore

	// before is called before each call, with its name. Its error is returned. Nil
	// calls nothing.
	before func(ctx context.Context, call string) error

	mu    sync.Mutex
	calls map[string]int
}

func (s *watchedStore) call(ctx context.Context, name string) error {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = make(map[string]int)
	}
	s.calls[name]++
	s.mu.Unlock()
	if s.before != nil {
		return s.before(ctx, name)
	}
	return nil
}

func (s *watchedStore) takeCalls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *watchedStore) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	if err := s.call(ctx, "Grant"); err != nil {
		return lwa.Grant{}, err
	}
	return s.MemoryStore.Grant(ctx, key)
}

func (s *watchedStore) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[lwa.Grant, error] {
	if err := s.call(ctx, "AccountGrants"); err != nil {
		return func(yield func(lwa.Grant, error) bool) { yield(lwa.Grant{}, err) }
	}
	return s.MemoryStore.AccountGrants(ctx, clientID, accountID)
}

func (s *watchedStore) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	if err := s.call(ctx, "UpdateGrant"); err != nil {
		return err
	}
	return s.MemoryStore.UpdateGrant(ctx, key, fn)
}

// logBuffer is a log for concurrent use.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// attempt is a request to a gateway.
type attempt struct{ Host, MessageID, Header, Scope string }

// recorder records the requests to the gateways.
type recorder struct {
	base     http.RoundTripper
	mu       sync.Mutex
	attempts []attempt
}

// record sends the sender's requests through a recorder.
func (b *backend) record() *recorder {
	r := &recorder{base: b.cloud}
	b.sender.HTTPClient = &http.Client{Transport: r}
	return r
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	var message struct {
		Event struct {
			Header   struct{ MessageID string }
			Endpoint struct{ Scope struct{ Token string } }
		}
	}
	if err := json.Unmarshal(body, &message); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	r.mu.Lock()
	r.attempts = append(r.attempts, attempt{
		request.URL.Host, message.Event.Header.MessageID,
		strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "), message.Event.Endpoint.Scope.Token,
	})
	r.mu.Unlock()
	return r.base.RoundTrip(request)
}

func linked(t *testing.T, b *backend) { b.link(t, alexaevents.Europe, "home", "anna") }

func confirmed(t *testing.T, b *backend) {
	linked(t, b)
	require.NoError(t, sendReport(t, b))
	require.NoError(t, b.sender.Flush(t.Context()))
}

func sendReport(t *testing.T, b *backend) error {
	return b.sender.Send(t.Context(), "home", lampReport())
}

// links returns the links of the grants of the account home.
func (b *backend) links(t *testing.T) (links []string) {
	for grant, err := range b.store.MemoryStore.AccountGrants(t.Context(), clientID, "home") {
		require.NoError(t, err)
		links = append(links, grant.LinkID)
	}
	return links
}

// fill stores n live grants of the account home, sorted by the time of their last
// accepted event.
func (b *backend) fill(t *testing.T, n int) {
	for i := range n {
		require.NoError(t, b.store.UpdateGrant(t.Context(), keyOf("home", fmt.Sprintf("imported-%04d", i)), func(g *lwa.Grant) error {
			g.RefreshToken, g.Region = "Atzr|imported", alexaevents.Europe
			g.ConfirmedAt = time.Now().Add(time.Duration(i-n) * time.Minute)
			return nil
		}))
	}
}

func (b *backend) end(t *testing.T, link string) {
	require.NoError(t, b.store.UpdateGrant(t.Context(), keyOf("home", link), func(g *lwa.Grant) error {
		sum := sha256.Sum256([]byte(g.RefreshToken))
		g.Refused = hex.EncodeToString(sum[:])
		return nil
	}))
}
