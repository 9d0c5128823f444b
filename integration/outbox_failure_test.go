package integration

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/sqldb"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
)

// faulty makes the outbox use a driver that fails as fault says. The grants' store
// keeps the driver that it has.
func (o *outboxTrial) faulty(t testing.TB, d database, fault func(context.Context, string) error) {
	o.DB = d.openFaulty(t, fault)
	if d.Dialect == "sqlite" {
		o.DB.SetMaxOpenConns(4)
	}
}

func press(endpoint string) *gateway.DoorbellPress {
	return &gateway.DoorbellPress{EndpointID: endpoint, Cause: gateway.PhysicalInteraction, Timestamp: time.Now()}
}

// Whichever statement fails, and with it a while of those that follow, every event is
// delivered in order.
func TestOutboxFailingStatements(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		for first := int64(2); first < 26; first += 3 { // the first is that of Run
			t.Run(fmt.Sprint(first), func(t *testing.T) {
				t.Parallel()
				d := create(t)
				o := newOutbox(t, d, "anna", "ben")
				var refused atomic.Bool
				o.setRefuse(func(body string) *http.Response {
					if strings.Contains(body, "lamp-1") && !refused.Swap(true) {
						return refusal(http.StatusTooManyRequests)
					}
					return nil
				})
				now := time.Now()
				o.enqueue(t, "anna", report("lamp-1", "power", "ON", now), press("lamp-1"), report("lamp-1", "power", "OFF", now.Add(time.Second)))
				o.enqueue(t, "ben", press("door"), report("lamp-2", "power", "ON", now), report("lamp-2", "brightness", "50", now))
				var statements atomic.Int64
				o.faulty(t, d, func(_ context.Context, _ string) error {
					if n := statements.Add(1); n >= first && n < first+3 {
						return errors.New("the database fails")
					}
					return nil
				})
				stop := o.run(t)
				o.until(t, func() bool { return o.count(outbox.Accepted)+o.count(outbox.Merged)+o.count(outbox.Dead) == 6 })
				stop()
				var anna []string
				for _, s := range o.sent(t) {
					if strings.HasPrefix(s, "anna") && (len(anna) == 0 || anna[len(anna)-1] != s) { // a duplicate is no fault
						anna = append(anna, s)
					}
				}
				states := []string{"anna: ChangeReport power=ON", "anna: ChangeReport power=OFF"}
				if len(anna) == 3 {
					states = []string{states[0], "anna: DoorbellPress", states[1]}
				}
				require.Equal(t, states, anna)
				require.LessOrEqual(t, o.requests("door"), 1)
				require.Equal(t, o.count(outbox.Dead), o.rows(t, "alexa_outbox"))
			})
		}
	})
}

// A connection of which nothing returns does not keep Run from returning.
func TestOutboxHangingDatabase(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		o := newOutbox(t, d, "anna")
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()))
		hanging := make(chan struct{})
		once := sync.OnceFunc(func() { close(hanging) })
		o.faulty(t, d, func(ctx context.Context, statement string) error {
			if statement != "BEGIN" {
				return nil
			}
			once()
			<-ctx.Done()
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- o.Run(ctx) }()
		<-hanging
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(20 * time.Second):
			require.FailNow(t, "Run does not return")
		}
		require.Equal(t, 1, o.rows(t, "alexa_outbox"))
	})
}

// A database that takes longer than a lease to read what waits slows delivery down.
func TestOutboxSlowDatabase(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		o := newOutbox(t, d, "anna")
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()))
		o.faulty(t, d, func(ctx context.Context, statement string) error {
			if strings.Contains(statement, "SELECT id, lane") {
				return after(ctx, 4500*time.Millisecond)
			}
			return nil
		})
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Accepted) == 1 })
		require.Equal(t, 1, o.requests("lamp"))
	})
}

func after(ctx context.Context, wait time.Duration) error {
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Whatever the user's functions do, the events are delivered and the process lives.
func TestOutboxPanics(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		observe := o.Observe
		o.Observe = func(ctx context.Context, seen outbox.Observation) {
			observe(ctx, seen)
			panic("observe")
		}
		o.Logger = slog.New(panickingHandler{slog.DiscardHandler})
		aead := &unsteadyAEAD{aesGCM: newAESGCM(t).(aesGCM)}
		aead.fail.Store(func() error { panic("decrypt") })
		o.AEAD = aead
		var panicked atomic.Bool
		o.setRefuse(func(body string) *http.Response {
			switch {
			case strings.Contains(body, "lamp") && !panicked.Swap(true), strings.Contains(body, "door"):
				panic("transport")
			case strings.Contains(body, "refused"):
				return refusal(http.StatusBadRequest)
			}
			return nil
		})
		o.enqueue(t, "anna", report("lamp", "power", "ON", time.Now()), press("door"), report("refused", "power", "ON", time.Now()))
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Postponed) >= 3 })
		aead.fail.Store(func() error { return nil })
		o.until(t, func() bool { return o.count(outbox.Accepted) == 1 && o.count(outbox.Dead) == 2 })
		require.Equal(t, 1, o.requests("door"))
	})
}

type panickingHandler struct{ slog.Handler }

func (panickingHandler) Enabled(context.Context, slog.Level) bool { panic("log") }

// unsteadyAEAD fails to decrypt as fail says.
type unsteadyAEAD struct {
	aesGCM
	fail atomic.Value // func() error
}

func (a *unsteadyAEAD) Decrypt(ciphertext, associated []byte) ([]byte, error) {
	if err := a.fail.Load().(func() error)(); err != nil {
		return nil, err
	}
	return a.aesGCM.Decrypt(ciphertext, associated)
}

// While a key service fails, its events wait, however often they were tried before.
// One that alone cannot be decrypted becomes a dead letter.
func TestOutboxKeyService(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		aead := &unsteadyAEAD{aesGCM: newAESGCM(t).(aesGCM)}
		// PostgreSQL stores no text with NUL or half a character.
		aead.fail.Store(func() error {
			return errors.New("\x00" + strings.Repeat("x", 460) + strings.Repeat("ü", 100) + "\xff")
		})
		o.AEAD = aead
		now := time.Now()
		o.enqueue(t, "anna", report("lamp", "power", "ON", now), report("lamp", "power", "OFF", now.Add(time.Second)))
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET tries = 100")
		require.NoError(t, err)
		stop := o.run(t)
		o.until(t, func() bool { return o.count(outbox.Postponed)+o.count(outbox.Dead) >= 1 })
		require.Zero(t, o.count(outbox.Dead))
		stop()
		_, err = o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET due_at = 0, message_id = CASE WHEN id = (SELECT min(id) FROM alexa_outbox) THEN 'another' ELSE message_id END")
		require.NoError(t, err)
		aead.fail.Store(func() error { return nil })
		o.run(t)
		o.until(t, func() bool { return o.count(outbox.Accepted) == 1 && o.count(outbox.Dead) == 1 })
	})
}

// A reason of any text can be stored.
func TestOutboxReasons(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		aead := &selectiveAEAD{newAESGCM(t).(aesGCM)}
		o.AEAD = aead
		now := time.Now()
		o.enqueue(t, "anna", report("lamp", "power", "ON", now), report("lamp", "power", "OFF", now.Add(time.Second)))
		_, err := o.DB.ExecContext(t.Context(), "UPDATE alexa_outbox SET tries = 100, message_id = 'unreadable' WHERE id = (SELECT min(id) FROM alexa_outbox)")
		require.NoError(t, err)
		o.run(t)
		require.Equal(t, []string{"ChangeReport accepted", "ChangeReport dead"}, o.wait(t, 2))
	})
}

// selectiveAEAD fails for one message, with a text that PostgreSQL does not store.
type selectiveAEAD struct{ aesGCM }

func (a *selectiveAEAD) Decrypt(ciphertext, associated []byte) ([]byte, error) {
	if string(associated) == "unreadable" {
		return nil, errors.New("\x00" + strings.Repeat("x", 400) + strings.Repeat("ü", 101) + "\xff")
	}
	return a.aesGCM.Decrypt(ciphertext, associated)
}

// The databases that users have, besides those of the other tests.
func TestOutboxDatabases(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		create      newDatabase
		connections int
		prefix      string
	}{
		"SQLite, one connection":     {create: newSQLite, connections: 1},
		"SQLite, prefix":             {create: newSQLite, connections: 4, prefix: "stage_"},
		"PostgreSQL, one connection": {create: newPostgres, connections: 1},
		"PostgreSQL, prefix":         {create: newPostgres, connections: 4, prefix: "my_alexa_"},
		"PostgreSQL, serializable": {create: func(t testing.TB) database {
			return newPostgres(t).with("default_transaction_isolation", "serializable")
		}, connections: 8},
		"PostgreSQL, simple protocol": {create: func(t testing.TB) database {
			return newPostgres(t).with("default_query_exec_mode", "simple_protocol")
		}, connections: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutbox(t, test.create(t), "anna", "ben")
			o.DB.SetMaxOpenConns(test.connections)
			if test.prefix != "" {
				o.Prefix = test.prefix
				_, err := o.DB.ExecContext(t.Context(), "DROP TABLE alexa_outbox")
				require.NoError(t, err)
				require.NoError(t, o.Migrate(t.Context()))
			}
			var log bytes.Buffer
			o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
			var refused atomic.Bool
			o.setRefuse(func(body string) *http.Response {
				if strings.Contains(body, "lamp-7") && !refused.Swap(true) {
					return refusal(http.StatusTooManyRequests)
				}
				return nil
			})
			now := time.Now()
			stop, stopOther := o.run(t), func() {}
			if test.connections > 1 {
				other := *o.Outbox
				stopOther = (&outboxTrial{Outbox: &other}).run(t)
			}
			for i := range 20 {
				for _, account := range []string{"anna", "ben"} {
					o.enqueue(t, account, report(fmt.Sprint("lamp-", i), "power", "ON", now), press(fmt.Sprint("lamp-", i)))
				}
			}
			o.until(t, func() bool { return o.count(outbox.Accepted) == 80 })
			require.NoError(t, o.EraseAccount(t.Context(), o.DB, "anna"))
			stop()
			stopOther()
			require.Empty(t, log.String())
			prefix := "alexa_"
			if test.prefix != "" {
				prefix = test.prefix
			}
			require.Zero(t, o.rows(t, prefix+"outbox"))
		})
	}
}

// More lanes at a time than a statement can have parameters.
func TestOutboxManyWorkers(t *testing.T) {
	t.Parallel()
	o := newOutbox(t, newSQLite(t), "anna")
	o.Workers = 20_000
	keys := make([]lwa.Key, 18_000) // of grants that there are not
	for i := range keys {
		keys[i] = keyOf(fmt.Sprint(i))
	}
	require.NoError(t, o.Enqueue(t.Context(), o.DB, report("lamp", "power", "ON", time.Now()), keys...))
	o.run(t)
	o.until(t, func() bool { return o.count(outbox.Ended) > 1000 })
}

// The leases of workers that died and of grants that may go on do not stay.
func TestOutboxForgetsLeases(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		o := newOutbox(t, create(t), "anna")
		_, err := o.DB.ExecContext(t.Context(), "INSERT INTO alexa_outbox_leases (lane, holder, until_at) VALUES ('grant x', '', 1), ('y', 'z', 1), ('later', '', 9000000000000)")
		require.NoError(t, err)
		o.run(t)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for o.rows(t, "alexa_outbox_leases") != 1 {
			<-ticker.C
		}
	})
}

func TestOutboxWithoutTransaction(t *testing.T) {
	t.Parallel()
	o := &outbox.Outbox{DB: new(sql.DB), Dialect: "sqlite"}
	require.ErrorContains(t, o.Enqueue(t.Context(), nil, press("door"), keyOf("anna")), "tx is nil")
	require.ErrorContains(t, o.EraseAccount(t.Context(), nil, "anna"), "tx is nil")
}

// SQLite's clock has milliseconds, and a day as a fraction is not exact.
func TestOutboxClock(t *testing.T) {
	t.Parallel()
	db := newSQLite(t).open(t)
	for range 2000 {
		var now, exact int64
		require.NoError(t, db.QueryRowContext(t.Context(),
			"SELECT "+sqldb.Dialects["sqlite"].Now+", CAST(round(1000 * unixepoch('now', 'subsec')) AS INTEGER)").Scan(&now, &exact))
		require.Equal(t, exact, now)
	}
}
