package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

func TestMemoryStore(t *testing.T) {
	Identity(t, func(*testing.T) identity.Store { return new(identity.MemoryStore) })
}

// The methods beside those of the interface may be missing.
func TestStoreWithoutMore(t *testing.T) {
	Identity(t, func(*testing.T) identity.Store { return struct{ identity.Store }{new(identity.MemoryStore)} })
}

// TestFaultsAreNoticed breaks a store in one place at a time.
func TestFaultsAreNoticed(t *testing.T) {
	noticed := make(map[string]bool)
	for _, fault := range slices.Concat(writeFaults, readFaults, eraseFaults, textFaults, loopFaults, bulkFaults) {
		noticed[fault.check] = true
		t.Run(fault.name, func(t *testing.T) {
			i := slices.IndexFunc(identityChecks, func(c identityCheck) bool { return c.name == fault.check })
			require.GreaterOrEqual(t, i, 0, "no check %q", fault.check)
			limit := patience
			if strings.Contains(fault.words, "hangs") {
				limit = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			store := newFaulty()
			fault.inject(store)
			err := identityChecks[i].run(ctx, store)
			require.ErrorContains(t, err, fault.words)
		})
	}
	for _, check := range identityChecks {
		require.True(t, noticed[check.name], "no fault shows that the check %q can fail", check.name)
		require.NoError(t, check.run(t.Context(), newFaulty()), "%s, of a store that is not broken", check.name)
	}
}
