package outbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// pauses remembers which grants must wait, so that the refusal of one lane spares
// the others of the grant theirs.
type pauses struct {
	mu    sync.Mutex
	until map[lwa.Key]time.Time
}

// left returns how long the grant must wait.
func (p *pauses) left(key lwa.Key) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.until[key])
	if left <= 0 {
		delete(p.until, key)
		return 0
	}
	return left
}

func (p *pauses) add(key lwa.Key, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(wait); until.After(p.until[key]) {
		p.until[key] = until
	}
}

// grantLane is the name under which a grant that must wait has a lease.
func grantLane(key lwa.Key) string { return "grant " + new(gateway.Message).Group(key) }

// readPauses learns which grants of the lanes other workers make wait.
func (w *worker) readPauses(ctx context.Context, lanes map[string]*lane) error {
	grants := make(map[string]lwa.Key)
	for _, l := range lanes {
		for _, e := range l.entries[:min(1, len(l.entries))] {
			grants[grantLane(e.key)] = e.key
		}
	}
	if len(grants) == 0 {
		return nil
	}
	args := make([]any, 0, len(grants))
	for name := range grants {
		args = append(args, name)
	}
	return w.query(ctx, w.dialect, func(scan func(...any) error) error {
		var name string
		var left int64
		err := scan(&name, &left)
		w.pauses.add(grants[name], milliseconds(left))
		return err
	}, `SELECT lane, until_at - {now} FROM alexa_outbox_leases WHERE until_at > {now} AND lane IN (`+placeholders(1, len(args))+`)`, args...)
}

// region is where a grant's events go.
type region = alexaevents.Region

const (
	failuresToOpen = 5               // one after the other
	probeEvery     = 2 * time.Second // while a region fails
	holdTime       = 30 * time.Second
)

// regions remembers which regions fail. While one does, a single event at a time
// finds out whether it still does, and everything else of the region waits.
type regions struct {
	mu       sync.Mutex
	of       map[lwa.Key]region
	breakers map[region]*breaker
}

type breaker struct {
	failures int       // since the last success
	probeAt  time.Time // when the next event may find out
	probing  bool
	next     bool // an event waits for probeAt, besides the one that probed last
}

// find returns the region of a grant. It may have changed since it was first
// asked for, which does no harm: the Sender reads the grant itself.
func (r *regions) find(ctx context.Context, store lwa.Store, key lwa.Key) region {
	r.mu.Lock()
	where, known := r.of[key]
	r.mu.Unlock()
	if known {
		return where
	}
	grant, err := store.Grant(ctx, key)
	if err != nil {
		return "" // the Sender will say so
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.of) >= 10_000 {
		clear(r.of)
	}
	r.of[key] = grant.Region
	return grant.Region
}

// wait returns how long an event of the region must wait. If probe is true, the
// caller finds out whether the region still fails, and must call report or release.
func (r *regions) wait(where region) (wait time.Duration, probe bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.breakers[where]
	switch {
	case b == nil || b.failures < failuresToOpen:
		return 0, false
	case b.probing:
	case !time.Now().Before(b.probeAt):
		b.probing, b.next = true, false
		return 0, true
	case !b.next:
		b.next = true
		return time.Until(b.probeAt), false
	}
	return holdTime/2 + rand.N(holdTime/2), false //nolint:gosec // jitter keeps no secret
}

// probeIn returns how long it takes until the next event may find out whether the
// region still fails, zero if it does not fail.
func (r *regions) probeIn(where region) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.breakers[where]; b != nil && b.failures >= failuresToOpen {
		return max(time.Until(b.probeAt), time.Millisecond)
	}
	return 0
}

// report learns from an attempt. It reports whether the region has begun to fail
// with it, or has come back.
func (r *regions) report(where region, err error, probe bool) (failed, back bool) {
	if where == "" {
		return false, false // the grant was not found
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.breakers[where]
	if b == nil {
		b = new(breaker)
		r.breakers[where] = b
	}
	if probe {
		b.probing = false
	}
	refused, asked := errors.AsType[*gateway.Error](err)
	switch {
	case err != nil && !asked, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// The gateway was not asked, or had no time.
	case asked && (refused.Status == 0 || refused.Status >= http.StatusInternalServerError):
		b.failures++
		b.probeAt = time.Now().Add(probeEvery)
		return b.failures == failuresToOpen, false
	default:
		back = b.failures >= failuresToOpen
		b.failures = 0
	}
	return false, back
}

// failing reports whether events of the region wait.
func (r *regions) failing(where region) bool { return r.probeIn(where) > 0 }

// learn reports whether a region is back with this outcome of an attempt.
func (w *worker) learn(ctx context.Context, where region, err error, probe bool) bool {
	failed, back := w.regions.report(where, err, probe)
	switch {
	case failed:
		w.log(ctx, slog.LevelWarn, "the event gateway of a region fails: its events wait", slog.String("alexa.region", string(where)), slog.Any("error", err))
	case back:
		w.log(ctx, slog.LevelInfo, "the event gateway of a region is back", slog.String("alexa.region", string(where)))
	}
	return back
}

// release gives up finding out whether the region still fails.
func (r *regions) release(where region, probe bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.breakers[where]; b != nil && probe {
		b.probing = false
	}
}
