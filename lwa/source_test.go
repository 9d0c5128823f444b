package lwa_test

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true}
		store := &faultyStore{Store: new(lwa.MemoryStore)}
		source, key := imported(t, a, store, "customer")
		begin := time.Now().UTC()

		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, a.accessToken(1), token)
		require.Equal(t, lwa.Grant{
			Key: key, AccessToken: a.accessToken(1), RefreshToken: a.refreshToken(2),
			IssuedAt: begin, Expiry: begin.Add(time.Hour), CodeHash: sha(a.refreshToken(1)),
		}, stored(t, store, key))

		time.Sleep(54 * time.Minute) // an hour without the 5 to 6 minutes
		store.reads.Store(0)
		store.writes.Store(0)
		token, err = source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, a.accessToken(1), token)
		require.Equal(t, 1, a.count("refresh_token"))
		require.EqualValues(t, 1, store.reads.Load(), "a fresh token costs one read")
		require.Zero(t, store.writes.Load())

		time.Sleep(time.Minute)
		token, err = source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, a.accessToken(1), token, "it is refreshed in the background")
		synctest.Wait()
		token, err = source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, a.accessToken(2), token)
		require.Equal(t, 2, a.count("refresh_token"))
	})
}

func TestGrantToken(t *testing.T) {
	a := &amazon{rotates: true}
	store := &faultyStore{Store: new(lwa.MemoryStore)}
	source, key := imported(t, a, store, "customer")
	token, err := source.GrantToken(t.Context(), stored(t, store, key))
	require.NoError(t, err)
	require.True(t, a.isValid(token))

	grant := stored(t, store, key)
	store.reads.Store(0)
	again, err := source.GrantToken(t.Context(), grant)
	require.NoError(t, err)
	require.Equal(t, token, again)
	require.Zero(t, store.reads.Load())

	// The store already has a newer token than a grant that was read long ago.
	grant.AccessToken, grant.RefreshToken = "", a.refreshToken(1)
	again, err = source.GrantToken(t.Context(), grant)
	require.NoError(t, err)
	require.Equal(t, token, again)
	require.Equal(t, 1, a.count("refresh_token"))

	_, err = source.GrantToken(t.Context(), lwa.Grant{Key: lwa.Key{ClientID: "another client", AccountID: "customer"}})
	require.ErrorIs(t, err, lwa.ErrInvalidKey)
}

// The time of the early refresh differs between grants, not between calls.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const grants = 200
		a, store := new(amazon), new(lwa.MemoryStore)
		source := a.source(store)
		keys := make([]lwa.Key, grants)
		for i := range keys {
			_, keys[i] = imported(t, a, store, fmt.Sprint(i))
			_, err := source.Token(t.Context(), keys[i])
			require.NoError(t, err)
		}
		begin := time.Now()
		moments := make(map[time.Duration]int)
		time.Sleep(53 * time.Minute)
		for time.Since(begin) < 55*time.Minute {
			before := a.count("refresh_token")
			for _, key := range keys {
				_, err := source.Token(t.Context(), key)
				require.NoError(t, err)
			}
			synctest.Wait()
			if refreshed := a.count("refresh_token") - before; refreshed > 0 {
				moments[time.Since(begin)] += refreshed
			}
			time.Sleep(time.Second)
		}
		total := 0
		for moment, refreshed := range moments {
			require.GreaterOrEqual(t, moment, 54*time.Minute)
			require.Less(t, refreshed, 20, "at %s", moment)
			total += refreshed
		}
		require.Greater(t, len(moments), 30)
		require.GreaterOrEqual(t, total, grants*9/10)
		require.LessOrEqual(t, total, grants)
	})
}

// A token with a lifetime of a minute is not refreshed in every call.
func TestShortLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
			_, err := next()
			time.AfterFunc(time.Minute, a.simulator().ExpireTokens)
			return respond(200, fmt.Sprintf(`{"access_token":%q,"expires_in":60}`, string(a.accessToken(a.count("refresh_token"))))), err
		}
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		for range 60 {
			token, err := source.Token(t.Context(), key)
			require.NoError(t, err)
			require.True(t, a.isValid(token))
			time.Sleep(time.Second)
		}
		require.Equal(t, 2, a.count("refresh_token"))
	})
}

// A token without a known expiry is used until an API refuses it.
func TestUnknownExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		a.around = func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
			return respond(200, `{"access_token":"`+crand.Text()+`"}`), nil
		}
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		first, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		time.Sleep(1000 * time.Hour)
		again, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, first, again)
		renewed, err := source.Renew(t.Context(), key, first)
		require.NoError(t, err)
		require.NotEqual(t, first, renewed)
	})
}

func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		stale, err := source.Token(t.Context(), key)
		require.NoError(t, err)

		renewed, err := source.Renew(t.Context(), key, stale)
		require.NoError(t, err)
		require.NotEqual(t, stale, renewed)
		require.Equal(t, 2, a.count("refresh_token"))

		again, err := source.Renew(t.Context(), key, stale)
		require.NoError(t, err)
		require.Equal(t, renewed, again, "a late 401 must not discard a newer token")
		require.Equal(t, 2, a.count("refresh_token"))

		for range 500 { // an API that refuses every token
			again, err = source.Renew(t.Context(), key, renewed)
			require.NoError(t, err)
			require.Equal(t, renewed, again, "it was renewed less than a minute ago")
		}
		require.Equal(t, 2, a.count("refresh_token"))
		time.Sleep(time.Minute)
		again, err = source.Renew(t.Context(), key, renewed)
		require.NoError(t, err)
		require.NotEqual(t, renewed, again)
		require.Equal(t, 3, a.count("refresh_token"))

		time.Sleep(2 * time.Hour)
		again, err = source.Renew(t.Context(), key, stale)
		require.NoError(t, err)
		require.True(t, a.isValid(again), "the newer one has expired meanwhile")
	})
}

// Amazon may respond to a refresh with the same access token.
func TestSameTokenAgain(t *testing.T) {
	a := new(amazon)
	a.around = func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
		return respond(200, `{"access_token":"Atza|same","expires_in":3600}`), nil
	}
	source, key := imported(t, a, new(lwa.MemoryStore), "customer")
	token, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	again, err := source.Renew(t.Context(), key, token)
	require.NoError(t, err)
	require.Equal(t, token, again)
}

func TestKeys(t *testing.T) {
	source := new(amazon).source(new(lwa.MemoryStore))
	for _, key := range []lwa.Key{
		{},
		{ClientID: clientID},
		{AccountID: "account"},
		{ClientID: "another client", AccountID: "account"},
	} {
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrInvalidKey)
		_, err = source.Renew(t.Context(), key, "stale")
		require.ErrorIs(t, err, lwa.ErrInvalidKey)
		require.ErrorIs(t, source.Import(t.Context(), key, "refresh"), lwa.ErrInvalidKey)
		require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.Europe, "code"), lwa.ErrInvalidKey)
		require.NotContains(t, err.Error(), "account ")
	}
	_, err := source.Token(t.Context(), keyOf("nobody"))
	require.ErrorIs(t, err, lwa.ErrNoGrant)
	require.ErrorIs(t, err, lwa.ErrEnded)
	_, err = source.Renew(t.Context(), keyOf("nobody"), "stale")
	require.ErrorIs(t, err, lwa.ErrNoGrant)
}

func TestIncompleteSource(t *testing.T) {
	for words, source := range map[string]*lwa.Source{
		"Source.Client is nil": {Store: new(lwa.MemoryStore)},
		"Source.Store is nil":  {Client: new(amazon).client()},
	} {
		_, err := source.Token(t.Context(), keyOf("account"))
		require.ErrorContains(t, err, words)
		_, err = source.Renew(t.Context(), keyOf("account"), "stale")
		require.ErrorContains(t, err, words)
		require.ErrorContains(t, source.Import(t.Context(), keyOf("account"), "refresh"), words)
		require.ErrorContains(t, source.Exchange(t.Context(), keyOf("account"), alexaevents.Europe, "code"), words)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.amazonalexa.com/", nil)
		require.NoError(t, err)
		_, err = source.HTTPClient("account").Do(request)
		require.ErrorContains(t, err, words)
	}
}

func TestClock(t *testing.T) {
	a := new(amazon)
	source, key := imported(t, a, new(lwa.MemoryStore), "customer")
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.FixedZone("CET", 3600))
	source.Now = func() time.Time { return now }
	_, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), stored(t, source.Store, key).Expiry)
	now = now.Add(time.Hour)
	_, err = source.Token(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, 2, a.count("refresh_token"))
}

// New tokens are stored even if the clock is set back.
func TestClockIsSetBack(t *testing.T) {
	a := new(amazon)
	source, key := imported(t, a, new(lwa.MemoryStore), "customer")
	first, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	source.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	second, err := source.Renew(t.Context(), key, first)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.Equal(t, second, stored(t, source.Store, key).AccessToken)

	synctest.Test(t, func(t *testing.T) { // after two refreshes that are not stored
		a, store := new(amazon), &faultyStore{Store: new(lwa.MemoryStore)}
		source, key := imported(t, a, store, "customer")
		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		source.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		store.failWrites.Store(true)
		for range 2 {
			token, err = source.Renew(t.Context(), key, token)
			require.NoError(t, err)
			time.Sleep(2 * time.Minute)
		}
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
		require.Equal(t, token, stored(t, store, key).AccessToken)
	})
}

func TestObserve(t *testing.T) { synctest.Test(t, testObserve) }

func testObserve(t *testing.T) {
	a := &amazon{rotates: true}
	store := new(lwa.MemoryStore)
	var seen []lwa.Observation
	var log bytes.Buffer
	source, key := imported(t, a, store, "customer-1234")
	source.Observe = func(_ context.Context, o lwa.Observation) { seen = append(seen, o) }
	source.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	renew := func() string {
		time.Sleep(time.Minute)
		seen, log = nil, bytes.Buffer{}
		_, _ = source.Renew(t.Context(), key, stored(t, store, key).AccessToken)
		require.NotContains(t, log.String(), "Atz")
		return log.String()
	}

	text := renew()
	require.Equal(t, []lwa.Observation{{ClientID: clientID, Outcome: lwa.Refreshed}}, seen)
	require.Contains(t, text, "level=DEBUG")
	require.Contains(t, text, "alexa.outcome=refreshed")
	require.Contains(t, text, "customer-1234")

	a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
		a.around = nil
		err := source.Import(t.Context(), key, a.grant("customer-1234"))
		expectIs(t, err, nil)
		return next()
	}
	renew()
	require.Len(t, seen, 2)
	require.Equal(t, lwa.Observation{ClientID: clientID, Outcome: lwa.Superseded}, seen[0])
	require.Equal(t, lwa.Refreshed, seen[1].Outcome)

	for _, test := range []struct {
		around func(url.Values, func() (*http.Response, error)) (*http.Response, error)
		want   lwa.Outcome
	}{
		{failWith(503, ``), lwa.Unavailable},
		{failWith(401, `{"error":"invalid_client"}`), lwa.Failed},
		{failWith(400, `{"error":"invalid_grant"}`), lwa.Refused},
	} {
		a.around = test.around
		text = renew()
		require.Len(t, seen, 1)
		require.Equal(t, test.want, seen[0].Outcome)
		require.Error(t, seen[0].Err)
		require.Contains(t, text, "level=WARN")
		require.Contains(t, text, "alexa.outcome="+string(test.want))
		require.NotContains(t, text, "customer-1234", "personal data")
	}
}

// Two processes whose tokens are all refused do not renew each other's tokens.
func TestRenewInTwoProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := new(lwa.MemoryStore)
		one, key := imported(t, a, store, "customer")
		two := a.source(store)
		for range 20 {
			for _, source := range []*lwa.Source{one, two} {
				token, err := source.Token(t.Context(), key)
				require.NoError(t, err)
				_, err = source.Renew(t.Context(), key, token)
				require.NoError(t, err)
			}
		}
		require.LessOrEqual(t, a.count("refresh_token"), 3)
	})
}

func TestTokenSource(t *testing.T) {
	cloud := alexatest.NewCloud()
	source := &lwa.Source{
		Client: &lwa.Client{ID: "client", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	key := lwa.Key{ClientID: "client", AccountID: "account", LinkID: "link"}
	tokens := source.TokenSource(t.Context(), key)
	_, err := tokens.Token()
	require.ErrorIs(t, err, lwa.ErrNoGrant)

	code := cloud.Grant(alexaevents.Europe, "customer")
	require.NoError(t, source.Exchange(t.Context(), key, alexaevents.Europe, alexaevents.Secret(code)))
	want, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	got, err := tokens.Token()
	require.NoError(t, err)
	require.Equal(t, string(want), got.AccessToken)
	require.True(t, got.Valid())

	renewed, err := source.Renew(t.Context(), key, want)
	require.NoError(t, err)
	got, err = tokens.Token()
	require.NoError(t, err)
	require.Equal(t, string(renewed), got.AccessToken, "the old token is not cached")
}

// A library that caches tokens asks for another one in time.
func TestTokenSourceInACache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		source, key := imported(t, a, new(lwa.MemoryStore), "customer")
		cached := oauth2.ReuseTokenSource(nil, source.TokenSource(t.Context(), key))
		for range 3 {
			token, err := cached.Token()
			require.NoError(t, err)
			require.True(t, a.isValid(alexaevents.Secret(token.AccessToken)))
			time.Sleep(2 * time.Hour)
		}
	})
}

// A token that needs no refresh, as in nearly every call.
func BenchmarkSourceToken(b *testing.B) {
	for name, store := range map[string]lwa.Store{
		"memory": new(lwa.MemoryStore),
		"sealed": &lwa.Sealed{Store: new(lwa.MemoryStore), AEAD: newGCM(b, sealingKey)},
	} {
		b.Run(name, func(b *testing.B) {
			source, key := imported(b, new(amazon), store, "customer")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := source.Token(b.Context(), key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSourceRenew(b *testing.B) {
	source, key := imported(b, &amazon{rotates: true}, new(lwa.MemoryStore), "customer")
	stale := alexaevents.Secret("")
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if stale, err = source.Renew(b.Context(), key, stale); err != nil {
			b.Fatal(err)
		}
	}
}
