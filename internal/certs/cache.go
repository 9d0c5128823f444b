// Package certs fetches the certificates that sign what Amazon sends, checks
// them, and keeps the good ones and, for a while, the failures.
package certs

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	maxKept    = 16               // checked certificates
	maxFailed  = 64               // remembered failures
	maxFetches = 4                // at a time
	failedFor  = 30 * time.Second // how long a failure is remembered
	fetchTime  = 5 * time.Second  // how long a fetch may take
)

var errBusy = errors.New("too many certificates are being fetched")

// Certificate is the signer's key and the time in which every certificate of
// its chain is valid.
type Certificate struct {
	Key       *rsa.PublicKey
	NotBefore time.Time
	NotAfter  time.Time
}

func (c *Certificate) validAt(now time.Time) bool {
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

// Cache keeps certificates by URL. The zero Cache is empty and ready; it is
// safe for concurrent use and never larger than its limits.
type Cache struct {
	flights  singleflight.Group
	fetching atomic.Int32

	mu     sync.Mutex
	clock  uint64 // counts uses, to find the one longest ago
	kept   map[string]*kept
	failed map[string]failure
}

type kept struct {
	certificate *Certificate
	used        uint64
}

type failure struct {
	err   error
	until time.Time
}

// Get returns the certificate of the URL. It calls load where the cache has
// none that is valid now, once for all callers that wait for the same URL;
// load has a context of its own, so that a caller who gives up fails alone.
func (c *Cache) Get(ctx context.Context, url string, now time.Time, load func(context.Context) (*Certificate, error)) (*Certificate, error) {
	if certificate, err := c.lookup(url, now); certificate != nil || err != nil {
		return certificate, err
	}
	result := c.flights.DoChan(url, func() (any, error) {
		// The caller may have looked just before another flight landed.
		if certificate, err := c.lookup(url, now); certificate != nil || err != nil {
			return certificate, err
		}
		defer c.fetching.Add(-1)
		if c.fetching.Add(1) > maxFetches {
			return nil, fmt.Errorf("%w: %w", ErrFetch, errBusy)
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
		defer cancel()
		certificate, err := load(ctx)
		c.store(url, now, certificate, err)
		return certificate, err
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrFetch, context.Cause(ctx))
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Certificate), nil
	}
}

// lookup returns what is known of the URL: a certificate, a failure or nothing.
func (c *Cache) lookup(url string, now time.Time) (*Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.kept[url]; k != nil {
		if k.certificate.validAt(now) {
			c.clock++
			k.used = c.clock
			return k.certificate, nil
		}
		delete(c.kept, url)
	}
	if f, ok := c.failed[url]; ok {
		if now.Before(f.until) {
			return nil, f.err
		}
		delete(c.failed, url)
	}
	return nil, nil
}

func (c *Cache) store(url string, now time.Time, certificate *Certificate, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		if c.failed == nil {
			c.failed = make(map[string]failure)
		}
		if len(c.failed) >= maxFailed {
			delete(c.failed, least(c.failed, func(a, b failure) bool { return a.until.Before(b.until) }))
		}
		c.failed[url] = failure{err, now.Add(failedFor)}
		return
	}
	if c.kept == nil {
		c.kept = make(map[string]*kept)
	}
	if len(c.kept) >= maxKept {
		delete(c.kept, least(c.kept, func(a, b *kept) bool { return a.used < b.used }))
	}
	c.clock++
	c.kept[url] = &kept{certificate, c.clock}
}

func least[V any](m map[string]V, less func(a, b V) bool) (key string) {
	first := true
	for k, v := range m {
		if first || less(v, m[key]) {
			key, first = k, false
		}
	}
	return key
}
