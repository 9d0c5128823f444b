package lwa

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/alexaevents/alexaevents"
)

// How long Exchange takes for a caller who has no deadline, before the grant is
// stored.
const (
	exchangeTime = 10 * time.Second
	otherTime    = 5 * time.Second // of which it waits for another process that used the code
)

// Exchange trades the code of an AcceptGrant directive for tokens and stores them
// as the grant of the key, in place of an older one. The region is the
// customer's, that of the endpoint to which the directive came.
//
// The code of the stored grant again is success, without a request: Alexa may
// repeat a directive, but a code works once. If another process uses the code for
// the same key at the same time, Exchange waits until that has stored the grant.
//
// Until the deadline of ctx, up to five times, Exchange retries what Amazon
// throttles or gives no answer of use to. A caller whose context is cancelled
// leaves, and the work goes on, since a code works once. The errors are those of
// [Client.Exchange] and of the Store, [ErrInvalidKey], and [ErrNoGrant] if the
// grant was erased meanwhile.
// After any of them but ErrInvalidGrant and ErrNoGrant, Exchange with the same code
// can be tried again, for the five minutes or so that a code lives. If the store
// failed after the code was used, this Source keeps what Amazon gave and writes
// it in the background, and Exchange with the same code waits for that.
func (s *Source) Exchange(ctx context.Context, key Key, region alexaevents.Region, code alexaevents.Secret) error {
	if err := s.check(key); err != nil {
		return err
	}
	if err := key.checkLength(); err != nil {
		return err
	}
	if region.APIEndpoint() == "" {
		return errors.New("lwa: a grant without a region")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	limit := exchangeTime
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end))
	}
	run, own := s.renewals.flights.Start(ctx, string(key.bytes(hash(code))), limit, func(ctx context.Context) (alexaevents.Secret, error) {
		return "", s.exchange(ctx, key, region, code)
	})
	_, err := run.Wait(ctx)
	if own && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		_, err = run.Wait(context.WithoutCancel(ctx)) // it ends now, too, and knows why
	}
	return err
}

func (s *Source) exchange(ctx context.Context, key Key, region alexaevents.Region, code alexaevents.Secret) error {
	codeHash := hash(code)
	if unsaved := s.unsaved.of(key); unsaved != nil && unsaved.grant.CodeHash == codeHash {
		return s.await(ctx, unsaved, errors.New("the store failed"))
	}
	replaced, err := s.Store.Grant(ctx, key)
	switch {
	case err != nil && !errors.Is(err, ErrNoGrant) && !errors.Is(err, ErrSealed): // the new grant replaces what cannot be decrypted
		return err
	case replaced.CodeHash == codeHash:
		return nil
	case s.unsaved.count() >= maxUnsaved:
		return errUnsaved
	}
	token, at, err := s.exchangeCode(ctx, code)
	if errors.Is(err, ErrInvalidGrant) {
		// Another process may have used the code for the same grant.
		is := func(g *Grant) bool { return g.CodeHash == codeHash }
		if stored, _ := s.watch(ctx, key, otherTime, is); stored {
			return nil
		}
	}
	if err != nil {
		return err
	}
	// The code is used up: what it gave is stored even if nobody waits for it.
	c := &change{
		grant:  Grant{Key: key, Region: region, CodeHash: codeHash},
		accept: &acceptance{replaced, at},
		done:   make(chan struct{}),
	}
	c.grant.issue(token, at)
	err = s.save(ctx, c, nil)
	if unsaved, ok := errors.AsType[*unsavedError](err); ok {
		s.report(ctx, key, Unsaved, err)
		return s.await(ctx, c, unsaved.error)
	}
	if err != nil {
		return s.overtaken(ctx, key)
	}
	return nil
}

// await waits until the change that a code brought is stored. If ctx ends
// first, it returns why the store does not have it.
func (s *Source) await(ctx context.Context, c *change, failure error) error {
	key, codeHash := c.grant.Key, c.grant.CodeHash
	for c != nil && c.grant.CodeHash == codeHash {
		select {
		case <-ctx.Done():
			return &unsavedError{failure}
		case <-c.done:
		}
		c = s.unsaved.of(key)
	}
	return s.overtaken(ctx, key)
}

// overtaken is the outcome for a code whose grant is stored, or replaced by
// somebody else's, which is as good, or erased.
func (s *Source) overtaken(ctx context.Context, key Key) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	_, err := s.Store.Grant(ctx, key)
	return err
}

// exchangeCode exchanges the code, and tries again up to five times, within about
// four seconds, while ctx has the time. It returns when the last request began.
func (s *Source) exchangeCode(ctx context.Context, code alexaevents.Secret) (Token, time.Time, error) {
	pause := 200 * time.Millisecond
	for tries := 1; ; tries++ {
		at := s.now()
		token, err := s.Client.Exchange(ctx, code)
		if !errors.Is(err, alexaevents.ErrTemporary) || tries > 5 {
			return token, at, err
		}
		wait := pause + rand.N(pause/4) //nolint:gosec // it spreads load and keeps no secret
		pause = min(2*pause, time.Second)
		if failure, ok := errors.AsType[*Error](err); ok {
			wait = max(wait, failure.RetryAfter)
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= wait {
			return Token{}, at, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return Token{}, at, err
		}
	}
}

// Import stores a refresh token that was made elsewhere, by
// [Client.ExchangeCallback] or the ASK CLI for instance, as the grant of the
// key, in place of an older one; the region stays. It must have been made for
// the same client. Whether it works shows when the first access token is needed.
//
// A token that was imported before changes nothing while its grant has not ended:
// a program may import it at each start. The errors are [ErrInvalidKey],
// [ErrInvalidGrant] for a text that cannot be a token, and those of the Store.
func (s *Source) Import(ctx context.Context, key Key, refreshToken alexaevents.Secret) error {
	if err := s.check(key); err != nil {
		return err
	}
	if err := key.checkLength(); err != nil {
		return err
	}
	if !isToken(refreshToken) {
		return fmt.Errorf("%w: it is empty, longer than %d bytes, or has characters that no token has", ErrInvalidGrant, maxToken)
	}
	origin := hash(refreshToken)
	return s.Store.UpdateGrant(ctx, key, func(g *Grant) error {
		if (g.RefreshToken == refreshToken || g.CodeHash == origin) && g.Live() {
			return nil
		}
		*g = Grant{Key: key, Region: g.Region, RefreshToken: refreshToken, CodeHash: origin}
		return nil
	})
}
