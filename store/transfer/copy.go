package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// batchFacts is how many facts are stored at once, or a few more.
const batchFacts = 1000

// Facts adds facts to a store, such as all of another one:
//
//	err := transfer.Facts(ctx, newStore, oldStore.Facts(ctx))
//
// It may be repeated.
func Facts(ctx context.Context, to identity.Store, from iter.Seq2[identity.Fact, error]) error {
	var batch []identity.Fact
	for fact, err := range from {
		if err != nil {
			return fmt.Errorf("transfer: copy facts: %w", err)
		}
		if batch = append(batch, fact); len(batch) == batchFacts {
			if err := addFacts(ctx, to, batch); err != nil {
				return fmt.Errorf("transfer: copy facts: %w", err)
			}
			batch = batch[:0]
		}
	}
	if err := addFacts(ctx, to, batch); err != nil {
		return fmt.Errorf("transfer: copy facts: %w", err)
	}
	return nil
}

// Grants stores grants, such as all of another store, and spares better ones as
// [Import.Grants] does. It may be repeated.
func Grants(ctx context.Context, to lwa.Store, from iter.Seq2[lwa.Grant, error]) error {
	for grant, err := range from {
		if err == nil {
			err = putGrant(ctx, to, grant)
		}
		if err != nil {
			return fmt.Errorf("transfer: copy grants: %w", err)
		}
	}
	return nil
}

// addFacts stores facts all at once, where the store can do that.
func addFacts(ctx context.Context, store identity.Store, facts []identity.Fact) error {
	many, ok := store.(interface {
		AddFacts(ctx context.Context, facts []identity.Fact) error
	})
	if ok {
		return many.AddFacts(ctx, facts)
	}
	for _, fact := range facts {
		if err := store.AddFact(ctx, fact); err != nil {
			return err
		}
	}
	return nil
}

var errKept = errors.New("the stored grant stays")

// better tells whether a grant is to replace the stored one: a live grant a dead
// one that has another refresh token, or one whose access token is older.
func better(grant, stored lwa.Grant) bool {
	switch {
	case stored.RefreshToken == "": // there is none
		return true
	case !grant.Live():
		return false
	case !stored.Live():
		return grant.RefreshToken != stored.RefreshToken
	}
	return !stored.IssuedAt.IsZero() && grant.IssuedAt.After(stored.IssuedAt)
}

// putGrant stores a grant, unless the one that is there is to stay.
func putGrant(ctx context.Context, store lwa.Store, grant lwa.Grant) error {
	err := store.UpdateGrant(ctx, grant.Key, func(stored *lwa.Grant) error {
		if !better(grant, *stored) {
			return errKept
		}
		*stored = grant
		return nil
	})
	if errors.Is(err, errKept) {
		return nil
	}
	return err
}
