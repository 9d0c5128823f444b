package identity

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"
)

// MemoryStore is a [Store] in memory, for tests and first steps: its facts are
// lost when the process ends. The zero value is an empty store. A customer with
// three facts and an account ID of 36 bytes takes about 360 bytes beside the
// text of the user ID.
type MemoryStore struct {
	mu       sync.RWMutex
	users    map[string]*memoryUser   // by AmazonUserID
	accounts map[string][]*memoryUser // by AccountID: the users that its facts name, sorted by ID
}

var _ Store = (*MemoryStore)(nil)

// memoryUser is an Alexa user with at least one fact.
type memoryUser struct {
	id    string
	facts []memoryFact // sorted as by compareFacts
}

// memoryFact is a [Fact] without its user.
type memoryFact struct {
	skill   unique.Handle[string]
	at      int64 // milliseconds since the Unix epoch
	account string
	kind    Kind
}

// AddFact implements [Store].
func (s *MemoryStore) AddFact(ctx context.Context, fact Fact) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fact, err := fact.Clean()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	user := s.users[fact.AmazonUserID]
	if user == nil {
		// The caller's text may be a part of a whole request.
		user = &memoryUser{id: strings.Clone(fact.AmazonUserID)}
		if s.users == nil {
			s.users, s.accounts = make(map[string]*memoryUser), make(map[string][]*memoryUser)
		}
		s.users[user.id] = user
	}
	i, found := slices.BinarySearchFunc(user.facts, fact, func(f memoryFact, fact Fact) int {
		return compareFacts(user.fact(f), fact)
	})
	if !found {
		added := memoryFact{unique.Make(fact.SkillID), fact.At.UnixMilli(), strings.Clone(fact.AccountID), fact.Kind}
		user.facts = slices.Insert(user.facts, i, added)
		s.link(added.account, user)
	}
	return nil
}

// UserRecords implements [Store].
func (s *MemoryStore) UserRecords(ctx context.Context, skillID, amazonUserID string) iter.Seq2[Record, error] {
	return yieldRecords(ctx, func() []Record { return sortedRecords(s.userFacts(skillID, amazonUserID)) })
}

// AccountRecords implements [Store].
func (s *MemoryStore) AccountRecords(ctx context.Context, accountID string) iter.Seq2[Record, error] {
	return yieldRecords(ctx, func() []Record {
		records := sortedRecords(s.accountFacts(accountID))
		return slices.DeleteFunc(records, func(r Record) bool { return r.AccountID != accountID })
	})
}

func yieldRecords(ctx context.Context, read func() []Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(Record{}, err)
			return
		}
		for _, record := range read() {
			if !yield(record, nil) {
				return
			}
		}
	}
}

// Facts yields every fact in the store, sorted by skill, user, time, kind and
// account. A fact that is added or erased while the loop runs may be among them
// or not.
func (s *MemoryStore) Facts(ctx context.Context) iter.Seq2[Fact, error] {
	return func(yield func(Fact, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(Fact{}, err)
			return
		}
		for _, user := range s.sortedUsers() {
			for _, fact := range s.userFacts(user.SkillID, user.AmazonUserID) {
				if !yield(fact, nil) {
					return
				}
			}
		}
	}
}

// sortedUsers returns the first fact of each user of a skill, sorted.
func (s *MemoryStore) sortedUsers() (first []Fact) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, user := range s.users {
		for i, fact := range user.facts {
			if i == 0 || fact.skill != user.facts[i-1].skill {
				first = append(first, user.fact(fact))
			}
		}
	}
	slices.SortFunc(first, compareFacts)
	return first
}

// userFacts returns the facts of the user in a skill, or in every skill if skillID
// is empty.
func (s *MemoryStore) userFacts(skillID, amazonUserID string) []Fact {
	s.mu.RLock()
	defer s.mu.RUnlock()
	user := s.users[amazonUserID]
	if user == nil {
		return nil
	}
	facts := user.appendFacts(nil)
	return slices.DeleteFunc(facts, func(f Fact) bool { return skillID != "" && f.SkillID != skillID })
}

// accountFacts returns all facts of the account's users.
func (s *MemoryStore) accountFacts(accountID string) (facts []Fact) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, user := range s.accounts[accountID] {
		facts = user.appendFacts(facts)
	}
	return facts
}

// EraseUser implements [Store].
func (s *MemoryStore) EraseUser(ctx context.Context, skillID, amazonUserID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if user := s.users[amazonUserID]; user != nil {
		s.replace(user, slices.DeleteFunc(user.appendFacts(nil), func(f Fact) bool {
			return f.Kind != Disabled && (skillID == "" || f.SkillID == skillID)
		}))
	}
	return nil
}

// EraseAccount implements [Store].
func (s *MemoryStore) EraseAccount(ctx context.Context, accountID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range slices.Clone(s.accounts[accountID]) {
		s.replace(user, WithoutAccount(user.appendFacts(nil), accountID))
	}
	return nil
}

// Purge implements [Store].
func (s *MemoryStore) Purge(ctx context.Context, before time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range s.users {
		facts := user.appendFacts(nil)
		last := make(map[string]time.Time) // by skill
		for _, fact := range facts {
			last[fact.SkillID] = fact.At
		}
		s.replace(user, slices.DeleteFunc(facts, func(f Fact) bool { return last[f.SkillID].Before(before) }))
	}
	return nil
}

// replace replaces the facts of the user by sorted ones.
func (s *MemoryStore) replace(user *memoryUser, facts []Fact) {
	for _, f := range user.facts {
		s.unlink(f.account, user)
	}
	user.facts = nil
	for _, fact := range facts {
		user.facts = append(user.facts, memoryFact{unique.Make(fact.SkillID), fact.At.UnixMilli(), fact.AccountID, fact.Kind})
		s.link(fact.AccountID, user)
	}
	if len(user.facts) == 0 {
		delete(s.users, user.id)
	}
}

// link makes the user one of the account's, unless the account is empty.
func (s *MemoryStore) link(accountID string, user *memoryUser) {
	users := s.accounts[accountID]
	if i, found := slices.BinarySearchFunc(users, user, compareMemoryUsers); !found && accountID != "" {
		s.accounts[accountID] = slices.Insert(users, i, user)
	}
}

func (s *MemoryStore) unlink(accountID string, user *memoryUser) {
	users := s.accounts[accountID]
	if i, found := slices.BinarySearchFunc(users, user, compareMemoryUsers); found {
		s.accounts[accountID] = slices.Delete(users, i, i+1)
	}
	if len(s.accounts[accountID]) == 0 {
		delete(s.accounts, accountID)
	}
}

func compareMemoryUsers(a, b *memoryUser) int { return cmp.Compare(a.id, b.id) }

func (u *memoryUser) appendFacts(facts []Fact) []Fact {
	facts = slices.Grow(facts, len(u.facts))
	for _, f := range u.facts {
		facts = append(facts, u.fact(f))
	}
	return facts
}

func (u *memoryUser) fact(f memoryFact) Fact {
	return Fact{SkillID: f.skill.Value(), AmazonUserID: u.id, At: time.UnixMilli(f.at).UTC(), Kind: f.kind, AccountID: f.account}
}
