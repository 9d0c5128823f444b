package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/alexaevents/alexaevents/lwa"
)

func putThree(t *grantTrial) {
	for i := range 3 {
		t.put(grantOf(keyOf("account", fmt.Sprint(i)), i))
	}
}

// loops are the calls that return iterators, of a store with the grants of
// putThree.
func (t *grantTrial) loops() []loop {
	all := []loop{newLoop("AccountGrants", func(ctx context.Context) iter.Seq2[lwa.Grant, error] {
		return t.store.AccountGrants(ctx, lwaClient, "account")
	})}
	if t.lister != nil {
		all = append(all, newLoop("Grants", t.lister.Grants))
	}
	if t.ended != nil {
		all = append(all, newLoop("EndedGrants", func(ctx context.Context) iter.Seq2[lwa.Grant, error] {
			return t.ended.EndedGrants(ctx, lwaClient)
		}))
	}
	return all
}

func checkGrantsEarlyStop(t *grantTrial) {
	putThree(t)
	for _, loop := range t.loops() {
		t.stopsAt(loop, 1)
		t.stopsAt(loop, 2)
	}
	t.put(grantOf(keyOf("account", "3"), 3))
	t.erase("nobody")
	t.expectAll()
}

func checkGrantsNesting(t *grantTrial) {
	putThree(t)
	for _, loop := range t.loops() {
		calls := 0
		for _, err := range loop.values(t.ctx) {
			if err != nil {
				t.fail("a loop of %s around other calls gave the error: %v", loop.call, err)
			}
			if calls++; calls > 3 {
				continue // what is added may be yielded as well
			}
			t.update(keyOf("account", "1"), func(g *lwa.Grant) { g.AccessToken += "x" })
			t.put(grantOf(keyOf("other", fmt.Sprint(len(t.known))), 1))
			t.expectList(lwaClient, "other")
		}
	}
	t.expectAll()
}

func checkGrantsCancelled(t *grantTrial) {
	putThree(t)
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
	for _, loop := range t.loops() {
		t.failsCancelled(loop)
	}
	t.expectAll()
}

// checkGrantsCancelledLoop cancels a context while a loop runs.
func checkGrantsCancelledLoop(t *grantTrial) {
	putThree(t)
	for _, loop := range t.loops() {
		t.endsCancelled(loop)
	}
	t.expectAll()
}
