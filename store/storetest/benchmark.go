package storetest

import (
	"cmp"
	"fmt"
	"iter"
	"os"
	"testing"
	"time"
)

// Benchmark times stores with customers in them, so that stores and numbers of
// customers compare. Its methods add the customers first, and tell on standard
// error how far they are if that takes long. They check what they time, and
// leave the store with the customers alone. IDs and tokens have the length of
// Amazon's.
type Benchmark struct {
	// Customers is how many are in the store. Zero is 1,000.
	Customers int

	// Loaded runs when the customers are in the store, before anything is timed:
	// a database may want to gather its statistics. Nil does nothing.
	Loaded func()
}

func (c Benchmark) customers() int { return cmp.Or(c.Customers, 1000) }

// load adds the customers.
func (c Benchmark) load(b *testing.B, add func(iter.Seq[customer]) error) {
	b.Helper()
	next := time.Now().Add(10 * time.Second)
	err := add(func(yield func(customer) bool) {
		for customer := range customers(c.customers()) {
			if time.Now().After(next) {
				fmt.Fprintf(os.Stderr, "%s: %d of %d customers are in the store\n", b.Name(), customer.n, c.customers())
				next = next.Add(10 * time.Second)
			}
			if !yield(customer) {
				return
			}
		}
	})
	if err != nil {
		b.Fatalf("adding the customers: %v", err)
	}
	if c.Loaded != nil {
		c.Loaded()
	}
}
