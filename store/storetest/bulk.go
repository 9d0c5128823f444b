package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents/identity"
)

// addAll adds facts in one call.
func (t *trial) addAll(adder factsAdder, facts ...identity.Fact) {
	before := slices.Clone(facts)
	t.did(adder.AddFacts(t.ctx, facts), "AddFacts of %d", len(facts))
	if !slices.Equal(before, facts) {
		t.fail("AddFacts must leave its argument alone")
	}
	t.holds(before)
}

func checkAddFacts(t *trial) {
	adder, ok := t.store.(factsAdder)
	if !ok {
		return
	}
	t.addAll(adder)
	t.addAll(adder, []identity.Fact{}...)
	t.expectAll()
	facts := history()
	t.add(facts[1], facts[5])
	t.addAll(adder, facts...)
	t.expectAll()
	t.addAll(adder, linked("again", 1, "a"), linked("again", 1, "a"), disabled("again", 2), linked("again", 1, "a"))
	t.expectAll()
	slices.Reverse(facts)
	t.addAll(adder, facts...)
	t.expectAll()
	late := linked("late", 3, "a")
	late.At = late.At.Add(999_999).In(elsewhere)
	t.addAll(adder, late)
	t.expectAll()
	t.eraseUser("", "again")
	t.addAll(adder, linked("again", 1, "a"))
	t.expectAll()
}

// checkAddInvalidFacts puts an invalid fact first, in the middle and last, and after more
// facts than fit into one statement.
func checkAddInvalidFacts(t *trial) {
	adder, ok := t.store.(factsAdder)
	if !ok {
		return
	}
	t.add(linked("known", 1, "a"))
	for _, invalid := range []identity.Fact{{}, linked("user\x00", 1, "a"), in("", linked("user", 1, "a"))} {
		for place := range 3 {
			facts := slices.Insert([]identity.Fact{linked("first", 1, "a"), disabled("known", 2)}, place, invalid)
			if err := adder.AddFacts(t.ctx, facts); !errors.Is(err, identity.ErrInvalidFact) {
				t.fail("AddFacts of an invalid fact in place %d of 3 must give ErrInvalidFact and gave the error %v", place+1, err)
			}
		}
	}
	many := make([]identity.Fact, 0, 5001)
	for n := range cap(many) - 1 {
		many = append(many, linked("first", n, "a"))
	}
	if err := adder.AddFacts(t.ctx, append(many, identity.Fact{})); !errors.Is(err, identity.ErrInvalidFact) {
		t.fail("AddFacts of %d facts and an invalid one must give ErrInvalidFact and gave the error %v", len(many), err)
	}
	t.known = append(t.known, linked("first", 1, "a"), linked("user", 1, "a"))
	t.expectAll()
}

// checkManyFacts has more facts of one user than fit into one statement or one page of
// any database, so that a page ends between them.
func checkManyFacts(t *trial) {
	const users, each = 3, 1500
	var facts []identity.Fact
	for n := range users * each {
		facts = append(facts, linked(fmt.Sprintf("user-%d", n%users), n, fmt.Sprintf("a-%d", n%2)))
	}
	if adder, ok := t.store.(factsAdder); ok {
		t.addAll(adder, facts...)
	} else {
		t.add(facts...)
	}
	t.expectUser(skill, "user-0")
	t.expectFacts()
	t.eraseUser("", "user-1")
	t.expectAccount("a-1")
	t.expectFacts()
}

func checkFacts(t *trial) {
	t.expectFacts()
	t.add(history()...)
	t.add(history()...)
	t.expectFacts()
	seen, late := enabled("one", 20), linked("one", 21, "")
	seen.Kind = identity.Seen
	late.At = late.At.Add(999_999).In(elsewhere)
	t.add(seen, late)
	t.expectFacts()
	t.expectUsersTogether()
	t.eraseUser(skill, "one")
	t.expectFacts()
	t.eraseAccount("a")
	t.expectFacts()
	t.purge(at(6))
	t.expectFacts()
	t.purge(at(100))
	t.expectFacts()
}

// expectFacts compares every fact, in stores that list them.
func (t *trial) expectFacts() {
	lister, ok := t.store.(factsLister)
	if !ok {
		return
	}
	var want, got []identity.Fact
	for _, fact := range t.facts {
		fact, err := fact.Clean()
		if err != nil {
			panic(err) // the check is wrong, not the store
		}
		want = append(want, fact)
	}
	slices.SortFunc(want, compareFacts)
	want = slices.Compact(want)

	for fact, err := range lister.Facts(t.ctx) {
		if err != nil {
			t.fail("Facts gave an error: %v", err)
		}
		got = append(got, fact)
	}
	slices.SortFunc(got, compareFacts)
	expectList(t.journal, "Facts", "facts", want, got, func(facts []identity.Fact) any { return facts })
}

// expectUsersTogether checks that facts are grouped by user and skill.
func (t *trial) expectUsersTogether() {
	lister, ok := t.store.(factsLister)
	if !ok {
		return
	}
	var last user
	ended := make(map[user]bool)
	for fact, err := range lister.Facts(t.ctx) {
		if err != nil {
			t.fail("Facts gave an error: %v", err)
		}
		if userOf(fact) == last {
			continue
		}
		ended[last] = true
		if last = userOf(fact); ended[last] {
			t.fail("Facts must yield the facts of one user of one skill one after another, and came back to %.64q in %.64q", last.amazonUserID, last.skillID)
		}
	}
}

func compareFacts(a, b identity.Fact) int {
	return cmp.Or(
		strings.Compare(a.AmazonUserID, b.AmazonUserID),
		strings.Compare(a.SkillID, b.SkillID),
		a.At.Compare(b.At),
		cmp.Compare(a.Kind, b.Kind),
		strings.Compare(a.AccountID, b.AccountID),
	)
}
