package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

func checkNoGrants(t *grantTrial) {
	key := keyOf("account", "link")
	t.known = append(t.known, key)
	t.expectAll()
	t.update(key, func(*lwa.Grant) {}) // leaves a grant without refresh token
	t.expectAll()
	t.erase("account")
	t.expectAll()
}

func checkGrant(t *grantTrial) {
	t.put(grantOf(keyOf("account", "link"), 1))
	t.expectAll()
	t.put(grantOf(keyOf("account", "link"), 2))
	t.expectAll()
	// What an import stores: nothing but a refresh token, and no link.
	t.put(lwa.Grant{Key: keyOf("developer", ""), RefreshToken: "Atzr|refresh"})
	t.expectAll()
}

func checkEveryGrant(t *grantTrial) {
	t.expectEvery()
	for n := range 3 {
		for _, accountID := range []string{"account", "other", "third"} {
			t.put(grantOf(keyOf(accountID, fmt.Sprint(n)), n))
			t.put(grantOf(lwa.Key{ClientID: otherLWAClient, AccountID: accountID}, n))
			t.expectEvery()
		}
	}
	t.update(keyOf("other", "1"), func(g *lwa.Grant) { g.AccessToken = "Atza|changed" })
	t.update(keyOf("third", "0"), func(g *lwa.Grant) { g.RefreshToken = "" })
	t.expectEvery()
	t.erase("account")
	t.expectEvery()
}

// checkEndedGrants has grants with and without each of the two marks of an end, of
// two clients.
func checkEndedGrants(t *grantTrial) {
	marks := map[string]func(*lwa.Grant){
		"live":     func(*lwa.Grant) {},
		"disabled": func(g *lwa.Grant) { g.DisabledAt = at(5) },
		"refused":  func(g *lwa.Grant) { g.Refused = "hash" },
		"both":     func(g *lwa.Grant) { g.DisabledAt, g.Refused, g.RefusedAt = at(5), "hash", at(6) },
	}
	for _, from := range []string{"live", "disabled", "refused", "both"} {
		for _, to := range []string{"live", "disabled", "refused", "both"} {
			for _, key := range []lwa.Key{keyOf(from, to), {ClientID: otherLWAClient, AccountID: from, LinkID: to}} {
				grant := lwa.Grant{Key: key, RefreshToken: "Atzr|refresh"}
				marks[from](&grant)
				t.put(grant)
			}
			t.update(keyOf(from, to), func(g *lwa.Grant) {
				g.DisabledAt, g.RefusedAt, g.Refused = time.Time{}, time.Time{}, ""
				marks[to](g)
			})
			t.expectEvery()
		}
	}
	t.expectAll()
	t.update(keyOf("both", "both"), func(g *lwa.Grant) { *g = lwa.Grant{} })
	t.erase("disabled")
	t.expectAll()
}

// checkFields changes and empties one field at a time. Each change depends on the old
// value, so that running fn twice shows.
func checkFields(t *grantTrial) {
	key := keyOf("account", "link")
	for _, change := range []func(*lwa.Grant){
		func(g *lwa.Grant) { g.Region += "x" },
		func(g *lwa.Grant) { g.AccessToken += "x" },
		func(g *lwa.Grant) { g.RefreshToken += "x" },
		func(g *lwa.Grant) { g.IssuedAt = g.IssuedAt.Add(time.Second) },
		func(g *lwa.Grant) { g.Expiry = g.Expiry.Add(time.Second) },
		func(g *lwa.Grant) { g.ConfirmedAt = g.ConfirmedAt.Add(time.Second) },
		func(g *lwa.Grant) { g.RefusedAt = g.RefusedAt.Add(time.Second) },
		func(g *lwa.Grant) { g.DisabledAt = g.DisabledAt.Add(time.Second) },
		func(g *lwa.Grant) { g.ProbedAt = g.ProbedAt.Add(time.Second) },
		func(g *lwa.Grant) { g.Refused += "x" },
		func(g *lwa.Grant) { g.CodeHash += "x" },
		func(g *lwa.Grant) { g.Region = "" },
		func(g *lwa.Grant) { g.AccessToken = "" },
		func(g *lwa.Grant) { g.IssuedAt = time.Time{} },
		func(g *lwa.Grant) { g.Expiry = time.Time{} },
		func(g *lwa.Grant) { g.ConfirmedAt = time.Time{} },
		func(g *lwa.Grant) { g.RefusedAt = time.Time{} },
		func(g *lwa.Grant) { g.DisabledAt = time.Time{} },
		func(g *lwa.Grant) { g.ProbedAt = time.Time{} },
		func(g *lwa.Grant) { g.Refused = "" },
		func(g *lwa.Grant) { g.CodeHash = "" },
		func(*lwa.Grant) {},
	} {
		t.put(grantOf(key, 1))
		t.update(key, change)
		t.expectAll()
	}
}

// checkDeletion deletes a grant by emptying the refresh token, and checks that the next
// grant of the key has no field of the old one.
func checkDeletion(t *grantTrial) {
	key, other := keyOf("account", "link"), keyOf("account", "other")
	t.put(grantOf(key, 1))
	t.put(grantOf(other, 2))
	t.update(key, func(g *lwa.Grant) { g.RefreshToken = "" })
	t.expectAll()
	t.update(key, func(g *lwa.Grant) { g.RefreshToken = "Atzr|new" })
	t.expectAll()
	t.update(key, func(g *lwa.Grant) { *g = lwa.Grant{} })
	t.update(key, func(*lwa.Grant) {})
	t.update(key, func(g *lwa.Grant) { g.AccessToken = "Atza|alone" })
	t.expectAll()
}

func checkInvalidKeys(t *grantTrial) {
	for field, key := range map[string]lwa.Key{
		"ClientID":  {AccountID: "account", LinkID: "link"},
		"AccountID": {ClientID: lwaClient, LinkID: "link"},
		"each part": {},
	} {
		t.known = append(t.known, key)
		for _, grant := range []lwa.Grant{grantOf(key, 1), {Key: key}} {
			err := t.store.UpdateGrant(t.ctx, key, func(g *lwa.Grant) error {
				*g = grant
				return nil
			})
			if !errors.Is(err, lwa.ErrInvalidKey) {
				t.fail("UpdateGrant of a key without %s must give ErrInvalidKey and gave the error %v", field, err)
			}
			t.expectAll()
		}
	}
}

func checkGrantTimes(t *grantTrial) {
	for i, when := range []time.Time{
		time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, elsewhere),
		time.Date(2026, 3, 1, 12, 0, 0, 999_999_999, time.UTC),
		time.Date(2026, 3, 1, 12, 0, 0, 1_000_000, time.UTC),
		time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC),
		time.Date(2094, 11, 30, 0, 0, 0, 0, time.UTC),
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), // not the zero time
		{},
	} {
		key := keyOf("account", fmt.Sprint(i))
		t.update(key, func(g *lwa.Grant) {
			g.RefreshToken = "Atzr|refresh"
			g.IssuedAt, g.Expiry, g.ConfirmedAt, g.RefusedAt, g.DisabledAt, g.ProbedAt = when, when, when, when, when, when
		})
		t.expectAll()
	}
}

func checkGrantText(t *grantTrial) {
	for i, text := range []string{
		"plain", "PLAIN", "Plain", " plain", "plain ", "plain\n", "plain\t",
		"'quoted'", `"quoted"`, `back\slash`, "per%cent", "per%", "under_score", "under score", "question?", "star*",
		"\u00e9", "e\u0301", "ß", "ss", "\U0001f511", "null", "NULL", "0", "00", "1e3", "true", "[redacted]", "{}",
	} {
		grant := grantOf(keyOf("account", text), i)
		t.put(grant)
		grant = grantOf(keyOf(text, "link"), i)
		grant.AccessToken, grant.RefreshToken = alexaevents.Secret(text), alexaevents.Secret(text)
		t.put(grant)
		grant = grantOf(lwa.Key{ClientID: text, AccountID: "account", LinkID: "link"}, i)
		grant.Refused, grant.CodeHash = text, text
		t.put(grant)
	}
	t.expectAll()
	t.erase("per%")
	t.erase("under_score")
	t.erase("PLAIN")
	t.expectAll()
}

// checkUnkeepableGrantText stores and looks up text that Grant.Clean refuses.
func checkUnkeepableGrantText(t *grantTrial) {
	good := keyOf("account", "link")
	t.put(grantOf(good, 1))
	for i, text := range unkeepable {
		if near := strings.ToValidUTF8(text, "\ufffd"); near != text {
			t.put(grantOf(keyOf("account", near), i))
			t.put(grantOf(keyOf(near, "link"), i))
			t.put(grantOf(lwa.Key{ClientID: near, AccountID: "account", LinkID: "link"}, i))
		}
		for _, key := range []lwa.Key{
			{ClientID: text, AccountID: "account", LinkID: "link"},
			keyOf(text, "link"),
			keyOf("account", text),
		} {
			t.known = append(t.known, key)
			err := t.store.UpdateGrant(t.ctx, key, func(g *lwa.Grant) error {
				*g = grantOf(key, 1)
				return nil
			})
			if !errors.Is(err, lwa.ErrInvalidKey) {
				t.fail("UpdateGrant(%s) must give ErrInvalidKey and gave the error %v", describeKey(key), err)
			}
		}
		for field, change := range map[string]func(*lwa.Grant){
			"Region":       func(g *lwa.Grant) { g.Region = alexaevents.Region(text) },
			"AccessToken":  func(g *lwa.Grant) { g.AccessToken = alexaevents.Secret(text) },
			"RefreshToken": func(g *lwa.Grant) { g.RefreshToken = alexaevents.Secret(text) },
			"Refused":      func(g *lwa.Grant) { g.Refused = text },
			"CodeHash":     func(g *lwa.Grant) { g.CodeHash = text },
		} {
			err := t.store.UpdateGrant(t.ctx, good, func(g *lwa.Grant) error {
				change(g)
				return nil
			})
			if err == nil {
				t.fail("UpdateGrant took the %s %q", field, text)
			}
		}
		t.erase(text)
	}
	t.expectAll()
}

func checkLongGrant(t *grantTrial) {
	for _, character := range []string{"x", "\u00e9", "\U0001f600"} {
		long := strings.Repeat(character, 254)
		longLink := strings.Repeat(character, min(254, 960/len(character))) // DynamoDB keeps 1023 bytes of client and link
		token := alexaevents.Secret(strings.Repeat("x", 4095))
		for i, end := range []string{"1", "2"} {
			for _, key := range []lwa.Key{
				keyOf("account", longLink+end),
				keyOf(long+end, "link"),
				{ClientID: long + end, AccountID: "account", LinkID: "link"},
			} {
				grant := grantOf(key, i)
				grant.AccessToken, grant.RefreshToken = token+alexaevents.Secret(end), token+alexaevents.Secret(end)
				t.put(grant)
			}
		}
	}
	t.expectAll()
}
