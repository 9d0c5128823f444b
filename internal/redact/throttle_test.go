package redact_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/redact"
)

func TestAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limit redact.Throttle
		require.True(t, limit.Allow(), "the first")
		require.False(t, limit.Allow())
		time.Sleep(time.Minute - time.Nanosecond)
		require.False(t, limit.Allow())
		time.Sleep(time.Nanosecond)
		require.True(t, limit.Allow(), "a minute later")
		require.False(t, limit.Allow())
	})
}

func TestAllowOneOfMany(t *testing.T) {
	var limit redact.Throttle
	var allowed atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if limit.Allow() {
				allowed.Add(1)
			}
		})
	}
	group.Wait()
	require.Equal(t, int32(1), allowed.Load())
}
