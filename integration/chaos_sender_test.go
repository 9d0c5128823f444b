package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

const (
	chaosClient = "amzn1.application-oa2-client.chaos"
	chaosSecret = "the secret of chaos"

	chaosHot     = 100 // accounts that get half of the events, from all processes
	chaosWorkers = 24  // events in flight in each process
	processName  = "X-Process"
)

// chaosSender is the child process that sends events to many accounts until its
// input ends, and reports each.
type chaosSender struct {
	Database    database
	Name        string            // of this process
	Hosts       map[string]string // the address for each host of Amazon
	Certificate []byte            // of all of them, in DER
	HTTP2       bool
	Accounts    int
}

// chaosReport is a line of a chaosSender: one of these.
type chaosReport struct {
	Sent    *chaosSent    `json:",omitempty"` // a Send has returned
	Dropped *chaosDropped `json:",omitempty"` // a request got no response
	Flushed bool          `json:",omitempty"` // the process ends, and everything is stored
}

type chaosSent struct {
	Event   string            // endpoint ID, another one for each event
	Account int               // number of the account
	Outcome string            // one of the constants below, or an error that is none of them
	Ended   map[string]string `json:",omitempty"` // why a grant has ended, says Send; by link ID
	Took    time.Duration     // of Send
}

const (
	sentAccepted      = "accepted"
	sentEnded         = "ended"
	sentTemporary     = "temporary"
	sentMisconfigured = "misconfigured"
	sentLate          = "context"
	sentStore         = "store"
)

type chaosDropped struct {
	MessageID string        `json:",omitempty"` // of an event
	Refresh   string        `json:",omitempty"` // refresh token that was sent
	Took      time.Duration // from the request to the error
}

func chaosAccount(number int) string { return fmt.Sprintf("account-%d", number) }

// chaosLinks returns the links of an account. Some accounts are shared by a family.
func chaosLinks(account int) []string {
	if account%10 == 0 {
		return []string{"first", "second", "third"}
	}
	return []string{"only"}
}

// chaosCustomer is the customer who linked the account.
func chaosCustomer(account int, link string) string { return chaosAccount(account) + "/" + link }

func chaosKey(account int, link string) lwa.Key {
	return lwa.Key{ClientID: chaosClient, AccountID: chaosAccount(account), LinkID: link}
}

func chaosEvent(id string) gateway.Event {
	return &gateway.ChangeReport{
		EndpointID: id,
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.On, time.Now())},
	}
}

func (c chaosSender) run(ctx context.Context, out io.Writer) error {
	db, err := c.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	reports := &chaosReports{out: json.NewEncoder(out)}
	client, err := c.client(reports)
	if err != nil {
		return err
	}
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: chaosClient, Secret: chaosSecret, HTTPClient: client},
		Store:  sqlstore.New(db, c.Database.Dialect),
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: client}

	over, end := context.WithCancel(ctx)
	var workers sync.WaitGroup
	for worker := range chaosWorkers {
		workers.Go(func() {
			for n := 0; over.Err() == nil; n++ {
				account := rand.IntN(c.Accounts)
				if rand.IntN(2) == 0 {
					account %= chaosHot
				}
				event := fmt.Sprintf("%s-%d-%d", c.Name, worker, n)
				reports.write(chaosReport{Sent: c.send(ctx, sender, account, event)})
				time.Sleep(rand.N(20 * time.Millisecond)) // room for the others on a small machine
			}
		})
	}
	untilInputEnds()
	end()
	workers.Wait()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := errors.Join(sender.Flush(ctx), tokens.Flush(ctx)); err != nil {
		return err
	}
	reports.write(chaosReport{Flushed: true})
	return nil
}

// send sends an event with a deadline as programs have them.
func (c chaosSender) send(ctx context.Context, sender *gateway.Sender, account int, event string) *chaosSent {
	limits := []time.Duration{500 * time.Millisecond, 3 * time.Second, 8 * time.Second, 30 * time.Second}
	ctx, cancel := context.WithTimeout(ctx, limits[rand.IntN(len(limits))])
	defer cancel()
	begun := time.Now()
	err := sender.Send(ctx, chaosAccount(account), chaosEvent(event))
	sent := &chaosSent{Event: event, Account: account, Outcome: chaosOutcome(err), Ended: make(map[string]string), Took: time.Since(begun)}
	if failure, ok := errors.AsType[*gateway.SendError](err); ok {
		for _, result := range failure.Results {
			if errors.Is(result.Err, gateway.ErrEnded) {
				sent.Ended[result.Key.LinkID] = result.Err.Error()
			}
		}
	}
	return sent
}

func chaosOutcome(err error) string {
	switch {
	case err == nil:
		return sentAccepted
	case errors.Is(err, gateway.ErrEnded):
		return sentEnded
	case errors.Is(err, gateway.ErrTemporary):
		return sentTemporary
	case errors.Is(err, gateway.ErrMisconfigured):
		return sentMisconfigured
	case errors.Is(err, context.DeadlineExceeded):
		return sentLate
	case strings.Contains(err.Error(), "sqlstore: "):
		return sentStore
	}
	return err.Error()
}

// chaosReports writes each report at once, so that a killed process has reported
// everything before.
type chaosReports struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (r *chaosReports) write(report chaosReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.out.Encode(report) // the parent notices when it misses a line
}

// client returns the package's own client, which reaches Amazon's hosts at other
// addresses.
func (c chaosSender) client(reports *chaosReports) (*http.Client, error) {
	certificate, err := x509.ParseCertificate(c.Certificate)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	client := rest.HTTPClient(nil)
	transport := client.Transport.(*http.Transport).Clone()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, host string) (net.Conn, error) {
		return dial(ctx, network, c.Hosts[strings.TrimSuffix(host, ":443")])
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: certificate.DNSNames[0]}
	transport.ForceAttemptHTTP2 = c.HTTP2
	client.Transport = &chaosTransport{transport, c.Name, reports}
	return client, nil
}

// chaosTransport reports each request that gets no response.
type chaosTransport struct {
	base    http.RoundTripper
	name    string
	reports *chaosReports
}

func (t *chaosTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.Header.Set(processName, t.name)
	again.Body = io.NopCloser(bytes.NewReader(body))
	again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	begun := time.Now()
	response, err := t.base.RoundTrip(again)
	if err == nil && response.StatusCode == http.StatusOK { // LWA's: the tokens are in the body
		var tokens []byte
		tokens, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(tokens))
	}
	if err != nil {
		dropped := &chaosDropped{Took: time.Since(begun)}
		if form, bad := url.ParseQuery(string(body)); bad == nil && form.Has("refresh_token") {
			dropped.Refresh = form.Get("refresh_token")
		} else {
			dropped.MessageID = readChaosMessage(body).messageID()
		}
		t.reports.write(chaosReport{Dropped: dropped})
		return nil, err
	}
	return response, nil
}

// chaosMessage is the part of an event that the ledger needs.
type chaosMessage struct {
	Event struct {
		Header   struct{ MessageID string }
		Endpoint struct{ EndpointID string }
	}
}

func readChaosMessage(body []byte) chaosMessage {
	var message chaosMessage
	_ = json.Unmarshal(body, &message) // it has no IDs then
	return message
}

func (m chaosMessage) messageID() string { return m.Event.Header.MessageID }
