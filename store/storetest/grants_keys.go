package storetest

import (
	"fmt"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// checkKeyParts uses keys whose parts are equal when joined, with various separators.
func checkKeyParts(t *grantTrial) {
	n := 0
	put := func(clientID, accountID, linkID string) {
		n++
		t.put(grantOf(lwa.Key{ClientID: clientID, AccountID: accountID, LinkID: linkID}, n))
	}
	for _, join := range []string{"", "#", "/", "|", ":", ",", ";", "-", "_", ".", "+", "&", " ", "\t", "\x1f", `\`, `"`, "::"} {
		put("a", "b"+join+"c", "d")
		put("a"+join+"b", "c", "d")
		put("a", "b", "c"+join+"d")
		put("a", "b", join+"c"+join+"d")
		put("a", "b"+join, "c")
		put("a", "b", join+"c")
		put("a", "b"+join+"c", "")
	}
	put("b", "a", "c")
	put("c", "b", "a")
	put("a", "c", "b")
	put("a", "b", "")
	t.expectAll()
	t.erase("b")
	t.expectAll()
}

func checkApart(t *grantTrial) {
	n := 0
	for _, clientID := range []string{lwaClient, otherLWAClient} {
		for _, accountID := range []string{"account", "other"} {
			for _, linkID := range []string{"", "link", "other"} {
				n++
				t.put(grantOf(lwa.Key{ClientID: clientID, AccountID: accountID, LinkID: linkID}, n))
			}
		}
	}
	t.expectAll()
	t.update(keyOf("account", "link"), func(g *lwa.Grant) { g.RefreshToken = "" })
	t.update(keyOf("other", ""), func(g *lwa.Grant) { g.AccessToken = "Atza|changed" })
	t.expectAll()
	t.expectList("account", lwaClient) // the two confused
	t.expectList("", "account")
	t.expectList(lwaClient, "")
}

func checkLinkOrder(t *grantTrial) {
	// The order of bytes differs here from that of words, of numbers and of insertion.
	for i, linkID := range []string{"é", "z", "b", "B", "a", "A", "10", "2", "_", "-", "", "aa", "a b", "\U0001f511", "\uff5e"} {
		t.put(grantOf(keyOf("account", linkID), i))
	}
	t.expectAll()
}

// checkManyLinks fills more than a page of the databases that have pages.
func checkManyLinks(t *grantTrial) {
	const links = 300
	padding := alexaevents.Secret(strings.Repeat("x", 2000))
	for i := range links {
		grant := grantOf(keyOf("account", fmt.Sprintf("link-%03d", i*7%links)), i)
		grant.AccessToken += padding
		grant.RefreshToken += padding
		t.put(grant)
	}
	t.put(grantOf(keyOf("account-2", "link"), 1))
	t.expectList(lwaClient, "account")
	t.expectEvery()
	t.erase("account")
	t.expectAll()
}

func checkEraseGrants(t *grantTrial) {
	accounts := []string{"account", "account-2", "accoun", "Account", "account ", "acc_unt", "%", "*", "link"}
	fill := func() {
		for i, accountID := range accounts {
			t.put(grantOf(keyOf(accountID, "link"), i))
			t.put(grantOf(keyOf(accountID, "account"), i+10))
			t.put(grantOf(lwa.Key{ClientID: otherLWAClient, AccountID: accountID}, i+20))
		}
	}
	fill()
	t.erase("")
	t.erase("nobody")
	t.erase(lwaClient)
	t.expectAll()
	for _, accountID := range accounts {
		t.erase(accountID)
		t.expectAll()
	}
	fill() // an erased key can be used again
	t.expectAll()
}
