package storetest

import (
	"fmt"

	"github.com/alexaevents/alexaevents/identity"
)

// checkConcurrency adds facts from several goroutines, some of them the same,
// while all read, and erase and purge what is not there.
func checkConcurrency(t *trial) {
	const rounds = 6
	facts := func(goroutine, round int) []identity.Fact {
		own := fmt.Sprintf("user-%d", goroutine)
		return []identity.Fact{
			linked("shared", round, fmt.Sprintf("a-%d", round%3)), // every goroutine adds this one
			enabled(own, round*10),
			linked(own, round*10+1, "shared"),
			disabled("shared", 10+goroutine),
		}
	}
	t.atOnce("every method", rounds, func(goroutine, round int) error {
		for _, fact := range facts(goroutine, round) {
			if err := t.store.AddFact(t.ctx, fact); err != nil {
				return fmt.Errorf("AddFact(%s): %w", describe(fact), err)
			}
		}
		for _, err := range t.store.AccountRecords(t.ctx, "shared") {
			if err != nil {
				return fmt.Errorf("AccountRecords: %w", err)
			}
		}
		for call, err := range map[string]error{
			"EraseUser":    t.store.EraseUser(t.ctx, skill, "nobody"),
			"EraseAccount": t.store.EraseAccount(t.ctx, "nobody"),
			"Purge":        t.store.Purge(t.ctx, at(0)),
		} {
			if err != nil {
				return fmt.Errorf("%s: %w", call, err)
			}
		}
		return nil
	})
	for goroutine := range goroutines {
		for round := range rounds {
			t.holds(facts(goroutine, round))
		}
	}
	t.expectAll()
}
