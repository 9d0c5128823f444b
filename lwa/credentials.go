package lwa

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/alexaevents/alexaevents"
)

// ClientCredentials hands out access tokens of the skill itself for one scope,
// such as [ScopeProactiveEvents]. It keeps the token in memory and gets another
// when that one is about to expire. It is safe for concurrent use; its fields
// must not change once it is in use.
type ClientCredentials struct {
	Client *Client // makes the requests; required
	Scope  string  // the scope, one only; required

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	renewals renewals
	kept     atomic.Pointer[Grant] // of no key; nil before the first
	renewed  time.Time             // when a token that an API refused was last replaced; of the one renewal at a time
}

// Token returns an access token of the scope. One that expires within five to
// six minutes is returned, and replaced in the background. One whose expiry
// Amazon did not tell is not kept. The errors are those of
// [Client.ClientCredentials]; after failures there are pauses as those of a
// [Source].
func (c *ClientCredentials) Token(ctx context.Context) (alexaevents.Secret, error) {
	kept, now := c.keptGrant(), c.now()
	return c.renewals.fresh(ctx, c.Scope, kept, now, c.renewals.backoff.waits(now), func(ctx context.Context) (alexaevents.Secret, error) {
		return c.renew(ctx, kept.AccessToken, false)
	})
}

// Renew returns another access token than the stale one, which an API refused:
// with 403, as proactive events and skill messaging do. It asks Amazon only if
// nobody else did meanwhile, and not more than once a minute: until then it
// returns the stale token again.
func (c *ClientCredentials) Renew(ctx context.Context, stale alexaevents.Secret) (alexaevents.Secret, error) {
	return c.renewals.share(ctx, c.Scope, stale, func(ctx context.Context) (alexaevents.Secret, error) {
		return c.renew(ctx, stale, true)
	})
}

func (c *ClientCredentials) renew(ctx context.Context, stale alexaevents.Secret, refused bool) (alexaevents.Secret, error) {
	if c.Client == nil {
		return "", errors.New("lwa: ClientCredentials without Client")
	}
	now := c.now()
	if kept := c.keptGrant(); kept.validAt(now) && (kept.AccessToken != stale || refused && now.Before(c.renewed.Add(renewEvery))) {
		return kept.AccessToken, nil
	}
	attempt, wait := c.renewals.backoff.begin(now)
	if wait != nil {
		return "", wait
	}
	token, err := c.Client.ClientCredentials(ctx, c.Scope)
	failure, _ := errors.AsType[*Error](err)
	c.renewals.backoff.end(attempt, c.now(), failure)
	if err != nil {
		return "", err
	}
	var grant Grant
	if token.ExpiresIn > 0 {
		grant.issue(token, now)
	}
	if refused {
		c.renewed = now
	}
	c.kept.Store(&grant)
	return token.AccessToken, nil
}

func (c *ClientCredentials) keptGrant() Grant {
	if kept := c.kept.Load(); kept != nil {
		return *kept
	}
	return Grant{}
}

func (c *ClientCredentials) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
