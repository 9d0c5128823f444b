package lwa

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/alexaevents/alexaevents"
)

const (
	early      = 5 * time.Minute  // before its expiry a token is renewed,
	jitter     = time.Minute      // and up to this much earlier
	pause      = 30 * time.Second // without early renewals after LWA was unavailable
	flightTime = 30 * time.Second // for a renewal with all that it reads and stores
)

// renewals lets those who want the same token renewed share one renewal.
type renewals struct {
	flights     singleflight.Group
	pausedUntil atomic.Int64 // in milliseconds since the Unix epoch
}

// fresh returns the access token of the grant, or if that is due for it, the
// one that renew gets. Where renew fails although the grant has not ended, the
// old token serves until it expires.
func (r *renewals) fresh(ctx context.Context, grant Grant, now func() time.Time, renew func() (alexaevents.Secret, error)) (alexaevents.Secret, error) {
	at := now()
	if !due(grant, at) || grant.validAt(at) && at.UnixMilli() < r.pausedUntil.Load() {
		return grant.AccessToken, nil
	}
	token, err := renew()
	if errors.Is(err, ErrUnavailable) {
		r.pausedUntil.Store(now().Add(pause).UnixMilli())
	}
	ended := errors.Is(err, ErrInvalidGrant) || errors.Is(err, ErrNoGrant)
	if err != nil && !ended && ctx.Err() == nil && grant.validAt(now()) {
		return grant.AccessToken, nil
	}
	return token, err
}

// share returns the token that renew got for the first of those who call it with
// the same name. The renewal has a context of its own, so that a caller who
// gives up fails alone.
func (r *renewals) share(ctx context.Context, name string, stale alexaevents.Secret, renew func(context.Context) (alexaevents.Secret, error)) (alexaevents.Secret, error) {
	for {
		own := false
		flight := r.flights.DoChan(name, func() (any, error) {
			own = true
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
			defer cancel()
			return renew(ctx)
		})
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("lwa: renewing an access token: %w", context.Cause(ctx))
		case landed := <-flight:
			if landed.Err != nil {
				return "", landed.Err
			}
			// Somebody else's renewal may have been of an older token than ours.
			if token := landed.Val.(alexaevents.Secret); own || token != stale {
				return token, nil
			}
		}
	}
}

var seed = maphash.MakeSeed()

// due tells whether the access token is to be renewed. Each grant has a moment
// of its own in each process, lest all be due at once. A token of a short life
// keeps three quarters of it.
func due(grant Grant, now time.Time) bool {
	if !grant.validAt(now) {
		return true
	}
	if grant.Expiry.IsZero() {
		return false
	}
	ahead := early + time.Duration(maphash.Comparable(seed, grant.Key)%uint64(jitter))
	ahead = min(ahead, grant.Expiry.Sub(grant.IssuedAt)/4)
	return !now.Before(grant.Expiry.Add(-ahead))
}
