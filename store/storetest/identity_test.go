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

// TestFaultsAreNoticed breaks a store in one place at a time.
func TestFaultsAreNoticed(t *testing.T) {
	noticed := make(map[string]bool)
	for _, fault := range slices.Concat(writeFaults, readFaults, eraseFaults, textFaults) {
		noticed[fault.check] = true
		t.Run(fault.name, func(t *testing.T) {
			i := slices.IndexFunc(identityChecks, func(c identityCheck) bool { return c.name == fault.check })
			require.GreaterOrEqual(t, i, 0, "no check %q", fault.check)
			check := identityChecks[i]
			store := &faulty{Store: new(identity.MemoryStore)}
			require.NoError(t, check.run(t.Context(), store), "before it is broken")

			patience := 10 * time.Second
			if strings.Contains(fault.words, "hangs") {
				patience = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			store = &faulty{Store: new(identity.MemoryStore)}
			fault.inject(store)
			err := check.run(ctx, store)
			require.ErrorContains(t, err, fault.words)
		})
	}
	for _, check := range identityChecks {
		require.True(t, noticed[check.name], "no fault shows that the check %q can fail", check.name)
	}
}
