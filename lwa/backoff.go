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
	mostAsked    = 24 * time.Hour // longest Retry-After
)

// backoff spaces requests after failures. The first failure causes no pause, since
// single requests may fail at any time. After the second in a row, one request is
// made a second later, and then after two, four and up to 30 seconds, until one
// succeeds. If Amazon asks for a longer pause, that applies, also after the first
// failure.
type backoff struct {
	mu       sync.Mutex
	failures int       // number of failures in a row
	last     *Error    // the last failure
	until    time.Time // end of the pause; zero without one
	trying   bool      // the one request after the pause is in progress
}

// attempt is a request that a backoff allowed.
type attempt struct {
	failures int  // number of failures in a row when the request began
	only     bool // the one request after a pause
}

// begin returns nil if a request may be made now. Otherwise it returns the last
// failure with the rest of the pause as RetryAfter.
func (b *backoff) begin(now time.Time) (attempt, *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if failure := b.wait(now); failure != nil {
		return attempt{}, failure
	}
	b.trying = !b.until.IsZero()
	return attempt{b.failures, b.trying}, nil
}

// waits reports whether no request may be made now.
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

// abandon ends an attempt without a request.
func (b *backoff) abandon(a attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.only {
		b.trying = false
	}
}

// end notes the outcome of a request; a nil failure is success. Of concurrent
// requests one failure counts. After it no success counts, since that request began
// before the failure.
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
			wait = max(wait, own+rand.N(own/2)) //nolint:gosec // jitter, not a secret
		}
	}
	b.last = failure
	if until := now.Add(wait); wait > 0 && until.After(b.until) {
		b.until = until
	}
}

// idleAt reports whether the backoff can be dropped.
func (b *backoff) idleAt(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.trying && !now.Before(b.until.Add(mostBackoff))
}

// standings is the state that a Source keeps of the few grants for which a request failed or
// an API refused a token.
type standings struct {
	mu    sync.Mutex
	byKey map[Key]*standing
	prune int // size at which idle entries are deleted
}

type standing struct {
	backoff backoff   // after failures that concern only this grant
	renewed time.Time // when a token that an API refused was last replaced
}

// waits reports whether no request may be made for the grant now.
func (m *standings) waits(key Key, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	standing := m.byKey[key]
	return standing != nil && standing.backoff.waits(now)
}

// mayRenew reports whether a token that an API refused may be replaced now. It does
// not matter which token: another process may have replaced the last one.
func (m *standings) mayRenew(key Key, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	standing := m.byKey[key]
	return standing == nil || !now.Before(standing.renewed.Add(renewEvery))
}

// noteRenewal notes that a token that an API refused was replaced.
func (m *standings) noteRenewal(key Key, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(key, now).renewed = now
}

func (m *standings) backoff(key Key, now time.Time) *backoff {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &m.of(key, now).backoff
}

func (m *standings) of(key Key, now time.Time) *standing {
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
