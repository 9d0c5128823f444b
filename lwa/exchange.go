package lwa

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/alexaevents/alexaevents"
)

const (
	exchangeTime = 10 * time.Second // longest duration of Exchange before the grant is stored
	otherTime    = 5 * time.Second  // longest wait for another process that used the code
)

// Exchange exchanges the authorization code of an AcceptGrant directive for tokens
// and stores them as the grant of the key. It replaces an older grant. The region
// is the customer's: the region of the endpoint that received the directive.
//
// A code works once, and Alexa may repeat a directive. So Exchange with the code of
// the stored grant returns nil without a request. If another process exchanges the
// code for the same key at the same time, Exchange waits until that process has
// stored the grant.
//
// Exchange retries temporary failures up to five times within the deadline of ctx.
// If ctx is cancelled, it returns and the work continues, since the code may be
// used up. The errors are those of [Client.Exchange] and of Store, [ErrInvalidKey],
// and [ErrNoGrant] if the grant was erased meanwhile.
//
// After an error other than ErrInvalidGrant and ErrNoGrant you can call Exchange
// with the same code again, while the code is valid. If the store failed after the
// code was used, the Source keeps the tokens in memory and retries the write in the
// background; Exchange with the same code waits for that.
func (s *Source) Exchange(ctx context.Context, key Key, region alexaevents.Region, code alexaevents.Secret) error {
	if err := s.check(key); err != nil {
		return err
	}
	if err := key.checkLength(); err != nil {
		return err
	}
	if region.APIEndpoint() == "" {
		return errors.New("lwa: the region is empty or unknown")
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
		_, err = run.Wait(context.WithoutCancel(ctx)) // its deadline is the same, and its error says more
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
	case err != nil && !errors.Is(err, ErrNoGrant) && !errors.Is(err, ErrSealed): // the new grant replaces one that cannot be decrypted
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
	// The code is used up, so the tokens are stored even if ctx has ended.
	c := &change{
		grant:    Grant{Key: key, Region: region, CodeHash: codeHash},
		exchange: &exchange{replaced, at},
		done:     make(chan struct{}),
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

// await waits until the change is stored. If ctx ends first, it returns the failure
// of the store.
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

// overtaken returns nil if the store has a grant, from this code or from a later
// change, and ErrNoGrant if the grant was erased.
func (s *Source) overtaken(ctx context.Context, key Key) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	_, err := s.Store.Grant(ctx, key)
	return err
}

// exchangeCode exchanges the code, with up to five retries within about four
// seconds. It also returns when the last request began.
func (s *Source) exchangeCode(ctx context.Context, code alexaevents.Secret) (Token, time.Time, error) {
	pause := 200 * time.Millisecond
	for tries := 1; ; tries++ {
		at := s.now()
		token, err := s.Client.Exchange(ctx, code)
		if !errors.Is(err, alexaevents.ErrTemporary) || tries > 5 {
			return token, at, err
		}
		wait := pause + rand.N(pause/4) //nolint:gosec // jitter, not a secret
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

// Import stores a refresh token as the grant of the key. The token comes from
// [Client.ExchangeCallback] or the ASK CLI, for example, and was issued to the same
// client. It replaces an older grant; the region stays. Import makes no request: the
// first call of [Source.Token] shows whether the refresh token works.
//
// A program may import the same token each time it starts: unless its grant has
// ended, that changes nothing. The errors are [ErrInvalidKey], [ErrInvalidGrant]
// for a text that cannot be a token, and those of Store.
func (s *Source) Import(ctx context.Context, key Key, refreshToken alexaevents.Secret) error {
	if err := s.check(key); err != nil {
		return err
	}
	if err := key.checkLength(); err != nil {
		return err
	}
	if !isToken(refreshToken) {
		return fmt.Errorf("%w: it is empty, longer than %d bytes, or contains control characters or invalid UTF-8", ErrInvalidGrant, maxToken)
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
