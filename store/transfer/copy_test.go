package transfer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// A copy has the very facts, by whichever method they are added.
func TestFacts(t *testing.T) {
	from := filled(t, manyFacts(1500))
	want := collect(t, from.Facts(t.Context()))

	oneByOne := new(identity.MemoryStore)
	require.NoError(t, transfer.Facts(t.Context(), oneByOne, from.Facts(t.Context())))
	require.Equal(t, want, collect(t, oneByOne.Facts(t.Context())))

	bulk := &bulkStore{failAt: 2}
	require.ErrorIs(t, transfer.Facts(t.Context(), bulk, from.Facts(t.Context())), errBroken)
	require.NoError(t, transfer.Facts(t.Context(), bulk, from.Facts(t.Context())))
	require.Equal(t, want, collect(t, bulk.Facts(t.Context())))

	bulk = new(bulkStore)
	require.NoError(t, transfer.Facts(t.Context(), bulk, from.Facts(t.Context())))
	require.Equal(t, len(want), bulk.added)
	require.Equal(t, len(want)/1000+1, bulk.calls)

	require.NoError(t, transfer.Facts(t.Context(), bulk, new(identity.MemoryStore).Facts(t.Context())))
	failed := func(yield func(identity.Fact, error) bool) { yield(identity.Fact{}, errBroken) }
	require.ErrorIs(t, transfer.Facts(t.Context(), bulk, failed), errBroken)
	require.ErrorIs(t, transfer.Facts(t.Context(), brokenStore{}, filled(t, manyFacts(1)).Facts(t.Context())), errBroken)
}
