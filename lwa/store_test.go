package lwa_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/storetest"
)

var errDown = errors.New("the database is down")

// faultyStore is a store whose calls are counted and can be delayed or fail.
type faultyStore struct {
	lwa.Store
	reads, writes           atomic.Int64 // number of calls
	failReads, failWrites   atomic.Bool
	beforeRead, beforeWrite func(context.Context, lwa.Key) error // nil does nothing
}

func (s *faultyStore) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	s.reads.Add(1)
	if s.failReads.Load() {
		return lwa.Grant{}, errDown
	}
	if s.beforeRead != nil {
		if err := s.beforeRead(ctx, key); err != nil {
			return lwa.Grant{}, err
		}
	}
	return s.Store.Grant(ctx, key)
}

func (s *faultyStore) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	s.writes.Add(1)
	if s.failWrites.Load() {
		return errDown
	}
	if s.beforeWrite != nil {
		if err := s.beforeWrite(ctx, key); err != nil {
			return err
		}
	}
	return s.Store.UpdateGrant(ctx, key, fn)
}

// slowWrites returns a store whose writes take this long.
func slowWrites(store lwa.Store, delay time.Duration) *faultyStore {
	return &faultyStore{Store: store, beforeWrite: func(ctx context.Context, _ lwa.Key) error { return sleep(ctx, delay) }}
}

// lister is a store with the method Grants.
type lister interface {
	lwa.Store
	Grants(ctx context.Context) iter.Seq2[lwa.Grant, error]
}

func TestGrants(t *testing.T) {
	for name, store := range map[string]lister{
		"MemoryStore": new(lwa.MemoryStore),
		"Sealed":      &lwa.Sealed{Store: new(lwa.MemoryStore), AEAD: newGCM(t, sealingKey)},
	} {
		t.Run(name, func(t *testing.T) {
			for grant, err := range store.Grants(t.Context()) {
				t.Errorf("a grant %v or error %v in an empty store", grant, err)
			}
			want := []lwa.Grant{
				{Key: lwa.Key{AccountID: "a", ClientID: "c2"}, RefreshToken: "r1"},
				{Key: lwa.Key{AccountID: "b", ClientID: "c1", LinkID: "l1"}, RefreshToken: "r2", AccessToken: "a"},
				{Key: lwa.Key{AccountID: "b", ClientID: "c1", LinkID: "l2"}, RefreshToken: "r3"},
				{Key: lwa.Key{AccountID: "b", ClientID: "c2"}, RefreshToken: "r4", Refused: "hash"},
			}
			for _, i := range []int{2, 0, 3, 1} {
				put(t, store, want[i])
			}
			var got []lwa.Grant
			for grant, err := range store.Grants(t.Context()) {
				require.NoError(t, err)
				got = append(got, grant)
				put(t, store, grant) // the store is free inside the loop
			}
			require.Equal(t, want, got)

			for _, err := range store.Grants(t.Context()) {
				require.NoError(t, err)
				break
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for grant, err := range store.Grants(ctx) {
				require.ErrorIs(t, err, context.Canceled)
				require.Zero(t, grant)
			}
		})
	}
}

func TestSealedGrantsFails(t *testing.T) {
	onlyError := func(store *lwa.Sealed) (failure error) {
		for grant, err := range store.Grants(t.Context()) {
			require.NoError(t, failure)
			require.Zero(t, grant)
			failure = err
		}
		return failure
	}
	require.ErrorContains(t, onlyError(&lwa.Sealed{}), "Sealed.Store or Sealed.AEAD is nil")

	inside := new(lwa.MemoryStore)
	put(t, inside, lwa.Grant{Key: keyOf("account"), RefreshToken: "Atzr|canary"})
	store := &lwa.Sealed{Store: inside, AEAD: newGCM(t, sealingKey), RefusePlain: true}
	require.ErrorIs(t, onlyError(store), lwa.ErrSealed)

	store.Store = struct{ lwa.Store }{inside}
	require.ErrorIs(t, onlyError(store), errors.ErrUnsupported)
}

func TestStores(t *testing.T) {
	t.Run("MemoryStore", func(t *testing.T) {
		storetest.Grants(t, func(*testing.T) lwa.Store { return new(lwa.MemoryStore) })
	})
	t.Run("Sealed", func(t *testing.T) {
		storetest.Grants(t, func(t *testing.T) lwa.Store {
			return &lwa.Sealed{Store: new(lwa.MemoryStore), AEAD: newGCM(t, sealingKey)}
		})
	})
}

func put(t *testing.T, store lwa.Store, grant lwa.Grant) {
	require.NoError(t, store.UpdateGrant(t.Context(), grant.Key, func(g *lwa.Grant) error { *g = grant; return nil }))
}
