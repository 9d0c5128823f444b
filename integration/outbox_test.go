package integration

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

	mu     sync.Mutex
	seen   []outbox.Observation
	more   chan struct{}
	refuse func(body string) *http.Response // for a request to the gateway, nil lets it through
	asked  []string                         // bodies of the requests to the gateway
}

// RoundTrip is the network between the backend and the gateway.
func (o *outboxTrial) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.asked = append(o.asked, string(body))
	refuse := o.refuse
	o.mu.Unlock()
	if refuse != nil {
		if response := refuse(string(body)); response != nil {
			response.Request = request
			return response, nil
		}
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	return o.cloud.RoundTrip(request)
}

func (o *outboxTrial) setRefuse(refuse func(body string) *http.Response) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = refuse
}

// requests counts the requests to the gateway whose body has the text.
func (o *outboxTrial) requests(text string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, body := range o.asked {
		if strings.Contains(body, text) {
			n++
		}
	}
	return n
}

func refusal(status int, header ...string) *http.Response {
	response := httptest.NewRecorder()
	for i := 0; i < len(header); i += 2 {
		response.Header().Set(header[i], header[i+1])
	}
	response.WriteHeader(status)
	return response.Result()
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
		require.NoError(t, tokens.Exchange(t.Context(), keyOf(account), alexaevents.Europe, alexaevents.Secret(code)))
	}
	trial := &outboxTrial{cloud: cloud, more: make(chan struct{}, 1)}
	trial.Outbox = &outbox.Outbox{
		DB: db, Dialect: d.Dialect,
		Sender: &gateway.Sender{Tokens: tokens, HTTPClient: &http.Client{Transport: trial}},
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
	deadline := time.After(10 * time.Minute) // of a very busy machine
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

func TestOutboxEncrypts(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		plain := func() (n int) {
			rows, err := o.DB.QueryContext(t.Context(), "SELECT body FROM alexa_outbox")
			require.NoError(t, err)
			defer rows.Close()
			for rows.Next() {
				var body []byte
				require.NoError(t, rows.Scan(&body))
				if strings.Contains(string(body), "lamp") {
					n++
				}
			}
			require.NoError(t, rows.Err())
			return n
		}
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()))
		require.Equal(t, 1, plain(), "the test cannot see plain text")
		o.AEAD = newAESGCM(t)
		o.enqueue(t, "anna", report("lamp", "power", "OFF", time.Now()))
		require.Equal(t, 1, plain())
	})
}

func TestOutboxErasesAccounts(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna", "ben")
		now := time.Now()
		o.enqueue(t, "anna", report("lamp", "power", "ON", now), report("oven", "power", "ON", now))
		o.enqueue(t, "ben", report("lamp", "power", "ON", now))
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET state = 2 WHERE id = (SELECT min(id) FROM alexa_outbox)")
		require.NoError(t, err)
		require.NoError(t, o.EraseAccount(t.Context(), o.DB, "anna"))
		require.Equal(t, 1, o.rows(t, "alexa_outbox"))
		o.run(t)
		o.wait(t, 1)
		require.Equal(t, []string{"ben: ChangeReport power=ON"}, o.sent(t))
	})
}

// A grant that has ended takes its events along.
func TestOutboxEndedGrants(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()))
		stop := o.run(t)
		o.wait(t, 1)
		stop()
		require.NoError(t, o.Sender.Flush(t.Context()))
		keys, err := o.Sender.Keys(t.Context(), "anna")
		require.NoError(t, err)
		o.cloud.DisableSkill("anna")
		now := time.Now()
		require.NoError(t, o.Enqueue(t.Context(), o.DB, report("lamp", "power", "OFF", now), keys...))
		require.NoError(t, o.Enqueue(t.Context(), o.DB, &gateway.DoorbellPress{EndpointID: "lamp", Cause: gateway.PhysicalInteraction, Timestamp: now}, keys...))
		o.run(t)
		require.Equal(t, []string{"ChangeReport accepted", "ChangeReport ended", "DoorbellPress ended"}, o.wait(t, 3))
		require.Zero(t, o.rows(t, "alexa_outbox"))
		require.NoError(t, o.Sender.Flush(t.Context()))
		keys, err = o.Sender.Keys(t.Context(), "anna")
		require.NoError(t, err)
		require.Empty(t, keys)
	})
}

// What is too old is not sent, also where its lane waits for something else.
func TestOutboxExpiry(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		o.MaxAge = func(m *gateway.Message) time.Duration {
			if m.Momentary() {
				return time.Microsecond
			}
			return time.Hour
		}
		now := time.Now()
		o.enqueue(t, "anna",
			report("lamp", "power", "ON", now),
			&gateway.DoorbellPress{EndpointID: "lamp", Cause: gateway.PhysicalInteraction, Timestamp: now},
			report("lamp", "power", "OFF", now.Add(time.Second)),
		)
		o.run(t)
		require.Equal(t, []string{"ChangeReport accepted", "ChangeReport accepted", "DoorbellPress expired"}, o.wait(t, 3))
		require.Equal(t, []string{"anna: ChangeReport power=ON", "anna: ChangeReport power=OFF"}, o.sent(t))
	})
}

// twice returns another worker's outbox on the same database.
func (o *outboxTrial) twice() *outboxTrial {
	other := *o.Outbox
	trial := &outboxTrial{cloud: o.cloud, more: o.more}
	trial.Outbox = &other
	return trial
}

func (o *outboxTrial) count(outcome outbox.Outcome) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.seen {
		if s.Outcome == outcome {
			n++
		}
	}
	return n
}

// until waits for a condition, and is called again after each outcome.
func (o *outboxTrial) until(t testing.TB, condition func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Minute) // of a very busy machine
	for !condition() {
		select {
		case <-o.more:
		case <-deadline:
			o.mu.Lock()
			defer o.mu.Unlock()
			require.FailNow(t, "it did not happen", "%v", o.seen)
		}
	}
}

// One refusal for too many requests makes the whole grant wait as long as Amazon
// says, in all workers, and no other grant.
func TestOutboxThrottledGrant(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna", "ben")
		var refused atomic.Bool
		o.setRefuse(func(body string) *http.Response {
			if !strings.Contains(body, "anna-") || refused.Swap(true) {
				return nil
			}
			return refusal(http.StatusTooManyRequests, "Retry-After", "3600")
		})
		now := time.Now()
		o.enqueue(t, "anna", report("anna-0", "power", "ON", now))
		stop := o.run(t)
		o.until(t, func() bool { return o.count(outbox.Postponed) == 1 })
		for i := range 20 {
			o.enqueue(t, "anna", report(fmt.Sprint("anna-", i), "power", "ON", now))
			o.enqueue(t, "ben", report(fmt.Sprint("ben-", i), "power", "ON", now))
		}
		stopOther := o.twice().run(t)
		due := func() (n int) {
			row := o.DB.QueryRowContext(t.Context(), "SELECT count(*) FROM alexa_outbox WHERE due_at > enqueued_at + 800000")
			require.NoError(t, row.Scan(&n))
			return n
		}
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for o.requests("ben-") < 20 || due() < 21 { // they wait until one of their lane expires, which is before the hour is over
			<-ticker.C
		}
		require.Equal(t, 1, o.requests("anna-"))
		stop()
		stopOther()

		// The hour is over.
		for _, statement := range []string{"UPDATE alexa_outbox SET due_at = 0", "DELETE FROM alexa_outbox_leases"} {
			_, err := o.DB.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		o.run(t)
		o.until(t, func() bool { return o.requests("anna-") == 21 && o.rows(t, "alexa_outbox") == 0 })
		require.Equal(t, 1, o.count(outbox.Postponed))
	})
}

// While a region fails, one request at a time finds out whether it still does. All
// arrives once it is back.
func TestOutboxFailingRegion(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		var failing atomic.Bool
		var together, most atomic.Int32
		failing.Store(true)
		o.setRefuse(func(string) *http.Response {
			if !failing.Load() {
				return nil
			}
			if n := together.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer together.Add(-1)
			return refusal(http.StatusInternalServerError)
		})
		o.Workers = 4
		now := time.Now()
		for i := range 50 {
			o.enqueue(t, "anna", report(fmt.Sprint("lamp-", i), "power", "ON", now))
		}
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Postponed) >= 8 }) // the last of them alone, some seconds apart
		require.Less(t, o.requests("lamp-"), 20)
		// What waits for the region alone would wait for an hour now.
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET due_at = due_at + 3600000 WHERE state = 0 AND tries = 0 AND region <> ''")
		require.NoError(t, err)
		failing.Store(false)
		o.until(t, func() bool { return o.count(outbox.Accepted) == 50 })
		require.Zero(t, o.rows(t, "alexa_outbox"))
	})
}

// A momentary event is sent again only if Alexa cannot have got it.
func TestOutboxMoments(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		var once sync.Map
		o.setRefuse(func(body string) *http.Response {
			switch {
			case strings.Contains(body, "throttled") || strings.Contains(body, "busy"):
				status := http.StatusServiceUnavailable
				if strings.Contains(body, "throttled") {
					status = http.StatusTooManyRequests
				}
				if _, again := once.LoadOrStore(status, true); !again {
					return refusal(status)
				}
			case strings.Contains(body, "unknown"):
				return refusal(http.StatusInternalServerError)
			}
			return nil
		})
		o.enqueue(t, "anna", press("throttled"), press("busy"), press("unknown"))
		stop := o.run(t)
		o.until(t, func() bool { return o.count(outbox.Accepted) == 2 && o.count(outbox.Dead) == 1 })
		require.Equal(t, 1, o.requests("unknown"))

		// The process ends while it sends.
		stop()
		o.enqueue(t, "anna", press("interrupted"))
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET state = 1 WHERE state = 0")
		require.NoError(t, err)
		stop = o.run(t)
		o.until(t, func() bool { return o.count(outbox.Dead) == 2 })
		require.Zero(t, o.requests("interrupted"))
		stop()

		var dead []outbox.DeadLetter
		for letter, err := range o.Dead(t.Context()) {
			require.NoError(t, err)
			dead = append(dead, letter)
		}
		require.Len(t, dead, 2)
		require.Contains(t, dead[0].Reason, "500")
		require.Contains(t, dead[1].Reason, "the process ended while the event was sent")
		for _, letter := range dead {
			require.Equal(t, keyOf("anna"), letter.Key)
			require.Equal(t, "DoorbellPress", letter.Event)
			require.WithinDuration(t, time.Now(), letter.EndedAt, time.Minute)
			require.False(t, letter.EnqueuedAt.After(letter.EndedAt))
		}
		stats, err := o.Stats(t.Context())
		require.NoError(t, err)
		var waiting, lost int64
		for _, s := range stats {
			waiting, lost = waiting+s.Waiting, lost+s.Dead
		}
		require.Equal(t, int64(0), waiting)
		require.Equal(t, int64(2), lost)

		// An operator sends the one again and gives up the other.
		done, err := o.Redrive(t.Context(), dead[1].ID)
		require.NoError(t, err)
		require.True(t, done)
		done, err = o.Drop(t.Context(), dead[0].ID)
		require.NoError(t, err)
		require.True(t, done)
		done, err = o.Drop(t.Context(), dead[0].ID)
		require.NoError(t, err)
		require.False(t, done)
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Accepted) == 3 })
		require.Equal(t, 1, o.requests("interrupted"))
	})
}

// An event that cannot be read becomes a dead letter and stops nothing.
func TestOutboxUnreadableEvents(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		now := time.Now()
		o.enqueue(t, "anna", report("lamp", "power", "ON", now), report("lamp", "power", "OFF", now.Add(time.Second)))
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET body = $1, tries = 6 WHERE id = (SELECT min(id) FROM alexa_outbox)", []byte("{}"))
		require.NoError(t, err)
		o.run(t)
		require.Equal(t, []string{"ChangeReport accepted", "ChangeReport dead"}, o.wait(t, 2))
		require.Equal(t, []string{"anna: ChangeReport power=OFF"}, o.sent(t))
	})
}

// A worker that has lost its lease settles nothing: another one has the lane.
func TestOutboxLostLease(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		arrived, leave := make(chan struct{}, 1), make(chan struct{})
		o.setRefuse(func(string) *http.Response {
			arrived <- struct{}{}
			<-leave
			return nil
		})
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()))
		stop := o.run(t)
		<-arrived
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox_leases SET holder = 'another worker', until_at = until_at + 3600000")
		require.NoError(t, err)
		close(leave)
		stop()
		require.Equal(t, 1, o.rows(t, "alexa_outbox"))
		require.Equal(t, 1, o.rows(t, "alexa_outbox_leases"))
		require.Empty(t, o.seen)
	})
}

// The edges of a sensor arrive as they were, other changes as one report.
func TestOutboxKeepsEdges(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		now := time.Now()
		var events []gateway.Event
		for i, detection := range []gateway.Detection{gateway.Detected, gateway.NotDetected, gateway.Detected} {
			events = append(events, &gateway.ChangeReport{
				EndpointID: "door", Cause: gateway.PhysicalInteraction,
				Properties: []gateway.Property{gateway.ContactDetectionState(detection, now.Add(time.Duration(i)*time.Second))},
			})
		}
		o.enqueue(t, "anna", events...)
		o.run(t)
		o.wait(t, 3)
		require.Equal(t, []string{
			"anna: ChangeReport detectionState=DETECTED", "anna: ChangeReport detectionState=NOT_DETECTED", "anna: ChangeReport detectionState=DETECTED",
		}, o.sent(t))
	})
}

// Two open transactions on one endpoint do not wait for each other.
func TestOutboxEnqueueWaitsForNobody(t *testing.T) {
	t.Parallel()
	o := newOutbox(t, newPostgres(t), "anna")
	var open []*sql.Tx
	for range 3 {
		tx, err := o.DB.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		open = append(open, tx)
		require.NoError(t, o.Enqueue(t.Context(), tx, report("lamp", "power", "ON", time.Now()), keyOf("anna")))
	}
	for _, tx := range open {
		require.NoError(t, tx.Commit())
	}
	require.Equal(t, 3, o.rows(t, "alexa_outbox"))
}

func TestOutboxMisuse(t *testing.T) {
	t.Parallel()
	o := newOutbox(t, newSQLite(t), "anna")
	event := report("lamp", "power", "ON", time.Now())
	_, err := o.DB.ExecContext(t.Context(), "INSERT INTO alexa_outbox_schema (version) VALUES (1000)")
	require.NoError(t, err)
	require.ErrorIs(t, o.Migrate(t.Context()), outbox.ErrNewerSchema)
	for name, test := range map[string]struct {
		change func(*outbox.Outbox)
		want   string
	}{
		"no database":      {func(o *outbox.Outbox) { o.DB = nil }, "Outbox.DB is nil"},
		"no dialect":       {func(o *outbox.Outbox) { o.Dialect = "" }, "unknown Outbox.Dialect"},
		"no sender":        {func(o *outbox.Outbox) { o.Sender = nil }, "Outbox.Sender is required"},
		"another prefix":   {func(o *outbox.Outbox) { o.Prefix = "stage_" }, "call Migrate first"},
		"a strange prefix": {func(o *outbox.Outbox) { o.Prefix = "x; --" }, "invalid Prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := *o.Outbox
			test.change(&broken)
			require.ErrorContains(t, broken.Run(t.Context()), test.want)
			if name != "no sender" {
				db := outbox.Tx(o.DB)
				require.ErrorContains(t, broken.Enqueue(t.Context(), db, event, keyOf("anna")), test.want)
				require.ErrorContains(t, broken.EraseAccount(t.Context(), db, "anna"), test.want)
				_, err := broken.Stats(t.Context())
				require.ErrorContains(t, err, test.want)
			}
		})
	}
	require.ErrorIs(t, o.Enqueue(t.Context(), o.DB, &gateway.ChangeReport{}, keyOf("anna")), gateway.ErrInvalidEvent)
	response := &gateway.Response{EndpointID: "lamp", CorrelationToken: "token"}
	require.ErrorIs(t, o.Enqueue(t.Context(), o.DB, response, keyOf("anna"), keyOf("ben")), gateway.ErrInvalidEvent)
	require.NoError(t, o.Enqueue(t.Context(), o.DB, event))
	require.Zero(t, o.rows(t, "alexa_outbox"))
}
