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
)

// listerOf returns the store if it lists every grant. A store around another one
// may have the method without being able to.
func listerOf(ctx context.Context, store lwa.Store) grantsLister {
	lister, ok := store.(grantsLister)
	if !ok {
		return nil
	}
	for _, err := range lister.Grants(ctx) {
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		break
	}
	return lister
}
