package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/alexaevents/alexaevents/lwa"
)

// readThenWrite is an update that others can get into.
func readThenWrite(ctx context.Context, f *faultyGrants, key lwa.Key, fn func(*lwa.Grant) error) error {
	grant, err := f.read(ctx, key)
	if err != nil {
		grant = lwa.Grant{Key: key}
	}
	if err := fn(&grant); err != nil {
		return err
	}
	time.Sleep(10 * time.Microsecond)
	return f.update(ctx, key, func(g *lwa.Grant) error { *g = grant; return nil })
}

var grantConcurrencyFaults = []grantFault{
	{
		name: "loses updates",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				return readThenWrite(ctx, f, key, fn)
			}
		},
		check: "several goroutines and one grant",
		words: "-want +got",
	},
	{
		name: "loses updates that make a grant",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if _, err := f.read(ctx, key); err != nil {
					time.Sleep(time.Millisecond)
					grant := lwa.Grant{Key: key}
					if err := fn(&grant); err != nil {
						return err
					}
					return f.update(ctx, key, func(g *lwa.Grant) error { *g = grant; return nil })
				}
				return f.update(ctx, key, fn)
			}
		},
		check: "several goroutines and one grant",
		words: "-want +got",
	},
	{
		name: "gives up when somebody else was faster",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				before, _ := f.read(ctx, key)
				time.Sleep(10 * time.Microsecond)
				return f.update(ctx, key, func(g *lwa.Grant) error {
					if g.RefreshToken != before.RefreshToken {
						return errors.New("the version changed")
					}
					return fn(g)
				})
			}
		},
		check: "several goroutines and one grant",
		words: "the version changed",
	},
	{
		name: "runs fn again on what it made, when somebody else was faster",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				before, _ := f.read(ctx, key)
				time.Sleep(10 * time.Microsecond)
				return f.update(ctx, key, func(g *lwa.Grant) error {
					if err := fn(g); err != nil || g.RefreshToken == before.RefreshToken {
						return err
					}
					return fn(g)
				})
			}
		},
		check: "several goroutines and one grant",
		words: "-want +got",
	},
	{
		name: "writes all grants of an account at once",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				var account []lwa.Grant
				for grant, err := range f.list(ctx, key.ClientID, key.AccountID) {
					if err == nil && grant.Key != key {
						account = append(account, grant)
					}
				}
				err := f.update(ctx, key, fn)
				time.Sleep(10 * time.Microsecond)
				for _, grant := range account {
					err = errors.Join(err, f.update(ctx, grant.Key, func(g *lwa.Grant) error { *g = grant; return nil }))
				}
				return err
			}
		},
		check: "several goroutines and several grants",
		words: "-want +got",
	},
	{
		name: "is locked while it is used",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if !f.mu.TryLock() {
					return errors.New("database is locked")
				}
				defer f.mu.Unlock()
				time.Sleep(100 * time.Microsecond)
				return f.update(ctx, key, fn)
			}
		},
		check: "several goroutines and several grants",
		words: "database is locked",
	},
	{
		name: "writes a grant in two halves",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				f.mu.Lock()
				defer f.mu.Unlock()
				var after lwa.Grant
				err := f.update(ctx, key, func(g *lwa.Grant) error {
					before := *g
					err := fn(g)
					after = *g
					*g = before
					g.AccessToken = after.AccessToken
					if g.RefreshToken == "" {
						g.RefreshToken = after.RefreshToken
					}
					return err
				})
				if err != nil {
					return err
				}
				time.Sleep(100 * time.Microsecond)
				return f.update(ctx, key, func(g *lwa.Grant) error { *g = after; return nil })
			}
		},
		check: "readers while a grant changes",
		words: "mixes two updates",
	},
	{
		name: "reads a grant in two halves",
		inject: func(f *faultyGrants) {
			f.grant = func(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
				first, err := f.read(ctx, key)
				if err != nil {
					return lwa.Grant{}, err
				}
				time.Sleep(100 * time.Microsecond)
				second, err := f.read(ctx, key)
				second.AccessToken = first.AccessToken
				return second, err
			}
		},
		check: "readers while a grant changes",
		words: "mixes two updates",
	},
	{
		name: "forgets an update now and then",
		inject: func(f *faultyGrants) {
			updates := 0
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if updates++; updates%100 == 0 {
					return ctx.Err()
				}
				return f.update(ctx, key, fn)
			}
		},
		check: "random updates",
		words: "other steps",
	},
}
