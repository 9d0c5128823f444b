package lwa_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
)

// A slow success that began before the failures ends while the request after the
// pause is being made.
func TestSlowSuccessDuringAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := new(lwa.MemoryStore)
		source, slow := imported(t, a, store, "slow")
		for _, name := range []string{"b", "c", "d", "e"} {
			require.NoError(t, source.Import(t.Context(), keyOf(name), a.grant(name)))
		}
		replies := make(chan func(next func() (*http.Response, error)) (*http.Response, error), 10)
		a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
			return (<-replies)(next)
		}
		after := func(d time.Duration, status int) {
			replies <- func(next func() (*http.Response, error)) (*http.Response, error) {
				time.Sleep(d)
				if status == 200 {
					return next()
				}
				return answer(status, ""), nil
			}
		}
		after(4*time.Second, 200) // slow
		go func() { _, _ = source.Token(context.Background(), slow) }()
		synctest.Wait()
		after(0, 503)
		_, err := source.Token(t.Context(), keyOf("b"))
		require.ErrorIs(t, err, lwa.ErrUnavailable)
		after(0, 503)
		_, err = source.Token(t.Context(), keyOf("c"))
		require.ErrorIs(t, err, lwa.ErrUnavailable)
		time.Sleep(2 * time.Second)
		after(5*time.Second, 200) // the request after the pause
		_, err = source.Token(t.Context(), keyOf("d"))
		require.NoError(t, err)
		after(0, 200)
		_, err = source.Token(t.Context(), keyOf("e"))
		require.NoError(t, err, "the pause is over")
	})
}

// A success that began before Amazon asked for a pause does not end it.
func TestSlowSuccessKeepsRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := new(lwa.MemoryStore)
		source, slow := imported(t, a, store, "slow")
		for _, name := range []string{"b", "c"} {
			require.NoError(t, source.Import(t.Context(), keyOf(name), a.grant(name)))
		}
		n := 0
		a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
			switch n++; n {
			case 1:
				time.Sleep(4 * time.Second)
			case 2:
				response := answer(429, "")
				response.Header.Set("Retry-After", "60")
				return response, nil
			}
			return next()
		}
		go func() { _, _ = source.Token(context.Background(), slow) }()
		synctest.Wait()
		_, err := source.Token(t.Context(), keyOf("b"))
		require.ErrorIs(t, err, lwa.ErrThrottled)
		time.Sleep(5 * time.Second)
		_, err = source.Token(t.Context(), keyOf("c"))
		require.ErrorIs(t, err, lwa.ErrThrottled)
		require.Equal(t, 2, n)
	})
}
