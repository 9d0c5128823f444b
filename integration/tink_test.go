package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/storetest"
)

// newKeyset returns a Tink keyset of one AES-256-GCM key.
func newKeyset(t *testing.T) *keyset.Handle {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	return handle
}

// rotate adds a key to the keyset and makes it the one that encrypts.
func rotate(t *testing.T, old *keyset.Handle) *keyset.Handle {
	manager := keyset.NewManagerFromHandle(old)
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	require.NoError(t, manager.SetPrimary(id))
	handle, err := manager.Handle()
	require.NoError(t, err)
	return handle
}

// withoutOldKeys removes every key but the one that encrypts.
func withoutOldKeys(t *testing.T, handle *keyset.Handle) *keyset.Handle {
	primary, err := handle.Primary()
	require.NoError(t, err)
	manager := keyset.NewManagerFromHandle(handle)
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		require.NoError(t, err)
		if entry.KeyID() != primary.KeyID() {
			require.NoError(t, manager.Delete(entry.KeyID()))
		}
	}
	handle, err = manager.Handle()
	require.NoError(t, err)
	return handle
}

func seal(t *testing.T, store lwa.Store, handle *keyset.Handle) *lwa.Sealed {
	primitive, err := aead.New(handle)
	require.NoError(t, err)
	return &lwa.Sealed{Store: store, AEAD: primitive}
}

func sealedKey(accountID string) lwa.Key {
	return lwa.Key{ClientID: "amzn1.application-oa2-client.tink", AccountID: accountID, LinkID: "link"}
}

func putToken(t *testing.T, store lwa.Store, key lwa.Key) {
	require.NoError(t, store.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error {
		g.AccessToken, g.RefreshToken = "Atza|access", "Atzr|refresh"
		return nil
	}))
}

func requireToken(t *testing.T, store lwa.Store, key lwa.Key) {
	grant, err := store.Grant(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, "Atza|access Atzr|refresh", string(grant.AccessToken+" "+grant.RefreshToken))
}

func TestTinkStore(t *testing.T) {
	handle := newKeyset(t)
	storetest.Grants(t, func(t *testing.T) lwa.Store { return seal(t, new(lwa.MemoryStore), handle) })
}

// A key is replaced while grants stay readable: add the new key, let every grant
// be updated once, and remove the old key.
func TestTinkRotation(t *testing.T) {
	database := new(lwa.MemoryStore)
	first := newKeyset(t)
	second := rotate(t, first)
	old, touched := sealedKey("old"), sealedKey("touched")
	for _, key := range []lwa.Key{old, touched} {
		putToken(t, seal(t, database, first), key)
	}

	both := seal(t, database, second)
	requireToken(t, both, old)
	require.NoError(t, both.UpdateGrant(t.Context(), touched, func(*lwa.Grant) error { return nil }))
	_, err := seal(t, database, first).Grant(t.Context(), touched)
	require.ErrorIs(t, err, lwa.ErrSealed, "a process that does not know the new key yet")

	alone := seal(t, database, withoutOldKeys(t, second))
	requireToken(t, alone, touched)
	_, err = alone.Grant(t.Context(), old)
	require.ErrorIs(t, err, lwa.ErrSealed)
}

func TestTinkWrongKey(t *testing.T) {
	database := new(lwa.MemoryStore)
	key := sealedKey("account")
	putToken(t, seal(t, database, newKeyset(t)), key)
	stranger := seal(t, database, newKeyset(t))
	_, err := stranger.Grant(t.Context(), key)
	require.ErrorIs(t, err, lwa.ErrSealed)
	err = stranger.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error { g.RefreshToken = "Atzr|other"; return nil })
	require.ErrorIs(t, err, lwa.ErrSealed)
}

// Whoever can write to the database cannot give an account the tokens of
// another one.
func TestTinkSwappedRows(t *testing.T) {
	database := new(lwa.MemoryStore)
	store := seal(t, database, newKeyset(t))
	victim, thief := sealedKey("victim"), sealedKey("thief")
	for _, key := range []lwa.Key{victim, thief} {
		putToken(t, store, key)
	}
	stolen, err := database.Grant(t.Context(), victim)
	require.NoError(t, err)
	require.NoError(t, database.UpdateGrant(t.Context(), thief, func(g *lwa.Grant) error { *g = stolen; return nil }))
	_, err = store.Grant(t.Context(), thief)
	require.ErrorIs(t, err, lwa.ErrSealed)
	requireToken(t, store, victim)

	require.NoError(t, database.UpdateGrant(t.Context(), victim, func(g *lwa.Grant) error {
		g.AccessToken, g.RefreshToken = g.RefreshToken, g.AccessToken
		return nil
	}))
	_, err = store.Grant(t.Context(), victim)
	require.ErrorIs(t, err, lwa.ErrSealed, "the fields of one row")
}
