package identity

import "slices"

// WithoutAccount returns the facts that remain of any number of users once an
// account is erased. Every store calls it in EraseAccount. Facts that
// [Fact.Clean] refuses do not remain. The facts come in the order in which they
// count. The argument is not changed.
//
// A user without a Linked fact of the account keeps every fact. A user whose
// Linked facts name no other account keeps the Disabled facts alone. Any other
// user keeps every fact, and the Linked facts of the account lose it: such a fact
// is removed, unless a Linked fact of another account comes before it. Then it
// stays as a link without account, so that the user does not become the earlier
// account again. Of several Linked facts of one instant only the last counts; if
// that one loses its account, the others of that instant are removed as well.
//
// The records of other accounts keep their account, start and end. Their ID can
// change: a record that ended one of the erased account can open with the fact
// that opened that one.
func WithoutAccount(facts []Fact, accountID string) []Fact {
	facts = inOrder(facts)
	var remaining []Fact
	for len(facts) > 0 {
		n := 1
		for n < len(facts) && facts[n].AmazonUserID == facts[0].AmazonUserID && facts[n].SkillID == facts[0].SkillID {
			n++
		}
		remaining = append(remaining, userWithoutAccount(facts[:n], accountID)...)
		facts = facts[n:]
	}
	return remaining
}

// userWithoutAccount is WithoutAccount for one user, whose facts are in order.
func userWithoutAccount(facts []Fact, accountID string) []Fact {
	named, shared := false, false
	for _, fact := range facts {
		if fact.AccountID != "" {
			named = named || fact.AccountID == accountID
			shared = shared || fact.AccountID != accountID
		}
	}
	var remaining []Fact
	earlier := false // whether a Linked fact of another account came before
	for i, fact := range facts {
		switch {
		case !named:
		case !shared:
			if fact.Kind != Disabled {
				continue
			}
		case fact.AccountID == accountID:
			if !earlier {
				continue
			}
			fact.AccountID = ""
		case fact.AccountID != "":
			earlier = true
			if lastLink(facts[i:]).AccountID == accountID {
				continue
			}
		}
		remaining = append(remaining, fact)
	}
	slices.SortFunc(remaining, compareFacts)
	return slices.Compact(remaining) // a link that lost its account can be there twice
}

// lastLink returns the last of the Linked facts that have the instant of the
// first fact, which is one of them.
func lastLink(facts []Fact) Fact {
	n := 1
	for n < len(facts) && facts[n].Kind == Linked && facts[n].At.Equal(facts[0].At) {
		n++
	}
	return facts[n-1]
}
