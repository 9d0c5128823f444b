package storetest

import (
	"context"
	"maps"
	"slices"

	"github.com/alexaevents/alexaevents/lwa"
)

var grantReadFaults = []grantFault{
	{
		name: "lists one page",
		inject: func(f *faultyGrants) {
			f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
				return func(yield func(lwa.Grant, error) bool) {
					listed := 0
					for grant, err := range f.list(ctx, clientID, accountID) {
						if listed++; listed > 100 || !yield(grant, err) {
							return
						}
					}
				}
			}
		},
		check: "many links",
		words: "must give 300 grants and gave 100",
	},
	{
		name: "lists one page of every grant",
		inject: func(f *faultyGrants) {
			f.grants = func(ctx context.Context) grantSeq {
				grants := toList(f.MemoryStore.Grants(ctx))
				return fromList(grants[:min(len(grants), 100)])
			}
		},
		check: "many links",
		words: "Grants must give 301 grants and gave 100",
	},
	{
		name: "lists one client's grants for every grant",
		inject: func(f *faultyGrants) {
			f.grants = func(ctx context.Context) grantSeq {
				return fromList(slices.DeleteFunc(toList(f.MemoryStore.Grants(ctx)), func(g lwa.Grant) bool { return g.ClientID != lwaClient }))
			}
		},
		check: "every grant",
		words: "Grants must give 2 grants and gave 1",
	},
	{
		name: "lists grants that were deleted",
		inject: func(f *faultyGrants) {
			known := make(map[lwa.Key]lwa.Grant)
			f.grants = func(ctx context.Context) grantSeq {
				for _, grant := range toList(f.MemoryStore.Grants(ctx)) {
					known[grant.Key] = grant
				}
				return fromList(slices.Collect(maps.Values(known)))
			}
		},
		check: "every grant",
		words: "Grants must give 11 grants and gave 12",
	},
	{
		name: "goes on after a loop stopped",
		inject: func(f *faultyGrants) {
			f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
				return func(yield func(lwa.Grant, error) bool) {
					for grant, err := range f.list(ctx, clientID, accountID) {
						yield(grant, err)
					}
				}
			}
		},
		check: "stopping a loop over grants early",
		words: "3 times",
	},
	{
		name: "keeps its lock when a loop stops",
		inject: func(f *faultyGrants) {
			f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
				return func(yield func(lwa.Grant, error) bool) {
					f.mu.Lock()
					for grant, err := range f.list(ctx, clientID, accountID) {
						if !yield(grant, err) {
							return
						}
					}
					f.mu.Unlock()
				}
			}
		},
		check: "stopping a loop over grants early",
		words: "the store hangs",
	},
	{
		name: "keeps its lock while a loop runs",
		inject: func(f *faultyGrants) {
			f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
				return func(yield func(lwa.Grant, error) bool) {
					f.mu.Lock()
					defer f.mu.Unlock()
					f.list(ctx, clientID, accountID)(yield)
				}
			}
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				f.mu.Lock()
				defer f.mu.Unlock()
				return f.update(ctx, key, fn)
			}
		},
		check: "the store inside a loop over grants",
		words: "the store hangs",
	},
	{
		name: "reads in spite of a cancelled context",
		inject: func(f *faultyGrants) {
			f.grant = func(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
				return f.read(context.WithoutCancel(ctx), key)
			}
		},
		check: "a cancelled context and grants",
		words: "Grant with a cancelled context must give context.Canceled and gave the error <nil>",
	},
	{
		name: "lists in spite of a cancelled context",
		inject: func(f *faultyGrants) {
			f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
				return f.list(context.WithoutCancel(ctx), clientID, accountID)
			}
		},
		check: "a cancelled context and grants",
		words: "AccountGrants with a cancelled context must yield nothing but",
	},
	{
		name: "lists nothing for a cancelled context",
		inject: func(f *faultyGrants) {
			f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
				if ctx.Err() != nil {
					return func(func(lwa.Grant, error) bool) {}
				}
				return f.list(ctx, clientID, accountID)
			}
		},
		check: "a cancelled context and grants",
		words: "yielded 0 times",
	},
	{
		name: "updates in spite of a cancelled context",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				return f.update(context.WithoutCancel(ctx), key, fn)
			}
		},
		check: "a cancelled context and grants",
		words: "UpdateGrant with a cancelled context must give context.Canceled and gave the error <nil>",
	},
	{
		name: "updates although it says cancelled",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if err := f.update(context.WithoutCancel(ctx), key, fn); err != nil {
					return err
				}
				return ctx.Err()
			}
		},
		check: "a cancelled context and grants",
		words: "Atza|changed",
	},
	{
		name: "erases in spite of a cancelled context",
		inject: func(f *faultyGrants) {
			f.eraseGrants = func(ctx context.Context, accountID string) error {
				return f.MemoryStore.EraseGrants(context.WithoutCancel(ctx), accountID)
			}
		},
		check: "a cancelled context and grants",
		words: "EraseGrants with a cancelled context must give context.Canceled and gave the error <nil>",
	},
}
