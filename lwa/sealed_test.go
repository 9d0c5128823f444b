package lwa_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/storetest"
)

func newGCM(t testing.TB, key string) lwa.AEAD {
	gcm, err := newAEAD([]byte(key))
	require.NoError(t, err)
	return gcm
}

const sealingKey = "0123456789abcdef0123456789abcdef"

func TestStores(t *testing.T) {
	t.Run("MemoryStore", func(t *testing.T) {
		storetest.Grants(t, func(*testing.T) lwa.Store { return new(lwa.MemoryStore) })
	})
	t.Run("Sealed", func(t *testing.T) {
		storetest.Grants(t, func(t *testing.T) lwa.Store {
			return &lwa.Sealed{Store: new(lwa.MemoryStore), AEAD: newGCM(t, sealingKey)}
		})
	})
}

// sealedGrant returns a store with one sealed grant, and the store inside.
func sealedGrant(t *testing.T) (*lwa.Sealed, *lwa.MemoryStore, lwa.Grant) {
	inside := new(lwa.MemoryStore)
	store := &lwa.Sealed{Store: inside, AEAD: newGCM(t, sealingKey)}
	grant := lwa.Grant{Key: keyOf("account"), AccessToken: "Atza|canary", RefreshToken: "Atzr|canary", Refused: "hash"}
	put(t, store, grant)
	return store, inside, grant
}

func put(t *testing.T, store lwa.Store, grant lwa.Grant) {
	require.NoError(t, store.UpdateGrant(t.Context(), grant.Key, func(g *lwa.Grant) error { *g = grant; return nil }))
}

// everyUse returns the errors of everything that needs the tokens of a grant.
func everyUse(t *testing.T, store lwa.Store, key lwa.Key) map[string]error {
	_, readErr := store.Grant(t.Context(), key)
	updateErr := store.UpdateGrant(t.Context(), key, func(*lwa.Grant) error {
		return errors.New("fn was given a grant that cannot be read")
	})
	var listErr error
	grants := 0
	for grant, err := range store.AccountGrants(t.Context(), key.ClientID, key.AccountID) {
		grants++
		if err != nil {
			listErr = err
			require.Zero(t, grant)
		}
	}
	require.Equal(t, 1, grants)
	return map[string]error{"Grant": readErr, "UpdateGrant": updateErr, "AccountGrants": listErr}
}

func TestSealed(t *testing.T) {
	store, inside, grant := sealedGrant(t)
	require.Equal(t, grant, stored(t, store, grant.Key))

	raw := stored(t, inside, grant.Key)
	require.NotContains(t, string(raw.AccessToken+raw.RefreshToken), "canary")
	require.NotEqual(t, raw.AccessToken, raw.RefreshToken)
	require.Equal(t, "hash", raw.Refused, "everything else stays as it is")

	put(t, store, grant)
	again := stored(t, inside, grant.Key)
	require.NotEqual(t, raw.RefreshToken, again.RefreshToken, "nobody sees that nothing changed")
}

func TestSealedSource(t *testing.T) { synctest.Test(t, testSealedSource) }

func testSealedSource(t *testing.T) {
	a := &amazon{rotates: true}
	inside := new(lwa.MemoryStore)
	source, key := imported(t, a, &lwa.Sealed{Store: inside, AEAD: newGCM(t, sealingKey)}, "customer")
	token, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	_, err = source.Renew(t.Context(), key, token)
	require.NoError(t, err, "comparisons are of what is inside")
	a.revoke("customer")
	time.Sleep(time.Minute)
	_, err = source.Renew(t.Context(), key, stored(t, source.Store, key).AccessToken)
	require.ErrorIs(t, err, lwa.ErrRefused)
	require.False(t, stored(t, source.Store, key).Live())
	require.False(t, strings.HasPrefix(string(stored(t, inside, key).RefreshToken), "Atzr"))
}

func TestUnreadable(t *testing.T) {
	tamper := func(change func(*lwa.Grant)) func(*testing.T, *lwa.Sealed, lwa.Store, lwa.Key) {
		return func(t *testing.T, _ *lwa.Sealed, inside lwa.Store, key lwa.Key) {
			require.NoError(t, inside.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error { change(g); return nil }))
		}
	}
	for name, damage := range map[string]func(*testing.T, *lwa.Sealed, lwa.Store, lwa.Key){
		"another key": func(t *testing.T, store *lwa.Sealed, _ lwa.Store, _ lwa.Key) {
			store.AEAD = newGCM(t, strings.Repeat("x", 32))
		},
		"the fields swapped":       tamper(func(g *lwa.Grant) { g.AccessToken, g.RefreshToken = g.RefreshToken, g.AccessToken }),
		"one field in the other":   tamper(func(g *lwa.Grant) { g.AccessToken = g.RefreshToken }),
		"a token in the clear":     tamper(func(g *lwa.Grant) { g.RefreshToken = "Atzr|canary" }),
		"base64 of something":      tamper(func(g *lwa.Grant) { g.RefreshToken = "QUJD" }),
		"a refresh token cut":      tamper(func(g *lwa.Grant) { g.RefreshToken = g.RefreshToken[:8] }),
		"an access token changed":  tamper(func(g *lwa.Grant) { g.AccessToken = flip(g.AccessToken) }),
		"a refresh token changed":  tamper(func(g *lwa.Grant) { g.RefreshToken = flip(g.RefreshToken) }),
		"a space at the end of it": tamper(func(g *lwa.Grant) { g.RefreshToken += " " }),
	} {
		t.Run(name, func(t *testing.T) {
			store, inside, grant := sealedGrant(t)
			damage(t, store, inside, grant.Key)
			for use, err := range everyUse(t, store, grant.Key) {
				require.ErrorIs(t, err, lwa.ErrSealed, use)
				require.NotContains(t, err.Error(), "canary")
			}
			_, err := new(amazon).source(store).Token(t.Context(), grant.Key)
			require.ErrorIs(t, err, lwa.ErrSealed)
			require.NotErrorIs(t, err, lwa.ErrInvalidGrant)

			require.NoError(t, store.EraseGrants(t.Context(), grant.AccountID))
			put(t, store, grant)
		})
	}
}

func flip(token alexaevents.Secret) alexaevents.Secret {
	b := []byte(token)
	b[len(b)/2] ^= 1
	return alexaevents.Secret(b)
}

// A row that is copied to another key is of no use there.
func TestMovedRows(t *testing.T) {
	for name, to := range map[string]lwa.Key{
		"another account": {ClientID: clientID, AccountID: "victim", LinkID: "link"},
		"another client":  {ClientID: "other", AccountID: "account", LinkID: "link"},
		"another link":    {ClientID: clientID, AccountID: "account", LinkID: "other"},
		"parts shifted":   {ClientID: clientID + "account", AccountID: "link", LinkID: ""},
	} {
		t.Run(name, func(t *testing.T) {
			store, inside, grant := sealedGrant(t)
			raw := stored(t, inside, grant.Key)
			require.NoError(t, inside.EraseGrants(t.Context(), grant.AccountID))
			raw.Key = to
			put(t, inside, raw)
			for use, err := range everyUse(t, store, to) {
				require.ErrorIs(t, err, lwa.ErrSealed, use)
			}
		})
	}
}

func TestSealedListStopsAtTheFirstUnreadable(t *testing.T) {
	store, inside, grant := sealedGrant(t)
	for _, link := range []string{"a", "z"} {
		grant.LinkID = link
		put(t, store, grant)
	}
	require.NoError(t, inside.UpdateGrant(t.Context(), keyOf("account"), func(g *lwa.Grant) error { g.AccessToken = "x"; return nil }))
	var links []string
	var errs []error
	for grant, err := range store.AccountGrants(t.Context(), clientID, "account") {
		links, errs = append(links, grant.LinkID), append(errs, err)
	}
	require.Equal(t, []string{"a", ""}, links)
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], lwa.ErrSealed)
}

func TestEncryptionFails(t *testing.T) {
	inside := new(lwa.MemoryStore)
	store := &lwa.Sealed{Store: inside, AEAD: brokenAEAD{}}
	err := store.UpdateGrant(t.Context(), keyOf("account"), func(g *lwa.Grant) error { g.RefreshToken = "Atzr|canary"; return nil })
	require.ErrorIs(t, err, errBroken)
	require.NotContains(t, err.Error(), "canary")
	_, err = inside.Grant(t.Context(), keyOf("account"))
	require.ErrorIs(t, err, lwa.ErrNoGrant)
}

var errBroken = errors.New("broken")

type brokenAEAD struct{}

func (brokenAEAD) Encrypt([]byte, []byte) ([]byte, error) { return nil, errBroken }
func (brokenAEAD) Decrypt([]byte, []byte) ([]byte, error) { return nil, errBroken }

func TestIncompleteSealed(t *testing.T) {
	for _, store := range []*lwa.Sealed{{}, {Store: new(lwa.MemoryStore)}, {AEAD: brokenAEAD{}}} {
		errs := slices.Collect(func(yield func(error) bool) {
			for _, err := range everyUse(t, store, keyOf("account")) {
				if !yield(err) {
					return
				}
			}
		})
		for _, err := range append(errs, store.EraseGrants(t.Context(), "account")) {
			require.ErrorContains(t, err, "Sealed without")
		}
	}
}
