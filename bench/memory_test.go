package bench

import (
	"flag"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/storebench"
)

var sizes = flag.String("customers", "1000,100000", "numbers of customers that the stores in memory are timed with")

// BenchmarkMemory times the stores in memory, and says what a customer takes up
// in each.
func BenchmarkMemory(b *testing.B) {
	for size := range strings.SplitSeq(*sizes, ",") {
		customers, err := strconv.Atoi(size)
		require.NoError(b, err)
		b.Run("customers="+size, func(b *testing.B) {
			facts, grants := new(identity.MemoryStore), new(lwa.MemoryStore)
			suite := storebench.Suite{Customers: customers}
			measured(b, "size of facts", &suite)
			suite.Identity(b, facts)
			measured(b, "size of grants", &suite)
			suite.Grants(b, grants)
			runtime.KeepAlive(facts)
			runtime.KeepAlive(grants)
		})
	}
}

// measured reports how much the heap grows until the customers are in the store.
func measured(b *testing.B, name string, suite *storebench.Suite) {
	before := heap()
	suite.Loaded = func() {
		after := heap()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(after-before)/float64(suite.Customers), "B/customer")
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
