package lwa_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// endedStore has the method EndedGrants.
type endedStore struct {
	lwa.Store
	ended []lwa.Grant
	err   error
}

func (s endedStore) EndedGrants(_ context.Context, client string) iter.Seq2[lwa.Grant, error] {
	return func(yield func(lwa.Grant, error) bool) {
		for _, grant := range s.ended {
			if grant.ClientID == client && !yield(grant, nil) {
				return
			}
		}
		if s.err != nil {
			yield(lwa.Grant{}, s.err)
		}
	}
}

func TestEndedGrants(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	grant := func(link string, change func(*lwa.Grant)) lwa.Grant {
		g := lwa.Grant{Key: keyOf("account"), Region: alexaevents.Europe, RefreshToken: "Atzr|1"}
		g.LinkID = link
		change(&g)
		return g
	}
	grants := []lwa.Grant{
		grant("a live one", func(*lwa.Grant) {}),
		grant("disabled", func(g *lwa.Grant) { g.DisabledAt, g.ProbedAt = day(2), day(3) }),
		grant("live again", func(g *lwa.Grant) { g.Refused, g.RefusedAt = sha("Atzr|0"), day(1) }),
		grant("of another client", func(g *lwa.Grant) { g.ClientID, g.DisabledAt = "other", day(1) }),
		grant("refused", func(g *lwa.Grant) { g.Refused, g.RefusedAt = sha("Atzr|1"), day(4) }),
		grant("refused after disabled", func(g *lwa.Grant) { g.Refused, g.RefusedAt, g.DisabledAt = sha("Atzr|1"), day(4), day(3) }),
		grant("refused at an unknown time", func(g *lwa.Grant) { g.Refused = sha("Atzr|1") }),
	}
	want := map[string]lwa.EndedGrant{
		"disabled":                   {Reason: lwa.EndDisabled, Since: day(2)},
		"refused":                    {Reason: lwa.EndRefused, Since: day(4)},
		"refused after disabled":     {Reason: lwa.EndRefused, Since: day(3)},
		"refused at an unknown time": {Reason: lwa.EndRefused},
	}
	for link, ended := range want {
		ended.Key, ended.Region = keyOf("account"), alexaevents.Europe
		ended.LinkID = link
		want[link] = ended
	}

	memory := new(lwa.MemoryStore)
	sealed := &lwa.Sealed{Store: new(lwa.MemoryStore), AEAD: newGCM(t, sealingKey)}
	inside := new(lwa.MemoryStore)
	sealedEnded := &lwa.Sealed{Store: inside, AEAD: newGCM(t, sealingKey)}
	for _, g := range grants {
		for _, store := range []lwa.Store{memory, sealed, sealedEnded} {
			put(t, store, g)
		}
	}
	var marked []lwa.Grant
	for g, err := range inside.Grants(t.Context()) {
		require.NoError(t, err)
		if g.LinkID != "a live one" {
			marked = append(marked, g)
		}
	}
	sealedEnded.Store = endedStore{ended: marked}
	for name, store := range map[string]lwa.Store{
		"every grant is read":           memory,
		"the store finds them":          endedStore{ended: grants[1:]},
		"every grant is decrypted":      sealed,
		"the store inside Sealed finds": sealedEnded,
	} {
		t.Run(name, func(t *testing.T) {
			got := make(map[string]lwa.EndedGrant)
			for ended, err := range new(amazon).source(store).EndedGrants(t.Context()) {
				require.NoError(t, err)
				got[ended.LinkID] = ended
			}
			require.Equal(t, want, got)
			for _, err := range new(amazon).source(store).EndedGrants(t.Context()) {
				require.NoError(t, err)
				break
			}
		})
	}
}

func TestEndedGrantsFails(t *testing.T) {
	onlyError := func(source *lwa.Source) (failure error) {
		for ended, err := range source.EndedGrants(t.Context()) {
			require.NoError(t, failure)
			require.Zero(t, ended)
			failure = err
		}
		return failure
	}
	require.ErrorContains(t, onlyError(new(lwa.Source)), "Source.Client")
	require.ErrorContains(t, onlyError(&lwa.Source{Client: &lwa.Client{ID: "client"}}), "Source.Store is nil")
	for name, store := range map[string]lwa.Store{
		"no method":               struct{ lwa.Store }{new(lwa.MemoryStore)},
		"no method inside Sealed": &lwa.Sealed{Store: struct{ lwa.Store }{new(lwa.MemoryStore)}, AEAD: newGCM(t, sealingKey)},
	} {
		require.ErrorIs(t, onlyError(new(amazon).source(store)), errors.ErrUnsupported, name)
	}
	require.ErrorContains(t, onlyError(new(amazon).source(new(lwa.Sealed))), "Sealed.Store or Sealed.AEAD is nil")
	require.ErrorIs(t, onlyError(new(amazon).source(endedStore{err: errBroken})), errBroken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range new(amazon).source(new(lwa.MemoryStore)).EndedGrants(ctx) {
		require.ErrorIs(t, err, context.Canceled)
	}
}
