package lwa_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
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
	require.True(t, lives, "while another process may be storing a new token")
	require.ErrorIs(t, err, lwa.ErrInvalidGrant)
	require.ErrorIs(t, err, lwa.ErrEnded)
	var refusal *lwa.Error
	require.ErrorAs(t, err, &refusal)
	grant := stored(t, store, key)
	require.False(t, grant.Live())
	require.Equal(t, a.refreshToken(2), grant.RefreshToken, "nothing is deleted")
	require.Equal(t, begin, grant.RefusedAt)
	require.Equal(t, begin.Add(2*time.Second), time.Now().UTC(), "another process has time to store a new token")

	asked := a.count("refresh_token")
	for range 3 {
		_, err = source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		require.ErrorIs(t, err, lwa.ErrEnded)
		require.ErrorContains(t, err, "link the account again")
		_, err = source.Renew(t.Context(), key, stale)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
	}
	require.Equal(t, asked, a.count("refresh_token"), "no more requests")

	require.NoError(t, source.Exchange(t.Context(), key, alexaevents.Europe, a.consent()))
	token, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	require.True(t, a.isValid(token))
	require.True(t, stored(t, store, key).Live())
	require.Zero(t, stored(t, store, key).RefusedAt)
}

// A wrong secret and an outage do not end the grant.
func TestFailuresSpareTheGrant(t *testing.T) {
	for name, test := range map[string]struct {
		around func(url.Values, func() (*http.Response, error)) (*http.Response, error)
		is     error
	}{
		"invalid_client":       {failWith(401, `{"error":"invalid_client"}`), lwa.ErrInvalidClient},
		"unauthorized_client":  {failWith(400, `{"error":"unauthorized_client"}`), lwa.ErrInvalidClient},
		"outage":               {failWith(503, ``), alexaevents.ErrTemporary},
		"throttled":            {failWith(429, ``), alexaevents.ErrThrottled},
		"invalid_request":      {failWith(400, `{"error":"invalid_request"}`), nil},
		"forbidden by a proxy": {failWith(403, `<html>`), nil},
		"no network": {
			func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
				return nil, errors.New("no route")
			},
			alexaevents.ErrTemporary,
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
		return respond(status, body), nil
	}
}

// While Amazon hangs, a valid token is returned at once.
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
			return respond(503, ""), nil
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
		require.ErrorIs(t, err, alexaevents.ErrTemporary, "it has expired")

		a.around = nil
		time.Sleep(time.Minute)
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.NotEqual(t, old, token)
	})
}

// After a refusal an access token that has not expired is not returned.
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
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		require.ErrorIs(t, err, lwa.ErrEnded)
	})
}

// A slow refusal leaves enough time to wait for another process.
func TestSlowRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, store := new(amazon), new(lwa.MemoryStore)
		source, key := imported(t, a, store, "customer")
		a.revoke("customer")
		a.delay = 9900 * time.Millisecond
		begin := time.Now()
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		require.Equal(t, 24900*time.Millisecond, time.Since(begin))
		require.False(t, stored(t, store, key).Live())
	})
}

// A grant that is erased while the Source waits for another process is missing.
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

// If the store fails after a refusal, the grant has not ended.
func TestRefusalThatIsNotStored(t *testing.T) {
	for name, fail := range map[string]func(*faultyStore){
		"writing": func(s *faultyStore) { s.failWrites.Store(true) },
		"reading": func(s *faultyStore) { // from the third time
			s.reads.Store(0)
			s.beforeRead = func(context.Context, lwa.Key) error {
				if s.reads.Load() > 2 {
					return errDown
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, memory := new(amazon), new(lwa.MemoryStore)
				store := &faultyStore{Store: memory}
				source, key := imported(t, a, store, "customer")
				a.revoke("customer")
				fail(store)
				_, err := source.Token(t.Context(), key)
				require.ErrorIs(t, err, alexaevents.ErrTemporary)
				require.NotErrorIs(t, err, lwa.ErrInvalidGrant)
				require.ErrorContains(t, err, "another process")

				store.failWrites.Store(false)
				store.beforeRead = nil
				_, err = source.Token(t.Context(), key)
				require.ErrorIs(t, err, lwa.ErrInvalidGrant)
			})
		})
	}
}

// After a panic of the transport, of the store or of Observe, the process continues and
// no token is lost.
func TestPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true}
		memory := new(lwa.MemoryStore)
		store := &faultyStore{Store: memory}
		source, key := imported(t, a, store, "customer")
		var log bytes.Buffer
		source.Logger = slog.New(slog.NewTextHandler(&log, nil))

		a.around = func(form url.Values, _ func() (*http.Response, error)) (*http.Response, error) {
			panic(form.Get("refresh_token"))
		}
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, alexaevents.ErrTemporary)
		require.ErrorContains(t, err, "panic with a string")
		require.Contains(t, log.String(), "refresh_test.go", "the stack")
		require.NotContains(t, log.String(), "Atzr")

		a.around = nil
		store.writes.Store(0)
		store.beforeWrite = func(context.Context, lwa.Key) error {
			if store.writes.Load() < 4 {
				panic("the store")
			}
			return nil
		}
		source.Observe = func(context.Context, lwa.Observation) { panic("the metrics") }
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.NoError(t, source.Flush(t.Context()))
		require.Equal(t, token, stored(t, memory, key).AccessToken)
		require.True(t, a.isValid(stored(t, memory, key).RefreshToken))
	})
}
