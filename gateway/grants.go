package gateway

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/lwa"
)

const maxGrants = 1000 // per account and client

// Key returns the key of the grant of the customer who gave a directive, for
// [Sender.SendTo]. If Link is nil, only the access token of the AcceptGrant directive
// leads to its grant. A refreshed token could be of any customer of the account, and
// is [ErrNoGrant].
//
// The errors are [ErrNoGrant], [ErrMalformedDirective] for a directive without an
// access token, [ErrMisconfigured], and those of Account, Link and the store.
func (g *Granter) Key(ctx context.Context, directive *Directive) (lwa.Key, error) {
	if directive == nil || directive.AccessToken == "" {
		return lwa.Key{}, fmt.Errorf("%w: the access token of a customer is missing", ErrMalformedDirective)
	}
	key, err := g.key(ctx, directive.AccessToken)
	if err != nil {
		return lwa.Key{}, err
	}
	_, err = g.Tokens.Store.Grant(ctx, key)
	switch {
	case err == nil:
		return key, nil
	case g.Link == nil && errors.Is(err, ErrNoGrant):
		return lwa.Key{}, fmt.Errorf("%w for this access token: set Granter.Link, which also names the customer after a refresh of the token", ErrNoGrant)
	}
	return lwa.Key{}, err
}

// key returns the key of the grant of the customer with this access token. The grant
// need not exist.
func (g *Granter) key(ctx context.Context, token alexaevents.Secret) (lwa.Key, error) {
	if err := checkTokens(g.Tokens); err != nil {
		return lwa.Key{}, err
	}
	if g.Account == nil {
		return lwa.Key{}, fmt.Errorf("%w: Granter.Account is nil", ErrMisconfigured)
	}
	account, err := resolve(ctx, "Account", g.Account, token)
	if err != nil {
		return lwa.Key{}, err
	}
	sum := sha256.Sum256([]byte(token))
	link := hex.EncodeToString(sum[:])
	if g.Link != nil {
		if link, err = resolve(ctx, "Link", g.Link, token); err != nil {
			return lwa.Key{}, err
		}
	}
	return lwa.Key{ClientID: g.Tokens.Client.ID, AccountID: account, LinkID: link}, nil
}

// resolve calls Account or Link with an access token.
func resolve(ctx context.Context, name string, f func(context.Context, string) (string, error), token alexaevents.Secret) (string, error) {
	id, err := f(ctx, string(token))
	if err != nil {
		return "", &resolveError{name, redact.Error(err, string(token)), redact.Text(err.Error(), string(token))}
	}
	if id == "" {
		return "", fmt.Errorf("%w: Granter.%s returned neither an ID nor an error", ErrMisconfigured, name)
	}
	return id, nil
}

// resolveError is an error of Account or Link. Its text does not contain the token,
// which an error of package net/http contains if the URL does.
type resolveError struct {
	name string
	err  error
	text string
}

func (e *resolveError) Error() string { return "gateway: Granter." + e.name + ": " + e.text }
func (e *resolveError) Unwrap() error { return e.err }

// customerGrants returns the grants of the customers who linked the account, also
// those that have ended. It leaves out a developer's own grant, which is not for the
// gateway.
func customerGrants(ctx context.Context, tokens *lwa.Source, accountID string) ([]lwa.Grant, error) {
	var grants []lwa.Grant
	for grant, err := range tokens.Store.AccountGrants(ctx, tokens.Client.ID, accountID) {
		if err != nil {
			return nil, err
		}
		if grant.LinkID != "" {
			grants = append(grants, grant)
		}
	}
	return grants, nil
}

// removeEnded removes the account's grants that have ended and, beyond maxGrants,
// those whose last accepted event is oldest, but not the grant that was just stored.
// It returns the removed keys. If the store fails, the account's next AcceptGrant
// removes them.
func (g *Granter) removeEnded(ctx context.Context, stored lwa.Key) (removed []lwa.Key) {
	grants, err := customerGrants(ctx, g.Tokens, stored.AccountID)
	if err != nil {
		return nil
	}
	grants = slices.DeleteFunc(grants, func(grant lwa.Grant) bool { return grant.Key == stored })
	slices.SortFunc(grants, byLastUse)
	for i, candidate := range grants {
		switch ended := hasEnded(ctx, g.Tokens, candidate); {
		case !ended && !candidate.Live():
			continue // its new tokens wait for the store
		case !ended && len(grants)-i < maxGrants:
			return removed
		}
		unchanged := false
		err := g.Tokens.Store.UpdateGrant(ctx, candidate.Key, func(grant *lwa.Grant) error {
			if grant.RefreshToken == "" {
				return nil // removed by an earlier run of this function or by another process
			}
			// A grant that was replaced or revived meanwhile stays.
			if unchanged = grant.CodeHash == candidate.CodeHash && grant.Live() == candidate.Live(); unchanged {
				*grant = lwa.Grant{}
			}
			return nil
		})
		if err != nil {
			break
		}
		if unchanged {
			removed = append(removed, candidate.Key)
		}
	}
	return removed
}

// hasEnded reports whether a grant of the store has ended. After a failure of the
// store, its newer tokens may be in memory.
func hasEnded(ctx context.Context, tokens *lwa.Source, grant lwa.Grant) bool {
	if grant.Live() {
		return false
	}
	_, err := tokens.GrantToken(ctx, grant)
	return errors.Is(err, lwa.ErrInvalidGrant)
}

// byLastUse sorts grants: first those that have ended, then those of customers who
// disabled the skill, then the others, each by the time of their last use.
func byLastUse(a, b lwa.Grant) int {
	rank := func(grant lwa.Grant) int {
		switch {
		case !grant.Live():
			return 0
		case !grant.DisabledAt.IsZero():
			return 1
		}
		return 2
	}
	return cmp.Or(rank(a)-rank(b), lastUse(a).Compare(lastUse(b)))
}

// lastUse returns when an event was last accepted; without one, when the token was
// issued.
func lastUse(grant lwa.Grant) time.Time {
	if grant.ConfirmedAt.IsZero() {
		return grant.IssuedAt
	}
	return grant.ConfirmedAt
}

// checkTokens returns an error if the Source lacks what grants need.
func checkTokens(tokens *lwa.Source) error {
	if tokens == nil || tokens.Client == nil || tokens.Store == nil {
		return fmt.Errorf("%w: Tokens, Tokens.Client or Tokens.Store is nil", ErrMisconfigured)
	}
	client := tokens.Client
	switch {
	case client.ID == "" || client.Secret == "":
		return fmt.Errorf("%w: Tokens.Client.ID or Tokens.Client.Secret is empty", ErrMisconfigured)
	case client.APIURL != "" && !strings.HasPrefix(client.APIURL, "https://"):
		return fmt.Errorf("%w: Tokens.Client.APIURL is not an https URL", ErrMisconfigured)
	}
	return nil
}
