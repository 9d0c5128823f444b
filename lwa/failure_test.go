package lwa_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestRefused(t *testing.T) {
	a := &amazon{rotates: true}
	store := new(lwa.MemoryStore)
	source, key := imported(t, a, store, "customer")
	_, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	a.revoke("customer")
	stale := stored(t, store, key).AccessToken

	_, err = source.Renew(t.Context(), key, stale)
	require.ErrorIs(t, err, lwa.ErrRefused)
	require.ErrorIs(t, err, lwa.ErrInvalidGrant)
	var refusal *lwa.Error
	require.ErrorAs(t, err, &refusal)
	grant := stored(t, store, key)
	require.False(t, grant.Live())
	require.Equal(t, alexaevents.Secret("Atzr|customer|2"), grant.RefreshToken, "nothing is deleted")

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

// While Amazon is out, a token that is due but has not expired serves, and only
// now and then does a call wait for Amazon.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		old, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		time.Sleep(55 * time.Minute)

		asked, waited := 0, 0
		a.around = func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
			asked++
			time.Sleep(3 * time.Second)
			return answer(503, ""), nil
		}
		for begin := time.Now(); time.Since(begin) < 4*time.Minute; time.Sleep(time.Second) {
			call := time.Now()
			token, err := source.Token(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, old, token)
			if time.Since(call) > 0 {
				waited++
			}
		}
		require.Equal(t, asked, waited)
		require.InDelta(t, 7, asked, 1)

		time.Sleep(2 * time.Minute)
		_, err = source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrUnavailable, "it has expired")

		a.around = nil
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.NotEqual(t, old, token)
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
		require.ErrorIs(t, err, lwa.ErrRefused)
	})
}

// A caller who gave up gets no answer, even if there is an old token.
func TestCancelledEarlyRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		_, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		time.Sleep(55 * time.Minute)
		a.delay = 2 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		token, err := source.Token(ctx, key)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, token)
		time.Sleep(2 * time.Second)
	})
}

// What Amazon gave may be the only refresh token that works.
func TestPatientStore(t *testing.T) {
	lost := errors.New("the database is away")
	for _, test := range []struct {
		failures int
		want     error
	}{{1, nil}, {2, nil}, {3, lost}} {
		synctest.Test(t, func(t *testing.T) {
			a := &amazon{rotates: true}
			store := &countingStore{Store: new(lwa.MemoryStore)}
			source, key := imported(t, a, store, "customer")
			store.fail = func(update int) error {
				if update <= 1+test.failures {
					return lost
				}
				return nil
			}
			token, err := source.Token(t.Context(), key)
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
				require.Empty(t, token, "it is stored before it is handed out")
				return
			}
			require.NoError(t, err)
			require.Equal(t, token, stored(t, store, key).AccessToken)
			require.True(t, a.isLive(stored(t, store, key).RefreshToken))
		})
	}
}

func TestRefusalThatIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, lost := new(amazon), errors.New("the database is away")
		store := &countingStore{Store: new(lwa.MemoryStore)}
		source, key := imported(t, a, store, "customer")
		a.revoke("customer")
		store.fail = func(int) error { return lost }
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrRefused)
		require.ErrorIs(t, err, lost)
	})
}
