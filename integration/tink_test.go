package integration

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
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

// withoutOldKeys removes every key except the one that encrypts.
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

// addKey adds a key to the keyset. The one that encrypts stays.
func addKey(t *testing.T, old *keyset.Handle) (handle *keyset.Handle, id uint32) {
	manager := keyset.NewManagerFromHandle(old)
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	handle, err = manager.Handle()
	require.NoError(t, err)
	return handle, id
}

func encryptingWith(t *testing.T, old *keyset.Handle, id uint32) *keyset.Handle {
	manager := keyset.NewManagerFromHandle(old)
	require.NoError(t, manager.SetPrimary(id))
	handle, err := manager.Handle()
	require.NoError(t, err)
	return handle
}

// reseal is the loop in the documentation of lwa.Sealed.
func reseal(ctx context.Context, sealed *lwa.Sealed) error {
	for grant, err := range sealed.Grants(ctx) {
		if err == nil {
			err = sealed.UpdateGrant(ctx, grant.Key, func(*lwa.Grant) error { return nil })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A key is replaced as the documentation of lwa.Sealed says, while two processes
// use the grants, the first of which are from before there was encryption.
func TestTinkRotation(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		database := d.store(t)
		var keys []lwa.Key
		check := func(store *lwa.Sealed) {
			t.Helper()
			store.Observe = func(_ context.Context, o lwa.SealedObservation) { t.Error(o.Err) }
			require.Len(t, all(t, store.Grants(t.Context())), len(keys))
			for _, key := range keys {
				requireToken(t, store, key)
			}
		}
		put := func(store lwa.Store) {
			key := sealedKey(fmt.Sprint("account-", len(keys)))
			putToken(t, store, key)
			keys = append(keys, key)
		}
		for range 3 {
			put(database)
		}
		first := newKeyset(t)
		added, id := addKey(t, first)
		promoted := encryptingWith(t, added, id)
		steps := []*lwa.Sealed{seal(t, database, first), seal(t, database, added), seal(t, database, promoted)}
		for i, next := range steps { // the processes are one step apart at most
			put(next)
			check(next)
			if i > 0 {
				put(steps[i-1])
				check(steps[i-1])
				check(next)
			}
		}

		last := seal(t, database, withoutOldKeys(t, promoted))
		last.RefusePlain = true
		require.ErrorIs(t, reseal(t.Context(), last), lwa.ErrSealed, "it is too early")
		require.NoError(t, reseal(t.Context(), steps[2]))
		check(last)
		require.NoError(t, reseal(t.Context(), last))
		for grant, err := range database.Grants(t.Context()) {
			require.NoError(t, err)
			require.NotContains(t, string(grant.AccessToken+grant.RefreshToken), "|")
		}
	})
}

func TestTinkKeysOfOthers(t *testing.T) {
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
	otherKey := seal(t, database, newKeyset(t))
	_, err := otherKey.Grant(t.Context(), key)
	require.ErrorIs(t, err, lwa.ErrSealed)
	err = otherKey.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error { g.ConfirmedAt = monday; return nil })
	require.ErrorIs(t, err, lwa.ErrSealed)
	putToken(t, otherKey, key) // a whole new grant
	requireToken(t, otherKey, key)
}

// If one of a family's two grants cannot be decrypted, the other one still gets events.
// The customer of the first gets them again after linking again.
func TestTinkFamily(t *testing.T) {
	database := new(lwa.MemoryStore)
	cloud := alexatest.NewCloud()
	store := seal(t, database, newKeyset(t))
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: sealedKey("").ClientID, Secret: "the client's secret", HTTPClient: cloud.Client()},
		Store:  store,
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}
	link := func(customer string) lwa.Key {
		t.Helper()
		key := lwa.Key{ClientID: tokens.Client.ID, AccountID: account, LinkID: customer}
		code := alexaevents.Secret(cloud.Grant(alexaevents.Europe, customer))
		require.NoError(t, tokens.Exchange(t.Context(), key, alexaevents.Europe, code))
		return key
	}
	send := func() (customers []string) {
		t.Helper()
		before := len(cloud.Sent())
		require.NoError(t, sender.Send(t.Context(), account, &gateway.ChangeReport{
			EndpointID: "lamp-1",
			Cause:      gateway.PhysicalInteraction,
			Properties: []gateway.Property{gateway.PowerState("ON", time.Now())},
		}))
		for _, sent := range cloud.Sent()[before:] {
			customers = append(customers, sent.Customer)
		}
		slices.Sort(customers)
		return customers
	}
	anna := link("anna")
	link("bert")
	require.Equal(t, []string{"anna", "bert"}, send())
	putToken(t, seal(t, database, newKeyset(t)), anna) // by a process with a wrong key
	require.Equal(t, []string{"bert"}, send())
	link("anna")
	require.Equal(t, []string{"anna", "bert"}, send())
}

// Write access to the database is not enough to give an account the tokens of another
// one.
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
