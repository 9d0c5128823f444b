package storetest

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// count counts the updates of a grant, which it creates if there is none. Every field
// has the same number, so that a mix of two updates shows.
func count(g *lwa.Grant) error {
	n, _ := strconv.Atoi(string(g.RefreshToken))
	n++
	g.Region = alexaevents.Region(strconv.Itoa(n))
	g.AccessToken, g.RefreshToken = alexaevents.Secret(strconv.Itoa(n)), alexaevents.Secret(strconv.Itoa(n))
	g.IssuedAt, g.Expiry, g.ConfirmedAt = at(n), at(n), at(n)
	g.RefusedAt, g.DisabledAt, g.ProbedAt = at(n), at(n), at(n)
	g.Refused, g.CodeHash = strconv.Itoa(n), strconv.Itoa(n)
	return nil
}

// counted is the grant after n updates.
func counted(key lwa.Key, n int) lwa.Grant {
	grant := lwa.Grant{Key: key, RefreshToken: alexaevents.Secret(strconv.Itoa(n - 1))}
	_ = count(&grant)
	return grant
}

// rounds is the number of calls of each goroutine.
const rounds = 12

func checkOneGrantAtOnce(t *grantTrial) {
	key := keyOf("account", "link")
	t.atOnce("UpdateGrant of one key", rounds, func(int, int) error { return t.store.UpdateGrant(t.ctx, key, count) })
	t.known = append(t.known, key)
	t.grants[key] = counted(key, goroutines*rounds)
	t.expectAll()
}

// checkGrantsAtOnce updates grants of one account, some of them shared.
func checkGrantsAtOnce(t *grantTrial) {
	t.atOnce("UpdateGrant of several keys", rounds, func(goroutine, round int) error {
		for _, key := range []lwa.Key{keyOf("account", fmt.Sprint(goroutine)), keyOf("account", "shared"), keyOf(fmt.Sprint(round), "link")} {
			if err := t.store.UpdateGrant(t.ctx, key, count); err != nil {
				return err
			}
		}
		return nil
	})
	expect := func(key lwa.Key, n int) {
		t.known = append(t.known, key)
		t.grants[key] = counted(key, n)
	}
	for goroutine := range goroutines {
		expect(keyOf("account", fmt.Sprint(goroutine)), rounds)
	}
	for round := range rounds {
		expect(keyOf(fmt.Sprint(round), "link"), goroutines)
	}
	expect(keyOf("account", "shared"), goroutines*rounds)
	t.expectAll()
}

// checkWholeGrants reads a grant while others change it: the result must be the grant
// before or after an update, never a mix of both.
func checkWholeGrants(t *grantTrial) {
	key := keyOf("account", "link")
	whole := func(grant lwa.Grant) error {
		n, err := strconv.Atoi(string(grant.RefreshToken))
		if err != nil || grant != counted(key, n) {
			return fmt.Errorf("a reader got a grant that mixes two updates: AccessToken of update %s, RefreshToken of update %s",
				string(grant.AccessToken), string(grant.RefreshToken))
		}
		return nil
	}
	t.update(key, func(g *lwa.Grant) { *g = counted(key, 1) })
	t.atOnce("UpdateGrant, Grant and AccountGrants", rounds/2, func(int, int) error {
		if err := t.store.UpdateGrant(t.ctx, key, count); err != nil {
			return err
		}
		grant, err := t.store.Grant(t.ctx, key)
		if err == nil {
			err = whole(grant)
		}
		for grant, listErr := range t.store.AccountGrants(t.ctx, lwaClient, "account") {
			if err == nil {
				err = listErr
			}
			if err == nil {
				err = whole(grant)
			}
		}
		return err
	})
	t.grants[key] = counted(key, 1+goroutines*rounds/2)
	t.expectAll()
}

// checkRandomUpdates updates few keys at random. The seed is fixed, so a failure is
// repeatable.
func checkRandomUpdates(t *grantTrial) {
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // repeatable on purpose
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for i := range 400 {
		key := lwa.Key{ClientID: pick(lwaClient, otherLWAClient), AccountID: pick("a", "b"), LinkID: pick("", "1", "2")}
		switch random.IntN(12) {
		case 0:
			t.erase(key.AccountID)
			t.expectAll()
		case 1, 2:
			t.update(key, func(g *lwa.Grant) { g.RefreshToken = "" })
		case 3, 4, 5:
			t.update(key, func(g *lwa.Grant) { g.ConfirmedAt = at(i) })
		case 6:
			t.update(key, func(g *lwa.Grant) { g.Refused = "hash" })
		default:
			t.put(grantOf(key, i))
		}
		t.expect(key)
		t.expectList(key.ClientID, key.AccountID)
	}
	t.expectAll()
}
