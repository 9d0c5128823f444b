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
	saveTime   = time.Second            // for the first try to store what Amazon gave
	writeTime  = 15 * time.Second       // for each later one
	firstPause = 50 * time.Millisecond  // after it, doubled
	mostPause  = 250 * time.Millisecond // up to this: less than other processes wait for it; see settle
	writers    = 8                      // grants that are written at a time
	maxUnsaved = 1000                   // grants that wait for the store, before no further token is asked for
)

// errUnsaved says that too many grants wait for the store.
var errUnsaved = fmt.Errorf("%w: too many new tokens wait for the store", ErrUnavailable)

// change is what Amazon gave for a grant, until it is stored. It never changes
// once it is shared.
type change struct {
	grant Grant // what the store is to have

	// from are the refresh tokens that grant.RefreshToken replaces. As long as
	// the store has one of them, or that token itself, nobody was faster.
	from   []alexaevents.Secret
	stale  alexaevents.Secret // the access token that the store had
	accept *acceptance        // of a code that is not stored yet; nil for a refresh

	done chan struct{} // closed when the change is stored, of no use, or part of a later one
}

// acceptance is what a code was exchanged for.
type acceptance struct {
	replaced Grant // what the store had then; zero if nothing
	at       time.Time
}

// refreshed returns the change that a refresh of the grant makes. If the grant
// is an earlier change that is not stored yet, base is that.
func refreshed(grant Grant, base *change, token Token, at time.Time) *change {
	c := &change{grant: grant, from: []alexaevents.Secret{grant.RefreshToken}, stale: grant.AccessToken, done: make(chan struct{})}
	if base != nil {
		c.from = slices.Concat(base.from, c.from)
		c.stale, c.accept = base.stale, base.accept
	}
	c.grant.issue(token, at)
	return c
}

// apply makes the change to the grant that the store has. It returns errChanged
// if that is not one which the change follows: somebody else's state wins.
func (c *change) apply(g *Grant) error {
	switch {
	case c.accept != nil && g.CodeHash != c.grant.CodeHash:
		return c.applyAcceptance(g)
	case g.RefreshToken == c.grant.RefreshToken:
		if g.AccessToken != c.stale && g.IssuedAt.After(c.grant.IssuedAt) {
			return nil // a newer access token stays
		}
	case !slices.Contains(c.from, g.RefreshToken):
		return errChanged
	}
	g.take(c.grant)
	return nil
}

func (c *change) applyAcceptance(g *Grant) error {
	erased := g.RefreshToken == "" && c.accept.replaced.RefreshToken != ""
	newer := g.CodeHash != c.accept.replaced.CodeHash && g.IssuedAt.After(c.accept.at)
	if erased || newer {
		return errChanged
	}
	*g = c.grant
	return nil
}

// changes are those that are not stored yet.
type changes struct {
	mu     sync.Mutex
	byKey  map[Key]*change
	writer chan struct{} // closed when the goroutine that writes them has ended; nil if there is none
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

// drop forgets a change that is stored or of no use.
func (c *changes) drop(key Key, dropped *change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] == dropped { // else there is a later one
		delete(c.byKey, key)
		close(dropped.done)
	}
}

// save stores the change. If the store fails, it keeps the change in memory in
// place of base, has it written in the background until that succeeds, and
// returns the store's error as an *unsavedError. It returns errChanged if the
// change is of no use.
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
			return errChanged // a refresh of what a code replaced meanwhile
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

// update is an UpdateGrant of limited time. A panic of the store is an error:
// nothing that Amazon gave is lost for it. It goes on when ctx ends.
func (s *Source) update(ctx context.Context, key Key, limit time.Duration, fn func(*Grant) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return rest.Catch(func() error { return s.Store.UpdateGrant(ctx, key, fn) })
}

// write stores the changes, as often as it takes.
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

// writeAll tries to store each change, in no order, until one fails. It tells
// whether any is stored.
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
			_ = write() // alone, until the store is known to work
		}
	}
	_ = group.Wait()
	return some.Load()
}

// Flush waits until no refresh is in progress and all that Amazon gave is
// stored. Call it before the process ends, and in AWS Lambda before a function
// returns, since the process may be frozen then. If ctx ends first, the error
// says how many grants are in memory only, and wraps the cause of ctx.
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
