package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/alexaevents/alexaevents/identity"
)

// loops are the calls that return iterators, of a store with the facts of
// addThree.
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
				continue // what is added may be yielded as well
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
