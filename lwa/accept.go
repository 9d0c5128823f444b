package lwa

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexaevents/alexaevents"
)

// Accept trades the code of an AcceptGrant directive for tokens and stores them
// as the grant of the key, in place of an older one. The region is the
// customer's, that of the endpoint to which the directive came.
//
// The code of the stored grant again is success, without a request: Alexa may
// repeat a directive, but a code works once. The errors are those of
// [Client.Exchange] and of the Store, and [ErrInvalidKey].
func (s *Source) Accept(ctx context.Context, key Key, region alexaevents.Region, code alexaevents.Secret) error {
	if err := s.check(key); err != nil {
		return err
	}
	if region.APIEndpoint() == "" {
		return errors.New("lwa: a grant without a region")
	}
	codeHash := hash(code)
	if accepted, err := s.accepted(ctx, key, codeHash); accepted || err != nil {
		return err
	}
	at := s.now()
	token, err := s.Client.Exchange(ctx, code)
	if errors.Is(err, ErrInvalidGrant) {
		// Another process may have used the code for the same grant.
		if accepted, _ := s.accepted(ctx, key, codeHash); accepted {
			return nil
		}
	}
	if err != nil {
		return err
	}
	// The code is used up: what it gave is stored even if nobody waits for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	return s.store(ctx, key, func(g *Grant) error {
		if g.CodeHash == codeHash {
			return nil // an earlier try succeeded unnoticed: this is its grant, or a later state of it
		}
		*g = Grant{Key: key, Region: region, CodeHash: codeHash}
		g.accept(token, at)
		return nil
	})
}

func (s *Source) accepted(ctx context.Context, key Key, codeHash string) (bool, error) {
	grant, err := s.Store.Grant(ctx, key)
	if errors.Is(err, ErrNoGrant) {
		return false, nil
	}
	return grant.CodeHash == codeHash, err
}

// Import stores a refresh token that was made elsewhere, by
// [Client.ExchangeCallback] or the ASK CLI for instance, as the grant of the
// key, in place of an older one. It must have been made for the same client.
// Whether it works shows when the first access token is needed.
func (s *Source) Import(ctx context.Context, key Key, refreshToken alexaevents.Secret) error {
	if err := s.check(key); err != nil {
		return err
	}
	if refreshToken == "" {
		return fmt.Errorf("%w: it is empty", ErrInvalidGrant)
	}
	return s.Store.UpdateGrant(ctx, key, func(g *Grant) error {
		if g.RefreshToken == refreshToken && g.Live() {
			return nil
		}
		*g = Grant{Key: key, RefreshToken: refreshToken}
		return nil
	})
}
