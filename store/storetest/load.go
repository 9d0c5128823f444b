package storetest

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents/identity"
)

// goroutines is how many use a store at once.
const goroutines = 8

// atOnce runs fn in several goroutines and returns the first error.
func atOnce(fn func(goroutine int) error) error {
	var group errgroup.Group
	for goroutine := range goroutines {
		group.Go(func() error {
			return caught(func() error { return fn(goroutine) })
		})
	}
	return group.Wait()
}

// load adds many facts: several in one call if the store can, and else several
// at once.
func load(ctx context.Context, store identity.Store, facts iter.Seq[identity.Fact]) error {
	adder, ok := store.(factsAdder)
	if !ok {
		return eachAtOnce(ctx, facts, store.AddFact)
	}
	const together = 1000
	some := make([]identity.Fact, 0, together)
	for fact := range facts {
		if some = append(some, fact); len(some) == together {
			if err := adder.AddFacts(ctx, some); err != nil {
				return err
			}
			some = some[:0]
		}
	}
	return adder.AddFacts(ctx, some)
}

// eachAtOnce runs fn on every value, on several at once, until one fails.
func eachAtOnce[T any](ctx context.Context, values iter.Seq[T], fn func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(goroutines)
	for value := range values {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			return caught(func() error { return fn(ctx, value) })
		})
	}
	return group.Wait()
}
