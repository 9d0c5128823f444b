package storetest

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
)

func TestGrantsOfMemoryStore(t *testing.T) {
	Grants(t, func(*testing.T) lwa.Store { return new(lwa.MemoryStore) })
}

// The method Grants may be missing, or be of no use.
func TestGrantsWithoutMore(t *testing.T) {
	Grants(t, func(*testing.T) lwa.Store { return struct{ lwa.Store }{new(lwa.MemoryStore)} })
	unsupported := func(yield func(lwa.Grant, error) bool) { yield(lwa.Grant{}, errors.ErrUnsupported) }
	Grants(t, func(*testing.T) lwa.Store {
		return &faultyGrants{
			grants:      func(context.Context) grantSeq { return unsupported },
			endedGrants: func(context.Context, string) grantSeq { return unsupported },
		}
	})
}

// grantFault is a way to break a store.
type grantFault struct {
	name   string
	inject func(f *faultyGrants)
	check  string // the check that must notice
	words  string // what its report must say
}

// TestGrantFaultsAreNoticed breaks a store in one place at a time.
func TestGrantFaultsAreNoticed(t *testing.T) {
	noticed := make(map[string]bool)
	for _, fault := range slices.Concat(grantValueFaults(), grantUpdateFaults, grantTimeFaults, grantKeyFaults(), grantReadFaults, grantConcurrencyFaults, grantInterruptionFaults, grantTextFaults, endedGrantFaults) {
		noticed[fault.check] = true
		t.Run(fault.name, func(t *testing.T) {
			i := slices.IndexFunc(grantChecks, func(c grantCheck) bool { return c.name == fault.check })
			require.GreaterOrEqual(t, i, 0, "no check %q", fault.check)
			limit := patience
			if strings.Contains(fault.words, "hangs") {
				limit = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			store := new(faultyGrants)
			fault.inject(store)
			err := grantChecks[i].run(ctx, store)
			require.ErrorContains(t, err, fault.words)
		})
	}
	for _, check := range grantChecks {
		require.True(t, noticed[check.name], "no fault shows that the check %q can fail", check.name)
		require.NoError(t, check.run(t.Context(), new(faultyGrants)), "%s, of a store that is not broken", check.name)
	}
}

type grantSeq = iter.Seq2[lwa.Grant, error]

// faultyGrants is a right store that a test breaks in one place: each function,
// where set, replaces the method or a part of it.
type faultyGrants struct {
	lwa.MemoryStore
	mu sync.Mutex

	in  func(lwa.Grant) lwa.Grant // changes grants on their way into the store
	out func(lwa.Grant) lwa.Grant // changes grants on their way out, to fn too
	key func(lwa.Key) lwa.Key     // changes the keys of calls

	grant         func(context.Context, lwa.Key) (lwa.Grant, error)
	accountGrants func(ctx context.Context, clientID, accountID string) grantSeq
	updateGrant   func(context.Context, lwa.Key, func(*lwa.Grant) error) error
	eraseGrants   func(ctx context.Context, accountID string) error
	grants        func(context.Context) grantSeq
	endedGrants   func(ctx context.Context, clientID string) grantSeq
}

func (f *faultyGrants) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	if f.grant != nil {
		return f.grant(ctx, key)
	}
	return f.read(ctx, key)
}

func (f *faultyGrants) read(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	grant, err := f.MemoryStore.Grant(ctx, f.mapKey(key))
	if err != nil {
		return lwa.Grant{}, err
	}
	grant.Key = key
	return f.mapOut(grant), nil
}

func (f *faultyGrants) AccountGrants(ctx context.Context, clientID, accountID string) grantSeq {
	if f.accountGrants != nil {
		return f.accountGrants(ctx, clientID, accountID)
	}
	return f.list(ctx, clientID, accountID)
}

func (f *faultyGrants) list(ctx context.Context, clientID, accountID string) grantSeq {
	return func(yield func(lwa.Grant, error) bool) {
		for grant, err := range f.MemoryStore.AccountGrants(ctx, clientID, accountID) {
			if err == nil {
				grant = f.mapOut(grant)
			}
			if !yield(grant, err) {
				return
			}
		}
	}
}

func (f *faultyGrants) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	if f.updateGrant != nil {
		return f.updateGrant(ctx, key, fn)
	}
	return f.update(ctx, key, fn)
}

func (f *faultyGrants) update(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	return f.MemoryStore.UpdateGrant(ctx, f.mapKey(key), func(g *lwa.Grant) error {
		grant := *g
		grant.Key = key
		if grant.RefreshToken != "" {
			grant = f.mapOut(grant)
		}
		if err := fn(&grant); err != nil {
			return err
		}
		if *g = grant; f.in != nil {
			*g = f.in(grant)
		}
		return nil
	})
}

func (f *faultyGrants) EraseGrants(ctx context.Context, accountID string) error {
	if f.eraseGrants != nil {
		return f.eraseGrants(ctx, accountID)
	}
	return f.MemoryStore.EraseGrants(ctx, accountID)
}

func (f *faultyGrants) Grants(ctx context.Context) grantSeq {
	if f.grants != nil {
		return f.grants(ctx)
	}
	return f.MemoryStore.Grants(ctx)
}

func (f *faultyGrants) EndedGrants(ctx context.Context, clientID string) grantSeq {
	if f.endedGrants != nil {
		return f.endedGrants(ctx, clientID)
	}
	return f.only(ctx, func(g lwa.Grant) bool {
		return g.ClientID == clientID && (g.Refused != "" || !g.DisabledAt.IsZero())
	})
}

// only yields some of all grants.
func (f *faultyGrants) only(ctx context.Context, some func(lwa.Grant) bool) grantSeq {
	return func(yield func(lwa.Grant, error) bool) {
		for grant, err := range f.MemoryStore.Grants(ctx) {
			if (err != nil || some(grant)) && !yield(grant, err) {
				return
			}
		}
	}
}

func (f *faultyGrants) mapOut(grant lwa.Grant) lwa.Grant {
	if f.out != nil {
		return f.out(grant)
	}
	return grant
}

func (f *faultyGrants) mapKey(key lwa.Key) lwa.Key {
	if f.key != nil {
		return f.key(key)
	}
	return key
}

// everything yields the grants of the accounts and clients that checks use.
func (f *faultyGrants) everything(ctx context.Context, accounts ...string) grantSeq {
	return func(yield func(lwa.Grant, error) bool) {
		for _, accountID := range accounts {
			for _, clientID := range []string{lwaClient, otherLWAClient} {
				for grant, err := range f.list(ctx, clientID, accountID) {
					if !yield(grant, err) {
						return
					}
				}
			}
		}
	}
}

// reorder sorts a list in another order.
func reorder(f *faultyGrants, compare func(a, b lwa.Grant) int) {
	f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
		return func(yield func(lwa.Grant, error) bool) {
			var all []lwa.Grant
			for grant, err := range f.list(ctx, clientID, accountID) {
				if err != nil {
					yield(lwa.Grant{}, err)
					return
				}
				all = append(all, grant)
			}
			slices.SortStableFunc(all, compare)
			for _, grant := range all {
				if !yield(grant, nil) {
					return
				}
			}
		}
	}
}

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

// remembers is a handle that caches a grant that it has read, until it writes the grant.
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
