package sqldb

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Backoff{Most: Patience / 100}
		begun := time.Now()
		var waits []time.Duration
		for range 20 {
			before := time.Now()
			require.NoError(t, b.Wait(t.Context()))
			waits = append(waits, time.Since(before))
		}
		require.Less(t, waits[0], 2*time.Millisecond)
		require.Less(t, slices.Max(waits), Patience/100)
		require.Greater(t, time.Since(begun), 100*time.Millisecond)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, b.Wait(ctx), context.Canceled)
	})
}
