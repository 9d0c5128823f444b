package rest_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/rest"
)

func TestPause(t *testing.T) {
	for _, test := range []struct {
		name       string
		n          int
		retryAfter string
		shortest   time.Duration // zero is no pause and no resend
		jitter     time.Duration
	}{
		{"first", 1, "", time.Second, time.Second / 2},
		{"second", 2, "", 2 * time.Second, time.Second},
		{"third", 3, "", 4 * time.Second, 2 * time.Second},
		{"fourth", 4, "", 0, 0},
		{"shorter than ours", 1, "0", time.Second, time.Second / 2},
		{"longer than ours", 1, "7", 7 * time.Second, time.Second / 2},
		{"date", 1, "Sat, 01 Jan 2000 00:00:09 GMT", 9 * time.Second, time.Second / 2},
		{"date gone by", 1, "Fri, 31 Dec 1999 23:59:00 GMT", time.Second, time.Second / 2},
		{"too long", 1, "61", 0, 0},
		{"too long for a duration", 1, "4294967295", 0, 0},
		{"nonsense", 1, "-5", time.Second, time.Second / 2},
		{"more than 32 bits", 1, "4294967296", 0, 0},
		{"too long for a duration in seconds", 1, "9223372037", 0, 0},
		{"more than 64 bits", 1, "99999999999999999999", 0, 0},
		{"distant date", 1, "Fri, 31 Dec 9999 23:59:59 GMT", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := http.Header{}
			if test.retryAfter != "" {
				header.Set("Retry-After", test.retryAfter)
			}
			pauses := make(map[time.Duration]bool)
			for range 20 {
				synctest.Test(t, func(t *testing.T) { // each begins with the year 2000
					start := time.Now()
					retried := rest.Pause(t.Context(), test.n, rest.RetryAfter(header))
					paused := time.Since(start)
					require.Equal(t, test.shortest > 0, retried)
					require.GreaterOrEqual(t, paused, test.shortest)
					require.LessOrEqual(t, paused, test.shortest+test.jitter)
					pauses[paused] = true
				})
			}
			require.Equal(t, test.shortest > 0, len(pauses) > 10, "without jitter all come back at once")
		})
	}
}

func TestPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.False(t, rest.Pause(ctx, 1, 0), "there is no time for another attempt")
		require.Zero(t, time.Since(start))

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		require.False(t, rest.Pause(ctx, 1, 0))
		require.Equal(t, 100*time.Millisecond, time.Since(start))

		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.True(t, rest.Pause(ctx, 1, 0))

		for range 50 { // the jitter may be almost nothing
			ctx, cancel := context.WithTimeout(t.Context(), 1099*time.Millisecond)
			require.False(t, rest.Pause(ctx, 1, 0), "the last 100 milliseconds are the caller's")
			cancel()
		}
	})
}

// The caller keeps time to respond, but never more than half of what there is.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ok := rest.Deadline(t.Context())
		require.False(t, ok)
		for _, test := range []struct{ timeout, want time.Duration }{
			{8 * time.Second, 7900 * time.Millisecond},
			{200 * time.Millisecond, 100 * time.Millisecond},
			{50 * time.Millisecond, 25 * time.Millisecond},
			{-time.Second, -time.Second},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
			defer cancel()
			at, ok := rest.Deadline(ctx)
			require.True(t, ok)
			require.Equal(t, test.want, time.Until(at))
		}
	})
}

func TestUnsent(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	require.True(t, rest.Unsent(&url.Error{Op: "Post", Err: dial}))
	require.False(t, rest.Unsent(&net.OpError{Op: "read", Err: syscall.ECONNRESET}))
	require.False(t, rest.Unsent(nil))
}
