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

// Grants is [Import.Copy] of an Import without options:
//
//	err := transfer.Grants(ctx, newStore, oldStore.Grants(ctx))
func Grants(ctx context.Context, to lwa.Store, from iter.Seq2[lwa.Grant, error]) error {
	return new(Import).Copy(ctx, to, from)
}

// Copy stores grants, such as all of another store, each unless the store has a
// better one of its key, as the documentation of the package has it. Of the fields
// of Import it uses Newer, Progress and Observe. It may be repeated.
func (i *Import) Copy(ctx context.Context, to lwa.Store, from iter.Seq2[lwa.Grant, error]) error {
	rows := 0
	for grant, err := range from {
		if err == nil {
			rows++
			err = i.putGrant(ctx, to, grant, rows)
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

// kept returns why a stored grant stays, empty if the grant replaces it. A live
// grant replaces a dead one that has another refresh token, and a live one whose
// access token is older.
func (i *Import) kept(grant, stored lwa.Grant) Kept {
	switch {
	case stored.RefreshToken == "": // there is none
		return ""
	case !grant.Live():
		return KeptLive
	case !stored.Live() && grant.RefreshToken != stored.RefreshToken:
		return ""
	case !stored.IssuedAt.IsZero() && grant.IssuedAt.After(stored.IssuedAt) && stored.Live():
		return ""
	case grant.RefreshToken == stored.RefreshToken:
		return KeptSame
	case stored.IssuedAt.IsZero() && i.Newer:
		return ""
	case stored.IssuedAt.IsZero() || grant.IssuedAt.IsZero():
		return KeptUnknown
	}
	return KeptNewer
}

// errKept ends an update that is to change nothing.
var errKept = errors.New("the stored grant stays")

// putGrant stores the grant of a row, unless the one that is there is to stay.
func (i *Import) putGrant(ctx context.Context, store lwa.Store, grant lwa.Grant, row int) error {
	var kept Kept
	err := store.UpdateGrant(ctx, grant.Key, func(stored *lwa.Grant) error {
		if kept = i.kept(grant, *stored); kept != "" {
			return errKept
		}
		*stored = grant
		return nil
	})
	if err != nil && !errors.Is(err, errKept) {
		return err
	}
	if i.Progress != nil {
		i.Progress(row)
	}
	if i.Observe != nil {
		i.Observe(ctx, GrantObservation{grant.Key, row, kept})
	}
	return nil
}
