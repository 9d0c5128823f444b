package gateway

import (
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

const maxGrants = 1000 // of one account and client

// Key names the grant of the customer who gave a directive, for
// [Sender.SendTo]. If Link is nil, only the access token of the AcceptGrant
// itself names its grant: a refreshed one could be any customer's of the account,
// and is [ErrNoGrant].
//
// The errors are [ErrNoGrant], [ErrMalformedDirective] for a directive without
// access token, [ErrMisconfigured], and those of Account, Link and the store.
func (g *Granter) Key(ctx context.Context, directive *Directive) (lwa.Key, error) {
	if directive == nil || directive.AccessToken == "" {
		return lwa.Key{}, fmt.Errorf("%w: it has no access token of a customer", ErrMalformedDirective)
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
		return lwa.Key{}, fmt.Errorf("%w for this access token: set Granter.Link, which names the customer after a refresh too", ErrNoGrant)
	}
	return lwa.Key{}, err
}

// key names the grant of the customer whose access token this is, which need not
// exist.
func (g *Granter) key(ctx context.Context, token alexaevents.Secret) (lwa.Key, error) {
	if err := usable(g.Tokens); err != nil {
		return lwa.Key{}, err
	}
	if g.Account == nil {
		return lwa.Key{}, fmt.Errorf("%w: Granter without Account", ErrMisconfigured)
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

// resolve asks one of the functions of a Granter about an access token.
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

// resolveError is an error of Account or Link. Its text is free of the token,
// which errors of package net/http hold if a URL does.
type resolveError struct {
	name string
	err  error
	text string
}

func (e *resolveError) Error() string { return "gateway: Granter." + e.name + ": " + e.text }
func (e *resolveError) Unwrap() error { return e.err }

// customerGrants returns the grants of the customers who linked the account,
// ended ones too. A developer's own grant is for no gateway.
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

// tidy removes the account's grants that have ended and, if there are too many,
// those without an accepted event for longest, never the one just stored. It
// returns what it removed. If the store fails, the account's next grant makes up
// for it.
func (g *Granter) tidy(ctx context.Context, stored lwa.Key) (removed []lwa.Key) {
	grants, err := customerGrants(ctx, g.Tokens, stored.AccountID)
	if err != nil {
		return nil
	}
	grants = slices.DeleteFunc(grants, func(grant lwa.Grant) bool { return grant.Key == stored })
	slices.SortFunc(grants, byUse)
	for i, worst := range grants {
		switch ended := hasEnded(ctx, g.Tokens, worst); {
		case !ended && !worst.Live():
			continue // it is about to be stored
		case !ended && len(grants)-i < maxGrants:
			return removed
		}
		gone := false
		err := g.Tokens.Store.UpdateGrant(ctx, worst.Key, func(grant *lwa.Grant) error {
			if grant.RefreshToken == "" {
				return nil // an earlier run removed it, or somebody else
			}
			// Otherwise the customer gave another meanwhile, or it lives again.
			if gone = grant.CodeHash == worst.CodeHash && grant.Live() == worst.Live(); gone {
				*grant = lwa.Grant{}
			}
			return nil
		})
		if err != nil {
			break
		}
		if gone {
			removed = append(removed, worst.Key)
		}
	}
	return removed
}

// hasEnded tells whether a grant of the store has ended. If the store has failed,
// newer tokens of it may be in memory.
func hasEnded(ctx context.Context, tokens *lwa.Source, grant lwa.Grant) bool {
	if grant.Live() {
		return false
	}
	_, err := tokens.GrantToken(ctx, grant)
	return errors.Is(err, lwa.ErrInvalidGrant)
}

// byUse puts grants of the least use first: those that have ended, those of
// customers who disabled the skill, and then the others.
func byUse(a, b lwa.Grant) int {
	if a.Live() != b.Live() {
		if b.Live() {
			return -1
		}
		return 1
	}
	if enabled := a.DisabledAt.IsZero(); enabled != b.DisabledAt.IsZero() {
		if enabled {
			return 1
		}
		return -1
	}
	return lastUse(a).Compare(lastUse(b))
}

// lastUse is when an event was last accepted; for a grant without any yet, it is
// when its token was issued.
func lastUse(grant lwa.Grant) time.Time {
	if grant.ConfirmedAt.IsZero() {
		return grant.IssuedAt
	}
	return grant.ConfirmedAt
}

// usable tells whether there is all that grants need.
func usable(tokens *lwa.Source) error {
	if tokens == nil || tokens.Client == nil || tokens.Store == nil {
		return fmt.Errorf("%w: Tokens, with a Client and a Store, is required", ErrMisconfigured)
	}
	client := tokens.Client
	switch {
	case client.ID == "" || client.Secret == "":
		return fmt.Errorf("%w: Tokens.Client needs ID and Secret", ErrMisconfigured)
	case client.APIURL != "" && !strings.HasPrefix(client.APIURL, "https://"):
		return fmt.Errorf("%w: Tokens.Client.APIURL is not an https URL", ErrMisconfigured)
	}
	return nil
}
