package storetest

import (
	"context"
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// fails runs a benchmark, each call of it once, and tells whether it failed.
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

const right = "is right"

// TestBenchmarkChecksAnswers breaks a store in one place at a time. Each fault
// spares the customers who were there first, so that none shows while they are
// added.
func TestBenchmarkChecksAnswers(t *testing.T) {
	for name, inject := range map[string]func(*faulty){
		right: func(*faulty) {},
		"forgets new facts": func(f *faulty) {
			f.addFact = func(ctx context.Context, _ identity.Fact) error { return ctx.Err() }
		},
		"gives no records of a user": func(f *faulty) {
			f.userRecords = func(context.Context, string, string) records { return fromList[identity.Record](nil) }
		},
		"gives no records of an account": func(f *faulty) {
			f.accountRecords = func(context.Context, string) records { return fromList[identity.Record](nil) }
		},
		"gives another user's records": func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, _ string) records {
				return f.Store.UserRecords(ctx, skillID, userID(0))
			}
		},
		"does not erase users": func(f *faulty) {
			f.eraseUser = func(ctx context.Context, _, _ string) error { return ctx.Err() }
		},
		"does not erase accounts": func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, _ string) error { return ctx.Err() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			loaded := false
			failed := fails(t, func(b *testing.B) {
				store := newFaulty()
				suite := Benchmark{Customers: 10, Loaded: func() {
					loaded = true
					require.Len(t, toList(store.AccountRecords(t.Context(), newCustomer(9).accountID)), 1)
					inject(store)
				}}
				suite.Identity(b, store)
			})
			require.True(t, loaded)
			require.Equal(t, name != right, failed)
		})
	}
}

func TestBenchmarkChecksGrants(t *testing.T) {
	for name, inject := range map[string]func(*faultyGrants){
		right: func(*faultyGrants) {},
		"forgets new grants": func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if _, err := f.read(ctx, key); err == nil {
					return f.update(ctx, key, fn)
				}
				return ctx.Err()
			}
		},
		"gives fn no grant": func(f *faultyGrants) {
			f.updateGrant = func(_ context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				return fn(&lwa.Grant{Key: key})
			}
		},
		"gives another grant": func(f *faultyGrants) {
			f.grant = func(ctx context.Context, _ lwa.Key) (lwa.Grant, error) { return f.read(ctx, newCustomer(0).key()) }
		},
		"lists no grants": func(f *faultyGrants) {
			f.accountGrants = func(context.Context, string, string) grantSeq { return fromList[lwa.Grant](nil) }
		},
		"does not erase grants": func(f *faultyGrants) {
			f.eraseGrants = func(ctx context.Context, _ string) error { return ctx.Err() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			failed := fails(t, func(b *testing.B) {
				store := new(faultyGrants)
				Benchmark{Customers: 10, Loaded: func() { inject(store) }}.Grants(b, store)
			})
			require.Equal(t, name != right, failed)
		})
	}
}

// TestBenchmarkLeavesCustomers needs the same store before and after.
func TestBenchmarkLeavesCustomers(t *testing.T) {
	facts, grants := new(identity.MemoryStore), new(lwa.MemoryStore)
	var factsBefore []identity.Fact
	var grantsBefore int
	require.False(t, fails(t, func(b *testing.B) {
		Benchmark{Customers: 10, Loaded: func() { factsBefore = toList(facts.Facts(t.Context())) }}.Identity(b, facts)
	}))
	require.False(t, fails(t, func(b *testing.B) {
		Benchmark{Loaded: func() { grantsBefore = len(toList(grants.Grants(t.Context()))) }}.Grants(b, grants)
	}))
	require.Len(t, factsBefore, 30)
	require.Equal(t, factsBefore, toList(facts.Facts(t.Context())))
	require.Equal(t, 1000, grantsBefore)
	require.Len(t, toList(grants.Grants(t.Context())), 1000)
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
