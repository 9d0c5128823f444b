package storetest

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
)

// ownMutex is a handle on a storage that is atomic in its process only: others do
// not wait for its mutex.
type ownMutex struct {
	*faultyGrants
	mu sync.Mutex
}

func (h *ownMutex) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	grant, err := h.read(ctx, key)
	if err != nil {
		grant = lwa.Grant{Key: key}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := fn(&grant); err != nil {
		return err
	}
	runtime.Gosched()
	return h.update(ctx, key, func(g *lwa.Grant) error { *g = grant; return nil })
}

// remembers is a handle that remembers what it has read, until it writes that
// itself.
type remembers struct {
	*faultyGrants
	mu  sync.Mutex
	was map[lwa.Key]lwa.Grant
}

func (h *remembers) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if grant, known := h.was[key]; known {
		return grant, ctx.Err()
	}
	grant, err := h.read(ctx, key)
	if err == nil {
		h.was[key] = grant
	}
	return grant, err
}

func (h *remembers) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.was, key)
	return h.update(ctx, key, fn)
}

func (h *remembers) EraseGrants(ctx context.Context, accountID string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.was)
	return h.MemoryStore.EraseGrants(ctx, accountID)
}

func TestSharedGrants(t *testing.T) {
	SharedGrants(t, func(*testing.T) (first, second lwa.Store) {
		storage := new(faultyGrants)
		return storage, storage
	})
	SharedGrants(t, func(*testing.T) (first, second lwa.Store) {
		storage := struct{ lwa.Store }{new(lwa.MemoryStore)}
		return storage, storage
	})
}

// A store can be right in one process and wrong in two.
func TestSharedFaultsAreNoticed(t *testing.T) {
	for name, test := range map[string]struct {
		open  func(*faultyGrants) lwa.Store
		check string
		words string
	}{
		"a mutex of its own": {
			open:  func(storage *faultyGrants) lwa.Store { return &ownMutex{faultyGrants: storage} },
			check: "several goroutines and one grant",
			words: "-want +got",
		},
		"remembers what it has read": {
			open: func(storage *faultyGrants) lwa.Store {
				return &remembers{faultyGrants: storage, was: make(map[lwa.Key]lwa.Grant)}
			},
			check: "a grant",
			words: "-want +got",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, check := range grantChecks {
				if check.name != "erasing a grant while fn runs" { // needs more than a mutex, in one process too
					require.NoError(t, check.run(t.Context(), test.open(new(faultyGrants))), "one handle: %s", check.name)
				}
			}
			i := slices.IndexFunc(grantChecks, func(c grantCheck) bool { return c.name == test.check })
			storage := new(faultyGrants)
			err := grantChecks[i].run(t.Context(), &handles{both: [2]lwa.Store{test.open(storage), test.open(storage)}})
			require.ErrorContains(t, err, test.words)
		})
	}
}
