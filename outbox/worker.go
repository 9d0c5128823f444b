package outbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/internal/sqldb"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	leaseTime   = 4 * time.Second        // how long a dead worker holds up its lanes
	leaseMargin = time.Second            // before the end of a lease in which nothing is sent any more
	renewEvery  = time.Second            // how often leases are renewed
	pollEvery   = 100 * time.Millisecond // how long an idle worker waits
	claimEvery  = 5 * time.Millisecond   // how long a busy one waits, so that one claim takes several lanes
	readAtOnce  = 2000                   // rows
	readBytes   = 8 << 20                // of bodies, so that a few large lanes do not fill the memory
	claimTime   = 10 * time.Second       // limit for one claim
	lookShare   = 10                     // one in so many parts of the time, at most, goes into looking at all that is due
	lookAtLeast = time.Second            // how often that happens even so
	recent      = 2 * time.Second        // what was enqueued since is looked at by each claim
	busyClaims  = 3                      // that others may disturb before it is a failure of the database
	forgetEvery = time.Minute            // how often leases that ended are deleted, a minute later
)

// Run delivers events until ctx ends. Then it waits for the running attempts, ten
// seconds at most, stores their results and returns nil. Run may run any number of times
// at once, in any number of processes. It retries while the database fails.
//
// It returns an error at once if a field is missing or Migrate has not been called.
func (o *Outbox) Run(ctx context.Context) error {
	d, err := o.dialect()
	switch {
	case err != nil:
	case o.Sender == nil || o.Sender.Tokens == nil || o.Sender.Tokens.Store == nil:
		err = errors.New("Outbox.Sender is required, with Tokens that have a Store")
	default:
		err = o.query(ctx, d, func(func(...any) error) error { return nil }, `SELECT id FROM alexa_outbox LIMIT 1`)
		if err != nil && !d.NoSchema(err) {
			err = nil // the database may come, or ctx has ended
		}
	}
	if err != nil {
		return wrap("run", err)
	}
	w := &worker{
		Outbox:  o,
		dialect: d,
		holder:  rand.Text(),
		lanes:   make(map[string]*lane),
		results: make(chan *result),
		pauses:  pauses{until: make(map[lwa.Key]time.Time)},
		regions: regions{of: make(map[lwa.Key]region), breakers: make(map[region]*breaker)},
	}
	w.run(ctx)
	return nil
}

// worker is one Run of an Outbox.
type worker struct {
	*Outbox
	dialect sqldb.Dialect
	holder  string // of this worker's leases
	pauses  pauses
	regions regions
	results chan *result

	failures redact.Throttle // of the database

	lookAt time.Time // when a claim looks at all that is due again

	mu    sync.Mutex
	lanes map[string]*lane // that this worker works on or has not settled yet
	again []string         // lanes that were settled with something left to send
}

// lane is one that this worker has leased.
type lane struct {
	name    string
	entries []*entry // what waits in it, oldest first
	more    bool     // may wait in it than was read

	settling bool // a transaction has its lease locked; guarded by worker.mu

	mu    sync.Mutex
	until time.Time // when the lease may end
}

// leased reports whether nobody else can have the lane yet.
func (l *lane) leased() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.until)
}

func (l *lane) extend(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = until
}

// entry is an event that waits.
type entry struct {
	id         int64
	key        lwa.Key
	messageID  string
	event      string // its type
	state      int
	tries      int
	enqueuedAt time.Time // these times are of the clock of this process
	dueAt      time.Time
	expiresAt  time.Time
	body       []byte

	message *gateway.Message // of the body, nil before it is decoded
}

// errDecrypt says that the event is at fault, or the key service.
var errDecrypt = errors.New("the event cannot be decrypted")

// decode reads the body.
func (w *worker) decode(e *entry) (err error) {
	if e.message != nil {
		return nil
	}
	body := e.body
	if w.AEAD != nil {
		err := rest.Catch(func() (err error) {
			body, err = w.AEAD.Decrypt(body, []byte(e.messageID))
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: %w", errDecrypt, err)
		}
	}
	message := new(gateway.Message)
	if err := json.Unmarshal(body, message); err != nil {
		return fmt.Errorf("the event cannot be decoded: %w", err)
	}
	e.message = message
	return nil
}

func (w *worker) run(ctx context.Context) {
	size := w.Workers
	if size <= 0 {
		size = 64
	}
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	slots := make(chan struct{}, size)
	var group, services sync.WaitGroup
	services.Go(func() { w.settleAll(work, ctx) })
	renewing := make(chan struct{})
	services.Go(func() { w.renewAll(work, renewing) })
	busy := 0 // claims in a row that others have disturbed
	for ctx.Err() == nil {
		free := min(size-len(slots), rowsAtOnce)
		claimed, err := w.claim(ctx, free)
		if err != nil && w.dialect.Busy(err) {
			busy++ // the next claim comes soon
		} else {
			busy = 0
		}
		if err != nil && ctx.Err() == nil && (busy == 0 || busy > busyClaims) {
			w.complain(ctx, "claim events", err)
		}
		for _, l := range claimed {
			slots <- struct{}{}
			group.Go(func() {
				w.results <- w.work(work, ctx.Done(), l)
				<-slots
			})
		}
		pause := pollEvery
		if len(claimed) > 0 && err == nil {
			pause = claimEvery
		}
		if len(claimed) == free { // all are busy: the next slot may take a while
			select {
			case slots <- struct{}{}:
				<-slots
			case <-ctx.Done():
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	group.Wait()
	close(w.results)
	close(renewing)
	services.Wait()
}

// complain logs a failure of the database.
func (w *worker) complain(ctx context.Context, task string, err error) {
	w.log(ctx, w.failures.Level(), "the outbox's database fails: "+task, slog.Any("error", err))
}

// log survives a handler that panics.
func (w *worker) log(ctx context.Context, level slog.Level, text string, attributes ...slog.Attr) {
	if w.Logger != nil {
		_ = rest.Catch(func() error { w.Logger.LogAttrs(ctx, level, text, attributes...); return nil })
	}
}

// PostgreSQL reads in the order of an index, instead of sorting all rows, if it does not
// know the limit when it plans. It tests NOT IN with a hash table.
const selectDue = `
SELECT lane FROM alexa_outbox WHERE state < 2 AND due_at <= {now}%s
    AND lane NOT IN (SELECT lane FROM alexa_outbox_leases WHERE holder <> '' AND until_at > {now})
ORDER BY due_at, id LIMIT (SELECT CAST($1 AS bigint))`

const selectEntries = `
SELECT id, lane, client_id, account_id, link_id, message_id, type, state, tries,
    {now} - enqueued_at, due_at - {now}, expires_at - {now}, body
FROM alexa_outbox WHERE state < 2 AND lane IN (`

// claim leases at most n lanes that have something due, and reads what waits in
// them. Lanes that it returns with an error are empty.
func (w *worker) claim(ctx context.Context, n int) ([]*lane, error) {
	if n <= 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	names, err := w.due(ctx, n)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, nil
	}
	slices.Sort(names) // two workers that lease at once do not wait for each other crosswise
	asked := time.Now()
	leased, err := w.lease(ctx, names)
	if err != nil || len(leased) == 0 {
		return nil, err
	}
	lanes := make(map[string]*lane, len(leased))
	all := make([]*lane, len(leased))
	w.mu.Lock()
	for i, name := range leased {
		all[i] = &lane{name: name, until: asked.Add(leaseTime - leaseMargin)}
		lanes[name], w.lanes[name] = all[i], all[i] // from now on the lease is renewed
	}
	w.mu.Unlock()
	if err = w.read(ctx, lanes); err == nil {
		err = w.readPauses(ctx, lanes)
	}
	if err != nil {
		for _, l := range all {
			l.entries = nil
		}
	}
	return all, err
}

// due returns at most n lanes that have something due. To find them, the database reads
// all due rows of leased lanes. If these are many, most claims look at recent rows alone.
func (w *worker) due(ctx context.Context, n int) ([]string, error) {
	begun, since := time.Now(), ""
	all := !begun.Before(w.lookAt)
	if !all {
		since = fmt.Sprintf(" AND due_at > {now}-%d", recent.Milliseconds())
	}
	var names []string
	err := w.query(ctx, w.dialect, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	}, fmt.Sprintf(selectDue, since), 2*n)
	if err != nil {
		return nil, err
	}
	if all && len(names) < 2*n { // else more is due than was found
		w.lookAt = time.Now().Add(min(lookShare*time.Since(begun), lookAtLeast))
	}
	w.mu.Lock()
	names = append(names, w.again...)
	w.again = nil
	w.mu.Unlock()
	return w.unknown(names, n), nil
}

// read reads what waits in the lanes.
func (w *worker) read(ctx context.Context, lanes map[string]*lane) error {
	args := make([]any, 0, len(lanes))
	for name := range lanes {
		args = append(args, name)
	}
	read, rows, size := time.Now(), 0, 0
	err := w.query(ctx, w.dialect, func(scan func(...any) error) error {
		e := new(entry)
		var name string
		var age, due, expires int64
		if err := scan(&e.id, &name, &e.key.ClientID, &e.key.AccountID, &e.key.LinkID, &e.messageID, &e.event,
			&e.state, &e.tries, &age, &due, &expires, &e.body); err != nil {
			return err
		}
		rows++
		if size += len(e.body); size > readBytes+len(e.body) {
			return nil // it stays due
		}
		e.enqueuedAt, e.dueAt, e.expiresAt = read.Add(-milliseconds(age)), read.Add(milliseconds(due)), read.Add(milliseconds(expires))
		lanes[name].entries = append(lanes[name].entries, e)
		return nil
	}, selectEntries+placeholders(1, len(args))+fmt.Sprintf(`) ORDER BY lane, id LIMIT (SELECT %d)`, readAtOnce), args...)
	for _, l := range lanes {
		l.more = rows == readAtOnce || size > readBytes
	}
	return err
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// unknown returns at most n of the lanes, each once and none that this worker has
// not settled yet: its lease may have ended.
func (w *worker) unknown(names []string, n int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, name := range names {
		if w.lanes[name] == nil && !slices.Contains(all, name) && len(all) < n {
			all = append(all, name)
		}
	}
	return all
}

// lease takes the lanes that nobody has, and returns them.
func (w *worker) lease(ctx context.Context, names []string) (leased []string, err error) {
	var values strings.Builder
	args := make([]any, 0, 2*len(names))
	for i, name := range names {
		if i > 0 {
			values.WriteByte(',')
		}
		fmt.Fprintf(&values, "($%d,$%d,{now}+%d)", 2*i+1, 2*i+2, leaseTime.Milliseconds())
		args = append(args, name, w.holder)
	}
	err = sqldb.Retry(ctx, time.Now(), w.dialect.Busy, func() error {
		leased = nil
		return w.query(ctx, w.dialect, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			leased = append(leased, name)
			return err
		}, `INSERT INTO alexa_outbox_leases (lane, holder, until_at) VALUES `+values.String()+`
ON CONFLICT (lane) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at
WHERE alexa_outbox_leases.until_at <= {now} RETURNING lane`, args...)
	})
	return leased, err
}

// renewAll renews the leases of the lanes that this worker works on, until stop is
// closed. A lane that somebody else has by now is not extended. It also deletes the
// leases of workers that died and of grants that may go on.
func (w *worker) renewAll(ctx context.Context, stop <-chan struct{}) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	var forgotten time.Time
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			renewing, cancel := context.WithTimeout(ctx, leaseTime)
			if err := sqldb.Retry(renewing, time.Now(), w.dialect.Busy, func() error { return w.renew(renewing) }); err != nil {
				w.complain(ctx, "renew leases", err)
			}
			cancel()
			if time.Since(forgotten) >= forgetEvery {
				forgotten = time.Now()
				forgetting, cancel := context.WithTimeout(ctx, claimTime)
				_, err := w.DB.ExecContext(forgetting, w.statement(w.dialect,
					fmt.Sprintf(`DELETE FROM alexa_outbox_leases WHERE until_at < {now}-%d`, forgetEvery.Milliseconds())))
				if err != nil {
					w.complain(ctx, "delete leases", err)
				}
				cancel()
			}
		}
	}
}

func (w *worker) renew(ctx context.Context) error {
	var names []any
	w.mu.Lock()
	for name, l := range w.lanes {
		if !l.settling { // else the others would wait for the end of that transaction
			names = append(names, name)
		}
	}
	w.mu.Unlock()
	for some := range slices.Chunk(names, rowsAtOnce) {
		until := time.Now().Add(leaseTime - leaseMargin)
		err := w.query(ctx, w.dialect, func(scan func(...any) error) error {
			var name string
			if err := scan(&name); err != nil {
				return err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if l := w.lanes[name]; l != nil {
				l.extend(until)
			}
			return nil
		}, fmt.Sprintf(`UPDATE alexa_outbox_leases SET until_at = {now}+%d WHERE holder = $1 AND lane IN (%s) RETURNING lane`,
			leaseTime.Milliseconds(), placeholders(2, len(some))), append([]any{w.holder}, some...)...)
		if err != nil {
			return err
		}
	}
	return nil
}
