package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

func grantValueFaults() []grantFault {
	faults := []grantFault{
		{
			name: "gives a zero grant for none",
			inject: func(f *faultyGrants) {
				f.grant = func(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
					grant, err := f.read(ctx, key)
					if errors.Is(err, lwa.ErrNoGrant) {
						err = nil
					}
					return grant, err
				}
			},
			check: "an empty store",
			words: "must give ErrNoGrant and gave the error <nil>",
		},
		{
			name: "gives another error for none",
			inject: func(f *faultyGrants) {
				f.grant = func(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
					grant, err := f.read(ctx, key)
					if err != nil {
						err = errors.New("no rows")
					}
					return grant, err
				}
			},
			check: "an empty store",
			words: "gave the error no rows",
		},
		{
			name: "gives a grant with its key for none",
			inject: func(f *faultyGrants) {
				f.grant = func(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
					grant, err := f.read(ctx, key)
					grant.Key = key
					return grant, err
				}
			},
			check: "an empty store",
			words: "no grant beside ErrNoGrant",
		},
		{
			name: "gives fn no key",
			inject: func(f *faultyGrants) {
				f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
					return f.update(ctx, key, func(g *lwa.Grant) error {
						if g.RefreshToken == "" {
							g.Key = lwa.Key{}
						}
						return fn(g)
					})
				}
			},
			check: "an empty store",
			words: "to fn UpdateGrant",
		},
		{
			name: "keeps a grant that never had a refresh token",
			inject: func(f *faultyGrants) {
				keepEmpty(f)
			},
			check: "an empty store",
			words: "gave the error <nil>",
		},
		{
			name: "stores nothing",
			inject: func(f *faultyGrants) {
				f.updateGrant = func(_ context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
					return fn(&lwa.Grant{Key: key})
				}
			},
			check: "a grant",
			words: "no grant",
		},
		{
			name: "stores what a token prints as",
			inject: func(f *faultyGrants) {
				f.in = func(g lwa.Grant) lwa.Grant {
					g.AccessToken = alexaevents.Secret(g.AccessToken.String())
					g.RefreshToken = alexaevents.Secret(g.RefreshToken.String())
					return g
				}
			},
			check: "a grant",
			words: "[redacted]",
		},
		{
			name: "never changes a grant that is there",
			inject: func(f *faultyGrants) {
				f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
					return f.update(ctx, key, func(g *lwa.Grant) error {
						old := *g
						err := fn(g)
						if old.RefreshToken != "" {
							*g = old
						}
						return err
					})
				}
			},
			check: "a grant",
			words: "-want +got",
		},
		{
			name: "runs fn again on what it made",
			inject: func(f *faultyGrants) {
				f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
					return f.update(ctx, key, func(g *lwa.Grant) error { return errors.Join(fn(g), fn(g)) })
				}
			},
			check: "each field of a grant",
			words: "to fn UpdateGrant",
		},
		{
			name: "does not store what was emptied",
			inject: func(f *faultyGrants) {
				f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
					return f.update(ctx, key, func(g *lwa.Grant) error {
						old := *g
						err := fn(g)
						if g.AccessToken == "" {
							g.AccessToken = old.AccessToken
						}
						return err
					})
				}
			},
			check: "each field of a grant",
			words: "AccessToken",
		},
		{
			name:   "keeps a grant without refresh token",
			inject: keepEmpty,
			check:  "a grant without refresh token",
			words:  "gave the error <nil>",
		},
		{
			name: "remembers what was deleted",
			inject: func(f *faultyGrants) {
				var deleted lwa.Grant
				f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
					return f.update(ctx, key, func(g *lwa.Grant) error {
						if g.RefreshToken == "" && deleted.Key == key {
							g.ConfirmedAt = deleted.ConfirmedAt
						}
						old := *g
						err := fn(g)
						if g.RefreshToken == "" {
							deleted = old
						}
						return err
					})
				}
			},
			check: "a grant without refresh token",
			words: "to fn UpdateGrant",
		},
	}
	for field, forget := range map[string]func(*lwa.Grant){
		"Region":      func(g *lwa.Grant) { g.Region = "" },
		"AccessToken": func(g *lwa.Grant) { g.AccessToken = "" },
		"IssuedAt":    func(g *lwa.Grant) { g.IssuedAt = time.Time{} },
		"Expiry":      func(g *lwa.Grant) { g.Expiry = time.Time{} },
		"ConfirmedAt": func(g *lwa.Grant) { g.ConfirmedAt = time.Time{} },
		"RefusedAt":   func(g *lwa.Grant) { g.RefusedAt = time.Time{} },
		"DisabledAt":  func(g *lwa.Grant) { g.DisabledAt = time.Time{} },
		"ProbedAt":    func(g *lwa.Grant) { g.ProbedAt = time.Time{} },
		"Refused":     func(g *lwa.Grant) { g.Refused = "" },
		"CodeHash":    func(g *lwa.Grant) { g.CodeHash = "" },
	} {
		faults = append(faults, grantFault{
			name: "forgets " + field,
			inject: func(f *faultyGrants) {
				f.in = func(g lwa.Grant) lwa.Grant { forget(&g); return g }
			},
			check: "each field of a grant",
			words: field,
		})
	}
	return faults
}

// keepEmpty keeps grants without refresh token.
func keepEmpty(f *faultyGrants) {
	f.in = func(g lwa.Grant) lwa.Grant {
		if g.RefreshToken == "" {
			g.RefreshToken = "\x01"
		}
		return g
	}
	f.out = func(g lwa.Grant) lwa.Grant {
		if g.RefreshToken == "\x01" {
			g.RefreshToken = ""
		}
		return g
	}
}

var endedGrantFaults = []grantFault{
	{
		name: "lists live grants as ended",
		inject: func(f *faultyGrants) {
			f.endedGrants = func(ctx context.Context, clientID string) grantSeq {
				return f.only(ctx, func(g lwa.Grant) bool { return g.ClientID == clientID })
			}
		},
		check: "ended grants",
		words: "EndedGrants",
	},
	{
		name: "lists the ended grants of another client",
		inject: func(f *faultyGrants) {
			f.endedGrants = func(ctx context.Context, _ string) grantSeq {
				return f.only(ctx, func(g lwa.Grant) bool { return g.Refused != "" || !g.DisabledAt.IsZero() })
			}
		},
		check: "ended grants",
		words: "EndedGrants",
	},
	{
		name: "lists no disabled grants as ended",
		inject: func(f *faultyGrants) {
			f.endedGrants = func(ctx context.Context, clientID string) grantSeq {
				return f.only(ctx, func(g lwa.Grant) bool { return g.ClientID == clientID && g.Refused != "" })
			}
		},
		check: "ended grants",
		words: "EndedGrants",
	},
}

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
		name: "returns times in a local time zone",
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
