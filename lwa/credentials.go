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
}

// Token returns an access token of the scope. One that expires within five to
// six minutes is replaced first; where that fails, it serves until it expires.
// One whose expiry Amazon did not tell is not kept. The errors are those of
// [Client.ClientCredentials].
func (c *ClientCredentials) Token(ctx context.Context) (alexaevents.Secret, error) {
	kept := c.keptGrant()
	return c.renewals.fresh(ctx, kept, c.now, func() (alexaevents.Secret, error) {
		return c.Renew(ctx, kept.AccessToken)
	})
}

// Renew returns another access token than the stale one, which an API refused:
// with 403, as proactive events and skill messaging do. It asks Amazon only if
// nobody else did meanwhile.
func (c *ClientCredentials) Renew(ctx context.Context, stale alexaevents.Secret) (alexaevents.Secret, error) {
	if c.Client == nil {
		return "", errors.New("lwa: ClientCredentials without Client")
	}
	return c.renewals.share(ctx, c.Scope, stale, func(ctx context.Context) (alexaevents.Secret, error) {
		if kept := c.keptGrant(); kept.AccessToken != stale && kept.validAt(c.now()) {
			return kept.AccessToken, nil
		}
		at := c.now()
		token, err := c.Client.ClientCredentials(ctx, c.Scope)
		if err != nil {
			return "", err
		}
		var grant Grant
		if token.ExpiresIn > 0 {
			grant.accept(token, at)
		}
		c.kept.Store(&grant)
		return token.AccessToken, nil
	})
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
