package lwa

import (
	"context"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

const (
	early      = 5 * time.Minute  // before its expiry a token is renewed,
	jitter     = time.Minute      // and up to this much earlier
	flightTime = 30 * time.Second // for a renewal with all that it reads and stores
	renewEvery = time.Minute      // the least time between renewals of tokens that an API refused
)

// renewals lets those who want the same token renewed share one renewal, and
// all renewals of one client share one backoff.
type renewals struct {
	flights rest.Group[alexaevents.Secret]
	backoff backoff // for what concerns the client, and not one grant
}

// renewal gets another access token than the one that is due or refused.
type renewal func(context.Context) (alexaevents.Secret, error)

// fresh returns the access token of the grant. A token that is due and valid is
// returned at once, and renewed in the background unless paused. One that is not
// valid is renewed first.
func (r *renewals) fresh(ctx context.Context, name string, grant Grant, now time.Time, paused bool, renew renewal) (alexaevents.Secret, error) {
	switch {
	case !due(grant, now):
	case !grant.validAt(now):
		return r.share(ctx, name, grant.AccessToken, renew)
	case !paused:
		r.flights.Start(ctx, name, flightTime, renew)
	}
	return grant.AccessToken, nil
}

// share returns the token that renew got for the first of those who call it with
// the same name. The renewal has a context of its own, so that a caller who
// gives up fails alone.
func (r *renewals) share(ctx context.Context, name string, stale alexaevents.Secret, renew renewal) (alexaevents.Secret, error) {
	for {
		run, own := r.flights.Start(ctx, name, flightTime, renew)
		token, err := run.Wait(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return "", fmt.Errorf("lwa: renewing an access token: %w", err)
		case err != nil:
			return "", err
		case own || token != stale: // else it was the renewal of an older token than ours
			return token, nil
		}
	}
}

var seed = maphash.MakeSeed()

// due tells whether the access token is to be renewed. Each grant has a moment
// of its own in each process, so that not all are due at once. A token of a short
// life keeps three quarters of it.
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
