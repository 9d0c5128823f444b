package resend_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/resend"
)

func TestPause(t *testing.T) {
	for _, test := range []struct {
		name       string
		n          int
		retryAfter string
		least      time.Duration // zero is no pause and no resend
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
		{"overflow", 1, "99999999999999999999", time.Second, time.Second / 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := http.Header{}
			if test.retryAfter != "" {
				answer.Set("Retry-After", test.retryAfter)
			}
			pauses := make(map[time.Duration]bool)
			for range 20 {
				synctest.Test(t, func(t *testing.T) { // each begins with the year 2000
					start := time.Now()
					again := resend.Pause(t.Context(), test.n, answer)
					paused := time.Since(start)
					require.Equal(t, test.least > 0, again)
					require.GreaterOrEqual(t, paused, test.least)
					require.LessOrEqual(t, paused, test.least+test.jitter)
					pauses[paused] = true
				})
			}
			require.Equal(t, test.least > 0, len(pauses) > 10, "without jitter all come back at once")
		})
	}
}

func TestPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.False(t, resend.Pause(ctx, 1, nil), "there is no time for another attempt")
		require.Zero(t, time.Since(start))

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		require.False(t, resend.Pause(ctx, 1, nil))
		require.Equal(t, 100*time.Millisecond, time.Since(start))

		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.True(t, resend.Pause(ctx, 1, nil))
	})
}
