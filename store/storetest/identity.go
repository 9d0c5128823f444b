package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// patience is the time limit of a check, also on a remote database.
const patience = 5 * time.Minute

// Identity checks that stores do what the comments of [identity.Store] say. It runs each
// check as a subtest of t, with an empty store from open, which closes it with t.Cleanup. The checks add
// about ten thousand facts.
func Identity(t *testing.T, open func(t *testing.T) identity.Store) {
	for _, check := range identityChecks {
		t.Run(check.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := check.run(ctx, open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// identityCheck is one check of an empty store.
type identityCheck struct {
	name  string
	check func(*trial)
}

var identityChecks = []identityCheck{
	{"the table of the document", checkDocument},
	{"an empty store", checkEmpty},
	{"facts in any order", checkOrder},
	{"repeated facts", checkRepetition},
	{"facts of one instant", checkInstant},
	{"times in UTC to the millisecond", checkTimes},
	{"invalid facts", checkInvalid},
	{"text byte for byte", checkText},
	{"text that cannot be kept", checkUnkeepableText},
	{"long text", checkLongText},
	{"skills apart", checkSkills},
	{"records of an account", checkAccount},
	{"the empty account", checkEmptyAccount},
	{"erasing a user", checkEraseUser},
	{"erasing an account", checkEraseAccount},
	{"erasing an account that followed another", checkEraseLaterAccount},
	{"erasing unknown users and accounts", checkEraseUnknown},
	{"events after an erasure", checkRedelivery},
	{"purging", checkPurge},
	{"stopping a loop early", checkEarlyStop},
	{"the store inside a loop", checkNesting},
	{"a cancelled context", checkCancelled},
	{"a context cancelled during a loop", checkCancelledLoop},
	{"several goroutines", checkConcurrency},
	{"random histories", checkRandom},
	{"a large account", checkLargeAccount},
	{"facts in one call", checkAddFacts},
	{"an invalid fact among others", checkAddInvalidFacts},
	{"many facts of one user", checkManyFacts},
	{"every fact", checkFacts},
}

func (c identityCheck) run(ctx context.Context, store identity.Store) error {
	return run(ctx, func(j *journal) { c.check(&trial{journal: j, store: store}) })
}

// trial does the same to a store and to a plain list of facts, and compares
// what the store returns with what follows from the list. After the first
// violation its methods do nothing.
type trial struct {
	*journal
	store identity.Store
	facts []identity.Fact // what the store must hold
	known []identity.Fact // every fact that was ever added
}

func (t *trial) add(facts ...identity.Fact) {
	for _, fact := range facts {
		t.did(t.store.AddFact(t.ctx, fact), "AddFact(%s)", describe(fact))
		t.holds([]identity.Fact{fact})
	}
}

// load adds many facts, in few calls if the store can.
func (t *trial) load(facts []identity.Fact) {
	adder, ok := t.store.(factsAdder)
	if !ok {
		t.add(facts...)
		return
	}
	for some := range slices.Chunk(facts, 1000) {
		t.addAll(adder, some...)
	}
}

// holds notes that the facts were added.
func (t *trial) holds(facts []identity.Fact) {
	t.facts = append(t.facts, facts...)
	t.known = append(t.known, facts...)
}

func (t *trial) eraseUser(skillID, amazonUserID string) {
	t.did(t.store.EraseUser(t.ctx, skillID, amazonUserID), "EraseUser(%.64q, %.64q)", skillID, amazonUserID)
	t.drop(func(f identity.Fact) bool {
		return f.AmazonUserID == amazonUserID && (skillID == "" || f.SkillID == skillID) && f.Kind != identity.Disabled
	})
}

func (t *trial) eraseAccount(accountID string) {
	t.did(t.store.EraseAccount(t.ctx, accountID), "EraseAccount(%.64q)", accountID)
	if accountID == "" {
		return
	}
	// For each user: whether a link names the account, the first link that names
	// another one, and the last account of each instant.
	this, other, last := make(map[user]bool), make(map[user]identity.Fact), make(map[moment]string)
	for _, f := range t.facts {
		f.At = f.At.Truncate(time.Millisecond)
		user := userOf(f)
		last[momentOf(f)] = max(last[momentOf(f)], f.AccountID)
		switch f.AccountID {
		case "":
		case accountID:
			this[user] = true
		default:
			if first, found := other[user]; !found || compareFacts(f, first) < 0 {
				other[user] = f
			}
		}
	}
	var emptied []identity.Fact
	for _, f := range t.facts {
		f.At = f.At.Truncate(time.Millisecond)
		if first, found := other[userOf(f)]; found && f.AccountID == accountID && compareFacts(first, f) < 0 {
			f.AccountID = ""
			emptied = append(emptied, f)
		}
	}
	t.drop(func(f identity.Fact) bool {
		_, shared := other[userOf(f)]
		return f.AccountID == accountID ||
			f.AccountID != "" && last[momentOf(f)] == accountID || // it would count instead
			this[userOf(f)] && !shared && f.Kind != identity.Disabled
	})
	t.facts = append(t.facts, emptied...)
}

func (t *trial) purge(before time.Time) {
	t.did(t.store.Purge(t.ctx, before), "Purge(%s)", before.Format(time.RFC3339Nano))
	recent := make(map[user]bool)
	for _, f := range t.facts {
		recent[userOf(f)] = recent[userOf(f)] || !f.At.Before(before)
	}
	t.drop(func(f identity.Fact) bool { return !recent[userOf(f)] })
}

func (t *trial) drop(dropped func(identity.Fact) bool) {
	t.facts = slices.DeleteFunc(t.facts, dropped)
}

// user is a user of a skill.
type user struct{ skillID, amazonUserID string }

func userOf(f identity.Fact) user { return user{f.SkillID, f.AmazonUserID} }

// moment is a time of a user to the millisecond.
type moment struct {
	user   user
	millis int64
}

func momentOf(f identity.Fact) moment { return moment{userOf(f), f.At.UnixMilli()} }

// expectAll compares the records of every user, in each skill and in all, and of every
// account that the trial used, and every fact if the store lists them.
func (t *trial) expectAll() {
	done := make(map[any]bool)
	once := func(key any, expect func()) {
		if !done[key] {
			done[key] = true
			expect()
		}
	}
	for _, f := range t.known {
		once(userOf(f), func() { t.expectUser(f.SkillID, f.AmazonUserID) })
		once(user{"", f.AmazonUserID}, func() { t.expectUser("", f.AmazonUserID) })
		once(f.AccountID, func() { t.expectAccount(f.AccountID) })
	}
	t.expectFacts()
}

func (t *trial) expectUser(skillID, amazonUserID string) {
	var facts []identity.Fact
	for _, f := range t.facts {
		if f.AmazonUserID == amazonUserID && (skillID == "" || f.SkillID == skillID) {
			facts = append(facts, f)
		}
	}
	t.compare(
		fmt.Sprintf("UserRecords(%.64q, %.64q)", skillID, amazonUserID),
		identity.Records(facts),
		t.store.UserRecords(t.ctx, skillID, amazonUserID),
	)
}

func (t *trial) expectAccount(accountID string) {
	want := slices.DeleteFunc(identity.Records(t.facts), func(r identity.Record) bool {
		return r.AccountID != accountID || accountID == ""
	})
	t.compare(fmt.Sprintf("AccountRecords(%.64q)", accountID), want, t.store.AccountRecords(t.ctx, accountID))
}

func (t *trial) compare(call string, want []identity.Record, records iter.Seq2[identity.Record, error]) {
	var got []identity.Record
	for record, err := range records {
		if err != nil {
			t.fail("%s gave an error: %v", call, err)
		}
		got = append(got, record)
	}
	expectList(t.journal, call, "records", want, got, func(records []identity.Record) any { return records })
}

// expectList compares the result of a call; show formats values for a report.
func expectList[T comparable](j *journal, call, values string, want, got []T, show func([]T) any) {
	if slices.Equal(want, got) {
		return
	}
	from, wanted, given := apart(want, got)
	diff := cmp.Diff(show(wanted), show(given))
	if diff == "" {
		diff = "the times are right, but not in UTC"
	}
	j.fail("%s must give %d %s and gave %d, which differ from number %d on (-want +got):\n%s", call, len(want), values, len(got), from+1, diff)
}

// describe shortens long text.
func describe(f identity.Fact) string {
	text := fmt.Sprintf("%s %.64q in %.64q at %s", f.Kind, f.AmazonUserID, f.SkillID, f.At.Format(time.RFC3339Nano))
	if f.AccountID != "" {
		text += fmt.Sprintf(" to %.64q", f.AccountID)
	}
	return text
}

// Optional methods of a store.
type (
	factsAdder interface {
		AddFacts(ctx context.Context, facts []identity.Fact) error
	}
	factsLister interface {
		Facts(ctx context.Context) iter.Seq2[identity.Fact, error]
	}
	grantsLister interface {
		Grants(ctx context.Context) iter.Seq2[lwa.Grant, error]
	}
	endedGrantsLister interface {
		EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error]
	}
)

// listerOf returns the store if it lists every grant. A store that wraps another one may
// have the method without supporting it.
func listerOf(ctx context.Context, store lwa.Store) grantsLister {
	lister, ok := store.(grantsLister)
	if !ok || unsupported(lister.Grants(ctx)) {
		return nil
	}
	return lister
}

// endedListerOf is the same for ended grants.
func endedListerOf(ctx context.Context, store lwa.Store) endedGrantsLister {
	lister, ok := store.(endedGrantsLister)
	if !ok || unsupported(lister.EndedGrants(ctx, lwaClient)) {
		return nil
	}
	return lister
}

func unsupported(grants iter.Seq2[lwa.Grant, error]) bool {
	for _, err := range grants {
		return errors.Is(err, errors.ErrUnsupported)
	}
	return false
}
