package storetest

import (
	"context"
	"testing"

	"github.com/alexaevents/alexaevents/lwa"
)

// Grants checks that open returns stores which do what the comments of
// [lwa.Store] say. It runs each check as a subtest of t, with an empty store
// from open; open closes what it opened with t.Cleanup. The checks write a few
// thousand times.
func Grants(t *testing.T, open func(t *testing.T) lwa.Store) {
	for _, check := range grantChecks {
		t.Run(check.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := check.run(ctx, open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// grantCheck is one check of an empty store.
type grantCheck struct {
	name  string
	check func(*grantTrial)
}

var grantChecks = []grantCheck{
	{"an empty store", checkNoGrants},
	{"a grant", checkGrant},
	{"each field of a grant", checkFields},
	{"a grant without refresh token", checkDeletion},
	{"an error of fn", checkFnError},
	{"a key that fn changes", checkFnKey},
	{"invalid keys", checkInvalidKeys},
	{"times of a grant in UTC to the millisecond", checkGrantTimes},
	{"text of a grant byte for byte", checkGrantText},
	{"text of a grant that cannot be kept", checkUnkeepableGrantText},
	{"long text of a grant", checkLongGrant},
	{"the parts of a key", checkKeyParts},
	{"clients and accounts apart", checkApart},
	{"the order of links", checkLinkOrder},
	{"many links", checkManyLinks},
	{"erasing the grants of an account", checkEraseGrants},
	{"stopping a loop over grants early", checkGrantsEarlyStop},
	{"the store inside a loop over grants", checkGrantsNesting},
	{"a cancelled context and grants", checkGrantsCancelled},
	{"a context cancelled during a loop over grants", checkGrantsCancelledLoop},
	{"a context cancelled while fn runs", checkCancelledFn},
	{"several goroutines and one grant", checkOneGrantAtOnce},
	{"several goroutines and several grants", checkGrantsAtOnce},
	{"readers while a grant changes", checkWholeGrants},
	{"erasing a grant while fn runs", checkEraseDuringFn},
	{"random updates", checkRandomUpdates},
	{"every grant", checkEveryGrant},
	{"ended grants", checkEndedGrants},
}

func (c grantCheck) run(ctx context.Context, store lwa.Store) error {
	return run(ctx, func(j *journal) {
		c.check(&grantTrial{
			journal: j,
			store:   store,
			lister:  listerOf(ctx, store),
			ended:   endedListerOf(ctx, store),
			grants:  make(map[lwa.Key]lwa.Grant),
		})
	})
}
