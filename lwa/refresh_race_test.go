package lwa_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

const many = 10_000

func TestOneRefreshForManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true, delay: time.Second}
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		_, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)

		tokens := make([]alexaevents.Secret, many)
		errs := make([]error, many)
		var group sync.WaitGroup
		for i := range many {
			group.Go(func() { tokens[i], errs[i] = source.Token(t.Context(), key) })
		}
		group.Wait()
		require.NoError(t, errors.Join(errs...))
		slices.Sort(tokens)
		require.Equal(t, []alexaevents.Secret{a.accessToken(2)}, slices.Compact(tokens))
		require.Equal(t, 2, a.count("refresh_token"))
	})
}

func TestManyGrantsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true, delay: time.Second}
		store := new(lwa.MemoryStore)
		source := a.source(store)
		customer := func(i int) string { return fmt.Sprintf("customer-%d", i) }
		for i := range many {
			require.NoError(t, source.Import(t.Context(), keyOf(customer(i)), a.grant(customer(i))))
		}
		tokens := make([]alexaevents.Secret, many)
		errs := make([]error, many)
		var group sync.WaitGroup
		for i := range many {
			group.Go(func() { tokens[i], errs[i] = source.Token(t.Context(), keyOf(customer(i))) })
		}
		group.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, many, a.count("refresh_token"))
		intact := 0
		for i := range many {
			grant, err := store.Grant(t.Context(), keyOf(customer(i)))
			if err == nil && a.isValid(grant.RefreshToken) &&
				a.customer(grant.RefreshToken) == customer(i) &&
				a.customer(tokens[i]) == customer(i) && a.isValid(tokens[i]) && grant.AccessToken == tokens[i] {
				intact++
			}
		}
		require.Equal(t, many, intact)
	})
}

// A cancelled call ends alone, also if it is the first one.
func TestCancelledWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true, delay: 5 * time.Second}
		store := new(lwa.MemoryStore)
		source, key := imported(t, a, store, "customer")
		begin := time.Now()
		var group sync.WaitGroup
		for i := range 10 {
			group.Go(func() {
				ctx := t.Context()
				if i%2 == 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Second)
					defer cancel()
				}
				token, err := source.Token(ctx, key)
				if i%2 == 0 {
					expectIs(t, err, context.DeadlineExceeded)
					assert.Equal(t, time.Second, time.Since(begin))
					return
				}
				expectIs(t, err, nil)
				assert.Equal(t, a.accessToken(1), token)
			})
			synctest.Wait() // so that the first call is a cancelled one
		}
		group.Wait()
		require.Equal(t, 1, a.count("refresh_token"))
		require.Equal(t, 5*time.Second, time.Since(begin))
	})
}

// New tokens are stored even if all calls were cancelled.
func TestAllCallsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true, delay: 5 * time.Second}
		store := new(lwa.MemoryStore)
		source, key := imported(t, a, store, "customer")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := source.Token(ctx, key)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(5 * time.Second)
		require.Equal(t, a.accessToken(1), stored(t, store, key).AccessToken)
		require.True(t, a.isValid(stored(t, store, key).RefreshToken))
	})
}

// A call with a refused token joins the renewal of an older one, and does not get the
// refused token back.
func TestRenewalOfAnOlderToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := &faultyStore{Store: new(lwa.MemoryStore)}
		source, key := imported(t, a, store, "customer")
		first, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		second, err := source.Renew(t.Context(), key, first)
		require.NoError(t, err)

		time.Sleep(time.Minute)
		store.beforeRead = func(ctx context.Context, _ lwa.Key) error { return sleep(ctx, time.Second) }
		var group sync.WaitGroup
		group.Go(func() {
			got, err := source.Renew(t.Context(), key, first)
			expectIs(t, err, nil)
			assert.Equal(t, second, got)
		})
		synctest.Wait()
		group.Go(func() {
			got, err := source.Renew(t.Context(), key, second)
			expectIs(t, err, nil)
			assert.NotEqual(t, first, got)
			assert.NotEqual(t, second, got)
		})
		group.Wait()
		require.Equal(t, 3, a.count("refresh_token"))
	})
}

// meanwhile runs fn once, during the next refresh: before Amazon checks the refresh
// token, or after it issued the new tokens.
func (a *amazon) meanwhile(after bool, fn func()) {
	a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
		a.around = nil
		if !after {
			fn()
		}
		response, err := next()
		if after {
			fn()
		}
		return response, err
	}
}

func TestTwoProcesses(t *testing.T) {
	for _, rotates := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			for name, test := range map[string]struct {
				meanwhile func(t *testing.T, a *amazon, other *lwa.Source, key lwa.Key)
				check     func(t *testing.T, a *amazon, store lwa.Store, key lwa.Key, token alexaevents.Secret, err error)
			}{
				"the other one refreshes": {
					meanwhile: func(t *testing.T, a *amazon, other *lwa.Source, key lwa.Key) {
						refresh := func() {
							token, err := other.Token(context.Background(), key)
							expectIs(t, err, nil)
							assert.True(t, a.isValid(token))
						}
						if !after {
							refresh()
							return
						}
						go refresh() // while Amazon's first response is delayed
						time.Sleep(1500 * time.Millisecond)
					},
					check: healthy,
				},
				"the customer links again": {
					meanwhile: func(t *testing.T, a *amazon, other *lwa.Source, key lwa.Key) {
						a.revoke("customer")
						err := other.Exchange(t.Context(), key, alexaevents.Europe, a.consent())
						expectIs(t, err, nil)
					},
					check: healthy,
				},
				"a program imports a token": {
					meanwhile: func(t *testing.T, a *amazon, other *lwa.Source, key lwa.Key) {
						a.revoke("customer")
						err := other.Import(t.Context(), key, a.grant("customer"))
						expectIs(t, err, nil)
					},
					check: healthy,
				},
				"the account is erased": {
					meanwhile: func(t *testing.T, _ *amazon, other *lwa.Source, key lwa.Key) {
						err := other.Store.EraseGrants(t.Context(), key.AccountID)
						expectIs(t, err, nil)
					},
					check: func(t *testing.T, _ *amazon, store lwa.Store, key lwa.Key, _ alexaevents.Secret, err error) {
						require.ErrorIs(t, err, lwa.ErrNoGrant)
						_, err = store.Grant(t.Context(), key)
						require.ErrorIs(t, err, lwa.ErrNoGrant, "an erased grant does not come back")
					},
				},
			} {
				t.Run(fmt.Sprintf("%s/rotates=%t/after=%t", name, rotates, after), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						a := &amazon{rotates: rotates}
						store := new(lwa.MemoryStore)
						source, key := imported(t, a, store, "customer")
						other := a.source(store)
						a.meanwhile(after, func() { test.meanwhile(t, a, other, key) })
						token, err := source.Token(t.Context(), key)
						require.NoError(t, other.Flush(t.Context()))
						test.check(t, a, store, key, token, err)
					})
				})
			}
		}
	}
}

// Amazon refuses the other process by mistake, and then issues this one an access token
// for the same refresh token.
func TestRefusedByMistake(t *testing.T) { synctest.Test(t, testRefusedByMistake) }

func testRefusedByMistake(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	source, key := imported(t, a, store, "customer")
	a.meanwhile(false, func() {
		a.around = failWith(400, `{"error":"invalid_grant"}`)
		_, err := a.source(store).Token(t.Context(), key)
		expectIs(t, err, lwa.ErrInvalidGrant)
		a.around = nil
	})
	token, err := source.Token(t.Context(), key)
	healthy(t, a, store, key, token, err)
}

// Amazon refuses this process by mistake, and meanwhile issues the other one an access
// token for the same refresh token.
func TestRefusedByMistakeBeforeTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := new(lwa.MemoryStore)
		source, key := imported(t, a, store, "customer")
		a.around = func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
			a.around = nil
			return respond(400, `{"error":"invalid_grant"}`), nil
		}
		time.AfterFunc(time.Second, func() {
			_, err := a.source(store).Token(context.Background(), key)
			expectIs(t, err, nil)
		})
		token, err := source.Token(t.Context(), key)
		healthy(t, a, store, key, token, err)
		require.Equal(t, stored(t, store, key).AccessToken, token)
	})
}

// healthy checks that nothing was lost: the token works, and so does the stored
// refresh token, the newest that Amazon gave.
func healthy(t *testing.T, a *amazon, store lwa.Store, key lwa.Key, token alexaevents.Secret, err error) {
	require.NoError(t, err)
	require.True(t, a.isValid(token))
	grant := stored(t, store, key)
	require.True(t, grant.Live())
	require.True(t, a.isValid(grant.RefreshToken), "the stored refresh token is not the newest")
	again, err := a.source(store).Token(t.Context(), key)
	require.NoError(t, err)
	require.True(t, a.isValid(again))
}

// Two processes with two callers each renew one grant repeatedly and almost at the same
// time, while Amazon and the store are slow. No call fails.
func TestManyRounds(t *testing.T) {
	for _, rotates := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := &amazon{rotates: rotates, delay: 200 * time.Millisecond}
			memory := new(lwa.MemoryStore)
			_, key := imported(t, a, memory, "customer")
			store := slowWrites(memory, 300*time.Millisecond)
			sources := []*lwa.Source{a.source(store), a.source(store)}
			var group sync.WaitGroup
			for i := range 4 {
				group.Go(func() {
					stale := alexaevents.Secret("")
					for round := range 100 {
						time.Sleep(time.Duration(i*round) * time.Millisecond) // apart by 0 to 300 ms
						token, err := sources[i%2].Renew(context.Background(), key, stale)
						expectIs(t, err, nil)
						assert.True(t, a.isValid(token))
						stale = token
						time.Sleep(2 * time.Minute)
					}
				})
			}
			group.Wait()
			token, err := sources[0].Token(t.Context(), key)
			healthy(t, a, memory, key, token, err)
		})
	}
}

// If a grant changes during every attempt, the Source gives up.
func TestGrantThatKeepsChanging(t *testing.T) {
	a := new(amazon)
	source, key := imported(t, a, new(lwa.MemoryStore), "customer")
	tries := 0
	a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
		tries++
		expectIs(t, source.Import(t.Context(), key, a.grant("customer")), nil)
		return next()
	}
	_, err := source.Token(t.Context(), key)
	require.ErrorContains(t, err, "changed during the refresh")
	require.NotErrorIs(t, err, lwa.ErrInvalidGrant)
	require.Equal(t, 3, tries)
}
