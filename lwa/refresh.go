package lwa

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// errChanged says that the grant changed after it was read.
var errChanged = fmt.Errorf("lwa: the grant changed during the refresh: %w", alexaevents.ErrTemporary)

// otherWrite is how long another process may take to store new tokens, beside the
// duration of its request to Amazon.
const otherWrite = 2 * time.Second

// errDoubt is the error if the refusal of a refresh token does not prove that the
// grant has ended.
var errDoubt = fmt.Errorf("lwa: Amazon refused the refresh token, and the store cannot tell whether another process has a newer one: %w", alexaevents.ErrTemporary)

// renew returns an access token other than the stale one: the stored one if there is
// another, or a new one. It returns the stale one if an API refused it and a token
// of the grant was replaced for that cause less than a minute ago.
func (s *Source) renew(ctx context.Context, key Key, stale alexaevents.Secret, refused bool) (alexaevents.Secret, error) {
	const tries = 3 // another one each time the grant changed
	for range tries {
		grant, base, err := s.read(ctx, key)
		now := s.now()
		switch {
		case err != nil:
			return "", err
		case !grant.Live():
			return "", errRefused
		case grant.AccessToken != stale && grant.validAt(now):
			return grant.AccessToken, nil
		case refused && grant.validAt(now) && !s.standings.mayRenew(key, now):
			return stale, nil
		}
		token, outcome, err := s.refresh(ctx, grant, base)
		s.report(ctx, key, outcome, err)
		switch outcome {
		case Superseded:
			continue
		case Refreshed, Unsaved:
			if refused {
				s.standings.noteRenewal(key, now)
			}
			return token, nil
		}
		return "", err
	}
	return "", errChanged
}

// read returns the grant with its unsaved change applied, and that change.
func (s *Source) read(ctx context.Context, key Key) (Grant, *change, error) {
	unsaved := s.unsaved.of(key) // first, or a change that is stored meanwhile would be seen in neither place
	grant, err := s.Store.Grant(ctx, key)
	switch {
	case unsaved == nil:
		return grant, nil, err
	case errors.Is(err, ErrNoGrant):
		grant.Key = key
	case err != nil:
		return unsaved.grant, unsaved, nil //nolint:nilerr // memory is newer than the store
	}
	if unsaved.apply(&grant) != nil {
		return grant, nil, err
	}
	return grant, unsaved, nil
}

// refresh requests a new access token and stores the tokens, unless the stored
// refresh token has changed by then. base is the unsaved change in the grant, if
// any. The error is nil after Superseded.
func (s *Source) refresh(ctx context.Context, grant Grant, base *change) (alexaevents.Secret, Outcome, error) {
	if s.unsaved.count() >= maxUnsaved {
		return "", Skipped, errUnsaved
	}
	at := s.now()
	token, skipped, err := s.request(ctx, grant)
	failure := new(Error)
	switch {
	case skipped:
		return "", Skipped, err
	case errors.Is(err, ErrInvalidGrant) && errors.As(err, &failure):
		return s.settle(ctx, grant, base, failure, s.now().Sub(at))
	case errors.Is(err, alexaevents.ErrTemporary):
		return "", Unavailable, err
	case err != nil:
		return "", Failed, err
	}
	err = s.save(ctx, refreshed(grant, base, token, at), base)
	switch unsaved := new(unsavedError); {
	case errors.Is(err, errChanged):
		return "", Superseded, nil
	case errors.As(err, &unsaved):
		return token.AccessToken, Unsaved, unsaved
	}
	return token.AccessToken, Refreshed, nil
}

// request makes the request of a refresh, except during backoff of the client or of
// the grant.
func (s *Source) request(ctx context.Context, grant Grant) (token Token, skipped bool, err error) {
	all, one := &s.renewals.backoff, s.standings.backoff(grant.Key, s.now())
	ofAll, wait := all.begin(s.now())
	if wait != nil {
		return Token{}, true, wait
	}
	ofOne, wait := one.begin(s.now())
	if wait != nil {
		all.abandon(ofAll)
		return Token{}, true, wait
	}
	token, err = s.Client.Refresh(ctx, grant.RefreshToken)
	failure, _ := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, alexaevents.ErrTemporary), errors.Is(err, ErrInvalidClient):
		all.end(ofAll, s.now(), failure)
		one.abandon(ofOne)
	case errors.Is(err, ErrInvalidGrant):
		all.end(ofAll, s.now(), nil)
		one.end(ofOne, s.now(), nil)
	default:
		all.end(ofAll, s.now(), nil)
		one.end(ofOne, s.now(), failure)
	}
	return token, false, err
}

// settle decides whether the refusal of the refresh token ends the grant. Another
// process may have used the token first and be about to store a new one. So settle
// waits for that, longer if Amazon took longer for this request, and notes the
// refusal twice a second, which shows that the store can be written. If the tokens
// have not changed by then, the grant has ended.
func (s *Source) settle(ctx context.Context, grant Grant, base *change, failure *Error, took time.Duration) (alexaevents.Secret, Outcome, error) {
	changed := func(g *Grant) bool {
		if base != nil && base.apply(g) != nil {
			return true
		}
		return g.RefreshToken != grant.RefreshToken || g.AccessToken != grant.AccessToken
	}
	note := func(ended bool) error {
		return s.update(ctx, grant.Key, otherWrite, func(g *Grant) error {
			if changed(g) {
				return errChanged
			}
			if g.RefusedAt.IsZero() {
				g.RefusedAt = s.now()
			}
			if ended {
				g.Refused = hash(g.RefreshToken)
			}
			return nil
		})
	}
	var seen bool
	var err error
	for wait := min(otherWrite+2*max(0, took), flightTime/2); wait > 0 && !seen && err == nil; wait -= otherWrite / 4 {
		if err = note(false); err == nil {
			seen, err = s.watch(ctx, grant.Key, min(wait, otherWrite/4), changed)
		}
	}
	if err == nil && !seen {
		err = note(true)
	}
	switch {
	case seen, errors.Is(err, errChanged):
		return "", Superseded, nil
	case err != nil:
		return "", Unavailable, errDoubt
	}
	if base != nil {
		s.unsaved.drop(grant.Key, base)
	}
	return "", Refused, failure
}

// watch reads the grant from the store until done returns true, wait is over or ctx
// ends. The error is that of the last read. For a missing grant, done gets one with
// only the key.
func (s *Source) watch(ctx context.Context, key Key, wait time.Duration, done func(*Grant) bool) (bool, error) {
	const mostBetween = 250 * time.Millisecond
	end := time.NewTimer(wait)
	defer end.Stop()
	for between := 10 * time.Millisecond; ; between = min(2*between, mostBetween) {
		grant, err := s.Store.Grant(ctx, key)
		if errors.Is(err, ErrNoGrant) {
			grant, err = Grant{Key: key}, nil
		}
		if err == nil && done(&grant) {
			return true, nil
		}
		select {
		case <-time.After(between):
		case <-end.C:
			return false, err
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

const (
	early      = 5 * time.Minute  // how long before its expiry a token is renewed
	jitter     = time.Minute      // how much earlier at most
	flightTime = 30 * time.Second // limit of a renewal, including reads and writes of the store
	renewEvery = time.Minute      // least time between renewals of tokens that an API refused
)

// renewals shares one renewal among callers who need the same token, and one backoff
// among all renewals of a client.
type renewals struct {
	flights rest.Group[alexaevents.Secret]
	backoff backoff // after failures that concern the client
}

// renewal returns another access token than the one that is due or refused.
type renewal func(context.Context) (alexaevents.Secret, error)

// fresh returns the access token of the grant. A valid token that is due is returned
// at once, and renewed in the background unless paused. An invalid token is renewed
// first.
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

// share runs renew once for all callers with the same name. The renewal has a
// context of its own: if the context of one caller ends, only that call fails.
func (r *renewals) share(ctx context.Context, name string, stale alexaevents.Secret, renew renewal) (alexaevents.Secret, error) {
	for {
		run, own := r.flights.Start(ctx, name, flightTime, renew)
		token, err := run.Wait(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return "", fmt.Errorf("lwa: renewing an access token: %w", err)
		case err != nil:
			return "", err
		case own || token != stale: // otherwise it was the renewal of an older token
			return token, nil
		}
	}
}

var seed = maphash.MakeSeed()

// due reports whether the access token should be renewed. The time before the expiry
// differs between grants and between processes, so that renewals are spread. It is
// at most a quarter of the token's lifetime.
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
