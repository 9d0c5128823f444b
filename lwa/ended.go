package lwa

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/alexaevents/alexaevents"
)

// EndReason is why a grant has ended. The text is fit for a metric's label.
type EndReason string

// The reasons why a grant has ended.
const (
	// EndRefused: Amazon refused the refresh token with invalid_grant. Only a new
	// AcceptGrant helps.
	EndRefused EndReason = "refused"

	// EndDisabled: the event gateway says that the customer disabled the skill. A
	// later event that it accepts revives the grant, as a new AcceptGrant does.
	EndDisabled EndReason = "disabled"
)

// EndedGrant is a grant whose customer must link the account again.
type EndedGrant struct {
	Key
	Region alexaevents.Region
	Reason EndReason
	Since  time.Time // when the grant was first found to have ended; zero if the store did not keep it
}

// EndedGrants yields the grants of the Source's Client whose customers must link
// again, in an order that is the Store's. A grant that is deleted, as AcceptGrant
// does with the ended grants of its account, is not among them.
//
// It uses the Store's method EndedGrants, or else reads every grant with the
// Store's method Grants:
//
//	EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error] // those of the client with Refused or DisabledAt
//
// Without either the error is [errors.ErrUnsupported]. An error comes once, alone
// and last.
func (s *Source) EndedGrants(ctx context.Context) iter.Seq2[EndedGrant, error] {
	return func(yield func(EndedGrant, error) bool) {
		switch {
		case s.Client == nil || s.Client.ID == "":
			yield(EndedGrant{}, errors.New("lwa: Source without Client, or a Client without ID"))
			return
		case s.Store == nil:
			yield(EndedGrant{}, errors.New("lwa: Source without Store"))
			return
		}
		for grant, err := range markedGrants(ctx, s.Store, s.Client.ID) {
			if err != nil {
				yield(EndedGrant{}, err)
				return
			}
			if ended, is := ended(grant); is && !yield(ended, nil) {
				return
			}
		}
	}
}

func ended(g Grant) (EndedGrant, bool) {
	e := EndedGrant{Key: g.Key, Region: g.Region}
	switch {
	case !g.Live():
		e.Reason, e.Since = EndRefused, g.RefusedAt
		if !g.DisabledAt.IsZero() && (e.Since.IsZero() || g.DisabledAt.Before(e.Since)) {
			e.Since = g.DisabledAt
		}
	case !g.DisabledAt.IsZero():
		e.Reason, e.Since = EndDisabled, g.DisabledAt
	default:
		return EndedGrant{}, false
	}
	return e, true
}

// markedGrants yields the client's grants that have Refused or DisabledAt. A store
// inside Sealed cannot tell whether a new refresh token has replaced the refused
// one.
func markedGrants(ctx context.Context, store Store, clientID string) iter.Seq2[Grant, error] {
	if marked, ok := store.(interface {
		EndedGrants(ctx context.Context, clientID string) iter.Seq2[Grant, error]
	}); ok {
		return marked.EndedGrants(ctx, clientID)
	}
	all, ok := store.(interface {
		Grants(ctx context.Context) iter.Seq2[Grant, error]
	})
	if !ok {
		return failed(fmt.Errorf("lwa: the Store has neither a method EndedGrants nor Grants: %w", errors.ErrUnsupported))
	}
	return func(yield func(Grant, error) bool) {
		for grant, err := range all.Grants(ctx) {
			marked := grant.ClientID == clientID && (grant.Refused != "" || !grant.DisabledAt.IsZero())
			if (err != nil || marked) && !yield(grant, err) {
				return
			}
		}
	}
}
