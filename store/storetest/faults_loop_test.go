package storetest

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/alexaevents/alexaevents/identity"
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
