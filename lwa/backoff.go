package lwa

import (
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	firstBackoff = time.Second
	mostBackoff  = 30 * time.Second
	mostAsked    = 24 * time.Hour // of a Retry-After
)

// backoff spaces requests that fail for one cause. The first failure delays
// nothing, since some requests fail at any time. After the second in a row, one
// request is made a second later, and then after two, four and up to 30 seconds,
// until one succeeds. Where Amazon asks for a longer pause, it gets that, after
// the first failure too.
type backoff struct {
	mu       sync.Mutex
	failures int       // in a row
	last     *Error    // the last of them
	until    time.Time // no request before; zero if there is no pause
	trying   bool      // the request that follows a pause is being made
}

// attempt is a request that a backoff allowed.
type attempt struct {
	failures int  // of the backoff, when the request began
	only     bool // it is the one that follows a pause
}

// begin returns nil if a request may be made now, and else an error that has the
// words of the last failure and the time that is left.
func (b *backoff) begin(now time.Time) (attempt, *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if failure := b.wait(now); failure != nil {
		return attempt{}, failure
	}
	b.trying = !b.until.IsZero()
	return attempt{b.failures, b.trying}, nil
}

// waits tells whether no request may be made now.
func (b *backoff) waits(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wait(now) != nil
}

func (b *backoff) wait(now time.Time) *Error {
	if !b.trying && !now.Before(b.until) {
		return nil
	}
	failure := *b.last
	failure.RetryAfter = max(0, b.until.Sub(now))
	return &failure
}

// abandon takes back an attempt of which no request came.
func (b *backoff) abandon(a attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.only {
		b.trying = false
	}
}

// end notes the outcome of a request; a nil failure is success. Of requests that
// were made side by side, one failure counts, and then no success: it tells
// nothing about the time after the failure.
func (b *backoff) end(a attempt, now time.Time, failure *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.only {
		b.trying = false
	}
	if failure == nil {
		if a.failures == b.failures {
			b.failures, b.until = 0, time.Time{}
		}
		return
	}
	wait := min(failure.RetryAfter, mostAsked)
	if a.failures == b.failures {
		b.failures++
		if b.failures > 1 {
			own := min(firstBackoff<<min(b.failures-2, 10), mostBackoff)
			wait = max(wait, own+rand.N(own/2)) //nolint:gosec // it spreads load and keeps no secret
		}
	}
	b.last = failure
	if until := now.Add(wait); wait > 0 && until.After(b.until) {
		b.until = until
	}
}

// idleAt tells whether the backoff has nothing to remember.
func (b *backoff) idleAt(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.trying && !now.Before(b.until.Add(mostBackoff))
}

// memory is what a Source remembers of grants beside what the store has: of
// those few for which a request failed or an API refused a token.
type memory struct {
	mu    sync.Mutex
	byKey map[Key]*standing
	prune int // the size at which what is of no more use is forgotten
}

type standing struct {
	backoff backoff   // for what concerns this grant alone
	renewed time.Time // when a token that an API refused was last replaced
}

// waits tells whether no request may be made for the grant now.
func (m *memory) waits(key Key, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	standing := m.byKey[key]
	return standing != nil && standing.backoff.waits(now)
}

// mayRenew tells whether a token that an API refused may be replaced now. It does
// not matter which: another process may have replaced the one that this process
// got.
func (m *memory) mayRenew(key Key, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	standing := m.byKey[key]
	return standing == nil || !now.Before(standing.renewed.Add(renewEvery))
}

// noteRenewal notes that a token was replaced which an API refused.
func (m *memory) noteRenewal(key Key, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(key, now).renewed = now
}

func (m *memory) backoff(key Key, now time.Time) *backoff {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &m.of(key, now).backoff
}

func (m *memory) of(key Key, now time.Time) *standing {
	if found := m.byKey[key]; found != nil {
		return found
	}
	if len(m.byKey) >= m.prune {
		maps.DeleteFunc(m.byKey, func(_ Key, s *standing) bool {
			return s.backoff.idleAt(now) && !now.Before(s.renewed.Add(renewEvery))
		})
		m.prune = max(1000, 2*len(m.byKey))
	}
	if m.byKey == nil {
		m.byKey = make(map[Key]*standing)
	}
	m.byKey[key] = new(standing)
	return m.byKey[key]
}
