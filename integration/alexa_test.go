package integration

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// alexa simulates what surrounds the backend of a skill: customers whose events Alexa
// delivers, and the authorization server where they link their accounts.
type alexa struct {
	cloud  *alexatest.Cloud
	issuer *issuer
	flags  []string // of the quickstart's backend
	client *http.Client
}

func startAlexa(t *testing.T) *alexa {
	a := &alexa{
		cloud:  alexatest.NewCloud(),
		issuer: startIssuer(t),
		client: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: couriers},
			Timeout:   8 * time.Second, // as long as Alexa waits
		},
	}
	roots := filepath.Join(t.TempDir(), "roots.pem")
	require.NoError(t, os.WriteFile(roots, a.cloud.RootPEM(), 0o600))
	a.flags = []string{"-issuer", a.issuer.url, "-amazon", serveAmazon(t, a.cloud), "-roots", roots}
	return a
}

// sentEvent is an event with its fact.
type sentEvent struct {
	body []byte
	fact identity.Fact
}

const quickstartSkill = "amzn1.ask.skill.quickstart"

// accountIDs are shared by all customers.
var accountIDs = []string{"account-1", "account-2", "account-3", "account-4", "account-5"}

// history returns what a new customer did in the last hour: enabled the skill,
// linked accounts and disabled it, more than once.
func (a *alexa) history(random *rand.Rand) (events []sentEvent) {
	at := time.Now().UTC().Truncate(time.Second).Add(-50 * time.Minute)
	customer := alexatest.Customer{
		SkillID:     quickstartSkill,
		KeepsUserID: random.IntN(2) == 0,
		Now:         func() time.Time { return at },
	}
	tell := func(kind identity.Kind, accountID string, body func() []byte) {
		fact := identity.Fact{SkillID: quickstartSkill, AmazonUserID: customer.UserID(), At: at, Kind: kind, AccountID: accountID}
		events = append(events, sentEvent{body(), fact})
		at = at.Add(time.Duration(1+random.IntN(120)) * time.Second)
	}
	for range 2 {
		tell(identity.Enabled, "", customer.Enable)
		for range random.IntN(3) {
			accountID := accountIDs[random.IntN(len(accountIDs))]
			tell(identity.Linked, accountID, func() []byte { return customer.Link(a.issuer.accessToken(accountID, at)) })
		}
		tell(identity.Disabled, "", customer.Disable)
	}
	return events
}

// response is the response to a delivery; the status is 0 without one.
type response struct {
	event  sentEvent
	status int
}

const couriers = 8

// deliver delivers events to a backend from several goroutines. It ends after the last
// one, or when stop is closed, and closes the responses.
func (a *alexa) deliver(ctx context.Context, url string, events []sentEvent, stop <-chan struct{}) <-chan response {
	type delivery struct {
		event   sentEvent
		request *http.Request
	}
	queue := make(chan delivery, len(events))
	for _, event := range events { // signed beforehand, so that the backend is never idle
		queue <- delivery{event, a.cloud.NewRequest(url+"/alexa/events", event.body).WithContext(ctx)}
	}
	close(queue)
	responses := make(chan response, len(events))
	var all sync.WaitGroup
	for range couriers {
		all.Go(func() {
			for next := range queue {
				select {
				case <-stop:
					return
				default:
					responses <- response{next.event, a.send(next.request)}
				}
			}
		})
	}
	go func() {
		all.Wait()
		a.client.CloseIdleConnections()
		close(responses)
	}()
	return responses
}

func (a *alexa) send(request *http.Request) (status int) {
	response, err := a.client.Do(request)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// shuffled returns events with duplicates and out of order, as Alexa may deliver them.
func shuffled(random *rand.Rand, events []sentEvent) (deliveries []sentEvent) {
	byBody := make(map[string]sentEvent)
	var bodies [][]byte
	for _, event := range events {
		byBody[string(event.body)] = event
		bodies = append(bodies, event.body)
	}
	for _, body := range alexatest.Deliveries(random.Uint64(), bodies...) {
		deliveries = append(deliveries, byBody[string(body)])
	}
	return deliveries
}

// consentHost is where a customer consents: the response is a code.
const consentHost = "customer.example"

// serveAmazon serves every host of Amazon at a loopback address, so that
// another process can use the cloud.
func serveAmazon(t *testing.T, cloud *alexatest.Cloud) (address string) {
	proxy := &httputil.ReverseProxy{
		Transport: cloud,
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "https", r.In.Host },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == consentHost {
			_, _ = w.Write([]byte(cloud.Grant(alexaevents.Europe, "customer")))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// amazonAt sends the requests for all hosts to one address.
type amazonAt string

func (address amazonAt) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Scheme, r.URL.Host = r.URL.Host, "http", string(address)
	return http.DefaultTransport.RoundTrip(r)
}

func sourceAt(address string, store lwa.Store) *lwa.Source {
	return &lwa.Source{
		Client: &lwa.Client{
			ID:         keyOf("").ClientID,
			Secret:     "the client's secret",
			HTTPClient: &http.Client{Transport: amazonAt(address)},
		},
		Store: store,
	}
}

// issuer is the authorization server of a skill: it issues access tokens, and serves
// the key of their signatures.
type issuer struct {
	url string
	key ed25519.PrivateKey
}

func startIssuer(t *testing.T) *issuer {
	public, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{
			"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1",
			"x": base64.RawURLEncoding.EncodeToString(public),
		}}})
	}))
	t.Cleanup(server.Close)
	return &issuer{server.URL, key}
}

func (i *issuer) accessToken(accountID string, at time.Time) string {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"iss": i.url, "aud": "alexa-skill", "sub": accountID, "iat": at.Unix(), "exp": at.Add(30 * time.Minute).Unix(),
	})
	token.Header["kid"] = "1"
	signed, err := token.SignedString(i.key)
	if err != nil {
		panic(err) // only for another kind of key
	}
	return signed
}
