package outbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	longestPause = time.Minute      // between attempts, unless Amazon asks for more
	edgeTime     = 10 * time.Second // how long the edges of a sensor are worth a report each
	decodeTries  = 6                // for a key service that fails
)

// result is what came of a lane.
type result struct {
	lane         *lane
	done         []int64 // rows to delete
	dead         []burial
	pause        *pause
	back         region // that does not fail any more; empty if none is back
	observations []observed
}

// burial makes a row a dead letter.
type burial struct {
	id     int64
	reason string
	region region
}

// pause makes a lane wait.
type pause struct {
	grant  *lwa.Key // makes all lanes of the grant wait; nil is this lane alone
	wait   time.Duration
	failed bool   // an attempt has failed
	region region // of the grant, if the region failed
}

// observed is an Observation and whose event it is about.
type observed struct {
	Observation
	key lwa.Key
}

func (r *result) observe(e *entry, outcome Outcome, err error) {
	r.observations = append(r.observations, observed{Observation{e.event, outcome, time.Since(e.enqueuedAt), err}, e.key})
}

func (r *result) finish(e *entry, outcome Outcome, err error) {
	r.done = append(r.done, e.id)
	r.observe(e, outcome, err)
}

func (r *result) bury(e *entry, region region, err error) {
	r.dead = append(r.dead, burial{e.id, err.Error(), region})
	r.observe(e, Dead, err)
}

// errInterrupted is why a momentary event is dead whose worker died.
var errInterrupted = errors.New("outbox: the process ended while the event was sent, so Alexa may have got it; it is not sent twice, see Sender.RetryMomentary")

// work delivers what waits in a lane, oldest first, until something fails or Run
// stops.
func (w *worker) work(ctx context.Context, stopping <-chan struct{}, l *lane) *result {
	r := &result{lane: l}
	for i := 0; i < len(l.entries); {
		select {
		case <-stopping:
			return r
		default:
		}
		e := l.entries[i]
		if !time.Now().Before(e.expiresAt) {
			r.finish(e, Expired, nil)
			i++
			continue
		}
		if wait := time.Until(e.dueAt); wait > 0 { // what came later must not overtake it
			r.pause = &pause{wait: wait}
			return r
		}
		if wait := w.pauses.left(e.key); wait > 0 {
			r.pause = &pause{grant: &e.key, wait: wait}
			return r
		}
		if err := w.decode(e); err != nil {
			if e.tries < decodeTries {
				r.postpone(e, pause{wait: backoff(e.tries)}, err)
				return r
			}
			r.bury(e, "", err)
			i++
			continue
		}
		message, n := w.merge(l.entries[i:])
		if e.state == stateBegun && !w.Sender.RetryMomentary {
			r.bury(e, "", errInterrupted)
			i++
			continue
		}
		where := w.regions.find(ctx, w.Sender.Tokens.Store, e.key)
		if wait := w.regions.wait(where); wait > 0 {
			r.pause = &pause{wait: wait, region: where}
			return r
		}
		begun := message.Momentary() && !w.Sender.RetryMomentary
		if begun && !w.begin(ctx, e) || !l.leased() {
			w.regions.release(where)
			return r // somebody else has the lane, or the database fails
		}
		err := w.Sender.Attempt(rest.WithFence(ctx, l.leased), e.key, message)
		if err != nil && !l.leased() {
			w.regions.release(where)
			return r
		}
		if w.learn(ctx, where, err) {
			r.back = where
		}
		switch {
		case err == nil:
			for _, earlier := range l.entries[i : i+n-1] {
				r.finish(earlier, Merged, nil)
			}
			r.finish(l.entries[i+n-1], Accepted, nil)
		case errors.Is(err, gateway.ErrEnded):
			for _, lost := range l.entries[i:] {
				r.finish(lost, Ended, err)
			}
			return r
		case w.Sender.MayRetry(message, err):
			if begun && !w.setState(ctx, e, stateWaiting) {
				r.bury(e, where, err)
				return r
			}
			r.postpone(e, w.pauseAfter(e, where, err), err)
			return r
		default:
			for _, lost := range l.entries[i : i+n] {
				r.bury(lost, where, err)
			}
		}
		i += n
	}
	return r
}

// merge returns the message of the first entries, and how many these are.
func (w *worker) merge(entries []*entry) (*gateway.Message, int) {
	message, n := entries[0].message, 1
	for _, next := range entries[1:] {
		if !time.Now().Before(next.expiresAt) || w.decode(next) != nil {
			break
		}
		merged, ok := message.Merge(next.message, time.Since(next.enqueuedAt) < edgeTime)
		if !ok {
			break
		}
		message, n = merged, n+1
	}
	return message, n
}

func (r *result) postpone(e *entry, p pause, err error) {
	p.failed = true
	r.pause = &p
	r.observe(e, Postponed, err)
}

// pauseAfter returns how long what failed with an error waits. Throttling and what
// concerns the operator or Login with Amazon make the whole grant wait.
func (w *worker) pauseAfter(e *entry, where region, err error) pause {
	p := pause{wait: backoff(e.tries)}
	var refused *gateway.Error
	var login *lwa.Error
	switch {
	case errors.As(err, &login):
		p.wait = max(p.wait, login.RetryAfter)
		p.grant = &e.key
	case errors.As(err, &refused):
		p.wait = max(p.wait, refused.RetryAfter)
		if errors.Is(err, gateway.ErrUnavailable) {
			p.region = where
			if probe := w.regions.probeIn(where); probe > 0 {
				p.wait = probe
			}
		}
	}
	if errors.Is(err, gateway.ErrThrottled) || errors.Is(err, gateway.ErrMisconfigured) {
		p.grant = &e.key
	}
	if p.grant != nil {
		w.pauses.add(e.key, p.wait)
	}
	return p
}

// backoff returns how long to wait after an attempt that failed, after so many
// others: 1 to 1.5 seconds at first, and twice as long each time.
func backoff(tries int) time.Duration {
	wait := min(time.Second<<min(tries, 6), longestPause)
	return wait + rand.N(wait/2) //nolint:gosec // jitter keeps no secret
}

// begin marks a momentary event before it is sent. It returns false if that
// fails, or if the row is gone.
func (w *worker) begin(ctx context.Context, e *entry) bool { return w.setState(ctx, e, stateBegun) }

func (w *worker) setState(ctx context.Context, e *entry, state int) bool {
	changed, err := w.DB.ExecContext(ctx, w.statement(w.dialect,
		`UPDATE alexa_outbox SET state = $1 WHERE id = $2 AND state < 2
    AND EXISTS (SELECT 1 FROM alexa_outbox_leases l WHERE l.lane = alexa_outbox.lane AND l.holder = $3)`), state, e.id, w.holder)
	if err != nil {
		w.complain(ctx, "mark an event", err)
		return false
	}
	n, err := changed.RowsAffected()
	return err == nil && n == 1
}
