package lwa_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
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

func TestExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := new(lwa.MemoryStore)
		source, key := a.source(store), keyOf("account")
		code := a.consent()
		begin := time.Now().UTC()
		require.NoError(t, source.Exchange(t.Context(), key, alexaevents.Europe, code))
		grant := stored(t, store, key)
		require.Len(t, grant.CodeHash, 64)
		require.Equal(t, lwa.Grant{
			Key: key, Region: alexaevents.Europe,
			AccessToken: a.accessToken(1), RefreshToken: a.refreshToken(1),
			IssuedAt: begin, Expiry: begin.Add(time.Hour), CodeHash: grant.CodeHash,
		}, grant)

		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, grant.AccessToken, token)
		require.Zero(t, a.count("refresh_token"))

		require.NoError(t, source.Exchange(t.Context(), key, alexaevents.Europe, code), "the same directive again")
		require.Equal(t, 1, a.count("authorization_code"))
		require.Equal(t, grant, stored(t, store, key))

		require.NoError(t, store.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error {
			g.ConfirmedAt = begin
			return nil
		}))
		require.NoError(t, source.Exchange(t.Context(), key, alexaevents.FarEast, a.consent()))
		again := stored(t, store, key)
		require.Equal(t, alexaevents.FarEast, again.Region)
		require.Equal(t, a.refreshToken(2), again.RefreshToken)
		require.NotEqual(t, grant.CodeHash, again.CodeHash)
		require.Zero(t, again.ConfirmedAt, "nothing was accepted in the new region yet")
	})
}

// Two processes get the same directive, and the code works for one of them.
func TestExchangeInTwoProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		memory, key, code := new(lwa.MemoryStore), keyOf("account"), a.consent()
		first, second := a.source(slowWrites(memory, 900*time.Millisecond)), a.source(memory)
		var group sync.WaitGroup
		group.Go(func() { expectIs(t, first.Exchange(t.Context(), key, alexaevents.Europe, code), nil) })
		synctest.Wait()
		require.NoError(t, second.Exchange(t.Context(), key, alexaevents.Europe, code))
		require.Equal(t, a.refreshToken(1), stored(t, memory, key).RefreshToken, "success is stored")
		group.Wait()
		require.Equal(t, 2, a.count("authorization_code"))

		err := second.Exchange(t.Context(), keyOf("another account"), alexaevents.Europe, code)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant, "the grant is another account's")
	})
}

func TestExchangeErrors(t *testing.T) { synctest.Test(t, testExchangeErrors) }

func testExchangeErrors(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	source, key := a.source(store), keyOf("account")
	for _, region := range []alexaevents.Region{"", "eu-west-1"} {
		require.ErrorContains(t, source.Exchange(t.Context(), key, region, a.consent()), "region")
	}
	for _, long := range []lwa.Key{
		{ClientID: clientID, AccountID: strings.Repeat("a", 1537), LinkID: "link"},
		{ClientID: clientID, AccountID: "account", LinkID: strings.Repeat("l", 1024-len(clientID))},
	} {
		require.ErrorIs(t, source.Exchange(t.Context(), long, alexaevents.Europe, a.consent()), lwa.ErrInvalidKey)
		require.ErrorIs(t, source.Import(t.Context(), long, "Atzr|1"), lwa.ErrInvalidKey)
	}
	longest := lwa.Key{ClientID: clientID, AccountID: strings.Repeat("a", 1536), LinkID: strings.Repeat("l", 1023-len(clientID))}
	require.NoError(t, source.Import(t.Context(), longest, "Atzr|1"))
	require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.Europe, ""), lwa.ErrInvalidGrant)
	require.Zero(t, a.count("authorization_code"), "no code is used")
	require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.Europe, "unknown"), lwa.ErrInvalidGrant)
	_, err := store.Grant(t.Context(), key)
	require.ErrorIs(t, err, lwa.ErrNoGrant)

	lost := errors.New("the database is away")
	source.Store = &faultyStore{Store: store, beforeRead: func(context.Context, lwa.Key) error { return lost }}
	require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.Europe, a.consent()), lost)
	require.Equal(t, 1, a.count("authorization_code"), "no code is used while the store cannot be read")
}

// A failed exchange does not change the existing grant.
func TestExchangeFailureKeepsTheOldGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := new(lwa.MemoryStore)
		source, key := imported(t, a, store, "customer")
		before := stored(t, store, key)
		require.ErrorIs(t, source.Exchange(t.Context(), key, alexaevents.Europe, "expired code"), lwa.ErrInvalidGrant)
		require.Equal(t, before, stored(t, store, key))
	})
}

// Exchange makes six requests at most.
func TestExchangeRetries(t *testing.T) {
	for failures, want := range map[int]error{5: nil, 6: alexaevents.ErrTemporary} {
		synctest.Test(t, func(t *testing.T) {
			a := new(amazon)
			requests := 0
			a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
				if requests++; requests <= failures {
					return respond(503, ""), nil
				}
				return next()
			}
			err := a.source(new(lwa.MemoryStore)).Exchange(t.Context(), keyOf("account"), alexaevents.Europe, a.consent())
			require.ErrorIs(t, err, want)
			require.Equal(t, 6, requests)
		})
	}
}

// A grant that is erased while its code is exchanged stays erased. Exchange reports it,
// although its deadline passes meanwhile.
func TestExchangeOfAnErasedGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, memory := &amazon{delay: 600 * time.Millisecond}, new(lwa.MemoryStore)
		_, key := imported(t, a, memory, "customer")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.AfterFunc(700*time.Millisecond, func() { expectIs(t, memory.EraseGrants(t.Context(), key.AccountID), nil) })
		err := a.source(slowWrites(memory, 900*time.Millisecond)).Exchange(ctx, key, alexaevents.Europe, a.consent())
		require.ErrorIs(t, err, lwa.ErrNoGrant)
		_, err = memory.Grant(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrNoGrant)
	})
}

// Once the code is used up, its tokens are stored even if the call was cancelled.
func TestExchangeStoresAfterCancellation(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	ctx, cancel := context.WithCancel(t.Context())
	a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
		response, err := next()
		cancel()
		return response, err
	}
	source := a.source(store)
	if err := source.Exchange(ctx, keyOf("account"), alexaevents.Europe, a.consent()); err != nil {
		require.ErrorIs(t, err, context.Canceled)
	}
	require.NoError(t, source.Flush(t.Context()))
	require.True(t, a.isValid(stored(t, store, keyOf("account")).RefreshToken))
}

func TestImport(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	source, key := a.source(store), lwa.Key{ClientID: clientID, AccountID: "developer"}
	first := a.grant("developer")
	require.NoError(t, source.Import(t.Context(), key, first))
	require.Equal(t, lwa.Grant{Key: key, RefreshToken: first, CodeHash: sha(first)}, stored(t, store, key))
	token, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	require.True(t, a.isValid(token))

	before := stored(t, store, key)
	require.NoError(t, source.Import(t.Context(), key, first))
	require.Equal(t, before, stored(t, store, key), "the same token again")

	second := a.grant("developer")
	require.NoError(t, source.Import(t.Context(), key, second))
	require.Equal(t, lwa.Grant{Key: key, RefreshToken: second, CodeHash: sha(second)}, stored(t, store, key))

	for _, text := range []string{"", " ", "Atzr|\x00", "Atzr|\xff", "Atzr|1\n", strings.Repeat("a", 4097)} {
		require.ErrorIs(t, source.Import(t.Context(), key, alexaevents.Secret(text)), lwa.ErrInvalidGrant)
	}
	require.Equal(t, second, stored(t, store, key).RefreshToken)
	require.NoError(t, source.Import(t.Context(), key, alexaevents.Secret(strings.Repeat("a", 4096))))
}

// sha returns the CodeHash of a code or token.
func sha(secret alexaevents.Secret) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(secret))) }

// A program that imports its token each time it starts does not replace a newer one.
func TestImportAtEachStart(t *testing.T) {
	a := &amazon{rotates: true}
	store := new(lwa.MemoryStore)
	key, token := keyOf("customer"), a.grant("customer")
	for range 3 {
		source := a.source(store)
		require.NoError(t, source.Import(t.Context(), key, token))
		_, err := source.Renew(t.Context(), key, stored(t, store, key).AccessToken)
		require.NoError(t, err)
		require.True(t, a.isValid(stored(t, store, key).RefreshToken))
	}
	require.Equal(t, 3, a.count("refresh_token"))
}

// An import does not change the region.
func TestImportKeepsTheRegion(t *testing.T) {
	a := new(amazon)
	store, key := new(lwa.MemoryStore), keyOf("account")
	source := a.source(store)
	require.NoError(t, source.Exchange(t.Context(), key, alexaevents.FarEast, a.consent()))
	require.NoError(t, source.Import(t.Context(), key, a.grant("customer")))
	require.Equal(t, alexaevents.FarEast, stored(t, store, key).Region)
}

// A refused token can be imported again for another attempt.
func TestImportOfARefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := new(lwa.MemoryStore)
		source, key := imported(t, a, store, "customer")
		token := stored(t, store, key).RefreshToken
		a.around = failWith(400, `{"error":"invalid_grant"}`)
		_, err := source.Token(t.Context(), key)
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		a.around = nil
		require.NoError(t, source.Import(t.Context(), key, token))
		_, err = source.Token(t.Context(), key)
		require.NoError(t, err)
	})
}

// unsure is a store that once stores a grant and returns an error.
type unsure struct {
	lwa.Store
	meanwhile func()
}

func (u *unsure) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	err := u.Store.UpdateGrant(ctx, key, fn)
	if next := u.meanwhile; err == nil && next != nil {
		u.meanwhile = nil
		next()
		return errors.New("the connection broke")
	}
	return err
}

// Another process refreshes the grant before Exchange retries its write.
func TestExchangeOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true}
		memory, key := new(lwa.MemoryStore), keyOf("account")
		var refreshed alexaevents.Secret
		store := &unsure{Store: memory, meanwhile: func() {
			var err error
			refreshed, err = a.source(memory).Renew(t.Context(), key, stored(t, memory, key).AccessToken)
			require.NoError(t, err)
		}}
		require.NoError(t, a.source(store).Exchange(t.Context(), key, alexaevents.Europe, a.consent()))
		require.Equal(t, refreshed, stored(t, memory, key).AccessToken)
		require.True(t, a.isValid(stored(t, memory, key).RefreshToken))
	})
}

// A call that joins another one keeps its own deadline.
func TestExchangeJoinedKeepsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{delay: 8 * time.Second}
		source := a.source(new(lwa.MemoryStore))
		code := a.consent()
		go func() { _ = source.Exchange(context.Background(), keyOf("customer"), alexaevents.Europe, code) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		err := source.Exchange(ctx, keyOf("customer"), alexaevents.Europe, code)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(begin))
		require.NoError(t, source.Flush(t.Context()))
	})
}
