package storetest

import (
	"context"
	"errors"
	"iter"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// Methods that a store may have beside those of its interface.
type (
	factsAdder interface {
		AddFacts(ctx context.Context, facts []identity.Fact) error
	}
	factsLister interface {
		Facts(ctx context.Context) iter.Seq2[identity.Fact, error]
	}
	grantsLister interface {
		Grants(ctx context.Context) iter.Seq2[lwa.Grant, error]
	}
	endedGrantsLister interface {
		EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error]
	}
)

// listerOf returns the store if it lists every grant. A store around another one
// may have the method without being able to.
func listerOf(ctx context.Context, store lwa.Store) grantsLister {
	lister, ok := store.(grantsLister)
	if !ok || unsupported(lister.Grants(ctx)) {
		return nil
	}
	return lister
}

// endedListerOf is the same for ended grants.
func endedListerOf(ctx context.Context, store lwa.Store) endedGrantsLister {
	lister, ok := store.(endedGrantsLister)
	if !ok || unsupported(lister.EndedGrants(ctx, lwaClient)) {
		return nil
	}
	return lister
}

func unsupported(grants iter.Seq2[lwa.Grant, error]) bool {
	for _, err := range grants {
		return errors.Is(err, errors.ErrUnsupported)
	}
	return false
}
