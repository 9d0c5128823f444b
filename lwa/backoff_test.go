package lwa_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// A slow request that began before the failures succeeds while the request after the
// pause is in progress.
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
				return respond(status, ""), nil
			}
		}
		after(4*time.Second, 200) // slow
		go func() { _, _ = source.Token(context.Background(), slow) }()
		synctest.Wait()
		after(0, 503)
		_, err := source.Token(t.Context(), keyOf("b"))
		require.ErrorIs(t, err, alexaevents.ErrTemporary)
		after(0, 503)
		_, err = source.Token(t.Context(), keyOf("c"))
		require.ErrorIs(t, err, alexaevents.ErrTemporary)
		time.Sleep(2 * time.Second)
		after(5*time.Second, 200) // the request after the pause
		_, err = source.Token(t.Context(), keyOf("d"))
		require.NoError(t, err)
		after(0, 200)
		_, err = source.Token(t.Context(), keyOf("e"))
		require.NoError(t, err, "the pause is over")
	})
}

// A request that began before Amazon asked for a pause succeeds and does not end it.
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
				response := respond(429, "")
				response.Header.Set("Retry-After", "60")
				return response, nil
			}
			return next()
		}
		go func() { _, _ = source.Token(context.Background(), slow) }()
		synctest.Wait()
		_, err := source.Token(t.Context(), keyOf("b"))
		require.ErrorIs(t, err, alexaevents.ErrThrottled)
		time.Sleep(5 * time.Second)
		_, err = source.Token(t.Context(), keyOf("c"))
		require.ErrorIs(t, err, alexaevents.ErrThrottled)
		require.Equal(t, 2, n)
	})
}

// During backoff a valid token is returned and not refreshed early.
func TestNoRefreshAheadInAPause(t *testing.T) {
	for name, around := range map[string]func(url.Values, func() (*http.Response, error)) (*http.Response, error){
		"of all":     failWith(503, ``),
		"of a grant": failWith(400, `{"error":"invalid_request"}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := new(amazon)
				source, key := imported(t, a, new(lwa.MemoryStore), "customer")
				_, err := source.Token(t.Context(), key)
				require.NoError(t, err)
				time.Sleep(55 * time.Minute)
				a.around = around
				outcomes := make(map[lwa.Outcome]int)
				source.Observe = func(_ context.Context, o lwa.Observation) { outcomes[o.Outcome]++ }
				for range 60 { // seconds
					_, err := source.Token(t.Context(), key)
					require.NoError(t, err)
					synctest.Wait()
					time.Sleep(time.Second)
				}
				require.Len(t, outcomes, 1)
				require.Zero(t, outcomes[lwa.Skipped])
			})
		})
	}
}

// An outage, throttling and a wrong secret concern every grant: the Source makes few
// requests for all of them.
func TestOnePauseForAllGrants(t *testing.T) {
	for name, around := range map[string]func(url.Values, func() (*http.Response, error)) (*http.Response, error){
		"outage":         failWith(503, ``),
		"throttled":      failWith(429, ``),
		"invalid_client": failWith(401, `{"error":"invalid_client"}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, store := new(amazon), new(lwa.MemoryStore)
				source := a.source(store)
				for i := range 100 {
					require.NoError(t, source.Import(t.Context(), keyOf(fmt.Sprint(i)), a.grant(fmt.Sprint(i))))
				}
				var skipped int
				source.Observe = func(_ context.Context, o lwa.Observation) {
					if o.Outcome == lwa.Skipped {
						skipped++
					}
				}
				asked := 0
				a.around = func(form url.Values, next func() (*http.Response, error)) (*http.Response, error) {
					asked++
					return around(form, next)
				}
				var first error
				for range 60 { // seconds
					for i := range 100 {
						_, err := source.Token(t.Context(), keyOf(fmt.Sprint(i)))
						require.Error(t, err)
						if first == nil {
							first = err
						}
						for _, is := range []error{alexaevents.ErrTemporary, alexaevents.ErrThrottled, lwa.ErrInvalidClient, lwa.ErrInvalidGrant} {
							require.Equal(t, errors.Is(first, is), errors.Is(err, is), "the cause stays the same")
						}
						failure, ok := errors.AsType[*lwa.Error](err)
						require.True(t, ok)
						require.LessOrEqual(t, failure.RetryAfter, 45*time.Second)
					}
					time.Sleep(time.Second)
				}
				require.LessOrEqual(t, asked, 8)
				require.GreaterOrEqual(t, asked, 5)
				require.Equal(t, 6000-asked, skipped)

				a.around = nil
				time.Sleep(45 * time.Second)
				for i := range 100 {
					_, err := source.Token(t.Context(), keyOf(fmt.Sprint(i)))
					require.NoError(t, err)
				}
			})
		})
	}
}

// A failure that concerns one grant does not affect the others.
func TestPauseOfOneGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, store := new(amazon), new(lwa.MemoryStore)
		source, bad := imported(t, a, store, "bad")
		_, good := imported(t, a, store, "good")
		refused := 0
		a.around = func(form url.Values, next func() (*http.Response, error)) (*http.Response, error) {
			if a.customer(alexaevents.Secret(form.Get("refresh_token"))) == "bad" {
				refused++
				return respond(400, `{"error":"invalid_request"}`), nil
			}
			return next()
		}
		for range 60 {
			_, err := source.Token(t.Context(), bad)
			require.ErrorContains(t, err, "invalid_request")
			_, err = source.Token(t.Context(), good)
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		require.LessOrEqual(t, refused, 8)
	})
}

// A refusal of one grant shows that Amazon responds, and ends the backoff for all.
func TestRefusalEndsThePauseForAllGrants(t *testing.T) {
	for _, code := range []string{"invalid_request", "invalid_grant"} {
		synctest.Test(t, func(t *testing.T) {
			a := new(amazon)
			source, good := imported(t, a, new(lwa.MemoryStore), "good")
			require.NoError(t, source.Import(t.Context(), keyOf("bad"), a.grant("bad")))
			fail := func(key lwa.Key, status int, body string) {
				a.around = failWith(status, body)
				_, err := source.Token(t.Context(), key)
				failure, ok := errors.AsType[*lwa.Error](err)
				require.True(t, ok)
				require.Zero(t, failure.RetryAfter, "it is not backoff")
				a.around = nil
			}
			fail(good, 503, "")
			fail(good, 503, "")
			time.Sleep(2 * time.Second) // the pause after two failures
			fail(keyOf("bad"), 400, `{"error":"`+code+`"}`)
			fail(good, 503, "") // the first in a row
			_, err := source.Token(t.Context(), good)
			require.NoError(t, err)
		})
	}
}

// A grant in backoff does not use the one request that ends the backoff for all.
func TestPauseOfAGrantWithinThatOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, good := imported(t, a, new(lwa.MemoryStore), "good")
		require.NoError(t, source.Import(t.Context(), keyOf("bad"), a.grant("bad")))
		a.around = func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
			response := respond(400, `{"error":"invalid_request"}`)
			response.Header.Set("Retry-After", "3600")
			return response, nil
		}
		_, err := source.Token(t.Context(), keyOf("bad"))
		require.ErrorContains(t, err, "invalid_request")
		a.around = failWith(503, "")
		for range 2 {
			_, err := source.Token(t.Context(), good)
			require.ErrorIs(t, err, alexaevents.ErrTemporary)
		}
		a.around = nil
		time.Sleep(2 * time.Second) // the pause after two failures
		_, err = source.Token(t.Context(), keyOf("bad"))
		require.ErrorContains(t, err, "invalid_request")
		_, err = source.Token(t.Context(), good)
		require.NoError(t, err)
	})
}

// A Source remembers failures of a grant while it serves a thousand others.
func TestManyGrantsAndTheirPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, bad := imported(t, a, new(lwa.MemoryStore), "bad")
		failed := 0
		a.around = func(form url.Values, next func() (*http.Response, error)) (*http.Response, error) {
			if a.customer(alexaevents.Secret(form.Get("refresh_token"))) == "bad" {
				failed++
				return respond(400, `{"error":"invalid_request"}`), nil
			}
			return next()
		}
		token := func(name string) alexaevents.Secret {
			require.NoError(t, source.Import(t.Context(), keyOf(name), a.grant(name)))
			token, err := source.Token(t.Context(), keyOf(name))
			require.NoError(t, err)
			return token
		}
		renewed, err := source.Renew(t.Context(), keyOf("renewed"), token("renewed"))
		require.NoError(t, err)
		for range 2 {
			_, err := source.Token(t.Context(), bad)
			require.Error(t, err)
		}
		time.Sleep(2 * time.Second) // the pause after two failures
		for i := range 1000 {
			token(fmt.Sprint(i))
		}

		for range 2 {
			_, err := source.Token(t.Context(), bad)
			require.Error(t, err)
		}
		require.Equal(t, 3, failed, "after the third failure in a row there is a pause")
		again, err := source.Renew(t.Context(), keyOf("renewed"), renewed)
		require.NoError(t, err)
		require.Equal(t, renewed, again, "it was renewed seconds ago")
	})
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"4294967296":                    24 * time.Hour,
		"99999999999999999999999999999": 24 * time.Hour,
		"Sat, 01 Jan 2000 00:02:00 GMT": 2 * time.Minute, // synctest begins at midnight
		"Fri, 31 Dec 1999 00:00:00 GMT": 0,
		"soon":                          0,
		"-5":                            0,
	} {
		synctest.Test(t, func(t *testing.T) {
			a := new(amazon)
			source, key := imported(t, a, new(lwa.MemoryStore), "customer")
			a.around = func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
				a.around = nil
				response := respond(429, "")
				response.Header.Set("Retry-After", value)
				return response, nil
			}
			begin := time.Now()
			for {
				_, err := source.Token(t.Context(), key)
				if err == nil {
					break
				}
				require.ErrorIs(t, err, alexaevents.ErrThrottled)
				failure, _ := errors.AsType[*lwa.Error](err)
				require.Equal(t, want == 0, failure.RetryAfter == 0, value)
				time.Sleep(min(failure.RetryAfter, 20*time.Minute))
			}
			require.Equal(t, want, time.Since(begin), value)
		})
	}
}

// Of two concurrent requests the longer Retry-After applies.
func TestTwoRetryAfters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, long := imported(t, a, new(lwa.MemoryStore), "long")
		require.NoError(t, source.Import(t.Context(), keyOf("short"), a.grant("short")))
		requests := 0
		a.around = func(form url.Values, _ func() (*http.Response, error)) (*http.Response, error) {
			requests++
			response := respond(429, "")
			if a.customer(alexaevents.Secret(form.Get("refresh_token"))) == "long" {
				response.Header.Set("Retry-After", "3600")
				return response, nil
			}
			time.Sleep(time.Second) // it is the later one
			response.Header.Set("Retry-After", "7")
			return response, nil
		}
		var group sync.WaitGroup
		for _, key := range []lwa.Key{keyOf("short"), long} {
			group.Go(func() {
				_, err := source.Token(t.Context(), key)
				expectIs(t, err, alexaevents.ErrThrottled)
			})
			synctest.Wait()
		}
		group.Wait()
		time.Sleep(10 * time.Second)
		_, err := source.Token(t.Context(), keyOf("short"))
		require.ErrorIs(t, err, alexaevents.ErrThrottled)
		require.Equal(t, 2, requests)
	})
}
