package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

// patience is how long one check may take, on a remote database too.
const patience = 5 * time.Minute

// Identity checks that open returns stores which do what the comments of
// [identity.Store] say. It runs each check as a subtest of t, with an empty
// store from open; open closes what it opened with t.Cleanup. The checks add
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
	{"erasing nobody", checkEraseNobody},
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
