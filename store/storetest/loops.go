package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// loop is a call that returns an iterator. A zero value is yielded as nil.
type loop struct {
	call   string
	values func(context.Context) iter.Seq2[any, error]
}

func newLoop[T comparable](call string, values func(context.Context) iter.Seq2[T, error]) loop {
	return loop{call, func(ctx context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			values(ctx)(func(value T, err error) bool {
				if value == *new(T) {
					return yield(nil, err)
				}
				return yield(value, err)
			})
		}
	}}
}

// stopsAt checks that the loop body is not called again after it stops at its nth value.
func (j *journal) stopsAt(l loop, nth int) {
	calls := 0
	l.values(j.ctx)(func(_ any, err error) bool {
		if err != nil {
			j.fail("%s gave an error: %v", l.call, err)
		}
		calls++
		return calls < nth
	})
	if calls != nth {
		j.fail("%s called the body of a loop that stopped at value %d %d times", l.call, nth, calls)
	}
}

// failsCancelled checks that a loop with a cancelled context yields its error and nothing
// else.
func (j *journal) failsCancelled(l loop) {
	ctx, cancel := context.WithCancel(j.ctx)
	cancel()
	calls := 0
	for value, err := range l.values(ctx) {
		calls++
		if !errors.Is(err, context.Canceled) || value != nil {
			j.fail("%s with a cancelled context must yield nothing but context.Canceled, and yielded the value %+v and the error %v", l.call, value, err)
		}
	}
	if calls != 1 {
		j.fail("%s with a cancelled context must yield its error once and yielded %d times", l.call, calls)
	}
}

// endsCancelled cancels the context at the first value of a loop. The other values may
// follow, but must not be omitted without an error.
func (j *journal) endsCancelled(l loop) {
	all := 0
	for _, err := range l.values(j.ctx) {
		if err != nil {
			j.fail("%s gave an error: %v", l.call, err)
		}
		all++
	}
	ctx, cancel := context.WithCancel(j.ctx)
	defer cancel()
	given, failed := 0, false
	for value, err := range l.values(ctx) {
		cancel()
		switch {
		case failed:
			j.fail("%s went on after it had yielded the error of its context", l.call)
		case err == nil:
			given++
		case !errors.Is(err, context.Canceled) || value != nil:
			j.fail("%s whose context is cancelled during the loop must yield nothing but context.Canceled, and yielded the value %+v and the error %v", l.call, value, err)
		default:
			failed = true
		}
	}
	if !failed && given != all {
		j.fail("%s whose context is cancelled during the loop ended without an error after %d of %d values", l.call, given, all)
	}
}

// loops returns the loops of a store with the facts of addThree.
func (t *trial) loops() []loop {
	all := []loop{
		newLoop("UserRecords", func(ctx context.Context) iter.Seq2[identity.Record, error] {
			return t.store.UserRecords(ctx, skill, "user")
		}),
		newLoop("AccountRecords", func(ctx context.Context) iter.Seq2[identity.Record, error] {
			return t.store.AccountRecords(ctx, "a")
		}),
	}
	if lister, ok := t.store.(factsLister); ok {
		all = append(all, newLoop("Facts", lister.Facts))
	}
	return all
}

func addThree(t *trial) {
	for i := range 3 {
		t.add(linked("user", i*10, "a"), disabled("user", i*10+5))
	}
}

func checkEarlyStop(t *trial) {
	addThree(t)
	for _, loop := range t.loops() {
		t.stopsAt(loop, 1)
		t.stopsAt(loop, 2)
	}
	t.add(linked("user", 100, "b"))
	t.eraseUser(skill, "nobody")
	t.expectAll()
}

func checkNesting(t *trial) {
	addThree(t)
	for _, loop := range t.loops() {
		calls := 0
		for _, err := range loop.values(t.ctx) {
			if err != nil {
				t.fail("a loop of %s around other calls gave the error: %v", loop.call, err)
			}
			if calls++; calls > 3 {
				continue // what was added may be yielded as well
			}
			t.add(linked(fmt.Sprintf("user-%d", len(t.facts)), 1, "b"))
			t.expectUser(skill, "user")
			t.expectAccount("a")
		}
	}
	t.expectAll()
}

func checkCancelled(t *trial) {
	addThree(t)
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	calls := map[string]error{
		"AddFact":      t.store.AddFact(ctx, linked("user", 50, "b")),
		"EraseUser":    t.store.EraseUser(ctx, skill, "user"),
		"EraseAccount": t.store.EraseAccount(ctx, "a"),
		"Purge":        t.store.Purge(ctx, at(1000)),
	}
	if adder, ok := t.store.(factsAdder); ok {
		calls["AddFacts"] = adder.AddFacts(ctx, []identity.Fact{linked("user", 50, "b")})
	}
	for call, err := range calls {
		if !errors.Is(err, context.Canceled) {
			t.fail("%s with a cancelled context must give context.Canceled and gave the error %v", call, err)
		}
	}
	for _, loop := range t.loops() {
		t.failsCancelled(loop)
	}
	t.expectAll()
}

// checkCancelledLoop cancels a context while a loop runs.
func checkCancelledLoop(t *trial) {
	addThree(t)
	for _, loop := range t.loops() {
		t.endsCancelled(loop)
	}
	t.expectAll()
}

func putThree(t *grantTrial) {
	for i := range 3 {
		t.put(grantOf(keyOf("account", fmt.Sprint(i)), i))
	}
}

// loops returns the loops of a store with the grants of putThree.
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
				continue // what was added may be yielded as well
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
