package integration

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
)

// aesGCM is an lwa.AEAD of the standard library.
type aesGCM struct{ cipher.AEAD }

func newAESGCM(t testing.TB) lwa.AEAD {
	block, err := aes.NewCipher(make([]byte, 32))
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return aesGCM{aead}
}

func (a aesGCM) Encrypt(plaintext, associated []byte) ([]byte, error) {
	return a.Seal(nil, nil, plaintext, associated), nil
}

func (a aesGCM) Decrypt(ciphertext, associated []byte) ([]byte, error) {
	return a.Open(nil, nil, ciphertext, associated)
}

// outboxTrial is an outbox with a fake Amazon and accounts that have a grant each.
type outboxTrial struct {
	*outbox.Outbox
	cloud *alexatest.Cloud

	mu   sync.Mutex
	seen []outbox.Observation
	more chan struct{}
}

func newOutbox(t testing.TB, d database, accounts ...string) *outboxTrial {
	db := d.open(t)
	if d.Dialect == "sqlite" {
		db.SetMaxOpenConns(4)
	}
	store := d.storeOn(t, db)
	cloud := alexatest.NewCloud()
	tokens := &lwa.Source{Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()}, Store: store}
	for _, account := range accounts {
		code := cloud.Grant(alexaevents.Europe, account)
		require.NoError(t, tokens.Accept(t.Context(), keyOf(account), alexaevents.Europe, alexaevents.Secret(code)))
	}
	trial := &outboxTrial{cloud: cloud, more: make(chan struct{}, 1)}
	trial.Outbox = &outbox.Outbox{
		DB: db, Dialect: d.Dialect,
		Sender: &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()},
		Observe: func(_ context.Context, o outbox.Observation) {
			trial.mu.Lock()
			trial.seen = append(trial.seen, o)
			trial.mu.Unlock()
			select {
			case trial.more <- struct{}{}:
			default:
			}
		},
	}
	require.NoError(t, trial.Migrate(t.Context()))
	return trial
}

// enqueue stores events of an account in one transaction.
func (o *outboxTrial) enqueue(t testing.TB, account string, events ...gateway.Event) {
	t.Helper()
	keys, err := o.Sender.Keys(t.Context(), account)
	require.NoError(t, err)
	tx, err := o.DB.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	for _, event := range events {
		require.NoError(t, o.Enqueue(t.Context(), tx, event, keys...))
	}
	require.NoError(t, tx.Commit())
}

// run delivers until the test ends or the function that it returns is called.
func (o *outboxTrial) run(t testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

// wait returns the outcomes so far once there are n, sorted.
func (o *outboxTrial) wait(t testing.TB, n int) []string {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		o.mu.Lock()
		seen := slices.Clone(o.seen)
		o.mu.Unlock()
		if len(seen) >= n {
			var all []string
			for _, s := range seen {
				all = append(all, s.Event+" "+string(s.Outcome))
			}
			slices.Sort(all)
			return all
		}
		select {
		case <-o.more:
		case <-deadline:
			require.FailNow(t, "outcomes are missing", "%v", seen)
		}
	}
}

// rows returns how many rows a table of the outbox has.
func (o *outboxTrial) rows(t testing.TB, table string) (n int) {
	t.Helper()
	require.NoError(t, o.DB.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func report(endpoint, name, value string, at time.Time, context ...gateway.Property) *gateway.ChangeReport {
	return &gateway.ChangeReport{
		EndpointID: endpoint, Cause: gateway.PhysicalInteraction, Context: context,
		Properties: []gateway.Property{{Namespace: "Alexa.Example", Name: name, Value: value, TimeOfSample: at}},
	}
}

// values returns the values of an event's properties by their names, those of the
// context in brackets.
func values(t testing.TB, body []byte) string {
	t.Helper()
	var sent struct {
		Event struct {
			Header  struct{ Name string }
			Payload struct {
				Change struct {
					Properties []struct {
						Name  string
						Value any
					}
				}
			}
		}
		Context struct {
			Properties []struct {
				Name  string
				Value any
			}
		}
	}
	require.NoError(t, json.Unmarshal(body, &sent))
	all := []string{sent.Event.Header.Name}
	for _, p := range sent.Event.Payload.Change.Properties {
		all = append(all, fmt.Sprint(p.Name, "=", p.Value))
	}
	for _, p := range sent.Context.Properties {
		all = append(all, fmt.Sprint("[", p.Name, "=", p.Value, "]"))
	}
	return strings.Join(all, " ")
}

func (o *outboxTrial) sent(t testing.TB) (all []string) {
	for _, s := range o.cloud.Sent() {
		all = append(all, s.Customer+": "+values(t, s.Body))
	}
	return all
}

func TestOutboxDelivers(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		o.AEAD = newAESGCM(t)
		now := time.Now()
		o.enqueue(t, "anna",
			report("lamp", "power", "OFF", now),
			report("lamp", "power", "ON", now.Add(time.Second)),
			report("lamp", "brightness", "50", now.Add(2*time.Second), gateway.Property{Namespace: "Alexa.Example", Name: "power", Value: "ON AGAIN", TimeOfSample: now.Add(2 * time.Second)}),
			&gateway.DoorbellPress{EndpointID: "lamp", Cause: gateway.PhysicalInteraction, Timestamp: now},
			report("lamp", "power", "LAST", now.Add(3*time.Second)),
		)
		o.enqueue(t, "nobody", report("lamp", "power", "ON", now))
		stop := o.run(t)
		require.Equal(t, []string{
			"ChangeReport accepted", "ChangeReport accepted", "ChangeReport merged", "ChangeReport merged", "DoorbellPress accepted",
		}, o.wait(t, 5))
		require.Equal(t, []string{
			"anna: ChangeReport power=ON AGAIN brightness=50", "anna: DoorbellPress", "anna: ChangeReport power=LAST",
		}, o.sent(t))
		stop()
		require.Zero(t, o.rows(t, "alexa_outbox"))
		require.Zero(t, o.rows(t, "alexa_outbox_leases"))
	})
}

func TestOutboxRollback(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		tx, err := o.DB.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		require.NoError(t, o.Enqueue(t.Context(), tx, report("lamp", "power", "ON", time.Now()), keyOf("anna")))
		require.NoError(t, tx.Rollback())
		require.Zero(t, o.rows(t, "alexa_outbox"))
	})
}
