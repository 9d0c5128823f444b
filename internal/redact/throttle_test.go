package redact_test

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/redact"
)

func TestLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limit redact.Throttle
		require.Equal(t, slog.LevelError, limit.Level(), "the first")
		require.Equal(t, slog.LevelDebug, limit.Level())
		time.Sleep(time.Minute - time.Nanosecond)
		require.Equal(t, slog.LevelDebug, limit.Level())
		time.Sleep(time.Nanosecond)
		require.Equal(t, slog.LevelError, limit.Level(), "a minute later")
		require.Equal(t, slog.LevelDebug, limit.Level())
	})
}

func TestLevelOneOfMany(t *testing.T) {
	var limit redact.Throttle
	var errors atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if limit.Level() == slog.LevelError {
				errors.Add(1)
			}
		})
	}
	group.Wait()
	require.Equal(t, int32(1), errors.Load())
}
