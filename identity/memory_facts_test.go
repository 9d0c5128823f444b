package identity_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/identity"
)

// The facts that come out make a store that answers as the first does.
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
