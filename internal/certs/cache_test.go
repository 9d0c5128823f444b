package certs

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// site is a URL of the certificate host, with the model of its entry in the cache.
type site struct {
	url      string
	key      *rsa.PublicKey // of the certificate there
	validity time.Duration  // of the certificate, from its fetch
	fault    error          // error of a fetch

	fetched []time.Time
	early   bool         // was fetched too soon after the last fetch
	kept    *Certificate // of the last successful fetch
	failure error        // of the last failed fetch
	retryAt time.Time    // end of the time for which the cache keeps the failure
}

func (s *site) load(context.Context) (*Certificate, error) {
	now := time.Now()
	if s.serves() && len(s.fetched) > 0 {
		last := now.Sub(s.fetched[len(s.fetched)-1])
		s.early = s.early || last < pause && last != retryPause
	}
	s.fetched = append(s.fetched, now)
	if s.fault != nil {
		s.failure, s.retryAt = s.fault, now.Add(refusedFor)
		if errors.Is(s.fault, ErrFetch) {
			s.retryAt = now.Add(faultFor)
		}
		return nil, s.fault
	}
	s.kept = &Certificate{s.key, now, now.Add(s.validity)}
	return s.kept, nil
}

// serves reports whether the cache has a certificate that is valid now.
func (s *site) serves() bool { return s.kept != nil && s.kept.validAt(time.Now()) }

func (s *site) source() Source { return Source{s.url, time.Now(), s.load} }

// With any faults of the host and any forged requests, a kept certificate is used until
// it expires, and fetched at most once a minute.
func TestCacheKeepsWhatIsGood(t *testing.T) {
	key := func(n int64) *rsa.PublicKey { return &rsa.PublicKey{N: big.NewInt(n), E: 3} }
	rapid.Check(t, func(r *rapid.T) {
		var failure any // of rapid, which panics
		synctest.Test(t, func(t *testing.T) {
			defer func() { failure = recover() }()
			var cache Cache
			keys, invented := int64(1), 0
			sites := make([]*site, 3)
			for i := range sites {
				sites[i] = &site{url: fmt.Sprint("site", i), key: key(1), validity: 48 * time.Hour}
			}
			verify := func(s *site, signer *rsa.PublicKey) (took time.Duration, err error) {
				start := time.Now()
				err = cache.Verify(t.Context(), s.source(), func(known *rsa.PublicKey) bool { return known.Equal(signer) })
				took = time.Since(start)
				time.Sleep(2 * retryPause) // until a renewal has ended
				synctest.Wait()
				return took, err
			}
			genuine := func(r *rapid.T) {
				s := rapid.SampledFrom(sites).Draw(r, "site")
				start, fetches := time.Now(), len(s.fetched)
				if s.serves() {
					took, err := verify(s, s.kept.Key)
					require.NoError(r, err)
					require.Zero(r, took)
					return
				}
				_, err := verify(s, s.key)
				if len(s.fetched) == fetches {
					require.True(r, start.Before(s.retryAt))
					require.ErrorIs(r, err, s.failure)
				} else {
					require.ErrorIs(r, err, s.fault)
				}
			}
			r.Repeat(map[string]func(*rapid.T){
				"genuine":                  genuine,
				"genuine, of another site": genuine,
				"bad signature": func(r *rapid.T) {
					_, err := verify(rapid.SampledFrom(sites).Draw(r, "site"), key(0))
					require.Error(r, err)
				},
				"attackers": func(r *rapid.T) {
					for range maxFailed + 1 {
						invented++
						_, err := verify(&site{url: fmt.Sprint("invented", invented), fault: ErrInvalid}, key(0))
						require.ErrorIs(r, err, ErrInvalid)
					}
				},
				"time": func(r *rapid.T) {
					time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 2, 29, 31, 59, 61, 3600, 80000, 180000}).Draw(r, "seconds")) * time.Second)
				},
				"host": func(r *rapid.T) {
					rapid.SampledFrom(sites).Draw(r, "site").fault = rapid.SampledFrom([]error{nil, ErrFetch, ErrInvalid}).Draw(r, "fault")
				},
				"replace": func(r *rapid.T) {
					s := rapid.SampledFrom(sites).Draw(r, "site")
					keys++
					s.key = key(keys)
					s.validity = time.Duration(rapid.SampledFrom([]int{1, 30, 61, 100}).Draw(r, "hours")) * time.Hour
				},
				"": func(r *rapid.T) {
					require.LessOrEqual(r, len(cache.kept), maxKept)
					require.LessOrEqual(r, len(cache.failed), maxFailed)
					require.Empty(r, cache.flying)
					require.Zero(r, cache.fetching)
					for _, s := range sites {
						require.False(r, s.early)
					}
				},
			})
		})
		if failure != nil {
			panic(failure)
		}
	})
}

func key(n int64) *rsa.PublicKey { return &rsa.PublicKey{N: big.NewInt(n), E: 3} }

// A certificate that is fetched again takes the place of the old one, and of no
// other.
func TestRenewalDisplacesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache Cache
		sites := make([]*site, maxKept)
		verifyAll := func() {
			for _, s := range sites {
				require.NoError(t, cache.Verify(t.Context(), s.source(), func(known *rsa.PublicKey) bool { return known.Equal(s.key) }))
			}
			synctest.Wait()
		}
		for i := range sites {
			sites[i] = &site{url: fmt.Sprint("site", i), key: key(1), validity: 48 * time.Hour}
		}
		sites[7].validity = 50 * time.Minute // due at once
		verifyAll()
		time.Sleep(2 * time.Minute)
		verifyAll()
		verifyAll()
		for i, s := range sites {
			require.Len(t, s.fetched, map[bool]int{false: 1, true: 2}[i == 7])
		}
	})
}

// A signature that does not fit is compared with the certificate that another
// caller has fetched meanwhile.
func TestReplacedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache Cache
		s := &site{url: "site", key: key(1), validity: 48 * time.Hour}
		fits := func(known *rsa.PublicKey) bool { return known.Equal(s.key) }
		require.NoError(t, cache.Verify(t.Context(), s.source(), fits))
		time.Sleep(pause)
		s.key = key(2)
		require.NoError(t, cache.Verify(t.Context(), s.source(), func(known *rsa.PublicKey) bool {
			if known.Equal(key(1)) {
				require.NoError(t, cache.Verify(t.Context(), s.source(), fits))
			}
			return fits(known)
		}))
		require.Len(t, s.fetched, 2)
	})
}

// Of those who wait for a slot, a caller who gives up leaves alone, and the last
// one takes the fetch along.
func TestLeavingWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache Cache
		release := make(chan struct{})
		load := func(context.Context) (*Certificate, error) { //nolint:unparam // a Source.Load
			<-release
			return &Certificate{key(1), time.Now(), time.Now().Add(time.Hour)}, nil
		}
		results := make(chan error, maxFetches+3)
		verify := func(ctx context.Context, url string) {
			go func() {
				results <- cache.Verify(ctx, Source{url, time.Now(), load}, func(*rsa.PublicKey) bool { return true })
			}()
		}
		for i := range maxFetches {
			verify(t.Context(), fmt.Sprint("site", i))
		}
		synctest.Wait()
		leaving, leave := context.WithCancel(t.Context())
		verify(leaving, "shared")
		verify(t.Context(), "shared")
		verify(leaving, "abandoned")
		synctest.Wait()
		require.Len(t, cache.waiting, 2)
		leave()
		for range 2 {
			require.ErrorIs(t, <-results, context.Canceled)
		}
		require.Len(t, cache.waiting, 1)
		require.NotContains(t, cache.flying, "abandoned")
		close(release)
		for range maxFetches + 1 {
			require.NoError(t, <-results)
		}
		require.Empty(t, cache.waiting)
		require.Empty(t, cache.flying)
	})
}

// A caller waits for four seconds at most, for a slot and for the fetch together.
func TestWaitTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache Cache
		hang := func(ctx context.Context) (*Certificate, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("%w: %w", ErrFetch, ctx.Err())
		}
		verify := func(url string) error {
			return cache.Verify(t.Context(), Source{url, time.Now(), hang}, func(*rsa.PublicKey) bool { return true })
		}
		for i := range maxFetches {
			go func() { _ = verify(fmt.Sprint("site", i)) }()
		}
		time.Sleep(time.Second)
		start := time.Now()
		require.ErrorIs(t, verify("late"), ErrFetch)
		require.Equal(t, 4*time.Second, time.Since(start))
		time.Sleep(fetchTime) // until its own fetch ends
	})
}

func TestErrorTextIsTheCause(t *testing.T) {
	fetch, invalid, mismatch := errors.New("pkg: not fetched"), errors.New("pkg: not Amazon's"), errors.New("pkg: mismatch")
	for want, err := range map[string]error{
		"pkg: not fetched: the host responds with 503": fetchError(statusError(503)),
		"pkg: not Amazon's: not an RSA key":            invalidf("not an RSA key"),
		"pkg: mismatch":                                ErrSignature,
	} {
		got := Error(err, fetch, invalid, mismatch)
		require.EqualError(t, got, want)
		require.Equal(t, !errors.Is(err, ErrSignature), errors.Is(got, err))
	}
}
