package identity

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"
)

// memoryIndex holds facts by user and by account. Each text is kept once, as a
// copy, since a caller's string may be a part of a whole request.
type memoryIndex struct {
	skills   map[string]*memorySkill
	accounts map[string]*memoryAccount
}

type memorySkill struct {
	id    string
	users map[string]*memoryUser
}

// memoryUser is a user of a skill that has facts.
type memoryUser struct {
	skill *memorySkill
	id    string
	facts []memoryFact // in the order in which they count
}

// memoryAccount is an account that Linked facts name.
type memoryAccount struct {
	id    string
	users []*memoryUser // sorted by skill and user
}

// memoryFact is what a [Fact] says beyond its user.
type memoryFact struct {
	at      int64 // milliseconds since the Unix epoch
	kind    Kind
	account *memoryAccount // nil if empty
}

// find yields the user of the skill, or of every skill if skillID is empty. The
// user may be removed meanwhile.
func (x *memoryIndex) find(skillID, amazonUserID string) iter.Seq[*memoryUser] {
	return func(yield func(*memoryUser) bool) {
		if skillID != "" {
			if skill := x.skills[skillID]; skill != nil {
				if user := skill.users[amazonUserID]; user != nil {
					yield(user)
				}
			}
			return
		}
		for _, skill := range x.skills {
			if user := skill.users[amazonUserID]; user != nil && !yield(user) {
				return
			}
		}
	}
}

// add stores a clean fact.
func (x *memoryIndex) add(fact Fact) {
	user := x.user(fact.SkillID, fact.AmazonUserID)
	added := memoryFact{at: fact.At.UnixMilli(), kind: fact.Kind}
	if fact.AccountID != "" {
		added.account = x.account(fact.AccountID)
		added.account.users = insert(added.account.users, user, compareMemoryUsers)
	}
	user.facts = insert(user.facts, added, compareMemoryFacts)
}

// remove removes the facts of the user that erased picks.
func (x *memoryIndex) remove(user *memoryUser, erased func(memoryFact) bool) {
	before := slices.Clone(user.facts)
	user.facts = slices.DeleteFunc(user.facts, erased)
	for _, fact := range before {
		named := func(f memoryFact) bool { return f.account == fact.account }
		if fact.account != nil && !slices.ContainsFunc(user.facts, named) {
			x.unlink(fact.account, user)
		}
	}
	if len(user.facts) == 0 {
		delete(user.skill.users, user.id)
	}
}

func (x *memoryIndex) unlink(account *memoryAccount, user *memoryUser) {
	if i, found := slices.BinarySearchFunc(account.users, user, compareMemoryUsers); found {
		account.users = slices.Delete(account.users, i, i+1)
	}
	if len(account.users) == 0 {
		delete(x.accounts, account.id)
	}
}

// user returns the user of the skill, a new one if need be.
func (x *memoryIndex) user(skillID, amazonUserID string) *memoryUser {
	skill := x.skills[skillID]
	if skill == nil {
		skill = &memorySkill{id: strings.Clone(skillID), users: make(map[string]*memoryUser)}
		if x.skills == nil {
			x.skills = make(map[string]*memorySkill)
		}
		x.skills[skill.id] = skill
	}
	user := skill.users[amazonUserID]
	if user == nil {
		user = &memoryUser{skill: skill, id: strings.Clone(amazonUserID)}
		skill.users[user.id] = user
	}
	return user
}

// account returns the account, a new one if need be.
func (x *memoryIndex) account(accountID string) *memoryAccount {
	account := x.accounts[accountID]
	if account == nil {
		account = &memoryAccount{id: strings.Clone(accountID)}
		if x.accounts == nil {
			x.accounts = make(map[string]*memoryAccount)
		}
		x.accounts[account.id] = account
	}
	return account
}

// appendFacts appends the facts of the user, clean and in order.
func (u *memoryUser) appendFacts(facts []Fact) []Fact {
	for _, f := range u.facts {
		facts = append(facts, u.fact(f))
	}
	return facts
}

func (u *memoryUser) fact(f memoryFact) Fact {
	return Fact{
		SkillID:      u.skill.id,
		AmazonUserID: u.id,
		At:           time.UnixMilli(f.at).UTC(),
		Kind:         f.kind,
		AccountID:    f.account.name(),
	}
}

// name returns the account ID, empty for no account.
func (a *memoryAccount) name() string {
	if a == nil {
		return ""
	}
	return a.id
}

// insert adds the element to a sorted set.
func insert[E any](sorted []E, element E, compare func(a, b E) int) []E {
	i, found := slices.BinarySearchFunc(sorted, element, compare)
	if found {
		return sorted
	}
	return slices.Insert(sorted, i, element)
}

func compareMemoryUsers(a, b *memoryUser) int {
	return cmp.Or(strings.Compare(a.skill.id, b.skill.id), strings.Compare(a.id, b.id))
}

func compareMemoryFacts(a, b memoryFact) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind), strings.Compare(a.account.name(), b.account.name()))
}
