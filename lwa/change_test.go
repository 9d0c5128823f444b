package lwa_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// isLate reports whether a write is a late write, which has more than ten seconds.
func isLate(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ok && time.Until(end) > 10*time.Second
}

// During an outage of the store, new tokens are used from memory; they are stored
// after it. A used refresh token is not used again.
func TestStoreOutage(t *testing.T) {
	for _, reading := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := &amazon{rotates: true}
			store := &faultyStore{Store: new(lwa.MemoryStore)}
			source, key := imported(t, a, store, "customer")
			var outcomes []lwa.Outcome
			var waiting []int
			source.Observe = func(_ context.Context, o lwa.Observation) {
				outcomes, waiting = append(outcomes, o.Outcome), append(waiting, o.Waiting)
			}
			var log bytes.Buffer
			source.Logger = slog.New(slog.NewTextHandler(&log, nil))

			store.failWrites.Store(true)
			token, err := source.Token(t.Context(), key)
			require.NoError(t, err)
			require.True(t, a.isValid(token))
			require.Contains(t, log.String(), "level=WARN msg=\"access token refreshed, but not stored yet\"")
			require.NotContains(t, log.String(), "Atz")

			old := stored(t, store, key)
			again, err := source.GrantToken(t.Context(), old)
			require.NoError(t, err)
			require.Equal(t, token, again, "for the grant in the store")
			require.Equal(t, 1, a.count("refresh_token"))
			store.failReads.Store(reading)
			for range 3 * 60 { // minutes: the token is renewed from memory, several times
				time.Sleep(time.Minute)
				token, err = source.Token(t.Context(), key)
				require.NoError(t, err)
				require.True(t, a.isValid(token))
				synctest.Wait()
			}
			require.Less(t, store.writes.Load(), int64(3*60*60*4+100), "with pauses")
			require.Equal(t, 4, a.count("refresh_token"))
			require.Equal(t, []lwa.Outcome{lwa.Unsaved, lwa.Unsaved, lwa.Unsaved, lwa.Unsaved}, outcomes)

			impatient, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err = source.Flush(impatient)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.EqualError(t, err, "lwa: the new tokens of 1 grants are not stored: context deadline exceeded")

			store.failWrites.Store(false)
			store.failReads.Store(false)
			require.NoError(t, source.Flush(t.Context()))
			require.Equal(t, token, stored(t, store, key).AccessToken)
			require.True(t, a.isValid(stored(t, store, key).RefreshToken))
			require.Equal(t, lwa.Saved, outcomes[4])
			require.Equal(t, []int{1, 1, 1, 1, 0}, waiting)
			require.NoError(t, source.Flush(t.Context()), "nothing waits any more")
		})
	}
}

// A late write does not overwrite later changes of another process.
func TestLateWriteGivesWay(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(t *testing.T, a *amazon, other *lwa.Source, key lwa.Key)
		present   bool
	}{
		"to an exchange": {func(t *testing.T, a *amazon, other *lwa.Source, key lwa.Key) {
			require.NoError(t, other.Exchange(t.Context(), key, alexaevents.FarEast, a.consent()))
		}, true},
		"to an import": {func(t *testing.T, a *amazon, other *lwa.Source, key lwa.Key) {
			require.NoError(t, other.Import(t.Context(), key, a.grant("customer")))
		}, true},
		"to an erasure": {func(t *testing.T, _ *amazon, other *lwa.Source, key lwa.Key) {
			require.NoError(t, other.Store.EraseGrants(t.Context(), key.AccountID))
		}, false},
	} {
		for change, begin := range map[string]func(t *testing.T, a *amazon, source *lwa.Source, key lwa.Key){
			"refresh": func(t *testing.T, _ *amazon, source *lwa.Source, key lwa.Key) {
				_, err := source.Token(t.Context(), key)
				require.NoError(t, err)
			},
			"code": func(t *testing.T, a *amazon, source *lwa.Source, key lwa.Key) {
				require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.Europe, a.consent()), errDown)
			},
		} {
			if change == "code" && name == "to an import" {
				continue // a new consent of the customer replaces an imported token
			}
			t.Run(change+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
					store := &faultyStore{Store: memory}
					source, key := imported(t, a, store, "customer")
					store.failWrites.Store(true)
					begin(t, a, source, key)
					time.Sleep(time.Minute)
					test.meanwhile(t, a, a.source(memory), key)
					after, err := memory.Grant(t.Context(), key)
					require.Equal(t, test.present, err == nil)
					store.failWrites.Store(false)
					require.NoError(t, source.Flush(t.Context()))
					got, err := memory.Grant(t.Context(), key)
					require.Equal(t, test.present, err == nil)
					require.Equal(t, after, got)
				})
			})
		}
	}
}

// An access token of an older refresh does not replace a newer one.
func TestOlderAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := new(amazon), new(lwa.MemoryStore) // without rotation
		store := &faultyStore{Store: memory}
		source, key := imported(t, a, store, "customer")
		store.failWrites.Store(true)
		_, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		newer, err := a.source(memory).Token(t.Context(), key)
		require.NoError(t, err)
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		require.Equal(t, newer, stored(t, memory, key).AccessToken)
	})
}

// An exchanged code is used up, so its grant is kept in memory until it is stored.
// Success means that it is stored.
func TestExchangeDuringAStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source, key, code := a.source(store), keyOf("account"), a.consent()
		store.failWrites.Store(true)
		begin := time.Now()
		require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.Europe, code), errDown)
		require.Equal(t, 10*time.Second, time.Since(begin))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		require.ErrorContains(t, source.Exchange(ctx, key, alexaevents.Europe, code), "not stored yet")
		require.Equal(t, 13*time.Second, time.Since(begin), "until the deadline of the caller")
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err, "it is used from memory")
		require.True(t, a.isValid(token))
		require.Error(t, source.Exchange(t.Context(), key, alexaevents.Europe, code), "success means stored")
		time.Sleep(2 * time.Hour)
		token, err = source.Token(t.Context(), key)
		require.NoError(t, err, "a refresh of it is kept, too")

		time.AfterFunc(time.Second, func() { store.failWrites.Store(false) })
		require.NoError(t, source.Exchange(t.Context(), key, alexaevents.Europe, code))
		require.Equal(t, 1, a.count("authorization_code"))
		grant := stored(t, memory, key)
		require.Equal(t, alexaevents.Europe, grant.Region)
		require.Equal(t, sha(code), grant.CodeHash)
		require.Equal(t, token, grant.AccessToken)
		require.True(t, a.isValid(grant.RefreshToken))
	})
}

// A new code replaces the grant of an older one, stored or not.
func TestExchangeTwiceDuringAStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source, key := imported(t, a, store, "customer")
		store.failWrites.Store(true)
		_, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Error(t, source.Exchange(t.Context(), key, alexaevents.Europe, a.consent()))
		second := a.consent()
		require.Error(t, source.Exchange(t.Context(), key, alexaevents.FarEast, second))
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		require.Equal(t, alexaevents.FarEast, stored(t, memory, key).Region)
		require.Equal(t, sha(second), stored(t, memory, key).CodeHash)
	})
}

// Another process refreshes the grant that a new code replaces: the new code wins.
func TestExchangeDuringAStoreOutageOutweighsARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source, key := imported(t, a, store, "customer")
		store.failWrites.Store(true)
		code := a.consent()
		require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.FarEast, code), errDown)
		time.Sleep(time.Minute)
		_, err := a.source(memory).Token(t.Context(), key)
		require.NoError(t, err)
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		require.Equal(t, alexaevents.FarEast, stored(t, memory, key).Region)
		require.Equal(t, sha(code), stored(t, memory, key).CodeHash)
	})
}

// A code replaces the grant during a refresh: the grant of the code stays, although it
// is only in memory.
func TestUnsavedCodeOutweighsARefreshUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source, key := imported(t, a, store, "customer")
		code := a.consent()
		a.meanwhile(true, func() {
			store.failWrites.Store(true)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			expectIs(t, source.Exchange(ctx, key, alexaevents.FarEast, code), errDown)
		})
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		require.Equal(t, sha(code), stored(t, memory, key).CodeHash)
		require.Equal(t, alexaevents.FarEast, stored(t, memory, key).Region)
		require.Equal(t, token, stored(t, memory, key).AccessToken)
	})
}

// An erased grant is not used from memory.
func TestErasedWhileUnsaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source, key := imported(t, a, store, "customer")
		store.failWrites.Store(true)
		_, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.NoError(t, memory.EraseGrants(t.Context(), key.AccountID))
		_, err = source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrNoGrant)
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
	})
}

// An ended grant in the store is live with an unsaved new code.
func TestGrantTokenOfAnUnsavedCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := new(amazon), new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source, key := imported(t, a, store, "customer")
		a.revoke("customer")
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		store.failWrites.Store(true)
		require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.Europe, a.consent()), errDown)
		token, err := source.GrantToken(t.Context(), stored(t, memory, key))
		require.NoError(t, err)
		require.True(t, a.isValid(token))
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
	})
}

// Of the codes of two processes the one that was exchanged last wins.
func TestLaterCodeReplacesAnEarlierOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory, key := &amazon{delay: 600 * time.Millisecond}, new(lwa.MemoryStore), keyOf("account")
		earlier := a.source(slowWrites(memory, 900*time.Millisecond))
		first, second := a.consent(), a.consent()
		time.AfterFunc(time.Second, func() {
			expectIs(t, a.source(memory).Exchange(t.Context(), key, alexaevents.FarEast, second), nil)
		})
		require.NoError(t, earlier.Exchange(t.Context(), key, alexaevents.Europe, first))
		require.Equal(t, sha(first), stored(t, memory, key).CodeHash)
		time.Sleep(time.Second)
		require.Equal(t, sha(second), stored(t, memory, key).CodeHash)
		require.Equal(t, alexaevents.FarEast, stored(t, memory, key).Region)
	})
}

// A late write does not revive a grant that Amazon refused meanwhile.
func TestRefusalOfAnUnsavedGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		var fails atomic.Bool
		fails.Store(true)
		background := &faultyStore{Store: store, beforeWrite: func(ctx context.Context, _ lwa.Key) error {
			if isLate(ctx) && fails.Load() {
				return errDown
			}
			return nil
		}}
		source, key := imported(t, a, background, "customer")
		store.failWrites.Store(true)
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		store.failWrites.Store(false)
		a.revoke("customer")
		_, err = source.Renew(t.Context(), key, token)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		require.False(t, stored(t, memory, key).Live())
		fails.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		require.False(t, stored(t, memory, key).Live())
	})
}

// A late write that began before Amazon refused the grant, and ends after it, does
// not clear the refusal.
func TestLateWriteKeepsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		background := &faultyStore{Store: store, beforeWrite: func(ctx context.Context, _ lwa.Key) error {
			if isLate(ctx) {
				return sleep(ctx, 10*time.Second)
			}
			return nil
		}}
		source, key := imported(t, a, background, "customer")
		store.failWrites.Store(true)
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		time.Sleep(time.Second) // a late write is in progress
		store.failWrites.Store(false)
		a.revoke("customer")
		_, err = source.Renew(t.Context(), key, token)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		require.False(t, stored(t, memory, key).Live())
		require.NoError(t, source.Flush(t.Context()))
		require.False(t, stored(t, memory, key).Live())
		require.NotZero(t, stored(t, memory, key).RefusedAt)
	})
}

// While a grant waits for the store, no other token is refreshed early: if the
// process is killed, those are lost.
func TestNoEarlyRefreshDuringAStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source, waiting := imported(t, a, store, "waiting")
		due := keyOf("due")
		require.NoError(t, source.Import(t.Context(), due, a.grant("due")))
		before, err := source.Token(t.Context(), due)
		require.NoError(t, err)
		time.Sleep(55 * time.Minute)
		store.failWrites.Store(true)
		_, err = source.Token(t.Context(), waiting)
		require.NoError(t, err)
		token, err := source.Token(t.Context(), due)
		require.NoError(t, err)
		require.Equal(t, before, token)
		synctest.Wait()
		require.Equal(t, 2, a.count("refresh_token"))

		time.Sleep(5 * time.Minute)
		token, err = source.Token(t.Context(), due)
		require.NoError(t, err, "a token that has expired is refreshed all the same")
		require.NotEqual(t, before, token)
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
	})
}

// While a thousand grants wait for the store, no refresh token is used, so that no more
// tokens are only in memory. Valid tokens are still returned.
func TestTooManyUnsaved(t *testing.T) {
	const most, more = 1000, 5
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source := a.source(store)
		for i := range most + more {
			require.NoError(t, source.Import(t.Context(), keyOf(fmt.Sprint(i)), a.grant(fmt.Sprint(i))))
		}
		store.failWrites.Store(true)
		for i := range most + more {
			_, err := source.Token(t.Context(), keyOf(fmt.Sprint(i)))
			if i < most {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, alexaevents.ErrTemporary)
			require.ErrorContains(t, err, "wait for the store")
		}
		require.ErrorContains(t, source.Exchange(t.Context(), keyOf("new"), alexaevents.Europe, a.consent()), "wait for the store")
		require.Equal(t, most, a.count("refresh_token"))
		require.Zero(t, a.count("authorization_code"))

		writes := store.writes.Load()
		time.Sleep(time.Minute)
		require.Less(t, store.writes.Load()-writes, int64(300), "few writes for all of them")
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		for i := range most + more {
			_, err := source.Token(t.Context(), keyOf(fmt.Sprint(i)))
			require.NoError(t, err)
			require.True(t, a.isValid(stored(t, memory, keyOf(fmt.Sprint(i))).RefreshToken))
		}
	})
}

// A grant that can never be stored does not prevent the others from being stored.
func TestOneGrantThatCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		var poisoned atomic.Bool
		poisoned.Store(true)
		poison := &faultyStore{Store: store, beforeWrite: func(_ context.Context, key lwa.Key) error {
			if poisoned.Load() && key == keyOf("0") {
				return errDown
			}
			return nil
		}}
		source := a.source(poison)
		for i := range 20 {
			require.NoError(t, a.source(memory).Import(t.Context(), keyOf(fmt.Sprint(i)), a.grant(fmt.Sprint(i))))
		}
		store.failWrites.Store(true)
		for i := range 20 {
			_, err := source.Token(t.Context(), keyOf(fmt.Sprint(i)))
			require.NoError(t, err)
		}
		store.failWrites.Store(false)
		time.Sleep(time.Minute)
		for i := 1; i < 20; i++ {
			assert.True(t, a.isValid(stored(t, memory, keyOf(fmt.Sprint(i))).RefreshToken), i)
		}
		poisoned.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		require.True(t, a.isValid(stored(t, memory, keyOf("0")).RefreshToken))
	})
}

// A store that hangs delays the first caller for a second.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{rotates: true}, new(lwa.MemoryStore)
		_, key := imported(t, a, memory, "customer")
		var hangs atomic.Bool
		hangs.Store(true)
		source := a.source(&faultyStore{Store: memory, beforeWrite: func(ctx context.Context, _ lwa.Key) error {
			if hangs.Load() {
				return sleep(ctx, time.Hour)
			}
			return nil
		}})
		begin := time.Now()
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(begin))
		again, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, token, again)
		require.Equal(t, time.Second, time.Since(begin))
		hangs.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		require.True(t, a.isValid(stored(t, memory, key).RefreshToken))
	})
}
