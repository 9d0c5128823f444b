package storebench

import (
	"context"
	"sync/atomic"
	"testing"
)

// call is what a benchmark times, with a check of its result.
type call func(context.Context, customer) error

// each does something for each customer.
func (do call) each(b *testing.B, what string, some []customer) {
	b.Helper()
	for _, customer := range some {
		if err := do(b.Context(), customer); err != nil {
			b.Fatalf("%s: %v", what, err)
		}
	}
}

// sequentially times calls that leave the store as it was.
func (do call) sequentially(b *testing.B, name string, some []customer) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if err := do(b.Context(), some[i%len(some)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// inParallel times the same calls from several goroutines.
func (do call) inParallel(b *testing.B, name string, some []customer) {
	b.Run(name+"/parallel", func(b *testing.B) { do.atOnce(b, some) })
}

func (do call) atOnce(b *testing.B, some []customer) {
	b.ReportAllocs()
	var begun atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(b.Context(), some[int(begun.Add(1))%len(some)]); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// withNewcomers times calls that change the store, each with another customer
// who is not in it yet. What happens before and after them, a batch at a time,
// is not timed.
func (do call) withNewcomers(b *testing.B, name string, first int, before, after call) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		var batch []customer
		done := 0
		for b.Loop() {
			if done == len(batch) {
				b.StopTimer()
				after.each(b, "after "+name, batch)
				batch = batch[:0]
				for n := range 256 {
					batch = append(batch, newCustomer(first+n))
				}
				first += len(batch)
				done = 0
				before.each(b, "before "+name, batch)
				b.StartTimer()
			}
			if err := do(b.Context(), batch[done]); err != nil {
				b.Fatal(err)
			}
			done++
		}
		do.each(b, name, batch[done:])
		after.each(b, "after "+name, batch)
	})
}

// withNewcomersInParallel times such calls from several goroutines.
func (do call) withNewcomersInParallel(b *testing.B, name string, first int, after call) {
	b.Run(name+"/parallel", func(b *testing.B) {
		newcomers := make([]customer, b.N)
		for n := range newcomers {
			newcomers[n] = newCustomer(first + n)
		}
		b.ResetTimer()
		do.atOnce(b, newcomers)
		b.StopTimer()
		after.each(b, "after "+name, newcomers)
	})
}
