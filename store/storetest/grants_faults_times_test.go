package storetest

import (
	"time"

	"github.com/alexaevents/alexaevents/lwa"
)

// times are the fields of a grant that are times.
func times(g *lwa.Grant) []*time.Time {
	return []*time.Time{&g.IssuedAt, &g.Expiry, &g.ConfirmedAt, &g.RefusedAt, &g.DisabledAt, &g.ProbedAt}
}

// forEachTime makes a fault that changes times on their way in or out.
func forEachTime(change func(time.Time) time.Time) func(lwa.Grant) lwa.Grant {
	return func(g lwa.Grant) lwa.Grant {
		for _, at := range times(&g) {
			*at = change(*at)
		}
		return g
	}
}

var grantTimeFaults = []grantFault{
	{
		name: "cuts times to the second",
		inject: func(f *faultyGrants) {
			f.in = forEachTime(func(at time.Time) time.Time { return at.Truncate(time.Second) })
		},
		check: "times of a grant in UTC to the millisecond",
		words: "Expiry",
	},
	{
		name:   "keeps digits below the millisecond",
		inject: func(f *faultyGrants) { f.out = forEachTime(func(at time.Time) time.Time { return at.Add(456_789) }) },
		check:  "times of a grant in UTC to the millisecond",
		words:  "Expiry",
	},
	{
		name: "rounds to the millisecond",
		inject: func(f *faultyGrants) {
			f.in = forEachTime(func(at time.Time) time.Time { return at.Round(time.Millisecond) })
		},
		check: "times of a grant in UTC to the millisecond",
		words: "Expiry",
	},
	{
		name: "answers in a local time zone",
		inject: func(f *faultyGrants) {
			f.out = forEachTime(func(at time.Time) time.Time { return at.In(time.FixedZone("CET", 3600)) })
		},
		check: "times of a grant in UTC to the millisecond",
		words: "not in UTC",
	},
	{
		name: "takes the wall clock for UTC",
		inject: func(f *faultyGrants) {
			f.in = forEachTime(func(at time.Time) time.Time {
				return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
			})
		},
		check: "times of a grant in UTC to the millisecond",
		words: "Expiry",
	},
	{
		name: "takes the zero time for 1970",
		inject: func(f *faultyGrants) {
			f.out = forEachTime(func(at time.Time) time.Time {
				if at.IsZero() {
					return time.Unix(0, 0).UTC()
				}
				return at
			})
		},
		check: "times of a grant in UTC to the millisecond",
		words: "1970-01-01",
	},
	{
		name: "takes 1970 for the zero time",
		inject: func(f *faultyGrants) {
			f.out = forEachTime(func(at time.Time) time.Time {
				if at.Unix() == 0 {
					return time.Time{}
				}
				return at
			})
		},
		check: "times of a grant in UTC to the millisecond",
		words: "0001-01-01",
	},
}
