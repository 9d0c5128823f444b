package identity_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

// benchUser has the length of a real user ID, 225 bytes.
func benchUser(i int) string {
	return fmt.Sprintf("amzn1.ask.account.%s%012d", strings.Repeat("A", 195), i)
}

func benchFacts(user string, account string) []identity.Fact {
	const skill = "amzn1.ask.skill.00000000-0000-4000-8000-000000000001"
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return []identity.Fact{
		{SkillID: skill, AmazonUserID: user, At: start, Kind: identity.Enabled},
		{SkillID: skill, AmazonUserID: user, At: start.Add(time.Second), Kind: identity.Linked, AccountID: account},
		{SkillID: skill, AmazonUserID: user, At: start.Add(time.Hour), Kind: identity.Disabled},
		{SkillID: skill, AmazonUserID: user, At: start.Add(2 * time.Hour), Kind: identity.Enabled},
		{SkillID: skill, AmazonUserID: user, At: start.Add(3 * time.Hour), Kind: identity.Linked, AccountID: account},
	}
}

func benchAccount(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

// filledStore returns a store with three facts for each customer.
func filledStore(tb testing.TB, customers int) *identity.MemoryStore {
	store := new(identity.MemoryStore)
	for i := range customers {
		for _, fact := range benchFacts(benchUser(i), benchAccount(i))[:3] {
			if err := store.AddFact(tb.Context(), fact); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return store
}

func BenchmarkRecords(b *testing.B) {
	facts := benchFacts(benchUser(1), "account")
	for _, n := range []int{2, 3, 5} {
		b.Run(fmt.Sprintf("facts=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(identity.Records(facts[:n])) == 0 {
					b.Fatal("no records")
				}
			}
		})
	}
}

func TestMemoryStoreBytesPerCustomer(t *testing.T) {
	const customers = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	store := filledStore(t, customers)
	runtime.GC()
	runtime.ReadMemStats(&after)
	perCustomer := int(after.HeapAlloc-before.HeapAlloc)/customers - 240 // the memory that 225 bytes of user ID take
	t.Logf("%d bytes per customer", perCustomer)
	require.Less(t, perCustomer, 400)
	runtime.KeepAlive(store)
}
