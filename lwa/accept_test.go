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

func TestAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(amazon)
		store := new(lwa.MemoryStore)
		source, key := a.source(store), keyOf("account")
		code := a.consent()
		begin := time.Now().UTC()
		require.NoError(t, source.Accept(t.Context(), key, alexaevents.Europe, code))
		grant := stored(t, store, key)
		require.Len(t, grant.CodeHash, 64)
		require.Equal(t, lwa.Grant{
			Key: key, Region: alexaevents.Europe,
			AccessToken: "Atza|customer|1", RefreshToken: "Atzr|customer|1",
			IssuedAt: begin, Expiry: begin.Add(time.Hour), CodeHash: grant.CodeHash,
		}, grant)

		token, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, grant.AccessToken, token)
		require.Zero(t, a.count("refresh_token"))

		require.NoError(t, source.Accept(t.Context(), key, alexaevents.Europe, code), "the same directive again")
		require.Equal(t, 1, a.count("authorization_code"))
		require.Equal(t, grant, stored(t, store, key))

		require.NoError(t, store.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error {
			g.ConfirmedAt = begin
			return nil
		}))
		require.NoError(t, source.Accept(t.Context(), key, alexaevents.FarEast, a.consent()))
		again := stored(t, store, key)
		require.Equal(t, alexaevents.FarEast, again.Region)
		require.Equal(t, alexaevents.Secret("Atzr|customer|2"), again.RefreshToken)
		require.NotEqual(t, grant.CodeHash, again.CodeHash)
		require.Zero(t, again.ConfirmedAt, "nothing was accepted in the new region yet")
	})
}

// Two processes get the same directive; the code works for one of them.
func TestAcceptInTwoProcesses(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	key, code := keyOf("account"), a.consent()
	a.meanwhile(false, func() {
		require.NoError(t, a.source(store).Accept(t.Context(), key, alexaevents.Europe, code))
	})
	require.NoError(t, a.source(store).Accept(t.Context(), key, alexaevents.Europe, code))
	require.Equal(t, 2, a.count("authorization_code"))
	require.Equal(t, alexaevents.Secret("Atzr|customer|1"), stored(t, store, key).RefreshToken)

	err := a.source(store).Accept(t.Context(), keyOf("another account"), alexaevents.Europe, code)
	require.ErrorIs(t, err, lwa.ErrInvalidGrant, "the grant is not that of this account")
}

func TestAcceptErrors(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	source, key := a.source(store), keyOf("account")
	for _, region := range []alexaevents.Region{"", "eu-west-1"} {
		require.ErrorContains(t, source.Accept(t.Context(), key, region, a.consent()), "region")
	}
	require.ErrorIs(t, source.Accept(t.Context(), key, alexaevents.Europe, ""), lwa.ErrInvalidGrant)
	require.Zero(t, a.count("authorization_code"), "no code is burned")
	require.ErrorIs(t, source.Accept(t.Context(), key, alexaevents.Europe, "unknown"), lwa.ErrInvalidGrant)
	_, err := store.Grant(t.Context(), key)
	require.ErrorIs(t, err, lwa.ErrNoGrant)

	lost := errors.New("the database is away")
	source.Store = readFailure{lwa.Store(store), lost}
	require.ErrorIs(t, source.Accept(t.Context(), key, alexaevents.Europe, a.consent()), lost)
	require.Equal(t, 1, a.count("authorization_code"), "a store that cannot be read will not keep the grant")
}

type readFailure struct {
	lwa.Store
	err error
}

func (s readFailure) Grant(context.Context, lwa.Key) (lwa.Grant, error) { return lwa.Grant{}, s.err }

// A failed directive leaves the grant that is there alone.
func TestAcceptFailureKeepsTheOldGrant(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	source, key := imported(t, a, store, "customer")
	before := stored(t, store, key)
	require.ErrorIs(t, source.Accept(t.Context(), key, alexaevents.Europe, "expired code"), lwa.ErrInvalidGrant)
	require.Equal(t, before, stored(t, store, key))
}

// Once the code is used up, its tokens are stored even if the caller is gone.
func TestAcceptStoresAfterCancellation(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	ctx, cancel := context.WithCancel(t.Context())
	a.around = func(_ url.Values, next func() (*http.Response, error)) (*http.Response, error) {
		response, err := next()
		cancel()
		return response, err
	}
	require.NoError(t, a.source(store).Accept(ctx, keyOf("account"), alexaevents.Europe, a.consent()))
	require.True(t, a.isLive(stored(t, store, keyOf("account")).RefreshToken))
}

func TestImport(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	source, key := a.source(store), lwa.Key{ClientID: clientID, AccountID: "developer"}
	first := a.grant("developer")
	require.NoError(t, source.Import(t.Context(), key, first))
	require.Equal(t, lwa.Grant{Key: key, RefreshToken: first}, stored(t, store, key))
	token, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	require.True(t, a.accepts(token))

	before := stored(t, store, key)
	require.NoError(t, source.Import(t.Context(), key, first))
	require.Equal(t, before, stored(t, store, key), "at each start of a program, say")

	second := a.grant("developer")
	require.NoError(t, source.Import(t.Context(), key, second))
	require.Equal(t, lwa.Grant{Key: key, RefreshToken: second}, stored(t, store, key))

	require.ErrorIs(t, source.Import(t.Context(), key, ""), lwa.ErrInvalidGrant)
	require.Equal(t, second, stored(t, store, key).RefreshToken)
}

// The operator may import a refused token again, to have it tried again.
func TestImportOfARefusedToken(t *testing.T) {
	a := new(amazon)
	store := new(lwa.MemoryStore)
	source, key := imported(t, a, store, "customer")
	token := stored(t, store, key).RefreshToken
	a.around = failWith(400, `{"error":"invalid_grant"}`)
	_, err := source.Token(t.Context(), key)
	require.ErrorIs(t, err, lwa.ErrRefused)
	a.around = nil
	require.NoError(t, source.Import(t.Context(), key, token))
	_, err = source.Token(t.Context(), key)
	require.NoError(t, err)
}

// unsure is a store that once stores a grant and says that it could not.
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

// Another process refreshes the grant before Accept tries again to store it.
func TestAcceptOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true}
		memory, key := new(lwa.MemoryStore), keyOf("account")
		var refreshed alexaevents.Secret
		store := &unsure{Store: memory, meanwhile: func() {
			var err error
			refreshed, err = a.source(memory).Renew(t.Context(), key, stored(t, memory, key).AccessToken)
			require.NoError(t, err)
		}}
		require.NoError(t, a.source(store).Accept(t.Context(), key, alexaevents.Europe, a.consent()))
		require.Equal(t, refreshed, stored(t, memory, key).AccessToken)
		require.True(t, a.isLive(stored(t, memory, key).RefreshToken))
	})
}
