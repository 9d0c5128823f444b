package lwa_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

func newGCM(t testing.TB, key string) lwa.AEAD {
	gcm, err := newAEAD([]byte(key))
	require.NoError(t, err)
	return gcm
}

const sealingKey = "0123456789abcdef0123456789abcdef"

// sealedGrant returns a Sealed with one grant, and the store inside.
func sealedGrant(t *testing.T) (*lwa.Sealed, *lwa.MemoryStore, lwa.Grant) {
	inside := new(lwa.MemoryStore)
	store := &lwa.Sealed{Store: inside, AEAD: newGCM(t, sealingKey)}
	grant := lwa.Grant{Key: keyOf("account"), AccessToken: "Atza|canary", RefreshToken: "Atzr|canary", Refused: "hash"}
	put(t, store, grant)
	return store, inside, grant
}

// everyUse returns the errors of each method that needs the tokens of a grant.
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
	require.NotEqual(t, raw.RefreshToken, again.RefreshToken, "equal tokens have different ciphertexts")
}

func TestSealedSource(t *testing.T) { synctest.Test(t, testSealedSource) }

func testSealedSource(t *testing.T) {
	a := &amazon{rotates: true}
	inside := new(lwa.MemoryStore)
	source, key := imported(t, a, &lwa.Sealed{Store: inside, AEAD: newGCM(t, sealingKey)}, "customer")
	token, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	_, err = source.Renew(t.Context(), key, token)
	require.NoError(t, err, "decrypted tokens are compared")
	a.revoke("customer")
	time.Sleep(time.Minute)
	_, err = source.Renew(t.Context(), key, stored(t, source.Store, key).AccessToken)
	require.ErrorIs(t, err, lwa.ErrInvalidGrant)
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
		"a token in plain text":    tamper(func(g *lwa.Grant) { g.RefreshToken = "Atzr|canary" }),
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

// A row that is copied to another key cannot be decrypted.
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

// unreadableAmong returns a store with the links a, link and z, of which link cannot be
// decrypted, and the keys that the store reports.
func unreadableAmong(t *testing.T) (*lwa.Sealed, *lwa.MemoryStore, *[]lwa.Key) {
	store, inside, grant := sealedGrant(t)
	for _, link := range []string{"a", "z"} {
		grant.LinkID = link
		put(t, store, grant)
	}
	require.NoError(t, inside.UpdateGrant(t.Context(), keyOf("account"), func(g *lwa.Grant) error { g.AccessToken = "x"; return nil }))
	reported := new([]lwa.Key)
	store.Observe = func(_ context.Context, o lwa.SealedObservation) {
		require.ErrorIs(t, o.Err, lwa.ErrSealed)
		*reported = append(*reported, o.Key)
	}
	return store, inside, reported
}

// A grant that cannot be decrypted does not hide the others.
func TestUnreadableAmongOthers(t *testing.T) {
	store, inside, reported := unreadableAmong(t)
	var log strings.Builder
	store.Logger = slog.New(slog.NewTextHandler(&log, nil))
	var links []string
	for grant, err := range store.AccountGrants(t.Context(), clientID, "account") {
		require.NoError(t, err)
		links = append(links, grant.LinkID)
	}
	require.Equal(t, []string{"a", "z"}, links)
	require.Equal(t, []lwa.Key{keyOf("account")}, *reported)
	require.Contains(t, log.String(), "level=WARN")
	require.NotContains(t, log.String(), "account")
	require.NotContains(t, log.String(), "canary")

	for name, list := range map[string]iter.Seq2[lwa.Grant, error]{
		"Grants": store.Grants(t.Context()), "EndedGrants": store.EndedGrants(t.Context(), clientID),
	} {
		var links []string
		var errs []error
		for grant, err := range list {
			links, errs = append(links, grant.LinkID), append(errs, err)
		}
		require.Equal(t, []string{"a", "z", ""}, links, name)
		require.NoError(t, errors.Join(errs[:2]...))
		require.ErrorIs(t, errs[2], lwa.ErrSealed, name)
	}

	for _, link := range []string{"a", "z"} {
		key := keyOf("account")
		key.LinkID = link
		require.NoError(t, inside.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error { g.RefreshToken = ""; return nil }))
	}
	for grant, err := range store.AccountGrants(t.Context(), clientID, "account") {
		require.Zero(t, grant)
		require.ErrorIs(t, err, lwa.ErrSealed, "an account without a readable grant has not ended")
	}
}

// Only a new grant replaces one that cannot be decrypted.
func TestUnreadableIsReplaced(t *testing.T) {
	a := new(amazon)
	for name, replace := range map[string]func(*lwa.Source, lwa.Key) error{
		"Exchange": func(s *lwa.Source, key lwa.Key) error {
			return s.Exchange(t.Context(), key, alexaevents.FarEast, a.consent())
		},
		"Import": func(s *lwa.Source, key lwa.Key) error { return s.Import(t.Context(), key, "Atzr|new") },
	} {
		t.Run(name, func(t *testing.T) {
			store, inside, reported := unreadableAmong(t)
			before := stored(t, inside, keyOf("account"))
			for change, fn := range map[string]func(*lwa.Grant) error{
				"none":        func(*lwa.Grant) error { return nil },
				"ConfirmedAt": func(g *lwa.Grant) error { g.ConfirmedAt = time.Now(); return nil },
				"deletion":    func(g *lwa.Grant) error { *g = lwa.Grant{}; return nil },
				"a failure":   func(g *lwa.Grant) error { g.RefreshToken = "Atzr|new"; return errBroken },
			} {
				err := store.UpdateGrant(t.Context(), keyOf("account"), fn)
				require.ErrorIs(t, err, lwa.ErrSealed, change)
				require.NotErrorIs(t, err, errBroken, "an error of fn is not about the stored grant")
				require.Equal(t, before, stored(t, inside, keyOf("account")), change)
			}
			require.Len(t, *reported, 4)
			require.NoError(t, replace(a.source(store), keyOf("account")))
			require.NotEqual(t, "Atzr|canary", string(stored(t, store, keyOf("account")).RefreshToken))
			require.NotContains(t, string(stored(t, inside, keyOf("account")).RefreshToken), "Atzr")
		})
	}
}

// Grants in plain text are read, and encrypted when they are written.
func TestPlainGrants(t *testing.T) {
	for name, grant := range map[string]lwa.Grant{
		"both tokens":     {Key: keyOf("account"), AccessToken: "Atza|canary", RefreshToken: "Atzr|canary"},
		"after an import": {Key: keyOf("account"), RefreshToken: "Atzr|canary=="},
		"like base64":     {Key: keyOf("account"), AccessToken: "access12", RefreshToken: "refresh1"},
	} {
		t.Run(name, func(t *testing.T) {
			inside := new(lwa.MemoryStore)
			put(t, inside, grant)
			store := &lwa.Sealed{Store: inside, AEAD: newGCM(t, sealingKey), RefusePlain: true}
			for use, err := range everyUse(t, store, grant.Key) {
				require.ErrorIs(t, err, lwa.ErrSealed, use)
			}

			store.RefusePlain = false
			require.Equal(t, grant, stored(t, store, grant.Key))
			require.NoError(t, store.UpdateGrant(t.Context(), grant.Key, func(*lwa.Grant) error { return nil }))
			require.Equal(t, grant, stored(t, store, grant.Key))
			raw := stored(t, inside, grant.Key)
			require.NotContains(t, string(raw.AccessToken+raw.RefreshToken), "canary")
			store.RefusePlain = true
			require.Equal(t, grant, stored(t, store, grant.Key))

			// A token in plain text beside an encrypted one is refused.
			store.RefusePlain = false
			if grant.AccessToken != "" {
				require.NoError(t, inside.UpdateGrant(t.Context(), grant.Key, func(g *lwa.Grant) error { g.RefreshToken = grant.RefreshToken; return nil }))
				_, err := store.Grant(t.Context(), grant.Key)
				require.ErrorIs(t, err, lwa.ErrSealed)
			}
		})
	}
}

// An earlier version wrote no prefix before encrypted tokens.
func TestSealedWithoutMark(t *testing.T) {
	store, inside, grant := sealedGrant(t)
	require.NoError(t, inside.UpdateGrant(t.Context(), grant.Key, func(g *lwa.Grant) error {
		for _, token := range []*alexaevents.Secret{&g.AccessToken, &g.RefreshToken} {
			cut, marked := strings.CutPrefix(string(*token), "sealed:")
			require.True(t, marked)
			*token = alexaevents.Secret(cut)
		}
		return nil
	}))
	require.Equal(t, grant, stored(t, store, grant.Key))
	store.AEAD = newGCM(t, strings.Repeat("x", 32))
	_, err := store.Grant(t.Context(), grant.Key)
	require.ErrorIs(t, err, lwa.ErrSealed, "not a token in plain text")
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
			require.ErrorContains(t, err, "Sealed.Store or Sealed.AEAD is nil")
		}
	}
}

// A process without the newest key keeps new tokens until it can write them.
func TestSealedRefreshKeepsTokens(t *testing.T) { synctest.Test(t, testSealedRefreshKeepsTokens) }

func testSealedRefreshKeepsTokens(t *testing.T) {
	a := &amazon{rotates: true}
	inside := new(lwa.MemoryStore)
	store := &lwa.Sealed{Store: inside, AEAD: newGCM(t, sealingKey)}
	source, key := imported(t, a, store, "customer")
	token, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	before := stored(t, inside, key)
	other := &lwa.Sealed{Store: inside, AEAD: newGCM(t, strings.Repeat("x", 32))}
	var reseals atomic.Bool
	reseals.Store(true)
	source.Store = &faultyStore{Store: store, beforeWrite: func(ctx context.Context, key lwa.Key) error {
		if !reseals.Load() {
			return nil
		}
		return other.UpdateGrant(ctx, key, func(g *lwa.Grant) error { g.RefreshToken = "Atzr|under another key"; return nil })
	}}
	time.Sleep(time.Minute)
	renewed, err := source.Renew(t.Context(), key, token)
	require.NoError(t, err)
	require.NotEqual(t, token, renewed)
	reseals.Store(false)
	put(t, inside, before) // the key arrives
	time.Sleep(time.Second)
	require.NoError(t, source.Flush(t.Context()))
	require.Equal(t, renewed, stored(t, store, key).AccessToken)
}
