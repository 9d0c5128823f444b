package storetest

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents/identity"
)

type everyFact = iter.Seq2[identity.Fact, error]

var bulkFaults = []fault{
	{
		name: "refuses no facts",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				if len(facts) == 0 {
					return errors.New("syntax error at end of input")
				}
				return addEach(ctx, f, facts)
			}
		},
		check: "facts in one call",
		words: "AddFacts of 0 gave an error: syntax error",
	},
	{
		name: "refuses the same fact twice in one call",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				known := make(map[identity.Fact]bool)
				for _, fact := range facts {
					if known[fact] {
						return errors.New("list of items contains duplicates")
					}
					known[fact] = true
				}
				return addEach(ctx, f, facts)
			}
		},
		check: "facts in one call",
		words: "contains duplicates",
	},
	{
		name: "adds no facts beside one that is there",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				if slices.ContainsFunc(facts, func(fact identity.Fact) bool { return slices.Contains(f.facts, fact) }) {
					return ctx.Err()
				}
				return addEach(ctx, f, facts)
			}
		},
		check: "facts in one call",
		words: "AddFacts of 17\nUserRecords",
	},
	{
		name: "adds no facts of an erased user in one call",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				return addEach(ctx, f, slices.DeleteFunc(slices.Clone(facts), func(fact identity.Fact) bool { return slices.Contains(f.facts, fact) }))
			}
		},
		check: "facts in one call",
		words: "EraseUser(\"\", \"again\")",
	},
	{
		name: "stores the facts before an invalid one",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error { return addEach(ctx, f, facts) }
		},
		check: "an invalid fact among others",
		words: "UserRecords",
	},
	{
		name: "leaves an invalid fact out",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				return addEach(ctx, f, slices.DeleteFunc(slices.Clone(facts), func(fact identity.Fact) bool {
					_, err := fact.Clean()
					return err != nil
				}))
			}
		},
		check: "an invalid fact among others",
		words: "must give ErrInvalidFact and gave the error <nil>",
	},
	{
		name: "looks at 1000 facts at a time",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				for some := range slices.Chunk(facts, 1000) {
					for _, fact := range some {
						if _, err := fact.Clean(); err != nil {
							return err
						}
					}
					if err := addEach(ctx, f, some); err != nil {
						return err
					}
				}
				return nil
			}
		},
		check: "an invalid fact among others",
		words: "AccountRecords(\"a\") must give 1 records and gave 2",
	},
	{
		name: "sorts the facts that it is given",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				slices.SortFunc(facts, compareFacts)
				return addEach(ctx, f, facts)
			}
		},
		check: "facts in one call",
		words: "leave its argument alone",
	},
	{
		name: "looks at the first fact alone",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				if _, err := facts[0].Clean(); err != nil {
					return err
				}
				return errors.Join(addEach(ctx, f, facts[:1]), addEach(ctx, f, facts[1:]))
			}
		},
		check: "an invalid fact among others",
		words: "UserRecords",
	},
	{
		name: "adds 1000 facts in one call",
		inject: func(f *faulty) {
			f.addFacts = func(ctx context.Context, facts []identity.Fact) error {
				return addEach(ctx, f, facts[:min(len(facts), 1000)])
			}
		},
		check: "many facts of one user",
		words: "must give 1500 records and gave 334",
	},
	{
		name: "lists one page of facts",
		inject: func(f *faulty) {
			f.everyFact = func(ctx context.Context) everyFact {
				facts := toList(f.Store.Facts(ctx))
				return fromList(facts[:min(len(facts), 1000)])
			}
		},
		check: "many facts of one user",
		words: "Facts must give 4500 facts and gave 1000",
	},
	{
		name: "begins each page of facts with another user",
		inject: func(f *faulty) {
			f.everyFact = func(ctx context.Context) everyFact {
				return func(yield func(identity.Fact, error) bool) {
					listed, last := 0, user{}
					for fact, err := range f.Store.Facts(ctx) {
						if listed >= 1000 && userOf(fact) == last {
							continue
						}
						if listed++; listed > 1000 {
							listed = 1
						}
						if last = userOf(fact); !yield(fact, err) {
							return
						}
					}
				}
			}
		},
		check: "many facts of one user",
		words: "Facts must give 4500 facts and gave 3000",
	},
	{
		name:   "lists facts as they came",
		inject: func(f *faulty) { f.everyFact = func(context.Context) everyFact { return fromList(f.facts) } },
		check:  "every fact",
		words:  "Facts must give",
	},
	{
		name: "lists the facts of open records",
		inject: func(f *faulty) {
			f.everyFact = func(ctx context.Context) everyFact {
				return fromList(slices.DeleteFunc(toList(f.Store.Facts(ctx)), func(fact identity.Fact) bool { return fact.Kind == identity.Disabled }))
			}
		},
		check: "every fact",
		words: "Facts must give",
	},
	{
		name: "lists facts by time",
		inject: func(f *faulty) {
			f.everyFact = func(ctx context.Context) everyFact {
				facts := toList(f.Store.Facts(ctx))
				slices.SortFunc(facts, func(a, b identity.Fact) int { return a.At.Compare(b.At) })
				return fromList(facts)
			}
		},
		check: "every fact",
		words: "came back to",
	},
	{
		name: "mixes the facts of one user in two skills",
		inject: func(f *faulty) {
			f.everyFact = func(ctx context.Context) everyFact {
				facts := toList(f.Store.Facts(ctx))
				slices.SortFunc(facts, func(a, b identity.Fact) int {
					return cmp.Or(strings.Compare(a.AmazonUserID, b.AmazonUserID), a.At.Compare(b.At))
				})
				return fromList(facts)
			}
		},
		check: "every fact",
		words: "came back to \"one\"",
	},
	{
		name: "keeps what it hides",
		inject: func(f *faulty) {
			f.everyFact = func(ctx context.Context) everyFact {
				facts := toList(f.Store.Facts(ctx))
				for _, fact := range f.facts {
					if clean, err := fact.Clean(); err == nil && !slices.Contains(facts, clean) {
						facts = append(facts, clean)
					}
				}
				slices.SortFunc(facts, compareFacts)
				return fromList(facts)
			}
		},
		check: "every fact",
		words: "EraseUser",
	},
}
