package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/alexaevents/alexaevents/lwa"
)

// checkCancelledFn cancels the context while fn runs. The update may be stored or not, but
// if UpdateGrant returns nil it must be stored.
func checkCancelledFn(t *grantTrial) {
	for _, linkID := range []string{"new", "there"} {
		key := keyOf("account", linkID)
		if linkID == "there" {
			t.put(grantOf(key, 1))
		}
		ctx, cancel := context.WithCancel(t.ctx)
		err := t.store.UpdateGrant(ctx, key, func(g *lwa.Grant) error {
			cancel()
			*g = grantOf(key, 2)
			return nil
		})
		cancel()
		t.steps = append(t.steps, "UpdateGrant("+describeKey(key)+") with a fn that cancels the context")
		t.known = append(t.known, key)
		stored, readErr := t.store.Grant(t.ctx, key)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.fail("UpdateGrant whose context is cancelled while fn runs may give context.Canceled alone and gave the error %v", err)
		}
		if err == nil || readErr == nil && stored.AccessToken == grantOf(key, 2).AccessToken {
			t.grants[key] = grantOf(key, 2)
		}
		t.expectAll()
		t.put(grantOf(key, 3)) // no lock is left behind
		t.expectAll()
	}
}

// checkEraseDuringFn erases a grant while an update of it runs. If the erasure comes
// first, the update finds no grant. In no case does the update restore erased values.
func checkEraseDuringFn(t *grantTrial) {
	key := keyOf("account", "link")
	t.known = append(t.known, key)
	for range 5 {
		t.put(grantOf(key, 1))
		erased := make(chan error, 1)
		begun := false
		err := t.store.UpdateGrant(t.ctx, key, func(g *lwa.Grant) error {
			if !begun {
				begun = true
				done := make(chan struct{})
				go func() {
					defer close(done)
					erased <- caught(func() error { return t.store.EraseGrants(t.ctx, "account") })
				}()
				select {
				case <-done:
				case <-time.After(20 * time.Millisecond): // it waits for fn
				}
			}
			g.AccessToken, g.RefreshToken = "Atza|new", "Atzr|new"
			return nil
		})
		t.did(err, "UpdateGrant(%s) with a fn that waits", describeKey(key))
		if !begun {
			t.fail("UpdateGrant did not run fn")
		}
		t.did(<-erased, "EraseGrants(\"account\") while it waits")
		delete(t.grants, key)
		if _, err := t.store.Grant(t.ctx, key); err == nil {
			t.grants[key] = lwa.Grant{Key: key, AccessToken: "Atza|new", RefreshToken: "Atzr|new"}
		}
		t.expectAll()
	}
}

func checkFnError(t *grantTrial) {
	key := keyOf("account", "link")
	refuse := func(state string) {
		refusal := errors.New("fn says no")
		for _, change := range []func(*lwa.Grant){
			func(g *lwa.Grant) { *g = grantOf(key, 7) },
			func(g *lwa.Grant) { *g = lwa.Grant{} },
			func(*lwa.Grant) {},
		} {
			err := t.store.UpdateGrant(t.ctx, key, func(g *lwa.Grant) error {
				change(g)
				return refusal
			})
			if !errors.Is(err, refusal) {
				t.fail("UpdateGrant of %s must give the error of fn and gave the error %v", state, err)
			}
		}
		t.steps = append(t.steps, "UpdateGrant of "+state+" with a fn that fails")
		t.expectAll()
	}
	t.known = append(t.known, key)
	refuse("no grant")
	t.put(grantOf(key, 1))
	refuse("a grant")
	t.put(grantOf(key, 2)) // no lock is left behind
	t.expectAll()
}

func checkFnKey(t *grantTrial) {
	key, other := keyOf("account", "link"), keyOf("other", "link")
	t.known = append(t.known, other)
	t.update(key, func(g *lwa.Grant) { *g = grantOf(other, 1) })
	t.expectAll()
	t.update(key, func(g *lwa.Grant) { g.Key = lwa.Key{} })
	t.expectAll()
	t.update(key, func(g *lwa.Grant) { g.Key, g.RefreshToken = other, "" })
	t.expectAll()
}
