package storebench_test

import (
	"testing"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/storebench"
)

// The benchmark of a store with 100,000 customers. Open an empty store of yours in place
// of the MemoryStores.
func ExampleSuite() {
	_ = func(b *testing.B) { // func BenchmarkStore(b *testing.B)
		suite := storebench.Suite{Customers: 100_000}
		suite.Identity(b, new(identity.MemoryStore))
		suite.Grants(b, new(lwa.MemoryStore))
	}
}
