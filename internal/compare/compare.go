// Package compare times two ways of doing the same thing, for benchmarks.
package compare

import (
	"slices"
	"testing"
	"time"
)

// Run times two pieces of work in turn, in batches of 50, so that a machine whose
// speed drifts slows both alike. It reports the median time of each and the
// median of the ratios: work over floor. Each is given the number of the run.
func Run(b *testing.B, floor, work func(i int)) {
	b.Helper()
	Batches(b, 50, floor, work)
}

// Batches is [Run] in batches of another size.
func Batches(b *testing.B, batch int, floor, work func(i int)) {
	b.Helper()
	var floors, works, ratios []float64
	perRun := func(f func(int), from int) float64 {
		start := time.Now()
		for i := range batch {
			f(from + i)
		}
		return float64(time.Since(start).Nanoseconds()) / float64(batch)
	}
	i := 0
	for b.Loop() {
		f, w := perRun(floor, i), perRun(work, i)
		floors, works, ratios = append(floors, f), append(works, w), append(ratios, w/f)
		i += batch
	}
	b.ReportMetric(0, "ns/op") // of a pair of batches: says nothing
	b.ReportMetric(median(floors), "floor-ns")
	b.ReportMetric(median(works), "work-ns")
	b.ReportMetric(median(ratios), "work/floor")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
