package identity

import (
	"context"
	"iter"
	"slices"
)

// Facts yields every fact in the store, in the order of the bytes of their skill
// and user, and those of one user in the order in which they count. A fact that
// is added or erased while the loop runs may be among them or not.
func (s *MemoryStore) Facts(ctx context.Context) iter.Seq2[Fact, error] {
	return func(yield func(Fact, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(Fact{}, err)
			return
		}
		var facts []Fact
		for _, user := range s.users() {
			s.mu.RLock()
			facts = user.appendFacts(facts[:0])
			s.mu.RUnlock()
			for _, fact := range facts {
				if !yield(fact, nil) {
					return
				}
			}
		}
	}
}

func (s *MemoryStore) users() []*memoryUser {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var users []*memoryUser
	for _, skill := range s.index.skills {
		for _, user := range skill.users {
			users = append(users, user)
		}
	}
	slices.SortFunc(users, compareMemoryUsers)
	return users
}
