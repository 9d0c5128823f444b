package certs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	maxFetches = 32                     // fetches at a time of URLs without a certificate yet
	waitTime   = 4 * time.Second        // time that a caller waits for a certificate
	fetchTime  = 4 * time.Second        // time that a fetch may take, with its retry
	retryPause = 100 * time.Millisecond // time before the retry
)

var (
	errWait  = fmt.Errorf("no certificate within %v", waitTime)
	errEnded = fetchError(errors.New("the HTTP client ended its goroutine"))
)

// flights shares a fetch among the callers for the same URL, and limits the number
// of fetches.
//
// Forged requests can have any number of URLs. So a URL whose certificate is kept,
// or was kept until it expired, needs no slot and never waits. The other URLs
// share the slots. A free slot goes to a waiting caller at random: with a queue, a
// genuine caller would wait for all forged requests before it.
//
// A fetch runs in its own goroutine, so that a caller who gives up fails alone. The
// goroutine ends with the fetch, after fetchTime at most.
type flights struct {
	flying   map[string]*flight // by URL
	waiting  []*flight          // for a slot
	fetching int                // slots in use
}

// flight is a fetch that runs or waits for a slot.
type flight struct {
	source  Source
	began   time.Time       // start, by the process's clock
	ctx     context.Context //nolint:containedctx // values of the first caller's context
	slot    bool            // the fetch needs a slot
	callers int             // number of waiting callers
	done    chan struct{}   // closed after the fields below are set

	certificate *Certificate
	err         error
}

// now is the time of the first caller, plus the time since then. The flight does
// not call the user's clock, since it runs beside the user's code.
func (f *flight) now() time.Time { return f.source.Now.Add(time.Since(f.began)) }

// flight returns the flight of the source, a new one if there is none. The lock is
// held.
func (c *Cache) flight(ctx context.Context, source Source, known bool) *flight {
	if f := c.flying[source.URL]; f != nil {
		return f
	}
	f := &flight{source: source, began: time.Now(), ctx: context.WithoutCancel(ctx), slot: !known, done: make(chan struct{})}
	if c.flying == nil {
		c.flying = make(map[string]*flight)
	}
	c.flying[source.URL] = f
	if f.slot && c.fetching >= maxFetches {
		c.waiting = append(c.waiting, f)
	} else {
		c.start(f) //nolint:contextcheck // the fetch does not end with its first caller
	}
	return f
}

// join adds a caller to the flight of the source. The lock is held.
func (c *Cache) join(ctx context.Context, source Source, known bool) *flight {
	f := c.flight(ctx, source, known)
	f.callers++
	return f
}

// wait returns the outcome of a flight that the caller joined.
func (c *Cache) wait(ctx context.Context, f *flight) (*Certificate, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, waitTime, errWait)
	defer cancel()
	select {
	case <-f.done:
		return f.certificate, f.err
	case <-ctx.Done():
		c.leave(f)
		return nil, fetchError(context.Cause(ctx))
	}
}

// leave drops a flight that still waits for a slot when its last caller leaves.
func (c *Cache) leave(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.callers--
	if i := slices.Index(c.waiting, f); i >= 0 && f.callers == 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
		delete(c.flying, f.source.URL)
	}
}

// start begins the fetch of a flight. The lock is held.
func (c *Cache) start(f *flight) {
	if f.slot {
		c.fetching++
	}
	go c.fetch(f)
}

// fetch ends the flight whether the user's HTTP client returns, panics or ends the
// goroutine.
func (c *Cache) fetch(f *flight) {
	f.err = errEnded
	defer c.land(f)
	ctx, cancel := context.WithTimeout(f.ctx, fetchTime)
	defer cancel()
	f.certificate, f.err = f.load(ctx)
	if !errors.Is(f.err, ErrFetch) {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(retryPause):
		f.certificate, f.err = f.load(ctx)
	}
}

func (f *flight) load(ctx context.Context) (certificate *Certificate, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fetchError(fmt.Errorf("the HTTP client panicked: %v", p))
		}
	}()
	return f.source.Load(ctx)
}

// land stores the outcome of a flight and gives its slot to the next one.
func (c *Cache) land(f *flight) {
	c.mu.Lock()
	c.store(f.source.URL, f.now(), f.certificate, f.err)
	delete(c.flying, f.source.URL)
	if f.slot {
		c.fetching--
		c.next()
	}
	c.mu.Unlock()
	close(f.done)
}

// next starts the flight of one of the waiting callers, each with the same
// chance. The lock is held.
func (c *Cache) next() {
	callers := 0
	for _, f := range c.waiting {
		callers += f.callers
	}
	if callers == 0 {
		return
	}
	chosen := rand.IntN(callers) //nolint:gosec // not a secret
	i := slices.IndexFunc(c.waiting, func(f *flight) bool {
		chosen -= f.callers
		return chosen < 0
	})
	f := c.waiting[i]
	c.waiting = slices.Delete(c.waiting, i, i+1)
	c.start(f)
}
