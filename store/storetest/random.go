package storetest

import (
	"fmt"
	"math/rand/v2"

	"github.com/alexaevents/alexaevents/identity"
)

// checkRandom runs histories of few users, accounts and seconds, so that facts
// often meet, and erases and purges now and then. The seed is fixed: a store
// that fails, fails again.
func checkRandom(t *trial) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	kinds := []identity.Kind{identity.Enabled, identity.Seen, identity.Linked, identity.Linked, identity.Linked, identity.Disabled, identity.Disabled}
	for range 300 {
		skillID, userID := pick(skill, otherSkill), fmt.Sprintf("user-%d", random.IntN(4))
		switch random.IntN(40) {
		case 0:
			t.eraseUser(pick(skillID, ""), userID)
			t.expectAll()
		case 1:
			t.eraseAccount(pick("a", "b", "c"))
			t.expectAll()
		case 2:
			t.purge(at(random.IntN(12)))
			t.expectAll()
		default:
			f := identity.Fact{SkillID: skillID, AmazonUserID: userID, At: at(random.IntN(12)), Kind: kinds[random.IntN(len(kinds))]}
			if f.Kind == identity.Linked {
				f.AccountID = pick("", "a", "b", "c")
			}
			t.add(f)
			t.expectUser(skillID, userID)
		}
	}
	t.expectAll()
}
