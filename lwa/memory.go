package lwa

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// MemoryStore is a [Store] in memory, for tests and experiments: everything is
// lost when the process ends. The zero value is an empty store.
type MemoryStore struct {
	mu       sync.RWMutex
	accounts map[string][]*Grant // sorted by client and link; a Grant in it never changes
}

var _ Store = (*MemoryStore)(nil)

// Grant implements [Store].
func (s *MemoryStore) Grant(ctx context.Context, key Key) (Grant, error) {
	if err := ctx.Err(); err != nil {
		return Grant{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	grants := s.accounts[key.AccountID]
	i, found := find(grants, key)
	if !found {
		return Grant{}, ErrNoGrant
	}
	return *grants[i], nil
}

// AccountGrants implements [Store].
func (s *MemoryStore) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[Grant, error] {
	return func(yield func(Grant, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(Grant{}, err)
			return
		}
		s.mu.RLock()
		grants := slices.Clone(s.accounts[accountID])
		s.mu.RUnlock()
		for _, grant := range grants {
			if grant.ClientID == clientID && !yield(*grant, nil) {
				return
			}
		}
	}
}

// Grants yields every grant in the store, in the byte order of account, client and
// link, as they are when the loop begins.
func (s *MemoryStore) Grants(ctx context.Context) iter.Seq2[Grant, error] {
	return func(yield func(Grant, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(Grant{}, err)
			return
		}
		for _, grant := range s.all() {
			if !yield(*grant, nil) {
				return
			}
		}
	}
}

func (s *MemoryStore) all() []*Grant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var grants []*Grant
	for _, accountID := range slices.Sorted(maps.Keys(s.accounts)) {
		grants = append(grants, s.accounts[accountID]...)
	}
	return grants
}

// UpdateGrant implements [Store].
func (s *MemoryStore) UpdateGrant(ctx context.Context, key Key, fn func(*Grant) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	grants := s.accounts[key.AccountID]
	i, found := find(grants, key)
	grant := Grant{Key: key}
	if found {
		grant = *grants[i]
	}
	if err := fn(&grant); err != nil {
		return err
	}
	grant.Key = key
	grant, err := grant.Clean()
	switch {
	case err != nil:
		return err
	case grant.RefreshToken != "" && found:
		grants[i] = &grant
	case grant.RefreshToken != "":
		s.put(key.AccountID, slices.Insert(grants, i, &grant))
	case found:
		s.put(key.AccountID, slices.Delete(grants, i, i+1))
	}
	return nil
}

// EraseGrants implements [Store].
func (s *MemoryStore) EraseGrants(ctx context.Context, accountID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.accounts, accountID)
	return nil
}

// Format prints only the type: some verbs would show the tokens.
func (s *MemoryStore) Format(f fmt.State, _ rune) { fmt.Fprint(f, "lwa.MemoryStore") }

func (s *MemoryStore) put(accountID string, grants []*Grant) {
	if len(grants) == 0 {
		delete(s.accounts, accountID)
		return
	}
	if s.accounts == nil {
		s.accounts = make(map[string][]*Grant)
	}
	s.accounts[accountID] = grants
}

// find returns the position of the grant of the key, or where to insert it.
func find(grants []*Grant, key Key) (int, bool) {
	return slices.BinarySearchFunc(grants, key, func(g *Grant, k Key) int {
		return cmp.Or(strings.Compare(g.ClientID, k.ClientID), strings.Compare(g.LinkID, k.LinkID))
	})
}
