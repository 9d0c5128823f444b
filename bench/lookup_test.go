package bench

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

var sizes = flag.String("customers", "1000,100000", "numbers of customers that the store is timed with")

func eachSize(b *testing.B, run func(b *testing.B, customers int)) {
	for size := range strings.SplitSeq(*sizes, ",") {
		customers, err := strconv.Atoi(size)
		require.NoError(b, err)
		b.Run(size, func(b *testing.B) { run(b, customers) })
	}
}

// userID has the length of Alexa's own, 225 characters, and no order.
func userID(i int) string {
	return fmt.Sprintf("amzn1.ask.account.%016X%s", uint64(i)*0x9E3779B97F4A7C15, strings.Repeat("A", 191))
}

// facts are what each customer has: enabled, linked and, one in three, disabled.
func facts(i int) []identity.Fact {
	at := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)
	fact := identity.Fact{SkillID: skillID, AmazonUserID: userID(i), At: at, Kind: identity.Enabled}
	linked, disabled := fact, fact
	linked.Kind, linked.At, linked.AccountID = identity.Linked, at.Add(time.Minute), "account-"+strconv.Itoa(i)
	disabled.Kind, disabled.At = identity.Disabled, at.Add(time.Hour)
	if i%3 == 0 {
		return []identity.Fact{fact, linked, disabled}
	}
	return []identity.Fact{fact, linked}
}

func lookup(b *testing.B, store identity.Store, customers int) {
	ids := make([]string, 4096)
	for i := range ids {
		ids[i] = userID(rand.IntN(customers))
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		found := false
		for record, err := range store.UserRecords(b.Context(), skillID, ids[i%len(ids)]) {
			if err != nil {
				b.Fatal(err)
			}
			found = record.AccountID != ""
		}
		if !found {
			b.Fatal("not found")
		}
		i++
	}
}

// BenchmarkLookupMemory finds a user, and says what a customer takes up.
func BenchmarkLookupMemory(b *testing.B) {
	eachSize(b, func(b *testing.B, customers int) {
		before := heap()
		store := new(identity.MemoryStore)
		for i := range customers {
			for _, fact := range facts(i) {
				require.NoError(b, store.AddFact(b.Context(), fact))
			}
		}
		perCustomer := float64(heap()-before) / float64(customers)
		lookup(b, store, customers)
		b.ReportMetric(perCustomer, "B/customer")
		runtime.KeepAlive(store)
	})
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
