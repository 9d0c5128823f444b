// Package certs fetches the certificates of Amazon's signers, checks and caches
// them, and verifies signatures with them.
package certs

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	maxKept     = 16               // certificates
	maxFailed   = 64               // remembered failures
	refusedFor  = 30 * time.Second // time that a refused certificate is remembered
	faultFor    = 2 * time.Second  // time that a failed fetch is remembered
	freshFor    = 24 * time.Hour   // time until a certificate is fetched again
	renewBefore = time.Hour        // time between that fetch and the expiry, at least
	pause       = time.Minute      // time between two fetches of a valid certificate
)

// The kinds of errors of this package, for [errors.Is].
var (
	ErrFetch     = errors.New("the certificate could not be fetched") // a later fetch may succeed
	ErrInvalid   = errors.New("the certificate did not pass its checks")
	ErrSignature = errors.New("the signature does not match") // the certificate is valid
)

// kindError is an error of a kind. Its text is the cause alone, since [Error] puts
// the text of another package's kind before it.
type kindError struct{ kind, cause error }

func (e kindError) Error() string   { return e.cause.Error() }
func (e kindError) Unwrap() []error { return []error{e.kind, e.cause} }

func fetchError(cause error) error { return kindError{ErrFetch, cause} }

func invalidf(format string, args ...any) error {
	return kindError{ErrInvalid, fmt.Errorf(format, args...)}
}

// Error turns an error of [Cache.Verify] into one of the caller's package: fetch for
// [ErrFetch], invalid for [ErrInvalid], mismatch for [ErrSignature].
func Error(err, fetch, invalid, mismatch error) error {
	switch {
	case errors.Is(err, ErrFetch):
		return fmt.Errorf("%w: %w", fetch, err)
	case errors.Is(err, ErrInvalid):
		return fmt.Errorf("%w: %w", invalid, err)
	}
	return mismatch
}

// Certificate is the key of a signer and the time in which all certificates of its
// chain are valid.
type Certificate struct {
	Key       *rsa.PublicKey
	NotBefore time.Time
	NotAfter  time.Time
}

func (c *Certificate) validAt(now time.Time) bool {
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

// Source is where a certificate comes from. Load fetches and checks it, and
// returns [ErrFetch] or [ErrInvalid] if that fails.
type Source struct {
	URL  string
	Now  time.Time // the caller's time
	Load func(context.Context) (*Certificate, error)
}

// Cache keeps certificates by URL. The zero Cache is empty and ready. It is safe
// for concurrent use. It keeps only certificates that passed their checks, so
// forged requests with other URLs cannot displace one.
//
// A certificate is fetched again after a day, and an hour before it expires. Until the
// fetch succeeds the old one is used while it is valid.
type Cache struct {
	mu     sync.Mutex
	clock  uint64 // number of uses, to find the certificate that was used longest ago
	kept   map[string]*kept
	failed map[string]failure
	flights
}

type kept struct {
	certificate *Certificate
	used        uint64
	fetched     time.Time // last successful fetch
	tried       time.Time // last fetch
}

// due reports whether a valid certificate should be fetched again.
func (k *kept) due(now time.Time) bool {
	return k.mayFetch(now) && (now.Sub(k.fetched) >= freshFor || k.certificate.NotAfter.Sub(now) <= renewBefore)
}

func (k *kept) mayFetch(now time.Time) bool { return now.Sub(k.tried) >= pause }

type failure struct {
	err   error
	until time.Time
}

// Verify returns nil if matches accepts the key of the certificate at the source,
// else [ErrFetch], [ErrInvalid] or [ErrSignature].
//
// If matches refuses the key, the certificate may have been replaced at its URL:
// Verify fetches it again, at most once a minute.
func (c *Cache) Verify(ctx context.Context, source Source, matches func(*rsa.PublicKey) bool) error {
	certificate, err := c.get(ctx, source)
	if err != nil {
		return err
	}
	if matches(certificate.Key) {
		return nil
	}
	if newer := c.newer(ctx, source, certificate); newer != nil && matches(newer.Key) {
		return nil
	}
	return ErrSignature
}

// get returns the certificate of the source. It fetches the certificate if the
// cache has none that is valid now.
func (c *Cache) get(ctx context.Context, source Source) (*Certificate, error) {
	now := source.Now
	c.mu.Lock()
	k := c.kept[source.URL]
	if k != nil && k.certificate.validAt(now) {
		c.clock++
		k.used = c.clock
		if k.due(now) {
			c.flight(ctx, source, true)
		}
		c.mu.Unlock()
		return k.certificate, nil
	}
	if f, ok := c.failed[source.URL]; ok && now.Before(f.until) {
		c.mu.Unlock()
		return nil, f.err
	}
	f := c.join(ctx, source, k != nil)
	c.mu.Unlock()
	return c.wait(ctx, f)
}

// newer returns the certificate that replaced the old one at its URL, nil without
// one. It fetches at most once a minute.
func (c *Cache) newer(ctx context.Context, source Source, old *Certificate) *Certificate {
	now := source.Now
	c.mu.Lock()
	k := c.kept[source.URL]
	if k == nil || k.certificate != old {
		c.mu.Unlock()
		if k == nil {
			return nil
		}
		return k.certificate
	}
	if c.flying[source.URL] == nil && !k.mayFetch(now) {
		c.mu.Unlock()
		return nil
	}
	f := c.join(ctx, source, true)
	c.mu.Unlock()
	certificate, _ := c.wait(ctx, f)
	return certificate
}

// store stores the outcome of a fetch. The lock is held.
func (c *Cache) store(url string, now time.Time, certificate *Certificate, err error) {
	if err == nil {
		c.keep(url, now, certificate)
		return
	}
	if k := c.kept[url]; k != nil {
		k.tried = now
	}
	c.fail(url, now, err)
}

func (c *Cache) keep(url string, now time.Time, certificate *Certificate) {
	delete(c.failed, url)
	if c.kept == nil {
		c.kept = make(map[string]*kept)
	}
	if len(c.kept) >= maxKept && c.kept[url] == nil {
		delete(c.kept, oldest(c.kept, func(a, b *kept) bool { return a.used < b.used }))
	}
	c.clock++
	c.kept[url] = &kept{certificate: certificate, used: c.clock, fetched: now, tried: now}
}

func (c *Cache) fail(url string, now time.Time, err error) {
	if c.failed == nil {
		c.failed = make(map[string]failure)
	}
	if len(c.failed) >= maxFailed {
		delete(c.failed, oldest(c.failed, func(a, b failure) bool { return a.until.Before(b.until) }))
	}
	remember := refusedFor
	if errors.Is(err, ErrFetch) {
		remember = faultFor
	}
	c.failed[url] = failure{err, now.Add(remember)}
}

func oldest[V any](m map[string]V, less func(a, b V) bool) (key string) {
	first := true
	for k, v := range m {
		if first || less(v, m[key]) {
			key, first = k, false
		}
	}
	return key
}
