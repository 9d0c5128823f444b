package outbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/internal/sqldb"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	longestPause = time.Minute      // between attempts, unless Amazon asks for more
	longestLogin = 10 * time.Second // the same where Login with Amazon fails, or the client is misconfigured
	edgeTime     = 10 * time.Second // how long the edges of a sensor are worth a report each
	decodeTries  = 6                // for a key service that fails
	laneTime     = time.Second      // after which a lane is settled, so that a worker that dies repeats little
	attemptTime  = 30 * time.Second // limit for one attempt, reading the grant and getting a token included
	longestRetry = 24 * time.Hour   // limit for Retry-After
)

// result is what came of a lane.
type result struct {
	lane         *lane
	more         bool    // may be sent in it at once
	done         []int64 // rows to delete
	dead         []burial
	unsent       []int64 // momentary events that were begun and that Alexa does not have
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

// work delivers what waits in a lane.
func (w *worker) work(ctx context.Context, stopping <-chan struct{}, l *lane) *result {
	r := &result{lane: l}
	left := w.deliver(ctx, stopping, r)
	if r.pause != nil {
		for _, e := range left { // what expires does not wait for what is before it
			w.giveUp(r, e)
		}
	}
	r.more = r.pause == nil && (len(left) > 0 || l.more)
	return r
}

// deliver sends what waits in a lane, oldest first, until something fails or Run
// stops, and returns what is left.
func (w *worker) deliver(ctx context.Context, stopping <-chan struct{}, r *result) []*entry {
	l, begunAt := r.lane, time.Now()
	apart := 0 // entries before this one are not merged
	for i := 0; i < len(l.entries); {
		if i > 0 && time.Since(begunAt) > laneTime {
			return l.entries[i:]
		}
		select {
		case <-stopping:
			return l.entries[i:]
		default:
		}
		e := l.entries[i]
		if w.giveUp(r, e) {
			i++
			continue
		}
		if wait := time.Until(e.dueAt); wait > 0 { // what came later must not overtake it
			r.pause = &pause{wait: wait}
			return l.entries[i:]
		}
		if wait := w.pauses.left(e.key); wait > 0 {
			r.pause = &pause{grant: &e.key, wait: wait}
			return l.entries[i:]
		}
		if err := w.decode(e); err != nil {
			if e.tries < decodeTries || errors.Is(err, errDecrypt) && !w.readable(l.entries[i+1:]) {
				r.postpone(e, pause{wait: backoff(e.tries)}, err)
				return l.entries[i:]
			}
			r.bury(e, "", err)
			i++
			continue
		}
		message, n := e.message, 1
		if i >= apart {
			message, n = w.merge(l.entries[i:])
		}
		where := w.regions.find(ctx, w.Sender.Tokens.Store, e.key)
		wait, probe := w.regions.wait(where)
		if wait > 0 {
			r.pause = &pause{wait: wait, region: where}
			return l.entries[i:]
		}
		begun := message.Momentary() && !w.Sender.RetryMomentary
		if !l.leased() || begun && !w.begin(ctx, e) {
			w.regions.release(where, probe)
			return l.entries[i:] // somebody else has the lane, or the database fails
		}
		err := w.attempt(ctx, l, e.key, message)
		if err != nil && !l.leased() {
			w.regions.release(where, probe)
			return l.entries[i:]
		}
		if w.learn(ctx, where, err, probe) {
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
			return nil
		case begun && panicked(err):
			r.bury(e, where, err)
		case w.Sender.MayRetry(message, err):
			if begun {
				r.unsent = append(r.unsent, e.id)
			}
			r.postpone(e, w.pauseAfter(e, where, err), err)
			return l.entries[i:]
		case n > 1: // one of them may be the reason
			apart = i + n
			continue
		default:
			r.bury(e, where, err)
		}
		i += n
	}
	return nil
}

// giveUp settles an event that is not sent any more, and reports whether it is one.
func (w *worker) giveUp(r *result, e *entry) bool {
	switch {
	case e.state == stateBegun && !w.Sender.RetryMomentary:
		r.bury(e, "", errInterrupted)
	case !time.Now().Before(e.expiresAt):
		r.finish(e, Expired, nil)
	default:
		return false
	}
	return true
}

// readable reports whether any of the events can be decrypted, so that the key service
// works.
func (w *worker) readable(entries []*entry) bool {
	return slices.ContainsFunc(entries, func(e *entry) bool { return w.decode(e) == nil })
}

// attempt survives an HTTP client that panics.
func (w *worker) attempt(ctx context.Context, l *lane, key lwa.Key, message *gateway.Message) error {
	ctx, cancel := context.WithTimeout(rest.WithFence(ctx, l.leased), attemptTime)
	defer cancel()
	return rest.Catch(func() error { return w.Sender.Attempt(ctx, key, message) })
}

func panicked(err error) bool {
	_, yes := errors.AsType[*rest.PanicError](err)
	return yes
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
		p.wait = max(min(p.wait, longestLogin), login.RetryAfter) // the Source spaces the requests
		p.grant = &e.key
	case errors.As(err, &refused):
		p.wait = max(p.wait, refused.RetryAfter)
		if errors.Is(err, gateway.ErrUnavailable) {
			p.region = where
			if probe := w.regions.probeIn(where); probe > 0 {
				p.wait = probe + probeEvery/4 // another event probes first, if one waits: this one may be the reason
			}
		}
	}
	if errors.Is(err, gateway.ErrThrottled) || errors.Is(err, gateway.ErrMisconfigured) {
		p.grant = &e.key
	}
	p.wait = min(p.wait, longestRetry)
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
func (w *worker) begin(ctx context.Context, e *entry) (begun bool) {
	ctx, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	err := sqldb.Retry(ctx, time.Now(), w.dialect.Busy, func() error {
		changed, err := w.DB.ExecContext(ctx, w.statement(w.dialect,
			`UPDATE alexa_outbox SET state = $1 WHERE id = $2 AND state < 2
    AND EXISTS (SELECT 1 FROM alexa_outbox_leases l WHERE l.lane = alexa_outbox.lane AND l.holder = $3)`), stateBegun, e.id, w.holder)
		if err != nil {
			return err
		}
		n, err := changed.RowsAffected()
		begun = n == 1
		return err
	})
	if err != nil {
		w.complain(ctx, "mark an event", err)
	}
	return err == nil && begun
}
