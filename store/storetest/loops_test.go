package storetest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

var loopFaults = []fault{
	{
		name: "goes on after a loop has stopped",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				list := toList(f.Store.UserRecords(ctx, skillID, amazonUserID))
				return func(yield func(identity.Record, error) bool) {
					for _, record := range list {
						yield(record, nil)
					}
				}
			}
		},
		check: "stopping a loop early",
		words: "3 times",
	},
	{
		name: "keeps its lock after a loop has stopped",
		inject: func(f *faulty) {
			var lock sync.Mutex
			f.accountRecords = func(ctx context.Context, accountID string) records {
				return func(yield func(identity.Record, error) bool) {
					lock.Lock()
					for record, err := range f.Store.AccountRecords(ctx, accountID) {
						if !yield(record, err) {
							return
						}
					}
					lock.Unlock()
				}
			}
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				lock.Lock()
				defer lock.Unlock()
				return f.add(ctx, fact)
			}
		},
		check: "stopping a loop early",
		words: "hangs",
	},
	{
		name: "keeps its lock during a loop",
		inject: func(f *faulty) {
			var lock sync.Mutex
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				return func(yield func(identity.Record, error) bool) {
					lock.Lock()
					defer lock.Unlock()
					f.Store.UserRecords(ctx, skillID, amazonUserID)(yield)
				}
			}
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				lock.Lock()
				defer lock.Unlock()
				return f.add(ctx, fact)
			}
		},
		check: "the store inside a loop",
		words: "hangs",
	},
	{
		name: "writes with a cancelled context",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				return f.add(context.WithoutCancel(ctx), fact)
			}
		},
		check: "a cancelled context",
		words: "AddFact with a cancelled context",
	},
	{
		name: "writes, and then says that the context was cancelled",
		inject: func(f *faulty) {
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				return errors.Join(f.add(context.WithoutCancel(ctx), fact), ctx.Err())
			}
		},
		check: "a cancelled context",
		words: "UserRecords",
	},
	{
		name: "reads with a cancelled context",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				return f.Store.UserRecords(context.WithoutCancel(ctx), skillID, amazonUserID)
			}
		},
		check: "a cancelled context",
		words: "UserRecords with a cancelled context",
	},
	{
		name: "ends a loop that failed without an error",
		inject: func(f *faulty) {
			f.accountRecords = func(ctx context.Context, accountID string) records {
				return fromList(toList(f.Store.AccountRecords(ctx, accountID)))
			}
		},
		check: "a cancelled context",
		words: "must yield its error once and yielded 0 times",
	},
	{
		name: "erases with a cancelled context",
		inject: func(f *faulty) {
			f.eraseAccount = func(ctx context.Context, accountID string) error {
				return f.Store.EraseAccount(context.WithoutCancel(ctx), accountID)
			}
		},
		check: "a cancelled context",
		words: "EraseAccount with a cancelled context",
	},
	{
		name: "adds several facts with a cancelled context",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				return addEach(context.WithoutCancel(ctx), f, facts)
			}
		},
		check: "a cancelled context",
		words: "AddFacts with a cancelled context",
	},
	{
		name: "keeps its lock while it lists every fact",
		inject: func(f *faulty) {
			var lock sync.Mutex
			f.everyFact = func(ctx context.Context) iter.Seq2[identity.Fact, error] {
				return func(yield func(identity.Fact, error) bool) {
					lock.Lock()
					defer lock.Unlock()
					f.Store.Facts(ctx)(yield)
				}
			}
			f.addFact = func(ctx context.Context, fact identity.Fact) error {
				lock.Lock()
				defer lock.Unlock()
				return f.add(ctx, fact)
			}
		},
		check: "the store inside a loop",
		words: "hangs",
	},
	{
		name: "ends a loop without an error when it is cancelled",
		inject: func(f *faulty) {
			f.userRecords = func(ctx context.Context, skillID, amazonUserID string) records {
				return func(yield func(identity.Record, error) bool) {
					for record, err := range f.Store.UserRecords(ctx, skillID, amazonUserID) {
						if !yield(record, err) || ctx.Err() != nil {
							return
						}
					}
				}
			}
		},
		check: "a context cancelled during a loop",
		words: "UserRecords whose context is cancelled during the loop ended without an error after 1 of 3 values",
	},
	{
		name: "goes on after the error of its context",
		inject: func(f *faulty) {
			f.everyFact = func(ctx context.Context) iter.Seq2[identity.Fact, error] {
				return func(yield func(identity.Fact, error) bool) {
					for fact, err := range f.Store.Facts(ctx) {
						if err == nil && ctx.Err() != nil {
							fact, err = identity.Fact{}, ctx.Err()
						}
						if !yield(fact, err) {
							return
						}
					}
				}
			}
		},
		check: "a context cancelled during a loop",
		words: "Facts went on after",
	},
	{
		name: "yields a record beside the error of its context",
		inject: func(f *faulty) {
			f.accountRecords = func(ctx context.Context, accountID string) records {
				return func(yield func(identity.Record, error) bool) {
					for record, err := range f.Store.AccountRecords(ctx, accountID) {
						err = errors.Join(err, ctx.Err())
						if !yield(record, err) || err != nil {
							return
						}
					}
				}
			}
		},
		check: "a context cancelled during a loop",
		words: "AccountRecords whose context is cancelled during the loop must yield nothing but context.Canceled",
	},
}

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
