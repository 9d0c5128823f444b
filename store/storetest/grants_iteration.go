package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexaevents/alexaevents/lwa"
)

func putThree(t *grantTrial) {
	for i := range 3 {
		t.put(grantOf(keyOf("account", fmt.Sprint(i)), i))
	}
}

func checkGrantsEarlyStop(t *grantTrial) {
	putThree(t)
	if t.err != nil {
		return
	}
	calls := 0
	t.store.AccountGrants(t.ctx, lwaClient, "account")(func(lwa.Grant, error) bool {
		calls++
		return false
	})
	if calls != 1 {
		t.fail("AccountGrants called the body of a loop that stopped at its first grant %d times", calls)
	}
	t.put(grantOf(keyOf("account", "3"), 3))
	t.erase("nobody")
	t.expectAll()
}

func checkGrantsNesting(t *grantTrial) {
	putThree(t)
	if t.err != nil {
		return
	}
	for grant, err := range t.store.AccountGrants(t.ctx, lwaClient, "account") {
		if err != nil {
			t.fail("a loop around other calls gave the error: %v", err)
			return
		}
		t.update(grant.Key, func(g *lwa.Grant) { g.AccessToken += "x" })
		t.put(grantOf(keyOf("other", grant.LinkID), 1))
		t.expectList(lwaClient, "other")
	}
	t.expectAll()
}

func checkGrantsCancelled(t *grantTrial) {
	putThree(t)
	if t.err != nil {
		return
	}
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	key := keyOf("account", "0")
	_, readErr := t.store.Grant(ctx, key)
	for call, err := range map[string]error{
		"Grant": readErr,
		"UpdateGrant": t.store.UpdateGrant(ctx, key, func(g *lwa.Grant) error {
			g.AccessToken = "Atza|changed"
			return nil
		}),
		"EraseGrants": t.store.EraseGrants(ctx, "account"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.fail("%s with a cancelled context must give context.Canceled and gave the error %v", call, err)
		}
	}
	calls := 0
	for grant, err := range t.store.AccountGrants(ctx, lwaClient, "account") {
		calls++
		if !errors.Is(err, context.Canceled) || grant != (lwa.Grant{}) {
			t.fail("AccountGrants with a cancelled context must yield no grant and context.Canceled, and yielded the error %v", err)
		}
	}
	if calls != 1 {
		t.fail("AccountGrants with a cancelled context must yield its error once and yielded %d times", calls)
	}
	t.expectAll()
}
