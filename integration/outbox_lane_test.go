package integration

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/outbox"
)

// Behind an event that waits, another one expires on time, and its lane is left alone
// until the first may go on.
func TestOutboxExpiryBehind(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		o.MaxAge = func(m *gateway.Message) time.Duration {
			if m.Momentary() {
				return 500 * time.Millisecond
			}
			return time.Hour
		}
		o.setRefuse(func(string) *http.Response {
			return refusal(http.StatusTooManyRequests, "Retry-After", "1800")
		})
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()), press("lamp"))
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Expired) == 1 })
		require.Equal(t, 1, o.rows(t, "alexa_outbox"))
		require.Equal(t, 1, o.requests("lamp"))
	})
}

// A momentary event that Alexa may have got does not vanish when it expires.
func TestOutboxInterruptedExpiry(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		o.enqueue(t, "anna", press("door"))
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET state = 1, expires_at = enqueued_at - 1")
		require.NoError(t, err)
		o.run(t)
		require.Equal(t, []string{"DoorbellPress dead"}, o.wait(t, 1))
	})
}

// One report that Alexa refuses takes none of those along with which it was merged.
func TestOutboxRefusedMerge(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		o.setRefuse(func(body string) *http.Response {
			if strings.Contains(body, "BAD") {
				return refusal(http.StatusBadRequest)
			}
			return nil
		})
		now := time.Now()
		o.enqueue(t, "anna", report("lamp", "a", "1", now), report("lamp", "b", "BAD", now), report("lamp", "c", "3", now))
		o.run(t)
		require.Equal(t, []string{"ChangeReport accepted", "ChangeReport accepted", "ChangeReport dead"}, o.wait(t, 3))
		require.Equal(t, []string{"anna: ChangeReport a=1", "anna: ChangeReport c=3"}, o.sent(t))
	})
}

// A long lane is settled as it goes, so that a worker that dies repeats little.
func TestOutboxLongLane(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		o.setRefuse(func(string) *http.Response {
			time.Sleep(100 * time.Millisecond) // as long as Alexa takes
			return nil
		})
		var presses []gateway.Event
		for range 40 {
			presses = append(presses, press("button"))
		}
		o.enqueue(t, "anna", presses...)
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Accepted) > 0 })
		require.Less(t, o.requests("button"), 30)
		o.until(t, func() bool { return o.count(outbox.Accepted) == 40 })
		require.Equal(t, 40, o.requests("button"))
	})
}

// Another worker takes the lanes while this one stands still.
func (o *outboxTrial) takeLeases(t testing.TB) {
	_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox_leases SET holder = 'another worker', until_at = until_at + 3600000")
	require.NoError(t, err)
}

const longerThanALease = 4500 * time.Millisecond

// A worker that stood still before its request sends nothing, even where the request
// has begun.
func TestOutboxFence(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		for name, stands := range map[string]string{"before the request": "decrypt", "in the request": "transport"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o := newOutbox(t, create(t), "anna")
				var decrypted, requests, bodies atomic.Int32
				done := make(chan struct{}, 1)
				stand := func() {
					o.takeLeases(t)
					time.Sleep(longerThanALease)
				}
				aead := &unsteadyAEAD{aesGCM: newAESGCM(t).(aesGCM)}
				aead.fail.Store(func() error {
					if decrypted.Add(1) == 1 && stands == "decrypt" {
						stand()
						done <- struct{}{}
					}
					return nil
				})
				o.AEAD = aead
				o.Sender = &gateway.Sender{Tokens: o.Sender.Tokens, HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					requests.Add(1)
					stand()
					body, err := io.ReadAll(r.Body)
					if err == nil {
						bodies.Add(int32(len(body)))
					}
					done <- struct{}{}
					return nil, errors.New("the connection broke")
				})}}
				require.NoError(t, o.Enqueue(t.Context(), o.DB, report("lamp", "power", "ON", time.Now()), keyOf("anna")))
				stop := o.run(t)
				<-done
				stop()
				require.Zero(t, bodies.Load())
				if stands == "decrypt" {
					require.Zero(t, requests.Load())
				}
				require.Empty(t, o.seen)
				require.Equal(t, 1, o.rows(t, "alexa_outbox"))
			})
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A press that Alexa did not accept waits, even if the database fails just then.
func TestOutboxThrottledPress(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		var refused atomic.Bool
		o.setRefuse(func(string) *http.Response {
			if !refused.Swap(true) {
				return refusal(http.StatusTooManyRequests)
			}
			return nil
		})
		o.enqueue(t, "anna", press("door"), press("door"))
		o.run(t)
		require.Equal(t, []string{"DoorbellPress accepted", "DoorbellPress accepted", "DoorbellPress postponed"}, o.wait(t, 3))
		require.Equal(t, 3, o.requests("door"))
	})
}

// A momentary event is marked in the database before it is sent.
func TestOutboxMarksMoments(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		var marked atomic.Int32
		o.setRefuse(func(body string) *http.Response {
			var n int32
			if strings.Contains(body, "DoorbellPress") && o.DB.QueryRow("SELECT count(*) FROM alexa_outbox WHERE state = 1").Scan(&n) == nil {
				marked.Add(n)
			}
			return nil
		})
		o.enqueue(t, "anna", press("door"), report("door", "power", "ON", time.Now()))
		o.run(t)
		o.wait(t, 2)
		require.Equal(t, int32(1), marked.Load())
	})
}

// A press is not sent if another worker got its lane, or the user erased it, just before.
func TestOutboxMarksItsOwnMoments(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		for name, change := range map[string]string{
			"lost":   "UPDATE alexa_outbox_leases SET holder = 'another worker', until_at = until_at + 3600000",
			"erased": "DELETE FROM alexa_outbox",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := create(t)
				o := newOutbox(t, d, "anna")
				db := o.DB
				o.enqueue(t, "anna", press("door"))
				marked := make(chan struct{})
				once := sync.OnceFunc(func() { close(marked) })
				o.faulty(t, d, func(ctx context.Context, statement string) (err error) {
					if strings.Contains(statement, "UPDATE alexa_outbox SET state") {
						_, err = db.ExecContext(ctx, change)
						once()
					}
					return err
				})
				stop := o.run(t)
				<-marked
				stop()
				require.Zero(t, o.requests("door"))
				require.Zero(t, o.rows(t, "alexa_outbox WHERE state = 1"))
			})
		}
	})
}

// Redriving an old event while newer ones of its lane are delivered disturbs nothing.
func TestOutboxRedriveBehindALease(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		now := time.Now()
		o.enqueue(t, "anna", press("lamp"), report("lamp", "power", "ON", now))
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET state = 2, enqueued_at = enqueued_at - 3600000, expires_at = expires_at - 3600000 WHERE id = (SELECT min(id) FROM alexa_outbox)")
		require.NoError(t, err)
		var once atomic.Bool
		o.setRefuse(func(string) *http.Response {
			if !once.Swap(true) {
				for letter, err := range o.Dead(t.Context()) {
					require.NoError(t, err)
					_, err = o.Redrive(t.Context(), letter.ID)
					require.NoError(t, err)
				}
			}
			return nil
		})
		o.run(t)
		require.Equal(t, []string{"ChangeReport accepted", "DoorbellPress accepted"}, o.wait(t, 2))
		require.Equal(t, 2, o.requests("lamp"))
	})
}

// An event that is enqueued behind one that waits neither overtakes it nor ends its
// pause.
func TestOutboxBackoffHoldsTheLane(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		var requests []time.Time // one at a time
		o.setRefuse(func(string) *http.Response {
			if requests = append(requests, time.Now()); len(requests) == 1 {
				return refusal(http.StatusServiceUnavailable)
			}
			return nil
		})
		o.enqueue(t, "anna", press("lamp"))
		stop := o.run(t)
		o.until(t, func() bool { return o.count(outbox.Postponed) == 1 })
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()))
		o.until(t, func() bool { return o.count(outbox.Accepted) == 2 })
		stop()
		require.Len(t, requests, 3)
		require.GreaterOrEqual(t, requests[1].Sub(requests[0]), time.Second)
		require.Equal(t, []string{"anna: DoorbellPress", "anna: ChangeReport power=ON"}, o.sent(t))
	})
}

// Of two workers that find the same lane, one gets it.
func TestOutboxOneLease(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		o := newOutbox(t, d, "anna")
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()))
		db := o.DB
		var taken atomic.Bool
		later := make(chan struct{}, 1)
		o.faulty(t, d, func(ctx context.Context, statement string) (err error) {
			switch {
			case taken.Load(): // the claim is over
				select {
				case later <- struct{}{}:
				default:
				}
			case strings.Contains(statement, "INSERT INTO alexa_outbox_leases"):
				_, err = db.ExecContext(ctx, "INSERT INTO alexa_outbox_leases SELECT lane, 'another worker', 9000000000000 FROM alexa_outbox")
				taken.Store(true)
			}
			return err
		})
		stop := o.run(t)
		<-later
		stop()
		require.Zero(t, o.requests("lamp"))
		require.Equal(t, 1, o.rows(t, "alexa_outbox_leases WHERE holder = 'another worker'"))
	})
}

// A renewal extends this worker's leases alone.
func TestOutboxRenewsItsOwn(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna", "ben")
		arrived, leave := make(chan struct{}, 2), make(chan struct{})
		o.setRefuse(func(string) *http.Response {
			arrived <- struct{}{}
			<-leave
			return nil
		})
		now := time.Now()
		o.enqueue(t, "anna", report("lamp", "power", "ON", now))
		o.enqueue(t, "ben", report("lamp", "power", "ON", now))
		o.run(t)
		release := sync.OnceFunc(func() { close(leave) })
		t.Cleanup(release)
		<-arrived
		<-arrived
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox_leases SET holder = 'another worker', until_at = until_at + 3600000 WHERE lane = (SELECT min(lane) FROM alexa_outbox_leases)")
		require.NoError(t, err)
		leases := func() (own, foreign int64) {
			require.NoError(t, o.DB.QueryRow("SELECT max(CASE WHEN holder = 'another worker' THEN 0 ELSE until_at END), max(CASE WHEN holder = 'another worker' THEN until_at ELSE 0 END) FROM alexa_outbox_leases").Scan(&own, &foreign))
			return own, foreign
		}
		own, foreign := leases()
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			nowOwn, nowForeign := leases()
			require.Equal(t, foreign, nowForeign)
			if nowOwn > own {
				break
			}
			<-ticker.C
		}
		release()
		o.until(t, func() bool { return o.count(outbox.Accepted) == 1 })
		require.Equal(t, 1, o.rows(t, "alexa_outbox"))
	})
}

// A lane with far more events than are read at once.
func TestOutboxVeryLongLanes(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna", "ben")
		tx, err := o.DB.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		now := time.Now()
		for i := range 5000 {
			require.NoError(t, o.Enqueue(t.Context(), tx, report("lamp", "power", fmt.Sprint(i), now.Add(time.Duration(i)*time.Millisecond)), keyOf("anna")))
		}
		require.NoError(t, tx.Commit())
		o.enqueue(t, "ben", report("lamp", "power", "ON", now))
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Accepted)+o.count(outbox.Merged) == 5001 })
		sent := o.sent(t)
		require.Contains(t, sent, "ben: ChangeReport power=ON")
		require.Contains(t, sent, "anna: ChangeReport power=4999")
		require.Less(t, len(sent), 10)
	})
}

// While a long lane is delivered, other lanes are found without reading all of it.
func TestOutboxLooksPastLongLanes(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		o := newOutbox(t, d, "anna", "ben")
		db := o.DB
		arrived, leave := make(chan struct{}, 1), make(chan struct{})
		o.setRefuse(func(body string) *http.Response {
			if strings.Contains(body, "door") {
				arrived <- struct{}{}
				<-leave
			}
			return nil
		})
		o.enqueue(t, "anna", press("door"))
		for range 14 {
			_, err := db.ExecContext(t.Context(), `INSERT INTO alexa_outbox (lane, client_id, account_id, link_id, message_id, type, enqueued_at, due_at, expires_at, body)
SELECT lane, client_id, account_id, link_id, message_id, type, enqueued_at, due_at - 10000, expires_at, body FROM alexa_outbox`)
			require.NoError(t, err)
		}
		var mu sync.Mutex
		var read string  // statement that reads what waits in lanes
		var all, few int // looks at all that is due, and at what is recent
		o.faulty(t, d, func(ctx context.Context, statement string) error {
			mu.Lock()
			if strings.Contains(statement, "SELECT id, lane") {
				read = statement
			}
			look := strings.Contains(statement, "SELECT lane FROM alexa_outbox ")
			full := look && !strings.Contains(statement, "due_at >")
			switch {
			case full:
				all++
			case look:
				few++
			}
			mu.Unlock()
			if full {
				return after(ctx, 100*time.Millisecond) // as with a million events
			}
			return nil
		})
		stop := o.run(t)
		release := sync.OnceFunc(func() { close(leave) })
		t.Cleanup(release)
		<-arrived
		mu.Lock()
		all, few = 0, 0
		mu.Unlock()
		for i := range 20 {
			o.enqueue(t, "ben", report(fmt.Sprint("lamp-", i), "power", "ON", time.Now()))
			o.until(t, func() bool { return o.count(outbox.Accepted) == i+1 })
		}
		mu.Lock()
		most, least, query := few, all, strings.ReplaceAll(read, "$1", "'"+laneOf(t, db)+"'")
		mu.Unlock()
		require.Greater(t, most, least)
		require.Less(t, rowsRead(t, db, query), 5000, "the statement returns 2000 rows")
		require.NoError(t, o.EraseAccount(t.Context(), db, "anna"))
		release()
		stop()
	})
}

func laneOf(t *testing.T, db *sql.DB) (lane string) {
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT lane FROM alexa_outbox GROUP BY lane ORDER BY count(*) DESC LIMIT 1").Scan(&lane))
	return lane
}

// rowsRead returns how many rows the steps of PostgreSQL's plan for a query return or
// drop together, and for SQLite, which does not tell, how many the query returns if it
// does not sort.
func rowsRead(t *testing.T, db *sql.DB, query string) (n int) {
	if _, err := db.ExecContext(t.Context(), "SELECT sqlite_version()"); err == nil {
		rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var step string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
			require.NotContains(t, step, "TEMP B-TREE")
		}
		require.NoError(t, rows.Err())
		return 0
	}
	type step struct {
		Rows    float64 `json:"Actual Rows"`
		Loops   float64 `json:"Actual Loops"`
		Removed float64 `json:"Rows Removed by Filter"`
		Plans   []step
	}
	var text []byte
	require.NoError(t, db.QueryRowContext(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+query).Scan(&text))
	var plan []struct{ Plan step }
	require.NoError(t, json.Unmarshal(text, &plan))
	steps := []step{plan[0].Plan}
	for len(steps) > 0 {
		s := steps[0]
		n += int((s.Rows + s.Removed) * s.Loops)
		steps = append(steps[1:], s.Plans...)
	}
	return n
}

// An event of a grant that waits leaves those alone that wait already.
func TestOutboxHoldsWhatIsDue(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		o.setRefuse(func(string) *http.Response {
			return refusal(http.StatusTooManyRequests, "Retry-After", "3600")
		})
		o.enqueue(t, "anna", report("lamp-1", "power", "ON", time.Now()))
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Postponed) == 1 })
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET reason = 'not touched'")
		require.NoError(t, err)
		for i := range 5 {
			o.enqueue(t, "anna", report("lamp-2", "power", "ON", time.Now()))
			ticker := time.NewTicker(20 * time.Millisecond)
			for o.rows(t, "alexa_outbox WHERE due_at > enqueued_at") < i+2 {
				<-ticker.C
			}
			ticker.Stop()
		}
		require.Equal(t, 1, o.rows(t, "alexa_outbox WHERE reason = 'not touched'"))
		require.Equal(t, 1, o.requests("lamp"))
	})
}
