package identity_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/storetest"
)

func TestMemoryStore(t *testing.T) {
	storetest.Identity(t, func(*testing.T) identity.Store { return new(identity.MemoryStore) })
}

// A string of a caller may be a part of a whole request, which the store must
// not keep. Here the bytes change after the call: a store that kept them would
// lose its facts.
func TestMemoryStoreCopiesText(t *testing.T) {
	store := new(identity.MemoryStore)
	var buffers [][]byte
	borrowed := func(text string) string {
		buffer := []byte(text)
		buffers = append(buffers, buffer)
		return unsafe.String(unsafe.SliceData(buffer), len(buffer))
	}
	var facts []identity.Fact
	for _, user := range []string{"user-1", "user-2"} {
		facts = append(facts, of(user, linked(1, "a")), of(user, linked(2, "b")))
	}
	for _, f := range facts {
		f.SkillID, f.AmazonUserID, f.AccountID = borrowed(f.SkillID), borrowed(f.AmazonUserID), borrowed(f.AccountID)
		require.NoError(t, store.AddFact(t.Context(), f))
	}
	for _, buffer := range buffers {
		clear(buffer)
	}
	require.Equal(t, identity.Records(facts[:2]), collect(t, store.UserRecords(t.Context(), skillID, "user-1")))
	require.Equal(t, identity.Records(facts[2:]), collect(t, store.UserRecords(t.Context(), "", "user-2")))
	require.Len(t, collect(t, store.AccountRecords(t.Context(), "a")), 2)
	require.Len(t, collect(t, store.AccountRecords(t.Context(), "b")), 2)
}

// An erasure leaves nothing, not even an account without users.
func TestMemoryStoreForgets(t *testing.T) {
	store := new(identity.MemoryStore)
	for range 3 {
		require.NoError(t, store.AddFact(t.Context(), enabled(1)))
		require.NoError(t, store.AddFact(t.Context(), linked(2, "a")))
		require.NoError(t, store.EraseAccount(t.Context(), "a"))
		require.Empty(t, collect(t, store.UserRecords(t.Context(), "", userID)))
		require.Empty(t, collect(t, store.AccountRecords(t.Context(), "a")))
		require.NoError(t, store.Purge(t.Context(), at(100)))
	}
}

// A store that is filled with the yielded facts returns the same records.
func TestMemoryStoreFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store, other := new(identity.MemoryStore), new(identity.MemoryStore)
		want := make(map[identity.Fact]bool)
		for _, fact := range drawFacts(t) {
			require.NoError(t, store.AddFact(t.Context(), fact))
			want[fact] = true
		}
		var got []identity.Fact
		for fact, err := range store.Facts(t.Context()) {
			require.NoError(t, err)
			require.NoError(t, other.AddFact(t.Context(), fact))
			require.NoError(t, store.EraseUser(t.Context(), fact.SkillID, "nobody"), "the store is free inside the loop")
			got = append(got, fact)
			delete(want, fact)
		}
		require.Empty(t, want)
		require.Empty(t, cmp.Diff(got, slices.Collect(factsIn(t, other))), "the same order")
		type user struct{ skillID, amazonUserID string }
		users := make(map[user]int) // where the facts of each end
		for i, fact := range got {
			u := user{fact.SkillID, fact.AmazonUserID}
			last, met := users[u]
			require.True(t, !met || last == i-1 && got[i-1].At.Compare(fact.At) <= 0, "%v", got)
			users[u] = i
		}
	})
}

func factsIn(t *rapid.T, store *identity.MemoryStore) func(yield func(identity.Fact) bool) {
	return func(yield func(identity.Fact) bool) {
		for fact, err := range store.Facts(t.Context()) {
			require.NoError(t, err)
			if !yield(fact) {
				return
			}
		}
	}
}

func TestMemoryStoreFactsMeanwhile(t *testing.T) {
	store := new(identity.MemoryStore)
	for _, user := range []string{"user-1", "user-2", "user-3"} {
		require.NoError(t, store.AddFact(t.Context(), of(user, linked(1, "a"))))
		require.NoError(t, store.AddFact(t.Context(), of(user, enabled(2))))
	}
	var users []string
	for fact, err := range store.Facts(t.Context()) {
		require.NoError(t, err)
		users = append(users, fact.AmazonUserID)
		require.NoError(t, store.EraseUser(t.Context(), "", "user-2"))
	}
	require.Equal(t, []string{"user-1", "user-1", "user-3", "user-3"}, users)

	for _, err := range store.Facts(t.Context()) {
		require.NoError(t, err)
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for fact, err := range store.Facts(ctx) {
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, fact)
	}
}

func TestMemoryStoreBytesPerCustomer(t *testing.T) {
	const customers = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	store := filledStore(t, customers)
	runtime.GC()
	runtime.ReadMemStats(&after)
	perCustomer := int(after.HeapAlloc-before.HeapAlloc)/customers - 240 // the memory that 225 bytes of user ID take
	t.Logf("%d bytes per customer", perCustomer)
	require.Less(t, perCustomer, 400)
	runtime.KeepAlive(store)
}
