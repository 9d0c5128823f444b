package integration

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// all returns everything that a store yields.
func all[T any](t testing.TB, values iter.Seq2[T, error]) (collected []T) {
	t.Helper()
	for value, err := range values {
		require.NoError(t, err)
		collected = append(collected, value)
	}
	return collected
}

// customersTable is a company's own table of n customers with user IDs as long as
// Amazon's. Every fifth customer linked another account.
func customersTable(n int) string {
	var table strings.Builder
	table.WriteString("ID,AmazonUserID,AccountID,StartDatetime,EndDatetime\n")
	for i := range n {
		start := monday.Add(time.Duration(i) * time.Minute)
		times := []string{start.Format(time.RFC3339), start.Add(time.Hour).Format(time.RFC3339), ""}
		fmt.Fprintf(&table, "%d,amzn1.ask.account.%0180d,account-%d,%s,%s\n", i, i, i, times[0], times[1+i%2])
		if i%10 == 2 {
			fmt.Fprintf(&table, "%d-b,amzn1.ask.account.%0180d,account-b-%d,%s,\n", i, i, i, times[1])
		}
	}
	return table.String()
}

// A table is imported although the import is interrupted three times, and exported
// again, with the same content in each store.
func TestTransferCustomers(t *testing.T) {
	const customers = 5_000
	table := customersTable(customers)
	rows := strings.Count(table, "\n") - 1
	memory := new(identity.MemoryStore)
	require.NoError(t, (&transfer.Import{SkillID: skill}).Customers(t.Context(), memory, strings.NewReader(table)))
	want := identity.Records(all(t, memory.Facts(t.Context())))
	require.Len(t, want, rows)

	onEach(t, func(t *testing.T, create newDatabase) {
		store := create(t).store(t)
		i := &transfer.Import{SkillID: skill}
		for _, cut := range []int{1, rows / 3, rows / 2, rows + 1} {
			ctx, cancel := context.WithCancel(t.Context())
			i.Progress = func(rows int) {
				if i.Skip = rows; rows >= cut {
					cancel()
				}
			}
			err := i.Customers(ctx, store, strings.NewReader(table))
			cancel()
			if cut <= rows {
				require.ErrorIs(t, err, context.Canceled)
				require.Less(t, i.Skip, rows)
			} else {
				require.NoError(t, err)
			}
		}
		require.Equal(t, rows, i.Skip)
		require.Equal(t, want, identity.Records(all(t, store.Facts(t.Context()))))

		var file bytes.Buffer
		require.NoError(t, (&transfer.Export{Format: transfer.JSONLines}).Customers(&file, store.Facts(t.Context())))
		other := new(identity.MemoryStore)
		require.NoError(t, (&transfer.Import{Format: transfer.JSONLines}).Customers(t.Context(), other, &file))
		require.Equal(t, want, identity.Records(all(t, other.Facts(t.Context()))))
	})
}

// Many facts in one call have the same effect as one after the other.
func TestAddFacts(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		single, bulk := d.prefixed(t, "single_"), d.prefixed(t, "bulk_")
		for _, n := range []int{0, 1, 2, 3, 63, 64, 65, 100, 200} {
			var facts []identity.Fact
			for range n {
				user, at := fmt.Sprint("user-", rand.IntN(20)), monday.Add(time.Duration(rand.IntN(10))*time.Second)
				switch rand.IntN(3) {
				case 0:
					facts = append(facts, enabled(user, at.Add(time.Microsecond).Local()))
				case 1:
					facts = append(facts, linked(user, fmt.Sprint("account-", rand.IntN(3)), at))
				case 2:
					facts = append(facts, disabled(user, at))
				}
			}
			given := slices.Clone(facts)
			require.NoError(t, bulk.AddFacts(t.Context(), facts))
			require.Equal(t, given, facts, "the caller's facts stay as they are")
			for _, fact := range facts {
				require.NoError(t, single.AddFact(t.Context(), fact))
			}
			require.Equal(t, all(t, single.Facts(t.Context())), all(t, bulk.Facts(t.Context())))
		}
	})
}

// Concurrent callers that add the same facts in different orders do not block each
// other.
func TestAddFactsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		var facts []identity.Fact
		for n := range 1000 {
			facts = append(facts, linked(fmt.Sprint("user-", n), account, monday))
		}
		var group errgroup.Group
		for range 4 {
			store := d.store(t)
			facts := slices.Clone(facts)
			rand.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
			group.Go(func() error { return store.AddFacts(t.Context(), facts) })
		}
		require.NoError(t, group.Wait())
		require.ElementsMatch(t, facts, all(t, d.store(t).Facts(t.Context())))
	})
}

// A loop over a whole table leaves the only connection to its body.
func TestWholeTable(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		db.SetMaxOpenConns(1)
		store, other := d.storeOn(t, db), create(t).store(t)
		var facts []identity.Fact
		var grants []lwa.Grant
		for n := range 1201 { // more than two pages
			facts = append(facts, linked(fmt.Sprintf("user-%04d", n/7), account, monday.Add(time.Duration(n)*time.Second)))
			grants = append(grants, lwa.Grant{
				Key:    lwa.Key{AccountID: fmt.Sprintf("account-%d", n/100+100), ClientID: fmt.Sprintf("client-%d", n/10%10), LinkID: fmt.Sprintf("link-%d", n%10)},
				Region: alexaevents.Europe, RefreshToken: "Atzr|example", IssuedAt: monday,
			})
		}
		require.NoError(t, store.AddFacts(t.Context(), facts))
		for fact, err := range store.Facts(t.Context()) {
			require.NoError(t, err)
			require.NoError(t, other.AddFact(t.Context(), fact))
			require.NotEmpty(t, collect(t, store.UserRecords(t.Context(), skill, fact.AmazonUserID)))
		}
		require.Equal(t, facts, all(t, other.Facts(t.Context())))

		memory := new(lwa.MemoryStore)
		for _, grant := range grants {
			require.NoError(t, memory.UpdateGrant(t.Context(), grant.Key, func(g *lwa.Grant) error { *g = grant; return nil }))
		}
		sealed := seal(t, store, newKeyset(t))
		require.NoError(t, transfer.Grants(t.Context(), sealed, memory.Grants(t.Context())))
		require.Equal(t, grants, all(t, sealed.Grants(t.Context())))
		raw := all(t, store.Grants(t.Context()))
		require.Len(t, raw, len(grants))
		require.NotEqual(t, grants[0].RefreshToken, raw[0].RefreshToken)
	})
}

func TestTransferFailures(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		db := create(t).open(t) // not migrated
		store := sqlstore.New(db, create(t).Dialect)
		for range 2 {
			requireFailure(t, store.AddFacts(t.Context(), []identity.Fact{linked(user, account, monday)}))
			requireFailure(t, onlyError(store.Facts(t.Context())))
			requireFailure(t, onlyError(store.Grants(t.Context())))
			require.NoError(t, db.Close())
		}
	})
}
