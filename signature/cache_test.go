package signature_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/signature"
)

// 11, 12: fetched on a miss, not on a hit.
func TestOneFetchForManyRequests(t *testing.T) {
	b := newBench()
	for range 10 {
		require.NoError(t, b.verify(intent()))
	}
	require.Len(t, b.host.Calls(), 1)
}

func TestExpiredWhileCached(t *testing.T) {
	p := newPKI()
	p.Leaf.NotAfter = now.Add(time.Minute - time.Second)
	b := newBenchWith(p)
	require.NoError(t, b.verify(intent()))

	b.now = now.Add(time.Minute - time.Second)
	require.NoError(t, b.verify(intent()), "the last second")

	b.now = now.Add(time.Minute)
	require.ErrorIs(t, b.verify(intent()), signature.ErrCertificate)
	require.Len(t, b.host.Calls(), 2, "fetched again once")
	require.ErrorIs(t, b.verify(intent()), signature.ErrCertificate)
	require.Len(t, b.host.Calls(), 2, "the failure is remembered")

	p.Leaf.NotAfter = now.AddDate(1, 0, 0)
	b.serve(p)
	b.now = b.now.Add(time.Minute)
	require.NoError(t, b.verify(intent()), "renewed")
	require.Len(t, b.host.Calls(), 3)
}

func TestIntermediateExpiresWhileCached(t *testing.T) {
	p := newPKI()
	p.Intermediate.NotAfter = now.Add(time.Minute)
	b := newBenchWith(p)
	require.NoError(t, b.verify(intent()))
	b.now = now.Add(2 * time.Minute)
	require.ErrorIs(t, b.verify(intent()), signature.ErrCertificate)
}

// Of two intermediates of the same authority, the one that expires later decides,
// whichever comes first.
func TestOneOfTwoIntermediatesExpiresWhileCached(t *testing.T) {
	p := newPKI()
	leaf, long, root := p.Issue()
	p.Intermediate.NotAfter = now.Add(time.Minute)
	_, short, _ := p.Issue()
	for name, chain := range map[string][]byte{
		"short first": certstest.PEM(leaf, short, long),
		"long first":  certstest.PEM(leaf, long, short),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBenchOf(chain, root)
			require.NoError(t, b.verify(intent()))
			b.now = now.Add(2 * time.Minute)
			b.host.Respond = status(404)
			require.NoError(t, b.verify(intent()))
			require.Len(t, b.host.Calls(), 1)
		})
	}
}

// After a wrong clock is corrected, a cached certificate that is not yet valid is refused.
func TestNotYetValidWhileCached(t *testing.T) {
	p := newPKI()
	p.Intermediate.NotBefore = now
	b := newBenchWith(p)
	require.NoError(t, b.verify(intent()))
	b.now = now.Add(-time.Second)
	require.ErrorIs(t, b.verify(intent()), signature.ErrCertificate)
}

func TestRenewedWhileCached(t *testing.T) {
	p := newPKI()
	p.Leaf.NotAfter = now.Add(time.Minute)
	b := newBenchWith(p)
	require.NoError(t, b.verify(intent()))

	p.Leaf.NotAfter = now.AddDate(1, 0, 0)
	b.serve(p)
	b.now = now.Add(2 * time.Minute)
	require.NoError(t, b.verify(intent()), "not one request fails")
}

func TestRotated(t *testing.T) {
	b := newBench()
	require.NoError(t, b.verify(intent()))
	const next = "https://s3.amazonaws.com/echo.api/echo-api-cert-2.pem"
	b.host.chains[next] = b.host.chains[certURL]
	header := signed(intent())
	header.Set("SignatureCertChainUrl", next)
	require.NoError(t, b.Verify(t.Context(), header, intent()))
	require.Equal(t, []string{certURL, next}, b.host.Calls())
}

// 13: failures are errors of their own and are remembered, but not for long.
func TestFailuresAreForgotten(t *testing.T) {
	for name, test := range map[string]struct {
		respond func(*http.Request) (*http.Response, error)
		want    error
		fetches int
		until   time.Duration
	}{
		"no response":       {func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }, signature.ErrFetch, 2, 2100 * time.Millisecond},
		"status 500":        {status(500), signature.ErrFetch, 2, 2100 * time.Millisecond},
		"status 404":        {status(404), signature.ErrCertificate, 1, 30 * time.Second},
		"a bad certificate": {status(200), signature.ErrCertificate, 1, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				b.host.Respond = test.respond
				for range 5 {
					require.ErrorIs(t, b.verify(intent()), test.want)
				}
				b.now = now.Add(test.until - 1)
				require.ErrorIs(t, b.verify(intent()), test.want)
				require.Len(t, b.host.Calls(), test.fetches)
				b.host.Respond = nil
				b.now = now.Add(test.until)
				require.NoError(t, b.verify(intent()))
			})
		})
	}
}

// One broken connection costs no request.
func TestFetchIsRetried(t *testing.T) {
	for name, first := range map[string]func(*http.Request) (*http.Response, error){
		"reset":       func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") },
		"status 503":  status(503),
		"broken body": brokenBody,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.host.Respond = func(r *http.Request) (*http.Response, error) {
				b.host.Respond = nil
				return first(r)
			}
			require.NoError(t, b.verify(intent()))
			require.Len(t, b.host.Calls(), 2)
		})
	}
}

func status(code int) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return certstest.Response(code, nil), nil }
}

// An HTTP client that panics, or ends its goroutine, fails only its request.
func TestHTTPClientPanics(t *testing.T) {
	for name, respond := range map[string]func(*http.Request) (*http.Response, error){
		"panic":  func(*http.Request) (*http.Response, error) { panic("a bug") },
		"Goexit": func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.host.Respond = respond
			require.ErrorIs(t, b.verify(intent()), signature.ErrFetch)
			b.host.Respond = nil
			b.now = now.Add(10 * time.Second)
			require.NoError(t, b.verify(intent()))
		})
	}
}

// An attacker can name any number of certificates. The one in use must survive.
func TestManyURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		require.NoError(t, b.verify(intent()))
		verify := func(i int) error {
			header := signed(intent())
			header.Set("SignatureCertChainUrl", fmt.Sprintf("https://s3.amazonaws.com/echo.api/%d", i))
			return b.Verify(t.Context(), header, intent())
		}
		for i := range 100 {
			b.now = b.now.Add(time.Millisecond)
			require.ErrorIs(t, verify(i), signature.ErrCertificate)
		}
		require.NoError(t, b.verify(intent()))
		require.Len(t, b.host.Calls(), 101, "the good one is still cached")
		for i := 36; i < 100; i++ {
			require.ErrorIs(t, verify(i), signature.ErrCertificate)
		}
		require.Len(t, b.host.Calls(), 101, "the last 64 failures are remembered")
		require.ErrorIs(t, verify(35), signature.ErrCertificate)
		require.Len(t, b.host.Calls(), 102, "an older one is not: memory is bounded")

		good := b.host.chains[certURL]
		for i := range 100 {
			b.host.chains[fmt.Sprintf("https://s3.amazonaws.com/echo.api/%d", i)] = good
		}
		b.now = now.Add(time.Minute)
		for i := range 16 {
			require.NoError(t, verify(i))
		}
		require.NoError(t, verify(0))
		require.NoError(t, verify(16), "in place of 1, used longest ago")
		fetches := len(b.host.Calls())
		require.NoError(t, verify(0))
		require.Len(t, b.host.Calls(), fetches)
		require.NoError(t, verify(1))
		require.Len(t, b.host.Calls(), fetches+1)
	})
}

// attackers sends requests with invented certificate URLs, each as soon as the
// last one is refused, until the test stops them.
func attackers(t *testing.T, b *bench, n int) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	body := intent()
	genuine := signed(body)
	var invented atomic.Int64
	var working sync.WaitGroup
	for range n {
		working.Go(func() {
			header := genuine.Clone()
			for ctx.Err() == nil {
				header.Set("SignatureCertChainUrl", fmt.Sprintf("https://s3.amazonaws.com/echo.api/%d", invented.Add(1)))
				if err := b.Verify(ctx, header, body); err == nil {
					t.Error("an attacker is accepted")
				}
			}
		})
	}
	return func() {
		cancel()
		working.Wait()
		time.Sleep(4 * time.Second) // until their last fetches end
		synctest.Wait()
	}
}

// delayed serves the chains 150 ms late.
func delayed(b *bench) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(150 * time.Millisecond):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		return b.host.Default(r), nil
	}
}

// 100 attackers do not keep a genuine request out of a verifier that has no
// certificate yet.
func TestColdStartAmongAttackers(t *testing.T) {
	template := newBench()
	for range 160 {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{host: newHost(template.host.chains), now: now}
			b.Verifier = &signature.Verifier{
				Skills: template.Skills, Roots: template.Roots, HTTPClient: &http.Client{Transport: b.host}, Now: template.Now,
			}
			b.host.Respond = delayed(b)
			stop := attackers(t, b, 100)
			defer stop()
			time.Sleep(40 * time.Millisecond)
			start := time.Now()
			require.NoError(t, b.verify(intent()))
			require.LessOrEqual(t, time.Since(start), 4*time.Second)
		})
	}
}

// Genuine callers do not queue behind 2,000 attackers who wait: each
// caller has the same chance of the next fetch, and the genuine ones share one.
func TestNoQueueOfAttackers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.host.Respond = delayed(b)
		stop := attackers(t, b, 2000)
		defer stop()
		synctest.Wait()
		body := intent()
		header, results := signed(body), make(chan error)
		for range 1000 {
			go func() { results <- b.Verify(t.Context(), header, body) }()
		}
		for range 1000 {
			require.NoError(t, <-results)
		}
	})
}

// A certificate that was valid before is fetched at once, even if many forged requests
// wait.
func TestKnownURLNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPKI()
		p.Leaf.NotAfter = now.Add(30 * time.Second)
		b := newBenchWith(p)
		require.NoError(t, b.verify(intent()))
		p.Leaf.NotAfter = now.AddDate(1, 0, 0)
		b.serve(p)
		b.now = now.Add(time.Minute)
		b.host.Respond = delayed(b)
		stop := attackers(t, b, 200)
		defer stop()
		synctest.Wait()
		start := time.Now()
		require.NoError(t, b.verify(intent()))
		require.Equal(t, 150*time.Millisecond, time.Since(start))
	})
}

// replace makes the host serve a certificate for another key at the same URL.
func replace(b *bench, p *certstest.PKI, key *rsa.PrivateKey) {
	p.Key = key
	b.serve(p)
}

// A certificate that is replaced at its URL is found when a signature does not
// fit, and attackers with bad signatures cause one fetch a minute.
func TestReplaced(t *testing.T) {
	p := newPKI()
	b := newBenchWith(p)
	next := certstest.OtherKey()
	body := func() []byte { return request("IntentRequest", quoted(b.now)) }
	verify := func() error { return b.verify(body()) }
	verifyForged := func() error {
		forged := http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {sign(next, body())}}
		return b.Verify(t.Context(), forged, body())
	}

	require.NoError(t, verify())
	for range 10 {
		require.ErrorIs(t, verifyForged(), signature.ErrSignature)
	}
	require.Len(t, b.host.Calls(), 1, "fetched moments ago")
	b.now = now.Add(90 * time.Second)
	for range 10 {
		require.ErrorIs(t, verifyForged(), signature.ErrSignature)
	}
	require.Len(t, b.host.Calls(), 2, "once a minute")

	b.now = now.Add(180 * time.Second)
	b.host.Respond = status(500)
	require.ErrorIs(t, verifyForged(), signature.ErrSignature)
	require.NoError(t, verify(), "the old certificate serves on")
	b.host.Respond = status(404)
	b.now = now.Add(270 * time.Second)
	require.ErrorIs(t, verifyForged(), signature.ErrSignature)
	require.NoError(t, verify(), "even if it is gone")
	require.Len(t, b.host.Calls(), 5)
	b.host.Respond = nil

	b.now = now.Add(6 * time.Minute)
	replace(b, p, next)
	require.NoError(t, verifyForged(), "it was genuine after all")
	require.Len(t, b.host.Calls(), 6)
	require.ErrorIs(t, verify(), signature.ErrSignature)
}

// While a bad signature waits for a fetch, genuine requests do not.
func TestBadSignatureDelaysNoOtherRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		require.NoError(t, b.verify(intent()))
		b.now = now.Add(time.Minute)
		release := slow(b)
		forged := make(chan error, 3)
		for range 3 {
			go func() { forged <- b.Verify(t.Context(), signed([]byte("another")), intent()) }()
		}
		synctest.Wait()
		require.NoError(t, b.verify(intent()))
		require.Empty(t, forged)
		close(release)
		for range 3 {
			require.ErrorIs(t, <-forged, signature.ErrSignature)
		}
		require.Len(t, b.host.Calls(), 2)
	})
}

// A certificate is renewed a day after it was fetched and an hour before it
// expires. Requests are served with the old one meanwhile, and if that fails.
func TestRenewedInTheBackground(t *testing.T) {
	for name, test := range map[string]struct{ validFor, due time.Duration }{
		"after a day":           {365 * 24 * time.Hour, 24 * time.Hour},
		"an hour before expiry": {10 * time.Hour, 9 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPKI()
				p.Leaf.NotAfter = now.Add(test.validFor)
				b := newBenchWith(p)
				require.NoError(t, b.verify(intent()))

				verify := func(at time.Duration) error {
					b.now = now.Add(at)
					return b.verify(request("IntentRequest", quoted(b.now)))
				}
				require.NoError(t, verify(test.due-1))
				require.Len(t, b.host.Calls(), 1)

				release := slow(b)
				for range 3 {
					require.NoError(t, verify(test.due))
				}
				synctest.Wait()
				require.Len(t, b.host.Calls(), 2, "one fetch, without a wait")
				time.Sleep(4 * time.Second)
				synctest.Wait()
				require.NoError(t, verify(test.due+64*time.Second-1))
				synctest.Wait()
				require.Len(t, b.host.Calls(), 2, "the failure is remembered")

				close(release)
				require.NoError(t, verify(test.due+64*time.Second))
				synctest.Wait()
				require.Len(t, b.host.Calls(), 3)
			})
		})
	}
}

// slow holds every fetch until the test lets it go, or its time is up.
func slow(b *bench) (release chan struct{}) {
	release = make(chan struct{})
	b.host.Respond = func(r *http.Request) (*http.Response, error) {
		select {
		case <-release:
			return b.host.Default(r), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return release
}

func TestColdCallersShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
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
		require.Len(t, b.host.Calls(), 1)
	})
}

func TestOneCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
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
		require.Len(t, b.host.Calls(), 1)
	})
}

func TestSlowHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		slow(b)
		start := time.Now()
		require.ErrorIs(t, b.verify(intent()), signature.ErrFetch)
		require.Equal(t, 4*time.Second, time.Since(start))
	})
}

// 32 fetches run at a time, and a caller who gives up leaves no fetch behind.
func TestFetchesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		release := slow(b)
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 40)
		for i := range 40 {
			go func() {
				header := signed(intent())
				header.Set("SignatureCertChainUrl", fmt.Sprintf("https://s3.amazonaws.com/echo.api/%d", i))
				results <- b.Verify(ctx, header, intent())
			}()
		}
		synctest.Wait()
		require.Len(t, b.host.Calls(), 32)
		require.Empty(t, results)
		cancel()
		for range 40 {
			require.ErrorIs(t, <-results, context.Canceled)
		}
		close(release)
		synctest.Wait()
		require.Len(t, b.host.Calls(), 32, "the others have no caller")
		require.NoError(t, b.verify(intent()), "there is room again")
	})
}
