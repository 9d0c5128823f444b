package storetest

import (
	"fmt"
	"strings"

	"github.com/alexaevents/alexaevents/identity"
)

func checkAccount(t *trial) {
	t.add(linked("first", 1, "a"), disabled("first", 2))
	t.add(enabled("second", 3), linked("second", 4, "a"))
	t.add(in(otherSkill, linked("third", 2, "a")))
	t.add(linked("moved", 0, "b"), linked("moved", 3, "a"), linked("moved", 5, "b"), linked("moved", 7, "a"))
	t.add(linked("stranger", 1, "b"))
	t.add(linked("outdone", 1, "a"), linked("outdone", 1, "b")) // the second of one instant counts
	t.expectAccount("a")
	t.expectAccount("b")
	t.expectAll()
}

func checkEmptyAccount(t *trial) {
	t.add(enabled("enabled", 1), linked("unresolved", 1, ""), disabled("disabled", 1))
	t.add(linked("lost", 1, "a"), linked("lost", 2, ""))
	t.expectAccount("")
	t.expectAll()
}

// checkLargeAccount has an account with more users and more bytes than any database
// gives in one page. The user IDs are as long as they can be.
func checkLargeAccount(t *trial) {
	const users = 1200
	userID := func(n int) string { return fmt.Sprintf("%04d%s", n*7%users, strings.Repeat("\U0001f600", 251)) }
	var facts []identity.Fact
	for n := range users {
		fact := linked(userID(n), n%50, "large")
		if n%5 == 0 {
			fact = in(otherSkill, fact)
		}
		facts = append(facts, fact)
		if n%20 == 1 {
			facts = append(facts, disabled(userID(n), 60))
		}
		if n%20 == 2 {
			facts = append(facts, linked(userID(n), 60, "other"))
		}
	}
	t.load(facts)
	t.expectAccount("large")
	t.expectFacts()
	t.eraseAccount("large")
	t.expectAccount("large")
	t.expectAccount("other")
	t.expectUser("", userID(0))
	t.expectUser("", userID(1))
	t.expectUser("", userID(2))
	t.expectFacts()
}

// history is facts for every case of an erasure.
func history() []identity.Fact {
	return []identity.Fact{
		enabled("one", 1), linked("one", 2, "a"), disabled("one", 5), linked("one", 7, "a"),
		enabled("two", 1), linked("two", 2, "a"), linked("two", 3, "b"), disabled("two", 5),
		in(otherSkill, enabled("one", 1)), in(otherSkill, linked("one", 2, "b")),
		linked("unresolved", 2, ""), linked("unresolved", 3, "a"),
		linked("stranger", 2, "b"), disabled("stranger", 9), disabled("unknown", 4),
		enabled("plain", 1), linked("lost", 1, ""),
	}
}

func checkEraseUser(t *trial) {
	t.add(history()...)
	t.eraseUser(skill, "one")
	t.expectAll()
	t.eraseUser(skill, "one")
	t.expectAll()
	t.eraseUser("", "two")
	t.expectAll()
	t.add(history()...)
	t.expectAll()
	t.eraseUser("", "one")
	t.expectAll()
}

func checkEraseAccount(t *trial) {
	t.add(history()...)
	t.eraseAccount("a")
	t.expectAll()
	t.eraseAccount("a")
	t.expectAll()
	t.add(history()...)
	t.expectAll()
	t.eraseAccount("b")
	t.expectAll()
	t.eraseAccount("a")
	t.expectAll()
}

// checkEraseLaterAccount: after the erasure the user has no account, not the account
// from before the erased one.
func checkEraseLaterAccount(t *trial) {
	t.add(enabled("relinked", 1), linked("relinked", 2, "b"), linked("relinked", 4, "a"))
	t.add(linked("returned", 1, "a"), linked("returned", 2, "b"), linked("returned", 3, "a"), linked("returned", 4, "b"))
	t.add(linked("again", 1, "b"), disabled("again", 2), linked("again", 4, "a"), disabled("again", 5))
	t.add(enabled("first", 1), linked("first", 2, "a"), linked("first", 3, "b"))
	t.add(linked("together", 1, "B"), linked("together", 3, "B"), linked("together", 3, "a"))
	t.add(linked("outdone", 3, "a"), linked("outdone", 3, "b"))
	t.add(linked("emptied", 1, "b"), linked("emptied", 2, ""), linked("emptied", 2, "a"))
	t.add(linked("unresolved", 1, ""), linked("unresolved", 2, "a"), linked("unresolved", 3, "b"))
	t.expectAll()
	for range 2 {
		t.eraseAccount("a")
		t.expectAll()
	}
	for _, user := range []string{"relinked", "together"} {
		for record, err := range t.store.UserRecords(t.ctx, skill, user) {
			if err != nil || record.Open() && record.AccountID != "" {
				t.fail("UserRecords(skill, %q) gave an open record of the account %q and the error %v; the account before the erased one must not come back", user, record.AccountID, err)
			}
		}
	}
	// The token of an erased account has no account when its link is redelivered.
	t.add(linked("relinked", 4, ""), linked("returned", 1, ""), linked("together", 3, ""))
	t.expectAll()
	t.eraseAccount("b")
	t.expectAll()
	t.eraseAccount("B")
	t.expectAll()
}

func checkEraseUnknown(t *trial) {
	t.add(history()...)
	t.eraseAccount("")
	t.eraseUser("", "")
	t.eraseUser(skill, "")
	t.eraseUser("no such skill", "one")
	t.eraseUser(skill, "no such user")
	t.eraseAccount("no such account")
	t.expectAll()
}

// checkRedelivery: the Disabled fact that an erasure leaves keeps a late event
// from opening a record.
func checkRedelivery(t *trial) {
	t.add(enabled("user", 1), linked("user", 2, "a"), disabled("user", 5))
	t.add(linked("other", 2, "a"), disabled("other", 5))
	t.eraseUser(skill, "user")
	t.eraseAccount("a")
	t.add(linked("user", 2, ""), enabled("user", 1), linked("other", 2, "a"))
	t.expectAll()
	for _, user := range []string{"user", "other"} {
		for record, err := range t.store.UserRecords(t.ctx, skill, user) {
			if err != nil || record.Open() {
				t.fail("UserRecords(skill, %q) gave an open record and the error %v; the Disabled fact outlives an erasure and must close it", user, err)
			}
		}
	}
}

func checkPurge(t *trial) {
	t.add(linked("open", 1, "a"))
	t.add(linked("closed", 1, "a"), disabled("closed", 4))
	t.add(linked("active", 1, "a"), linked("active", 9, "b"))
	t.add(linked("border", 5, "a"))
	t.add(in(otherSkill, linked("open", 9, "a")))
	t.add(disabled("gone", 2))
	t.purge(at(0))
	t.expectAll()
	t.purge(at(5).In(elsewhere))
	t.expectAll()
	t.add(linked("open", 2, "b"))
	t.expectAll()
	t.eraseUser("", "active")
	t.purge(at(100))
	t.expectAll()
}
