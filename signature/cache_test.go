package signature_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/signature"
)

// 11, 12: fetched on a miss, not on a hit.
func TestOneFetchForManyRequests(t *testing.T) {
	b := newBench(t)
	for range 10 {
		require.NoError(t, b.verify(intent()))
	}
	require.Len(t, b.host.fetches(), 1)
}

func TestExpiredWhileCached(t *testing.T) {
	p := newPKI(t)
	p.leaf.NotAfter = now.Add(time.Minute)
	leaf, intermediate, root := p.issue(t)
	b := newBenchOf(t, slices.Concat(block(leaf), block(intermediate)), root)
	require.NoError(t, b.verify(intent()))

	b.now = now.Add(time.Minute)
	require.NoError(t, b.verify(intent()), "the last second")

	b.now = now.Add(time.Minute + time.Second)
	require.ErrorIs(t, b.verify(intent()), signature.ErrCertificate)
	require.Len(t, b.host.fetches(), 2, "fetched again once")
	require.ErrorIs(t, b.verify(intent()), signature.ErrCertificate)
	require.Len(t, b.host.fetches(), 2, "the failure is remembered")

	p.leaf.NotAfter = now.AddDate(1, 0, 0)
	leaf, _, _ = p.issue(t)
	b.host.serve(certURL, slices.Concat(block(leaf), block(intermediate)))
	b.now = b.now.Add(31 * time.Second)
	require.NoError(t, b.verify(intent()), "renewed")
	require.Len(t, b.host.fetches(), 3)
}

func TestIntermediateExpiresWhileCached(t *testing.T) {
	p := newPKI(t)
	p.intermediate.NotAfter = now.Add(time.Minute)
	leaf, intermediate, root := p.issue(t)
	b := newBenchOf(t, slices.Concat(block(leaf), block(intermediate)), root)
	require.NoError(t, b.verify(intent()))
	b.now = now.Add(2 * time.Minute)
	require.ErrorIs(t, b.verify(intent()), signature.ErrCertificate)
}

// A clock that was wrong and is set right finds out what it let in.
func TestNotYetValidWhileCached(t *testing.T) {
	p := newPKI(t)
	p.intermediate.NotBefore = now
	leaf, intermediate, root := p.issue(t)
	b := newBenchOf(t, slices.Concat(block(leaf), block(intermediate)), root)
	require.NoError(t, b.verify(intent()))
	b.now = now.Add(-time.Second)
	require.ErrorIs(t, b.verify(intent()), signature.ErrCertificate)
}

func TestRenewedWhileCached(t *testing.T) {
	p := newPKI(t)
	p.leaf.NotAfter = now.Add(time.Minute)
	leaf, intermediate, root := p.issue(t)
	b := newBenchOf(t, slices.Concat(block(leaf), block(intermediate)), root)
	require.NoError(t, b.verify(intent()))

	p.leaf.NotAfter = now.AddDate(1, 0, 0)
	leaf, _, _ = p.issue(t)
	b.host.serve(certURL, slices.Concat(block(leaf), block(intermediate)))
	b.now = now.Add(2 * time.Minute)
	require.NoError(t, b.verify(intent()), "not one request fails")
}

func TestRotated(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.verify(intent()))
	const next = "https://s3.amazonaws.com/echo.api/echo-api-cert-2.pem"
	b.host.serve(next, b.host.chains[certURL])
	header := signed(intent())
	header.Set("SignatureCertChainUrl", next)
	require.NoError(t, b.Verify(t.Context(), header, intent()))
	require.Equal(t, []string{certURL, next}, b.host.fetches())
}

// 13: failures are errors of their own and are remembered, but not for long.
func TestFailuresAreForgotten(t *testing.T) {
	b := newBench(t)
	b.host.answer = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	for range 5 {
		require.ErrorIs(t, b.verify(intent()), signature.ErrFetch)
	}
	require.Len(t, b.host.fetches(), 1)
	b.host.answer = nil
	b.now = now.Add(30 * time.Second)
	require.NoError(t, b.verify(intent()))
}

// A stranger can name any number of certificates. The one in use must survive.
func TestManyURLs(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.verify(intent()))
	verify := func(i int) error {
		header := signed(intent())
		header.Set("SignatureCertChainUrl", fmt.Sprintf("https://s3.amazonaws.com/echo.api/%d", i))
		return b.Verify(t.Context(), header, intent())
	}
	for i := range 100 {
		b.now = b.now.Add(time.Millisecond)
		require.ErrorIs(t, verify(i), signature.ErrFetch)
	}
	require.NoError(t, b.verify(intent()))
	require.Len(t, b.host.fetches(), 101, "the good one is still cached")
	for i := 36; i < 100; i++ {
		require.ErrorIs(t, verify(i), signature.ErrFetch)
	}
	require.Len(t, b.host.fetches(), 101, "the last 64 failures are remembered")
	require.ErrorIs(t, verify(35), signature.ErrFetch)
	require.Len(t, b.host.fetches(), 102, "an older one is not: memory is bounded")

	good := b.host.chains[certURL]
	for i := range 100 {
		b.host.serve(fmt.Sprintf("https://s3.amazonaws.com/echo.api/%d", i), good)
	}
	b.now = now.Add(time.Minute)
	for i := range 16 {
		require.NoError(t, verify(i))
	}
	require.NoError(t, verify(0))
	require.NoError(t, verify(16), "in place of 1, used longest ago")
	fetches := len(b.host.fetches())
	require.NoError(t, verify(0))
	require.Len(t, b.host.fetches(), fetches)
	require.NoError(t, verify(1))
	require.Len(t, b.host.fetches(), fetches+1)
}

// slow holds every fetch until the test lets it go, or its time is up.
func slow(b *bench) (release chan struct{}) {
	release = make(chan struct{})
	b.host.answer = func(r *http.Request) (*http.Response, error) {
		select {
		case <-release:
			return respond(r, http.StatusOK, b.host.chains[r.URL.String()]), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return release
}

func TestColdCallersShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		release := slow(b)
		body := intent()
		header := signed(body)
		results := make(chan error)
		for range 1000 {
			go func() { results <- b.Verify(t.Context(), header, body) }()
		}
		synctest.Wait()
		close(release)
		for range 1000 {
			require.NoError(t, <-results)
		}
		require.Len(t, b.host.fetches(), 1)
	})
}

func TestOneCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		release := slow(b)
		body := intent()
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error), make(chan error)
		go func() { first <- b.Verify(ctx, signed(body), body) }()
		synctest.Wait()
		go func() { second <- b.Verify(t.Context(), signed(body), body) }()
		synctest.Wait()

		cancel()
		err := <-first
		require.ErrorIs(t, err, signature.ErrFetch)
		require.ErrorIs(t, err, context.Canceled)

		close(release)
		require.NoError(t, <-second)
		require.Len(t, b.host.fetches(), 1)
	})
}

func TestSlowHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		slow(b)
		start := time.Now()
		require.ErrorIs(t, b.verify(intent()), signature.ErrFetch)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestFetchesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		release := slow(b)
		results := make(chan error, 10)
		for i := range 10 {
			go func() {
				header := signed(intent())
				header.Set("SignatureCertChainUrl", fmt.Sprintf("https://s3.amazonaws.com/echo.api/%d", i))
				results <- b.Verify(t.Context(), header, intent())
			}()
		}
		synctest.Wait()
		require.Len(t, b.host.fetches(), 4)
		require.Len(t, results, 6)
		close(release)
		for range 10 {
			require.Error(t, <-results)
		}
		require.NoError(t, b.verify(intent()), "there is room again")
	})
}
