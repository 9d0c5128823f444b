package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// links returns the links of the grants of the account home.
func (b *backend) links(t *testing.T) (links []string) {
	for grant, err := range b.store.MemoryStore.AccountGrants(t.Context(), clientID, "home") {
		require.NoError(t, err)
		links = append(links, grant.LinkID)
	}
	return links
}

// An account keeps 32 grants; the one of least use makes room.
func TestGranterLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		name := func(i int) string { return fmt.Sprintf("customer-%02d", i) }
		for i := range 32 {
			b.link(t, alexaevents.Europe, "home", name(i))
			time.Sleep(time.Minute)
		}
		require.NoError(t, b.tokens.Import(t.Context(), keyOf("home", ""), "a developer's own"))
		b.cloud.DisableSkill(name(20)) // no event reaches this one any more
		b.cloud.DisableSkill(name(10)) // nor this one, which LWA refuses too
		require.NoError(t, b.store.UpdateGrant(t.Context(), keyOf("home", name(10)), func(g *lwa.Grant) error {
			g.Expiry = time.Now()
			return nil
		}))
		require.NoError(t, b.store.UpdateGrant(t.Context(), keyOf("home", name(15)), func(g *lwa.Grant) error {
			g.ConfirmedAt = time.Now().Add(-time.Hour)
			return nil
		}))
		require.Error(t, b.sender.Send(t.Context(), "home", lampReport()))
		require.False(t, b.holds(t, "home", name(10)))
		require.NoError(t, b.store.UpdateGrant(t.Context(), keyOf("home", name(25)), func(g *lwa.Grant) error {
			g.ConfirmedAt = g.ConfirmedAt.Add(-2 * time.Hour)
			return nil
		}))

		for i, gone := range []string{
			"customer-10", // ended
			"customer-25", // its last event was accepted longest ago
			"customer-20", // without an event since it was granted
			"customer-00", // as the others, of which none is better
		} {
			b.link(t, alexaevents.Europe, "home", fmt.Sprintf("new-%d", i))
			require.Len(t, b.links(t), 1+32)
			require.NotContains(t, b.links(t), gone)
			require.Contains(t, b.links(t), fmt.Sprintf("new-%d", i))
			time.Sleep(time.Minute)
		}
		b.link(t, alexaevents.Europe, "home", "customer-01")
		require.Len(t, b.links(t), 1+32, "a repeated grant replaces")
		require.Contains(t, b.links(t), "", "a developer's own grant is none of them")
		b.link(t, alexaevents.Europe, "flat", "another")
		require.Len(t, b.links(t), 1+32)
	})
}

// Where all are alike, it is not the new one that goes.
func TestGranterLimitSparesTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which no time passes
		b := newBackend()
		for i := range 33 {
			b.link(t, alexaevents.Europe, "home", fmt.Sprint("customer-", 99-i))
			require.True(t, b.holds(t, "home", fmt.Sprint("customer-", 99-i)))
		}
		require.Len(t, b.links(t), 32)
	})
}

func TestGranterLimitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				time.Sleep(time.Duration(i%7) * time.Millisecond)
				b.link(t, alexaevents.Europe, "home", fmt.Sprint("customer-", i))
			})
		}
		group.Wait()
		require.Len(t, b.links(t), 32)
	})
}

// A grant that the customer gives anew is not deleted for what the old one was.
func TestGranterLimitSparesWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		for i := range 33 {
			time.Sleep(time.Minute)
			if i == 32 {
				lists := 0
				b.store.before = func(_ context.Context, call string) error {
					if lists++; call == "UpdateGrant" && lists == 4 { // Grant, UpdateGrant, AccountGrants, UpdateGrant
						b.store.before = nil
						b.link(t, alexaevents.Europe, "home", "customer-0") //nolint:contextcheck // this is another call of Alexa's
					}
					return nil
				}
			}
			b.link(t, alexaevents.Europe, "home", fmt.Sprint("customer-", i))
		}
		require.Nil(t, b.store.before)
		require.Len(t, b.links(t), 32)
		require.Contains(t, b.links(t), "customer-0")
		require.NotContains(t, b.links(t), "customer-1")
	})
}

// What is stored is granted, even if what is too much cannot be deleted.
func TestGranterLimitFails(t *testing.T) {
	b := newBackend()
	b.store.before = func(_ context.Context, call string) error {
		if call == "AccountGrants" {
			return errors.New("the store is down")
		}
		return nil
	}
	b.link(t, alexaevents.Europe, "home", "anna")
	require.True(t, b.holds(t, "home", "anna"))
}

func TestGranterKey(t *testing.T) {
	directive := func(accessToken string) *gateway.Directive {
		return parse(t, string(alexatest.Directive("Alexa", "ReportState", "lamp-1", accessToken, nil)))
	}
	errStore := errors.New("the store is down")
	t.Run("with Link", func(t *testing.T) {
		b := newBackend()
		granter := b.granter(alexaevents.Europe)
		b.link(t, alexaevents.Europe, "home", "anna")
		key, err := granter.Key(t.Context(), directive("home/anna/2"))
		require.NoError(t, err)
		require.Equal(t, keyOf("home", "anna"), key)

		for token, want := range map[string]error{"home/bert/1": gateway.ErrNoGrant, "flat/anna/1": gateway.ErrNoGrant, "nobody's": errNoSuchToken, "": gateway.ErrMalformedDirective} {
			key, err := granter.Key(t.Context(), directive(token))
			require.ErrorIs(t, err, want)
			require.Empty(t, key)
		}
		_, err = granter.Key(t.Context(), nil)
		require.ErrorIs(t, err, gateway.ErrMalformedDirective)
		_, err = new(gateway.Granter).Key(t.Context(), directive("home/anna/2"))
		require.ErrorIs(t, err, gateway.ErrMisconfigured)
		b.store.before = func(context.Context, string) error { return errStore }
		_, err = granter.Key(t.Context(), directive("home/anna/2"))
		require.ErrorIs(t, err, errStore)
	})
	t.Run("without Link", func(t *testing.T) {
		b := newBackend()
		granter := b.granter(alexaevents.Europe)
		granter.Link = nil
		accept := func(accessToken string) {
			requireAccepted(t, granter, alexatest.AcceptGrantDirective(b.cloud.Grant(alexaevents.Europe, "anna"), accessToken))
		}
		_, err := granter.Key(t.Context(), directive("home/anna/1"))
		require.ErrorIs(t, err, gateway.ErrNoGrant)

		accept("home/anna/1")
		first, err := granter.Key(t.Context(), directive("home/anna/1"))
		require.NoError(t, err)
		require.Len(t, first.LinkID, 64)
		refreshed, err := granter.Key(t.Context(), directive("home/anna/2"))
		require.NoError(t, err)
		require.Equal(t, first, refreshed, "the only one there is")

		accept("home/bert/1")
		_, err = granter.Key(t.Context(), directive("home/anna/2"))
		require.ErrorIs(t, err, gateway.ErrNoGrant)
		require.ErrorContains(t, err, "set Granter.Link")
		key, err := granter.Key(t.Context(), directive("home/anna/1"))
		require.NoError(t, err)
		require.Equal(t, first, key)

		second, err := granter.Key(t.Context(), directive("home/bert/1"))
		require.NoError(t, err)
		require.NotEqual(t, first, second)
		require.NoError(t, b.store.UpdateGrant(t.Context(), second, func(g *lwa.Grant) error {
			sum := sha256.Sum256([]byte(g.RefreshToken))
			g.Refused = hex.EncodeToString(sum[:])
			return nil
		}))
		key, err = granter.Key(t.Context(), directive("home/anna/2"))
		require.NoError(t, err)
		require.Equal(t, first, key, "the only one that has not ended")

		require.NoError(t, b.store.UpdateGrant(t.Context(), first, func(g *lwa.Grant) error { *g = lwa.Grant{}; return nil }))
		_, err = granter.Key(t.Context(), directive("home/anna/2"))
		require.ErrorIs(t, err, gateway.ErrNoGrant)

		require.NoError(t, b.tokens.Import(t.Context(), keyOf("flat", ""), "a developer's own"))
		_, err = granter.Key(t.Context(), directive("flat/anna/1"))
		require.ErrorIs(t, err, gateway.ErrNoGrant)

		b.store.before = func(_ context.Context, call string) error {
			if call == "AccountGrants" {
				return errStore
			}
			return nil
		}
		_, err = granter.Key(t.Context(), directive("home/anna/2"))
		require.ErrorIs(t, err, errStore)
	})
}
