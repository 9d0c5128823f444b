package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// An AcceptGrant removes ended grants, and no live grant of up to a thousand.
func TestGranterRemovesEndedGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.fill(t, 999)
		granter := b.granter(alexaevents.Europe)
		var removed []lwa.Key
		granter.Observe = func(_ context.Context, o gateway.GrantObservation) { removed = append(removed, o.Removed...) }
		accept := func(name string) {
			removed = nil
			requireAccepted(t, granter, b.acceptGrant(alexaevents.Europe, "home/"+name+"/1"))
		}
		accept("anna")
		require.Empty(t, removed)
		require.Len(t, b.links(t), 1000)

		b.end(t, "imported-0500")
		b.end(t, "imported-0600")
		accept("bert")
		require.Equal(t, []lwa.Key{keyOf("home", "imported-0500"), keyOf("home", "imported-0600")}, removed)
		require.Len(t, b.links(t), 999)
		require.Equal(t, 2, strings.Count(b.log.String(), `level=INFO msg="grant removed"`))

		require.NoError(t, b.store.UpdateGrant(t.Context(), keyOf("home", "imported-0700"), func(g *lwa.Grant) error {
			g.DisabledAt = time.Now()
			return nil
		}))
		accept("carl")
		require.Empty(t, removed)
		for _, gone := range []string{
			"imported-0700", // its customer disabled the skill
			"imported-0000", // its last event was accepted longest ago
			"imported-0001",
		} {
			accept("new-" + gone)
			require.Equal(t, []lwa.Key{keyOf("home", gone)}, removed)
			require.Len(t, b.links(t), 1000)
		}
		accept("anna")
		require.Empty(t, removed, "a new grant replaces the customer's old one")
		require.NoError(t, b.tokens.Import(t.Context(), keyOf("home", ""), "a developer's own"))
		accept("anna")
		require.Empty(t, removed, "a developer's own grant is not removed")
	})
}

// Of concurrent AcceptGrants, none removes the grant of another.
func TestGranterKeepsTheNewGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.fill(t, 1000)
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() { b.link(t, alexaevents.Europe, "home", fmt.Sprint("customer-", 99-i)) })
		}
		group.Wait()
		require.Len(t, b.links(t), 1000)
		for i := range 20 {
			require.True(t, b.holds(t, "home", fmt.Sprint("customer-", 99-i)))
		}
	})
}

// A grant that is revived or replaced after the list was read is not removed.
func TestGranterKeepsARevivedGrant(t *testing.T) {
	for name, revive := range map[string]func(*testing.T, *backend){
		"a new grant": func(t *testing.T, b *backend) { b.link(t, alexaevents.Europe, "home", "imported-0000") },
		"a refresh": func(t *testing.T, b *backend) {
			require.NoError(t, b.store.UpdateGrant(t.Context(), keyOf("home", "imported-0000"), func(g *lwa.Grant) error {
				g.RefreshToken = "Atzr|rotated"
				return nil
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBackend()
				b.fill(t, 3)
				b.end(t, "imported-0000")
				calls := 0
				b.store.before = func(_ context.Context, call string) error {
					if calls++; call == "UpdateGrant" && calls == 4 { // Grant, UpdateGrant, AccountGrants, UpdateGrant
						b.store.before = nil
						revive(t, b)
					}
					return nil
				}
				b.link(t, alexaevents.Europe, "home", "anna")
				require.Nil(t, b.store.before)
				require.True(t, b.holds(t, "home", "imported-0000"))
			})
		})
	}
}

// A grant beyond the limit is not removed if a new AcceptGrant replaces it.
func TestGranterKeepsAReplacedGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.fill(t, 1000)
		calls := 0
		b.store.before = func(ctx context.Context, call string) error {
			if calls++; call == "UpdateGrant" && calls == 4 { // Grant, UpdateGrant, AccountGrants, UpdateGrant
				b.store.before = nil
				require.NoError(t, b.tokens.Exchange(ctx, keyOf("home", "imported-0000"), alexaevents.Europe, alexaevents.Secret(b.cloud.Grant(alexaevents.Europe, "imported-0000"))))
			}
			return nil
		}
		b.link(t, alexaevents.Europe, "home", "anna")
		require.Nil(t, b.store.before)
		require.True(t, b.holds(t, "home", "imported-0000"))
	})
}

// Of concurrent duplicates, one reports the removed grants.
func TestGranterReportsARemovalOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.end(t, "anna")
		granter := b.granter(alexaevents.Europe)
		var removed []lwa.Key
		granter.Observe = func(_ context.Context, o gateway.GrantObservation) {
			b.store.mu.Lock()
			defer b.store.mu.Unlock()
			removed = append(removed, o.Removed...)
		}
		b.cloud.Fail(alexatest.Fault{URL: loginURL, Delay: time.Second})
		directive := b.acceptGrant(alexaevents.Europe, "home/bert/1")
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() { requireAccepted(t, granter, directive) })
		}
		group.Wait()
		require.Equal(t, []lwa.Key{keyOf("home", "anna")}, removed)
	})
}

// A store may run an update again after its first run removed the grant.
func TestGranterReportsARemovalAfterALostReply(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	b.end(t, "anna")
	b.tokens.Store = repeating{b.store}
	granter := b.granter(alexaevents.Europe)
	var removed []lwa.Key
	granter.Observe = func(_ context.Context, o gateway.GrantObservation) { removed = o.Removed }
	requireAccepted(t, granter, b.acceptGrant(alexaevents.Europe, "home/bert/1"))
	require.Equal(t, []string{"bert"}, b.links(t))
	require.Equal(t, []lwa.Key{keyOf("home", "anna")}, removed)
}

// repeating is a store that runs each update twice, as after a lost reply.
type repeating struct{ lwa.Store }

func (s repeating) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	if err := s.Store.UpdateGrant(ctx, key, fn); err != nil {
		return err
	}
	return s.Store.UpdateGrant(ctx, key, fn)
}

// A stored grant is a success, even if ended grants cannot be removed.
func TestGranterRemovalFails(t *testing.T) {
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
		for _, token := range []string{"home/anna/2", "home/bert/1"} {
			key, err := granter.Key(t.Context(), directive(token))
			require.ErrorIs(t, err, gateway.ErrNoGrant, "the token may be of any customer of the account")
			require.ErrorContains(t, err, "set Granter.Link")
			require.Empty(t, key)
		}

		accept("home/bert/1")
		second, err := granter.Key(t.Context(), directive("home/bert/1"))
		require.NoError(t, err)
		require.NotEqual(t, first, second)
		key, err := granter.Key(t.Context(), directive("home/anna/1"))
		require.NoError(t, err)
		require.Equal(t, first, key)

		b.store.before = func(context.Context, string) error { return errStore }
		_, err = granter.Key(t.Context(), directive("home/anna/2"))
		require.ErrorIs(t, err, errStore)
	})
}

// A grant whose new tokens wait for the store has not ended.
func TestGranterKeepsAnUnsavedGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.end(t, "anna")
		granter := b.granter(alexaevents.Europe)
		var down atomic.Bool
		down.Store(true)
		b.store.before = func(_ context.Context, call string) error {
			if call == "UpdateGrant" && down.Load() {
				return errors.New("down")
			}
			return nil
		}
		anna := b.acceptGrant(alexaevents.Europe, "home/anna/2")
		var group sync.WaitGroup
		group.Go(func() { requireAccepted(t, granter, anna) })
		synctest.Wait()
		down.Store(false)
		requireAccepted(t, granter, b.acceptGrant(alexaevents.Europe, "home/bert/1"))
		group.Wait()
		require.Equal(t, []string{"anna", "bert"}, b.links(t))
		require.True(t, b.grant(t, "home", "anna").Live())
	})
}
