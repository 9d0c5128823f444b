package storebench

import (
	"context"
	"flag"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// fails runs a benchmark with one call of each, and reports whether it failed.
func fails(t *testing.T, run func(*testing.B)) (failed bool) {
	benchtime := flag.Lookup("test.benchtime").Value
	before := benchtime.String()
	require.NoError(t, benchtime.Set("1x"))
	defer func() { require.NoError(t, benchtime.Set(before)) }()
	testing.Benchmark(func(b *testing.B) {
		defer func() { failed = b.Failed() }()
		run(b)
	})
	return failed
}

// Each of these stores is broken in one method.
type (
	storesNoFacts struct{ identity.Store }
	noUserRecords struct{ identity.Store }
	otherUser     struct{ identity.Store }
	noAccount     struct{ identity.Store }
	keepsUsers    struct{ identity.Store }
	keepsAccounts struct{ identity.Store }
)

func (storesNoFacts) AddFact(ctx context.Context, _ identity.Fact) error { return ctx.Err() }

func (noUserRecords) UserRecords(context.Context, string, string) iter.Seq2[identity.Record, error] {
	return func(func(identity.Record, error) bool) {}
}

func (s otherUser) UserRecords(ctx context.Context, skillID, _ string) iter.Seq2[identity.Record, error] {
	return s.Store.UserRecords(ctx, skillID, userID(0))
}

func (noAccount) AccountRecords(context.Context, string) iter.Seq2[identity.Record, error] {
	return func(func(identity.Record, error) bool) {}
}

func (keepsUsers) EraseUser(ctx context.Context, _, _ string) error { return ctx.Err() }

func (keepsAccounts) EraseAccount(ctx context.Context, _ string) error { return ctx.Err() }

// The store breaks after the customers are added.
func TestSuiteChecksIdentity(t *testing.T) {
	type store = identity.Store
	for name, broken := range map[string]func(store) store{
		"not broken":                  nil,
		"stores no facts":             func(s store) store { return storesNoFacts{s} },
		"returns no user records":     func(s store) store { return noUserRecords{s} },
		"returns another user":        func(s store) store { return otherUser{s} },
		"returns no account records":  func(s store) store { return noAccount{s} },
		"does not erase users":        func(s store) store { return keepsUsers{s} },
		"does not erase the accounts": func(s store) store { return keepsAccounts{s} },
	} {
		t.Run(name, func(t *testing.T) {
			loaded := 0
			failed := fails(t, func(b *testing.B) {
				store := &struct{ identity.Store }{new(identity.MemoryStore)}
				Suite{Customers: 10, Loaded: func() {
					for _, err := range store.AccountRecords(t.Context(), newCustomer(9).accountID) {
						require.NoError(t, err)
						loaded++
					}
					if broken != nil {
						store.Store = broken(store.Store)
					}
				}}.Identity(b, store)
			})
			require.Equal(t, 1, loaded)
			require.Equal(t, broken != nil, failed)
		})
	}
}

type (
	storesNoGrants struct{ lwa.Store }
	emptyUpdates   struct{ lwa.Store }
	otherGrant     struct{ lwa.Store }
	noGrants       struct{ lwa.Store }
	keepsGrants    struct{ lwa.Store }
)

func (s storesNoGrants) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	if _, err := s.Grant(ctx, key); err != nil {
		return ctx.Err()
	}
	return s.Store.UpdateGrant(ctx, key, fn)
}

func (emptyUpdates) UpdateGrant(_ context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	return fn(&lwa.Grant{Key: key})
}

func (s otherGrant) Grant(ctx context.Context, _ lwa.Key) (lwa.Grant, error) {
	return s.Store.Grant(ctx, newCustomer(0).key())
}

func (noGrants) AccountGrants(context.Context, string, string) iter.Seq2[lwa.Grant, error] {
	return func(func(lwa.Grant, error) bool) {}
}

func (keepsGrants) EraseGrants(ctx context.Context, _ string) error { return ctx.Err() }

func TestSuiteChecksGrants(t *testing.T) {
	type store = lwa.Store
	for name, broken := range map[string]func(store) store{
		"not broken":               nil,
		"stores no grants":         func(s store) store { return storesNoGrants{s} },
		"gives fn no stored grant": func(s store) store { return emptyUpdates{s} },
		"returns another grant":    func(s store) store { return otherGrant{s} },
		"lists no grants":          func(s store) store { return noGrants{s} },
		"does not erase grants":    func(s store) store { return keepsGrants{s} },
	} {
		t.Run(name, func(t *testing.T) {
			failed := fails(t, func(b *testing.B) {
				store := &struct{ lwa.Store }{new(lwa.MemoryStore)}
				Suite{Customers: 10, Loaded: func() {
					if broken != nil {
						store.Store = broken(store.Store)
					}
				}}.Grants(b, store)
			})
			require.Equal(t, broken != nil, failed)
		})
	}
}

func all[T any](t *testing.T, values iter.Seq2[T, error]) (list []T) {
	for value, err := range values {
		require.NoError(t, err)
		list = append(list, value)
	}
	return list
}

// The store contains the same before and after.
func TestSuiteLeavesCustomers(t *testing.T) {
	facts, grants := new(identity.MemoryStore), new(lwa.MemoryStore)
	var factsBefore []identity.Fact
	var grantsBefore int
	require.False(t, fails(t, func(b *testing.B) {
		Suite{Customers: 10, Loaded: func() { factsBefore = all(t, facts.Facts(t.Context())) }}.Identity(b, facts)
	}))
	require.False(t, fails(t, func(b *testing.B) {
		Suite{Loaded: func() { grantsBefore = len(all(t, grants.Grants(t.Context()))) }}.Grants(b, grants)
	}))
	require.Len(t, factsBefore, 30)
	require.Equal(t, factsBefore, all(t, facts.Facts(t.Context())))
	require.Equal(t, 1000, grantsBefore)
	require.Len(t, all(t, grants.Grants(t.Context())), 1000)
}

func TestUserID(t *testing.T) {
	known := make(map[string]bool)
	for n := range 100_000 {
		id := userID(n)
		require.Len(t, id, 225)
		require.False(t, known[id])
		known[id] = true
	}
}
