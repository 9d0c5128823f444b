package lwa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents"
)

// errChanged says that a grant is no longer what a request was made with.
var errChanged = errors.New("lwa: the grant changed meanwhile")

// renew returns an access token other than the stale one: the one in the store,
// if somebody got there first, or else a new one.
func (s *Source) renew(ctx context.Context, key Key, stale alexaevents.Secret) (alexaevents.Secret, error) {
	const tries = 3 // each after another process changed the grant
	for range tries {
		grant, err := s.Store.Grant(ctx, key)
		switch {
		case err != nil:
			return "", err
		case !grant.Live():
			return "", ErrRefused
		case grant.AccessToken != stale && grant.validAt(s.now()):
			return grant.AccessToken, nil
		}
		token, err := s.refresh(ctx, grant)
		s.report(ctx, key, err)
		if !errors.Is(err, errChanged) {
			return token, err
		}
	}
	return "", errChanged
}

// refresh asks Amazon for a new access token and stores what comes of it, unless
// the stored refresh token is another one by then.
func (s *Source) refresh(ctx context.Context, grant Grant) (alexaevents.Secret, error) {
	at := s.now()
	token, err := s.Client.Refresh(ctx, grant.RefreshToken)
	switch {
	case errors.Is(err, ErrInvalidGrant):
		storeErr := s.update(ctx, grant.Key, grant.RefreshToken, func(g *Grant) { g.Refused = hash(g.RefreshToken) })
		if errors.Is(storeErr, errChanged) {
			return "", errChanged
		}
		return "", errors.Join(fmt.Errorf("%w: %w", ErrRefused, err), storeErr)
	case err != nil:
		return "", err
	}
	err = s.update(ctx, grant.Key, grant.RefreshToken, func(g *Grant) { g.accept(token, at) })
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

// update changes the grant in the store if its refresh token is still the one
// that was used, and else returns errChanged.
func (s *Source) update(ctx context.Context, key Key, used alexaevents.Secret, change func(*Grant)) error {
	return s.store(ctx, key, func(g *Grant) error {
		if g.RefreshToken != used {
			return errChanged
		}
		change(g)
		return nil
	})
}

// store is a patient UpdateGrant, since what Amazon gave must not get lost: the
// new refresh token may be the only one that still works.
func (s *Source) store(ctx context.Context, key Key, fn func(*Grant) error) error {
	err := s.Store.UpdateGrant(ctx, key, fn)
	for _, wait := range []time.Duration{100 * time.Millisecond, time.Second} {
		if err == nil || errors.Is(err, errChanged) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
		err = s.Store.UpdateGrant(ctx, key, fn)
	}
	return err
}
