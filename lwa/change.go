package lwa

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

const (
	saveTime   = time.Second            // limit of the first write of new tokens
	writeTime  = 15 * time.Second       // limit of each late write
	firstPause = 50 * time.Millisecond  // first pause between late writes, doubled after each
	mostPause  = 250 * time.Millisecond // longest pause: shorter than other processes wait, see settle
	writers    = 8                      // concurrent late writes
	maxUnsaved = 1000                   // number of unsaved changes at which no token is requested any more
)

// errUnsaved says that too many grants wait for the store.
var errUnsaved = fmt.Errorf("lwa: too many grants wait for the store: %w", alexaevents.ErrTemporary)

// change is a grant with new tokens that are not stored yet. It is immutable once it
// is shared.
type change struct {
	grant Grant // the grant to store

	// from are the refresh tokens that grant.RefreshToken replaces. While the
	// store has one of them, or grant.RefreshToken, the change can be stored.
	from     []alexaevents.Secret
	stale    alexaevents.Secret // access token in the store before the change
	exchange *exchange          // exchange of a code; nil for a refresh

	done chan struct{} // closed when the change is stored, superseded, or part of a later one
}

// exchange is the exchange of a code.
type exchange struct {
	replaced Grant     // grant in the store before; zero without one
	at       time.Time // when the request began
}

// refreshed returns the change of a refresh of the grant. base is the unsaved change
// in the grant, if any.
func refreshed(grant Grant, base *change, token Token, at time.Time) *change {
	c := &change{grant: grant, from: []alexaevents.Secret{grant.RefreshToken}, stale: grant.AccessToken, done: make(chan struct{})}
	if base != nil {
		c.from = slices.Concat(base.from, c.from)
		c.stale, c.exchange = base.stale, base.exchange
	}
	c.grant.issue(token, at)
	return c
}

// apply applies the change to the stored grant. It returns errChanged if another
// process or call changed the grant: that change stays.
func (c *change) apply(g *Grant) error {
	switch {
	case c.exchange != nil && g.CodeHash != c.grant.CodeHash:
		return c.applyExchange(g)
	case g.RefreshToken == c.grant.RefreshToken:
		stored := g.AccessToken == c.grant.AccessToken && g.IssuedAt.Equal(c.grant.IssuedAt)
		newer := g.AccessToken != c.stale && g.IssuedAt.After(c.grant.IssuedAt)
		if stored || newer {
			return nil // later changes, such as a refusal, stay
		}
	case !slices.Contains(c.from, g.RefreshToken):
		return errChanged
	}
	g.take(c.grant)
	return nil
}

func (c *change) applyExchange(g *Grant) error {
	erased := g.RefreshToken == "" && c.exchange.replaced.RefreshToken != ""
	newer := g.CodeHash != c.exchange.replaced.CodeHash && g.IssuedAt.After(c.exchange.at)
	if erased || newer {
		return errChanged
	}
	*g = c.grant
	return nil
}

// changes are the unsaved changes of a Source.
type changes struct {
	mu     sync.Mutex
	byKey  map[Key]*change
	writer chan struct{} // closed when the goroutine that writes them ends; nil without one
}

func (c *changes) of(key Key) *change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byKey[key]
}

func (c *changes) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byKey)
}

// drop removes a change that is stored or superseded.
func (c *changes) drop(key Key, dropped *change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] == dropped { // otherwise there is a later one
		delete(c.byKey, key)
		close(dropped.done)
	}
}

// save stores the change. If the store fails, it keeps the change in memory in place
// of base, starts the late writes, and returns the store's error as an
// *unsavedError. It returns errChanged if the grant was changed meanwhile.
func (s *Source) save(ctx context.Context, c, base *change) error {
	key, err := c.grant.Key, errors.New("an earlier change waits for the store")
	if s.unsaved.of(key) == nil {
		err = s.update(ctx, key, saveTime, c.apply)
		if err == nil || errors.Is(err, errChanged) {
			return err
		}
	}
	s.unsaved.mu.Lock()
	defer s.unsaved.mu.Unlock()
	if earlier := s.unsaved.byKey[key]; earlier != nil {
		if earlier != base && len(c.from) > 0 {
			return errChanged // the refreshed grant was replaced by a new code
		}
		close(earlier.done)
	}
	if s.unsaved.byKey == nil {
		s.unsaved.byKey = make(map[Key]*change)
	}
	s.unsaved.byKey[key] = c
	if s.unsaved.writer == nil {
		s.unsaved.writer = make(chan struct{})
		go s.write(context.WithoutCancel(ctx), s.unsaved.writer)
	}
	return &unsavedError{err}
}

// unsavedError says why a change is in memory only.
type unsavedError struct{ error }

func (e *unsavedError) Error() string {
	return "lwa: new tokens are not stored yet: " + e.error.Error()
}
func (e *unsavedError) Unwrap() error { return e.error }

// update calls UpdateGrant with a time limit. It continues when ctx ends, and returns
// a panic of the store as an error, so that no new tokens are lost.
func (s *Source) update(ctx context.Context, key Key, limit time.Duration, fn func(*Grant) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return rest.Catch(func() error { return s.Store.UpdateGrant(ctx, key, fn) })
}

// write retries the late writes until there are no unsaved changes.
func (s *Source) write(ctx context.Context, ended chan struct{}) {
	defer close(ended)
	for pause := firstPause; ; {
		time.Sleep(pause)
		pause = min(2*pause, mostPause)
		if s.writeAll(ctx) {
			pause = firstPause
		}
		s.unsaved.mu.Lock()
		if len(s.unsaved.byKey) == 0 {
			s.unsaved.writer = nil
			s.unsaved.mu.Unlock()
			return
		}
		s.unsaved.mu.Unlock()
	}
}

// writeAll stores the changes, in any order, until a write fails. It reports whether
// any was stored.
func (s *Source) writeAll(ctx context.Context) bool {
	s.unsaved.mu.Lock()
	pending := maps.Clone(s.unsaved.byKey)
	s.unsaved.mu.Unlock()
	var some, failed atomic.Bool
	var group errgroup.Group
	group.SetLimit(writers)
	for key, c := range pending {
		if failed.Load() {
			break
		}
		write := func() error {
			err := s.update(ctx, key, writeTime, c.apply)
			if err != nil && !errors.Is(err, errChanged) {
				failed.Store(true)
				return nil
			}
			some.Store(true)
			s.unsaved.drop(key, c)
			s.report(ctx, key, Saved, nil)
			return nil
		}
		if some.Load() {
			group.Go(write)
		} else {
			_ = write() // one at a time until the store works
		}
	}
	_ = group.Wait()
	return some.Load()
}

// Flush waits until no refresh is in progress and all new tokens are stored. Call it
// before the process ends, and in AWS Lambda before the function returns, since the
// process may be frozen then. If ctx ends first, the error says how many grants
// wait for the store, and wraps the cause of ctx.
func (s *Source) Flush(ctx context.Context) error {
	for {
		err := s.renewals.flights.Idle(ctx)
		s.unsaved.mu.Lock()
		writer := s.unsaved.writer
		s.unsaved.mu.Unlock()
		if err == nil && writer == nil {
			return nil
		}
		select {
		case <-writer:
		case <-ctx.Done():
			return fmt.Errorf("lwa: the new tokens of %d grants are not stored: %w", s.unsaved.count(), context.Cause(ctx))
		}
	}
}
