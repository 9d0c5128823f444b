package identity

import "slices"

// WithoutAccount returns the facts that remain of any number of users after an
// account is erased. Every store calls it in EraseAccount. Facts that [Fact.Clean]
// refuses are removed. The result is sorted. The argument is not changed.
//
//   - A user without a Linked fact of the account keeps all facts.
//   - A user whose Linked facts name only this account keeps only the Disabled facts.
//   - Any other user keeps all facts except the Linked facts of the account. If a
//     Linked fact of another account comes before such a fact, it is kept without
//     account instead of removed, so that the earlier record does not open again.
//
// Of several Linked facts with the same time only the last applies. If it loses its
// account, the others with that time are removed as well.
//
// The records of other accounts keep their account, start and end. Their ID can
// change: a record that ended one of the erased account can now open with the fact
// that opened the erased one.
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

// userWithoutAccount is WithoutAccount for one user, whose facts are sorted.
func userWithoutAccount(facts []Fact, accountID string) []Fact {
	named, shared := false, false
	for _, fact := range facts {
		if fact.AccountID != "" {
			named = named || fact.AccountID == accountID
			shared = shared || fact.AccountID != accountID
		}
	}
	var remaining []Fact
	earlier := false // a Linked fact of another account came before
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
	return slices.Compact(remaining) // without its account a fact can equal another one
}

// lastLink returns the last of the Linked facts with the time of the first one.
func lastLink(facts []Fact) Fact {
	n := 1
	for n < len(facts) && facts[n].Kind == Linked && facts[n].At.Equal(facts[0].At) {
		n++
	}
	return facts[n-1]
}
