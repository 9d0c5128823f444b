package storetest

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/alexaevents/alexaevents/lwa"
)

// SharedGrants runs the checks of [Grants] on two handles of one storage, such as
// two processes have: each call goes to the other handle than the one before. So it
// finds a store that is atomic in its own process only, or that remembers what it
// has read. The storage that open returns handles of is empty; the handles share
// nothing else, in particular no mutex.
func SharedGrants(t *testing.T, open func(t *testing.T) (first, second lwa.Store)) {
	Grants(t, func(t *testing.T) lwa.Store {
		first, second := open(t)
		return &handles{both: [2]lwa.Store{first, second}}
	})
}

// handles is a store of two handles on one storage, which take turns.
type handles struct {
	both  [2]lwa.Store
	calls atomic.Uint64
}

func (h *handles) next() lwa.Store { return h.both[h.calls.Add(1)%2] }

func (h *handles) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	return h.next().Grant(ctx, key)
}

func (h *handles) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[lwa.Grant, error] {
	return h.next().AccountGrants(ctx, clientID, accountID)
}

func (h *handles) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	return h.next().UpdateGrant(ctx, key, fn)
}

func (h *handles) EraseGrants(ctx context.Context, accountID string) error {
	return h.next().EraseGrants(ctx, accountID)
}

func (h *handles) Grants(ctx context.Context) iter.Seq2[lwa.Grant, error] {
	if lister, ok := h.next().(grantsLister); ok {
		return lister.Grants(ctx)
	}
	return unsupportedGrants
}

func (h *handles) EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error] {
	if lister, ok := h.next().(endedGrantsLister); ok {
		return lister.EndedGrants(ctx, clientID)
	}
	return unsupportedGrants
}

func unsupportedGrants(yield func(lwa.Grant, error) bool) {
	yield(lwa.Grant{}, errors.ErrUnsupported)
}
