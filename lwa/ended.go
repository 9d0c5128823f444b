package lwa

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/alexaevents/alexaevents"
)

// EndReason is why a grant has ended. It can be the label of a metric.
type EndReason string

// The reasons why a grant has ended.
const (
	// EndRefused says that Amazon refused the refresh token with invalid_grant. Only a new
	// AcceptGrant makes the grant live again.
	EndRefused EndReason = "refused"

	// EndDisabled says that the event gateway reports that the customer disabled the skill.
	// An event that it accepts later makes the grant live again, and so does a new
	// AcceptGrant.
	EndDisabled EndReason = "disabled"
)

// EndedGrant is a grant whose customer must link the account again.
type EndedGrant struct {
	Key
	Region alexaevents.Region
	Reason EndReason
	Since  time.Time // when the end of the grant was first seen; zero if unknown
}

// EndedGrants yields the grants of Client whose customers must link the account
// again, in any order. It does not yield deleted grants: AcceptGrant deletes the
// ended grants of its account.
//
// It uses the first of these methods that Store has:
//
//	EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error] // the client's grants with Refused or DisabledAt
//	Grants(ctx context.Context) iter.Seq2[lwa.Grant, error]                       // every grant
//
// Without either the error is [errors.ErrUnsupported]. An error is yielded once, as
// the last element.
func (s *Source) EndedGrants(ctx context.Context) iter.Seq2[EndedGrant, error] {
	return func(yield func(EndedGrant, error) bool) {
		switch {
		case s.Client == nil || s.Client.ID == "":
			yield(EndedGrant{}, errors.New("lwa: Source.Client or its ID is empty"))
			return
		case s.Store == nil:
			yield(EndedGrant{}, errors.New("lwa: Source.Store is nil"))
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

// markedGrants yields the client's grants with Refused or DisabledAt. A new refresh
// token may have replaced the refused one: with encrypted tokens a store cannot
// know.
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
		return failed(fmt.Errorf("lwa: the Store has no method EndedGrants or Grants: %w", errors.ErrUnsupported))
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
