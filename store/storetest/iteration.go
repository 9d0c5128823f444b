package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/alexaevents/alexaevents/identity"
)

// reads are the two calls that return iterators, of a store with the facts of
// addThree.
func reads(ctx context.Context, store identity.Store) map[string]iter.Seq2[identity.Record, error] {
	return map[string]iter.Seq2[identity.Record, error]{
		"UserRecords":    store.UserRecords(ctx, skill, "user"),
		"AccountRecords": store.AccountRecords(ctx, "a"),
	}
}

func addThree(t *trial) {
	for i := range 3 {
		t.add(linked("user", i*10, "a"), disabled("user", i*10+5))
	}
}

func checkEarlyStop(t *trial) {
	addThree(t)
	if t.err != nil {
		return
	}
	for call, records := range reads(t.ctx, t.store) {
		calls := 0
		records(func(identity.Record, error) bool {
			calls++
			return false
		})
		if calls != 1 {
			t.fail("%s called the body of a loop that stopped at its first record %d times", call, calls)
		}
	}
	t.add(linked("user", 100, "b"))
	t.eraseUser(skill, "nobody")
	t.expectAll()
}

func checkNesting(t *trial) {
	addThree(t)
	if t.err != nil {
		return
	}
	for _, records := range reads(t.ctx, t.store) {
		for _, err := range records {
			if err != nil {
				t.fail("a loop around other calls gave the error: %v", err)
				return
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
	if t.err != nil {
		return
	}
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	for call, err := range map[string]error{
		"AddFact":      t.store.AddFact(ctx, linked("user", 50, "b")),
		"EraseUser":    t.store.EraseUser(ctx, skill, "user"),
		"EraseAccount": t.store.EraseAccount(ctx, "a"),
		"Purge":        t.store.Purge(ctx, at(1000)),
	} {
		if !errors.Is(err, context.Canceled) {
			t.fail("%s with a cancelled context must give context.Canceled and gave the error %v", call, err)
		}
	}
	for call, records := range reads(ctx, t.store) {
		calls := 0
		for record, err := range records {
			calls++
			if !errors.Is(err, context.Canceled) || record != (identity.Record{}) {
				t.fail("%s with a cancelled context must yield no record and context.Canceled, and yielded the record %+v and the error %v", call, record, err)
			}
		}
		if calls != 1 {
			t.fail("%s with a cancelled context must yield its error once and yielded %d times", call, calls)
		}
	}
	t.expectAll()
}

// checkConcurrency adds facts from several goroutines, some of them the same,
// while others read.
func checkConcurrency(t *trial) {
	const writers, rounds = 8, 6
	facts := func(writer, round int) []identity.Fact {
		own := fmt.Sprintf("user-%d", writer)
		return []identity.Fact{
			linked("shared", round, fmt.Sprintf("a-%d", round%3)), // every writer adds this one
			enabled(own, round*10),
			linked(own, round*10+1, "shared"),
			disabled("shared", 10+writer),
		}
	}
	failed := make(chan error, writers*rounds*5)
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for round := range rounds {
				for _, f := range facts(writer, round) {
					if err := t.store.AddFact(t.ctx, f); err != nil {
						failed <- fmt.Errorf("AddFact(%s): %w", describe(f), err)
					}
				}
				for _, err := range t.store.AccountRecords(t.ctx, "shared") {
					if err != nil {
						failed <- fmt.Errorf("AccountRecords: %w", err)
						break
					}
				}
			}
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.fail("with %d goroutines at once: %v", writers, err)
	}
	for writer := range writers {
		for round := range rounds {
			t.facts = append(t.facts, facts(writer, round)...)
		}
	}
	t.known = t.facts
	t.steps = append(t.steps, fmt.Sprintf("AddFact of %d goroutines at once", writers))
	t.expectAll()
}
