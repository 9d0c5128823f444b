package storetest

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

// fault is a way to break a store.
type fault struct {
	name   string
	inject func(f *faulty)
	check  string // the check that must notice
	words  string // what its report must say
}

// faulty is a right store that a test breaks in one place: each function, where
// set, replaces the method. It keeps the facts to make any erasure from them.
type faulty struct {
	Store *identity.MemoryStore
	mu    sync.Mutex
	facts []identity.Fact // as they were added, erased ones too

	clean          func(identity.Fact) identity.Fact // changes facts on their way in
	addFact        func(context.Context, identity.Fact) error
	userRecords    func(ctx context.Context, skillID, amazonUserID string) records
	accountRecords func(ctx context.Context, accountID string) records
	eraseUser      func(ctx context.Context, skillID, amazonUserID string) error
	eraseAccount   func(ctx context.Context, accountID string) error
	purge          func(ctx context.Context, before time.Time) error
	addFacts       func(context.Context, []identity.Fact) error
	everyFact      func(context.Context) iter.Seq2[identity.Fact, error]
}

type records = iter.Seq2[identity.Record, error]

func newFaulty() *faulty { return &faulty{Store: new(identity.MemoryStore)} }

func (f *faulty) AddFact(ctx context.Context, fact identity.Fact) error {
	if f.clean != nil {
		fact = f.clean(fact)
	}
	if f.addFact != nil {
		return f.addFact(ctx, fact)
	}
	return f.add(ctx, fact)
}

func (f *faulty) add(ctx context.Context, fact identity.Fact) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts = append(f.facts, fact)
	return f.Store.AddFact(ctx, fact)
}

func (f *faulty) UserRecords(ctx context.Context, skillID, amazonUserID string) records {
	if f.userRecords != nil {
		return f.userRecords(ctx, skillID, amazonUserID)
	}
	return f.Store.UserRecords(ctx, skillID, amazonUserID)
}

func (f *faulty) AccountRecords(ctx context.Context, accountID string) records {
	if f.accountRecords != nil {
		return f.accountRecords(ctx, accountID)
	}
	return f.Store.AccountRecords(ctx, accountID)
}

func (f *faulty) EraseUser(ctx context.Context, skillID, amazonUserID string) error {
	if f.eraseUser != nil {
		return f.eraseUser(ctx, skillID, amazonUserID)
	}
	return f.Store.EraseUser(ctx, skillID, amazonUserID)
}

func (f *faulty) EraseAccount(ctx context.Context, accountID string) error {
	if f.eraseAccount != nil {
		return f.eraseAccount(ctx, accountID)
	}
	return f.Store.EraseAccount(ctx, accountID)
}

func (f *faulty) Purge(ctx context.Context, before time.Time) error {
	if f.purge != nil {
		return f.purge(ctx, before)
	}
	return f.Store.Purge(ctx, before)
}

func (f *faulty) AddFacts(ctx context.Context, facts []identity.Fact) error {
	if f.addFacts != nil {
		return f.addFacts(ctx, facts)
	}
	for _, fact := range facts {
		if _, err := fact.Clean(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return addEach(ctx, f, facts)
}

// addEach adds one fact after the other.
func addEach(ctx context.Context, f *faulty, facts []identity.Fact) error {
	for _, fact := range facts {
		if err := f.AddFact(ctx, fact); err != nil {
			return err
		}
	}
	return nil
}

func (f *faulty) Facts(ctx context.Context) iter.Seq2[identity.Fact, error] {
	if f.everyFact != nil {
		return f.everyFact(ctx)
	}
	return f.Store.Facts(ctx)
}

// drop removes the facts that dropped picks, and nothing else.
func (f *faulty) drop(ctx context.Context, dropped func(identity.Fact) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keep(ctx, slices.DeleteFunc(f.facts, dropped))
}

// keep makes these the facts of the store.
func (f *faulty) keep(ctx context.Context, facts []identity.Fact) error {
	f.facts = facts
	f.Store = new(identity.MemoryStore)
	for _, fact := range f.facts {
		if err := f.Store.AddFact(ctx, fact); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// filter leaves out records of an iterator.
func filter(all records, keep func(identity.Record) bool) records {
	return func(yield func(identity.Record, error) bool) {
		for record, err := range all {
			if (err != nil || keep(record)) && !yield(record, err) {
				return
			}
		}
	}
}

// change changes records of an iterator.
func change(all records, change func(*identity.Record)) records {
	return func(yield func(identity.Record, error) bool) {
		for record, err := range all {
			if err == nil {
				change(&record)
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

func toList[T any](all iter.Seq2[T, error]) (list []T) {
	for value, err := range all {
		if err == nil {
			list = append(list, value)
		}
	}
	return list
}

func fromList[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, value := range list {
			if !yield(value, nil) {
				return
			}
		}
	}
}
