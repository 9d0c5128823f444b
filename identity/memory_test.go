package identity_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

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

// What is erased leaves nothing behind: not even an account without users.
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
