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

// errChanged says that a grant is no longer what a request was made with.
var errChanged = fmt.Errorf("lwa: the grant changed during the refresh: %w", alexaevents.ErrTemporary)

// otherWrite is how long another process may take to store what Amazon gave, beside
// the time that Amazon takes.
const otherWrite = 2 * time.Second

// errDoubt says that the refusal of a refresh token does not prove that the grant
// has ended.
var errDoubt = fmt.Errorf("lwa: Amazon refused the refresh token, and the store cannot tell whether another process has a newer one: %w", alexaevents.ErrTemporary)

// renew returns an access token other than the stale one: the one in the store,
// if somebody got there first, or else a new one. If an API refused the stale
// one, less than a minute after another was renewed for that, it stays.
func (s *Source) renew(ctx context.Context, key Key, stale alexaevents.Secret, refused bool) (alexaevents.Secret, error) {
	const tries = 3 // each after another process changed the grant
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
		case refused && grant.validAt(now) && !s.memory.mayRenew(key, now):
			return stale, nil
		}
		token, outcome, err := s.refresh(ctx, grant, base)
		s.report(ctx, key, outcome, err)
		switch outcome {
		case Superseded:
			continue
		case Refreshed, Unsaved:
			if refused {
				s.memory.noteRenewal(key, now)
			}
			return token, nil
		}
		return "", err
	}
	return "", errChanged
}

// read returns the grant as it is, with what is not stored yet, and that.
func (s *Source) read(ctx context.Context, key Key) (Grant, *change, error) {
	unsaved := s.unsaved.of(key) // first, or a change that is stored meanwhile would be seen in neither place
	grant, err := s.Store.Grant(ctx, key)
	switch {
	case unsaved == nil:
		return grant, nil, err
	case errors.Is(err, ErrNoGrant):
		grant.Key = key
	case err != nil:
		return unsaved.grant, unsaved, nil //nolint:nilerr // what is in memory is newer than what the store has
	}
	if unsaved.apply(&grant) != nil {
		return grant, nil, err
	}
	return grant, unsaved, nil
}

// refresh asks Amazon for a new access token and stores what comes of it, unless
// the stored refresh token is another one by then. A change that is not stored
// yet is base. The error is nil after Superseded.
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

// request makes the request of a refresh, unless the client or the grant waits
// after failures.
func (s *Source) request(ctx context.Context, grant Grant) (token Token, skipped bool, err error) {
	all, one := &s.renewals.backoff, s.memory.backoff(grant.Key, s.now())
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

// settle finds out what it means that Amazon refused the refresh token of the
// grant. Another process may have used it first and be about to store what it
// got. So settle waits for that, longer where Amazon took longer for this
// request, and notes the refusal twice a second, which shows that the store can
// be written. A refresh token that has not changed by then ends the grant.
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

// watch reads the grant from the store until done says so, for as long as wait
// and ctx allow. The error is that of the last reading. A grant that is not there
// is one of the key alone.
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
