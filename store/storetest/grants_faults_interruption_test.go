package storetest

import (
	"context"
	"errors"

	"github.com/alexaevents/alexaevents/lwa"
)

var grantInterruptionFaults = []grantFault{
	{
		name: "ends a loop without an error when it is cancelled",
		inject: func(f *faultyGrants) {
			f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
				return func(yield func(lwa.Grant, error) bool) {
					for grant, err := range f.list(ctx, clientID, accountID) {
						if !yield(grant, err) || ctx.Err() != nil {
							return
						}
					}
				}
			}
		},
		check: "a context cancelled during a loop over grants",
		words: "AccountGrants whose context is cancelled during the loop ended without an error after 1 of 3 values",
	},
	{
		name: "yields another error when a loop is cancelled",
		inject: func(f *faultyGrants) {
			f.grants = func(ctx context.Context) grantSeq {
				return func(yield func(lwa.Grant, error) bool) {
					for grant, err := range f.MemoryStore.Grants(ctx) {
						if ctx.Err() != nil {
							yield(lwa.Grant{}, errors.New("the connection is busy"))
							return
						}
						if !yield(grant, err) {
							return
						}
					}
				}
			}
		},
		check: "a context cancelled during a loop over grants",
		words: "the connection is busy",
	},
	{
		name: "says that a cancelled update is stored",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				err := f.update(ctx, key, func(g *lwa.Grant) error { return errors.Join(fn(g), ctx.Err()) })
				if errors.Is(err, context.Canceled) {
					return nil
				}
				return err
			}
		},
		check: "a context cancelled while fn runs",
		words: "gave an error: lwa: no grant",
	},
	{
		name: "stores half of a cancelled update",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				var ended error
				err := f.update(ctx, key, func(g *lwa.Grant) error {
					before := *g
					err := fn(g)
					if ended = ctx.Err(); ended != nil && before.RefreshToken != "" {
						g.AccessToken = before.AccessToken
					}
					return err
				})
				return errors.Join(err, ended)
			}
		},
		check: "a context cancelled while fn runs",
		words: "-want +got",
	},
	{
		name: "gives another error when an update is cancelled",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				return f.update(ctx, key, func(g *lwa.Grant) error {
					if err := fn(g); err != nil || ctx.Err() == nil {
						return err
					}
					return errors.New("the transaction is closed")
				})
			}
		},
		check: "a context cancelled while fn runs",
		words: "gave the error the transaction is closed",
	},
	{
		name: "keeps its lock when an update is cancelled",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				f.mu.Lock()
				err := f.update(ctx, key, fn)
				if ctx.Err() == nil {
					f.mu.Unlock()
				}
				return err
			}
		},
		check: "a context cancelled while fn runs",
		words: "the store hangs",
	},
	{
		name: "brings back what was erased while fn ran",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				return readThenWrite(ctx, f, key, fn)
			}
		},
		check: "erasing a grant while fn runs",
		words: "Refused",
	},
	{
		name: "gives up when a grant is erased while fn runs",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				before, _ := f.read(ctx, key)
				after := before
				after.Key = key
				if err := fn(&after); err != nil {
					return err
				}
				return f.update(ctx, key, func(g *lwa.Grant) error {
					if g.RefreshToken != before.RefreshToken {
						return errors.New("the version changed")
					}
					*g = after
					return nil
				})
			}
		},
		check: "erasing a grant while fn runs",
		words: "the version changed",
	},
	{
		name: "never runs fn",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if _, err := f.read(ctx, key); err == nil {
					return nil
				}
				return f.update(ctx, key, fn)
			}
		},
		check: "erasing a grant while fn runs",
		words: "did not run fn",
	},
}
