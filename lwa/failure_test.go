package lwa_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestRefused(t *testing.T) { synctest.Test(t, testRefused) }

func testRefused(t *testing.T) {
	a := &amazon{rotates: true}
	store := new(lwa.MemoryStore)
	source, key := imported(t, a, store, "customer")
	_, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	a.revoke("customer")
	stale := stored(t, store, key).AccessToken

	begin := time.Now().UTC()
	lives := false
	time.AfterFunc(1990*time.Millisecond, func() { lives = stored(t, store, key).Live() })
	_, err = source.Renew(t.Context(), key, stale)
	synctest.Wait()
	require.True(t, lives, "until another process has had its time")
	require.ErrorIs(t, err, lwa.ErrRefused)
	require.ErrorIs(t, err, lwa.ErrInvalidGrant)
	var refusal *lwa.Error
	require.ErrorAs(t, err, &refusal)
	grant := stored(t, store, key)
	require.False(t, grant.Live())
	require.Equal(t, alexaevents.Secret("Atzr|customer|2"), grant.RefreshToken, "nothing is deleted")
	require.Equal(t, begin, grant.RefusedAt)
	require.Equal(t, begin.Add(2*time.Second), time.Now().UTC(), "another process has time to store a new token")

	asked := a.count("refresh_token")
	for range 3 {
		_, err = source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrRefused)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		require.ErrorContains(t, err, "link the account again")
		_, err = source.Renew(t.Context(), key, stale)
		require.ErrorIs(t, err, lwa.ErrRefused)
	}
	require.Equal(t, asked, a.count("refresh_token"), "Amazon is not asked again")

	require.NoError(t, source.Accept(t.Context(), key, alexaevents.Europe, a.consent()))
	token, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	require.True(t, a.accepts(token))
	require.True(t, stored(t, store, key).Live())
	require.Zero(t, stored(t, store, key).RefusedAt)
}

// A wrong secret, an outage and a lost store say nothing about the grant.
func TestFailuresSpareTheGrant(t *testing.T) {
	for name, test := range map[string]struct {
		around func(url.Values, func() (*http.Response, error)) (*http.Response, error)
		is     error
	}{
		"invalid_client":       {failWith(401, `{"error":"invalid_client"}`), lwa.ErrInvalidClient},
		"unauthorized_client":  {failWith(400, `{"error":"unauthorized_client"}`), lwa.ErrInvalidClient},
		"outage":               {failWith(503, ``), lwa.ErrUnavailable},
		"throttled":            {failWith(429, ``), lwa.ErrThrottled},
		"invalid_request":      {failWith(400, `{"error":"invalid_request"}`), nil},
		"forbidden by a proxy": {failWith(403, `<html>`), nil},
		"no network": {
			func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
				return nil, errors.New("no route")
			},
			lwa.ErrUnavailable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := new(amazon)
			store := new(lwa.MemoryStore)
			source, key := imported(t, a, store, "customer")
			before := stored(t, store, key)
			a.around = test.around
			_, err := source.Token(t.Context(), key)
			require.Error(t, err)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			require.NotErrorIs(t, err, lwa.ErrInvalidGrant)
			require.Equal(t, before, stored(t, store, key))

			a.around = nil
			_, err = source.Token(t.Context(), key)
			require.NoError(t, err)
		})
	}
}

func failWith(status int, body string) func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
	return func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
		return answer(status, body), nil
	}
}

// While Amazon hangs, a token that has not expired serves at once.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		old, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		time.Sleep(55 * time.Minute)

		asked := 0
		a.around = func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
			asked++
			time.Sleep(10 * time.Second)
			return answer(503, ""), nil
		}
		for begin := time.Now(); time.Since(begin) < 4*time.Minute; time.Sleep(time.Second) {
			call := time.Now()
			token, err := source.Token(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, old, token)
			require.Zero(t, time.Since(call))
		}
		synctest.Wait()
		require.InDelta(t, 10, asked, 2)

		time.Sleep(2 * time.Minute)
		_, err = source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrUnavailable, "it has expired")

		a.around = nil
		time.Sleep(time.Minute)
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.NotEqual(t, old, token)
	})
}

// A token that has not expired serves in a pause, and no refresh is tried.
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

// An outage, throttling and a wrong secret concern every grant: the Source makes
// few requests for all of them.
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
						for _, is := range []error{lwa.ErrUnavailable, lwa.ErrThrottled, lwa.ErrInvalidClient, lwa.ErrInvalidGrant} {
							require.Equal(t, errors.Is(first, is), errors.Is(err, is), "the cause stays")
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

// What Amazon refuses to one grant stops no other.
func TestPauseOfOneGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, store := new(amazon), new(lwa.MemoryStore)
		source, bad := imported(t, a, store, "bad")
		_, good := imported(t, a, store, "good")
		refused := 0
		a.around = func(form url.Values, next func() (*http.Response, error)) (*http.Response, error) {
			if strings.Contains(form.Get("refresh_token"), "bad") {
				refused++
				return answer(400, `{"error":"invalid_request"}`), nil
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

// Amazon refuses one grant, which shows that it responds: the pause for all ends.
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
				require.Zero(t, failure.RetryAfter, "it is no pause")
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

// A grant in a pause of its own does not take the request that ends a pause of
// all.
func TestPauseOfAGrantWithinThatOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, good := imported(t, a, new(lwa.MemoryStore), "good")
		require.NoError(t, source.Import(t.Context(), keyOf("bad"), a.grant("bad")))
		a.around = func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
			response := answer(400, `{"error":"invalid_request"}`)
			response.Header.Set("Retry-After", "3600")
			return response, nil
		}
		_, err := source.Token(t.Context(), keyOf("bad"))
		require.ErrorContains(t, err, "invalid_request")
		a.around = failWith(503, "")
		for range 2 {
			_, err := source.Token(t.Context(), good)
			require.ErrorIs(t, err, lwa.ErrUnavailable)
		}
		a.around = nil
		time.Sleep(2 * time.Second) // the pause after two failures
		_, err = source.Token(t.Context(), keyOf("bad"))
		require.ErrorContains(t, err, "invalid_request")
		_, err = source.Token(t.Context(), good)
		require.NoError(t, err)
	})
}

// What a Source remembers of a grant outlasts requests for a thousand others.
func TestManyGrantsAndTheirPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, bad := imported(t, a, new(lwa.MemoryStore), "bad")
		failed := 0
		a.around = func(form url.Values, next func() (*http.Response, error)) (*http.Response, error) {
			if strings.Contains(form.Get("refresh_token"), "bad") {
				failed++
				return answer(400, `{"error":"invalid_request"}`), nil
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
				response := answer(429, "")
				response.Header.Set("Retry-After", value)
				return response, nil
			}
			begin := time.Now()
			for {
				_, err := source.Token(t.Context(), key)
				if err == nil {
					break
				}
				require.ErrorIs(t, err, lwa.ErrThrottled)
				failure, _ := errors.AsType[*lwa.Error](err)
				require.Equal(t, want == 0, failure.RetryAfter == 0, value)
				time.Sleep(min(failure.RetryAfter, 20*time.Minute))
			}
			require.Equal(t, want, time.Since(begin), value)
		})
	}
}

// Of two requests side by side the longer Retry-After counts.
func TestTwoRetryAfters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, long := imported(t, a, new(lwa.MemoryStore), "long")
		require.NoError(t, source.Import(t.Context(), keyOf("short"), a.grant("short")))
		requests := 0
		a.around = func(form url.Values, _ func() (*http.Response, error)) (*http.Response, error) {
			requests++
			response := answer(429, "")
			if strings.Contains(form.Get("refresh_token"), "long") {
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
				expectIs(t, err, lwa.ErrThrottled)
			})
			synctest.Wait()
		}
		group.Wait()
		time.Sleep(10 * time.Second)
		_, err := source.Token(t.Context(), keyOf("short"))
		require.ErrorIs(t, err, lwa.ErrThrottled)
		require.Equal(t, 2, requests)
	})
}

// A refusal outweighs an access token that has not expired.
func TestRefusedBeforeExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		_, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		time.Sleep(55 * time.Minute)
		a.revoke("customer")
		_, err = source.Token(t.Context(), key)
		require.NoError(t, err, "the refresh is in the background")
		require.NoError(t, source.Flush(t.Context()))
		_, err = source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrRefused)
		require.ErrorIs(t, err, lwa.ErrEnded)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
	})
}

// However slowly Amazon refuses, there is time to find out what that means.
func TestSlowRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, store := new(amazon), new(lwa.MemoryStore)
		source, key := imported(t, a, store, "customer")
		a.revoke("customer")
		a.delay = 9900 * time.Millisecond
		begin := time.Now()
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrRefused)
		require.Equal(t, 24900*time.Millisecond, time.Since(begin))
		require.False(t, stored(t, store, key).Live())
	})
}

// A grant that is erased while the Source waits for another process is no doubt.
func TestErasedAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, store := new(amazon), new(lwa.MemoryStore)
		source, key := imported(t, a, store, "customer")
		a.revoke("customer")
		time.AfterFunc(600*time.Millisecond, func() { expectIs(t, store.EraseGrants(t.Context(), key.AccountID), nil) })
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrNoGrant)
		_, err = store.Grant(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrNoGrant)
	})
}

// Where the store cannot tell whether the grant has ended, it has not.
func TestRefusalThatIsNotStored(t *testing.T) {
	for name, fail := range map[string]func(*countingStore){
		"writing": func(s *countingStore) { s.fail = func(int) error { return errAway } },
		"reading": func(s *countingStore) { s.Store = &readTwice{Store: s.Store} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, memory := new(amazon), new(lwa.MemoryStore)
				store := &countingStore{Store: memory}
				source, key := imported(t, a, store, "customer")
				a.revoke("customer")
				fail(store)
				_, err := source.Token(t.Context(), key)
				require.ErrorIs(t, err, lwa.ErrUnavailable)
				require.NotErrorIs(t, err, lwa.ErrInvalidGrant)
				require.ErrorContains(t, err, "another process")

				store.fail, store.Store = nil, memory
				_, err = source.Token(t.Context(), key)
				require.ErrorIs(t, err, lwa.ErrRefused)
			})
		})
	}
}

var errAway = errors.New("the database is away")

// readTwice is a store that can be read twice.
type readTwice struct {
	lwa.Store
	reads int
}

func (s *readTwice) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	if s.reads++; s.reads > 2 {
		return lwa.Grant{}, errAway
	}
	return s.Store.Grant(ctx, key)
}

// A panic of the transport, of the store or of Observe costs one call, not the
// process and no token.
func TestPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true}
		memory := new(lwa.MemoryStore)
		store := &countingStore{Store: memory}
		source, key := imported(t, a, store, "customer")
		var log bytes.Buffer
		source.Logger = slog.New(slog.NewTextHandler(&log, nil))

		a.around = func(form url.Values, _ func() (*http.Response, error)) (*http.Response, error) {
			panic(form.Get("refresh_token"))
		}
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrUnavailable)
		require.ErrorContains(t, err, "panic with a string")
		require.Contains(t, log.String(), "failure_test.go", "the stack")
		require.NotContains(t, log.String(), "Atzr")

		a.around = nil
		store.fail = func(update int) error {
			if update < 5 {
				panic("the store")
			}
			return nil
		}
		source.Observe = func(context.Context, lwa.Observation) { panic("the metrics") }
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.NoError(t, source.Flush(t.Context()))
		require.Equal(t, token, stored(t, memory, key).AccessToken)
		require.True(t, a.isLive(stored(t, memory, key).RefreshToken))
	})
}
