package lwa

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/alexaevents/alexaevents"
)

// ClientCredentials returns access tokens of the skill itself for one scope, such
// as [ScopeProactiveEvents]. It keeps the token in memory and replaces it before
// it expires. It is safe for concurrent use; its fields must not change once it is
// in use.
type ClientCredentials struct {
	Client *Client // makes the requests; required
	Scope  string  // a single scope; required

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	renewals renewals
	kept     atomic.Pointer[Grant] // the latest token, without a key; nil before the first
	renewed  time.Time             // when a token that an API refused was last replaced; used by one renewal at a time
}

// Token returns an access token. In the last five to six minutes before a token
// expires, Token returns it and replaces it in the background. A token without a
// known expiry is not kept. The errors are those of [Client.ClientCredentials].
// After failures ClientCredentials backs off as a [Source] does.
func (c *ClientCredentials) Token(ctx context.Context) (alexaevents.Secret, error) {
	kept, now := c.keptGrant(), c.now()
	return c.renewals.fresh(ctx, c.Scope, kept, now, c.renewals.backoff.waits(now), func(ctx context.Context) (alexaevents.Secret, error) {
		return c.renew(ctx, kept.AccessToken, false)
	})
}

// Renew replaces the stale access token, which an API refused: proactive events
// and skill messaging do so with 403. It makes a request only if the token was not
// replaced meanwhile, and at most once a minute; otherwise it returns the current
// token.
func (c *ClientCredentials) Renew(ctx context.Context, stale alexaevents.Secret) (alexaevents.Secret, error) {
	return c.renewals.share(ctx, c.Scope, stale, func(ctx context.Context) (alexaevents.Secret, error) {
		return c.renew(ctx, stale, true)
	})
}

func (c *ClientCredentials) renew(ctx context.Context, stale alexaevents.Secret, refused bool) (alexaevents.Secret, error) {
	if c.Client == nil {
		return "", errors.New("lwa: ClientCredentials.Client is nil")
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
