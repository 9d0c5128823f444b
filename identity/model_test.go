package identity_test

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/identity"
)

// model derives the records of one user by the written rules, one sentence after the
// other and slowly. Facts are clean.
func model(facts []identity.Fact) []identity.Record {
	// "Storing a fact is an idempotent insert": a set, keyed by what makes the
	// order: At, then the kind, then the account by bytes.
	set := make(map[string]identity.Fact)
	for _, f := range facts {
		set[fmt.Sprintf("%020d %d %s", f.At.UnixMilli(), f.Kind, f.AccountID)] = f
	}
	var keys []string
	for key := range set {
		keys = append(keys, key)
	}
	sort.Strings(keys)

	// "Of several Linked at one At only the last counts."
	var ordered []identity.Fact
	for _, key := range keys {
		f := set[key]
		if n := len(ordered); n > 0 && f.Kind == identity.Linked && ordered[n-1].Kind == identity.Linked && ordered[n-1].At.Equal(f.At) {
			ordered = ordered[:n-1]
		}
		ordered = append(ordered, f)
	}

	// "Walk in order; at most one record is open."
	var closed []identity.Record
	var open *identity.Record
	var everLinked bool
	begin := func(f identity.Fact) {
		open = &identity.Record{ID: f.ID(), SkillID: f.SkillID, AmazonUserID: f.AmazonUserID, AccountID: f.AccountID, StartDatetime: f.At}
		everLinked = f.Kind == identity.Linked
	}
	end := func(when time.Time) {
		open.EndDatetime = when
		closed = append(closed, *open)
		open = nil
	}
	for i, f := range ordered {
		if f.Kind == identity.Enabled || f.Kind == identity.Seen {
			if open == nil {
				begin(f)
				open.EnabledAt = f.At
			}
		}
		if f.Kind == identity.Linked {
			switch {
			case open == nil:
				begin(f)
			case !everLinked:
				open.AccountID = f.AccountID
				open.StartDatetime = f.At
				everLinked = true
			case open.AccountID != f.AccountID:
				enabledAt := open.EnabledAt
				end(f.At)
				begin(f)
				open.EnabledAt = enabledAt
			}
		}
		if f.Kind == identity.Disabled {
			if open != nil {
				end(f.At)
			} else if i == 0 {
				closed = append(closed, identity.Record{ID: f.ID(), SkillID: f.SkillID, AmazonUserID: f.AmazonUserID, EndDatetime: f.At})
			}
		}
	}
	if open != nil {
		closed = append(closed, *open)
	}
	return closed
}

// Every set of some facts that together use all rules.
func TestRecordsOfEverySet(t *testing.T) {
	var alphabet []identity.Fact
	for n := range 3 {
		alphabet = append(alphabet, enabled(n), linked(n, ""), linked(n, "a"), linked(n, "b"), disabled(n))
	}
	for set := range uint(1) << len(alphabet) {
		if testing.Short() && bits.OnesCount(set) > 4 {
			continue
		}
		var facts []identity.Fact
		for i, f := range alphabet {
			if set&(1<<i) != 0 {
				facts = append(facts, f)
			}
		}
		want, got := model(facts), identity.Records(facts)
		if !slices.Equal(want, got) {
			require.Empty(t, cmp.Diff(want, got), "facts %v", facts)
		}
	}
}

// Every order of every small set, Seen included.
func TestRecordsOfEveryOrder(t *testing.T) {
	alphabet := []identity.Fact{
		enabled(0), linked(0, "a"), disabled(0),
		seen(1), linked(1, ""), linked(1, "a"), linked(1, "b"), disabled(1),
		enabled(2), linked(2, "a"), disabled(2),
	}
	var extend func(facts []identity.Fact, from int)
	extend = func(facts []identity.Fact, from int) {
		want := model(facts)
		permute(slices.Clone(facts), 0, func(facts []identity.Fact) {
			got := identity.Records(facts)
			if !slices.Equal(want, got) {
				require.Empty(t, cmp.Diff(want, got), "facts %v", facts)
			}
		})
		if len(facts) == 5 {
			return
		}
		for i := from; i < len(alphabet); i++ {
			extend(append(slices.Clip(facts), alphabet[i]), i+1)
		}
	}
	extend(nil, 0)
}

func permute(facts []identity.Fact, fixed int, visit func([]identity.Fact)) {
	if fixed == len(facts) {
		visit(facts)
		return
	}
	for i := fixed; i < len(facts); i++ {
		facts[fixed], facts[i] = facts[i], facts[fixed]
		permute(facts, fixed+1, visit)
		facts[fixed], facts[i] = facts[i], facts[fixed]
	}
}

// drawFacts draws facts of a few users, skills, accounts and seconds, so that
// they often meet.
func drawFacts(t *rapid.T) []identity.Fact {
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) identity.Fact {
		f := identity.Fact{
			SkillID:      rapid.SampledFrom([]string{"skill-1", "skill-2"}).Draw(t, "skill"),
			AmazonUserID: rapid.SampledFrom([]string{"user-1", "user-2"}).Draw(t, "user"),
			At:           at(rapid.IntRange(0, 5).Draw(t, "at")),
			Kind:         rapid.SampledFrom([]identity.Kind{identity.Enabled, identity.Seen, identity.Linked, identity.Linked, identity.Disabled}).Draw(t, "kind"),
		}
		if f.Kind == identity.Linked {
			f.AccountID = rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "account")
		}
		return f
	})).Draw(t, "facts")
}

// Any order with any repetition gives the same records, in a store too.
func TestRecordsDependOnTheSetOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		want := identity.Records(facts)

		again := slices.Clone(facts)
		if len(facts) > 0 {
			again = append(again, rapid.SliceOf(rapid.SampledFrom(facts)).Draw(t, "repeated")...)
		}
		again = rapid.Permutation(again).Draw(t, "order")
		require.Empty(t, cmp.Diff(want, identity.Records(again)))

		store := new(identity.MemoryStore)
		for _, f := range again {
			require.NoError(t, store.AddFact(t.Context(), f))
		}
		var all []identity.Record
		for _, skill := range []string{"skill-1", "skill-2"} {
			for _, user := range []string{"user-1", "user-2"} {
				got := collect(t, store.UserRecords(t.Context(), skill, user))
				require.Empty(t, cmp.Diff(model(factsOf(facts, skill, user)), got))
				all = append(all, got...)
			}
		}
		slices.SortFunc(all, func(a, b identity.Record) int { return slices.Index(want, a) - slices.Index(want, b) })
		require.Empty(t, cmp.Diff(want, all), "all users together")
	})
}

func factsOf(facts []identity.Fact, skill, user string) []identity.Fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f identity.Fact) bool { return f.SkillID != skill || f.AmazonUserID != user })
}

// FuzzRecords reads facts from bytes, four bytes a fact, and checks what is true of all
// records.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{0, 1, 1, 0, 0, 1, 3, 1, 0, 5, 4, 0})
	f.Add([]byte{0, 5, 4, 0, 0, 1, 3, 1, 0, 1, 3, 1, 3, 1, 3, 2, 7, 1, 9, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		var facts []identity.Fact
		for fields := range slices.Chunk(data, 4) {
			if len(fields) < 4 || len(facts) == 64 {
				break
			}
			fact := identity.Fact{
				SkillID:      []string{"skill-1", "skill-2"}[fields[0]&1],
				AmazonUserID: []string{"user-1", "user-2", "", "user-3"}[fields[0]>>1&3],
				At:           at(int(fields[1] & 7)).Add(time.Duration(fields[1]>>3) * 100 * time.Microsecond),
				Kind:         identity.Kind(fields[2] % 6),
				AccountID:    []string{"", "a", "b", "c"}[fields[3]&3],
			}
			if fields[3] < 128 && fact.Kind != identity.Linked {
				fact.AccountID = ""
			}
			facts = append(facts, fact)
		}
		given := slices.Clone(facts)
		records := identity.Records(facts)
		require.Equal(t, given, facts, "Records changed its input")

		openers := make(map[string]bool)
		for _, fact := range facts {
			if clean, err := fact.Clean(); err == nil {
				openers[clean.ID()] = true
			} else {
				require.ErrorIs(t, err, identity.ErrInvalidFact)
			}
		}
		type user struct{ skillID, amazonUserID string }
		last := make(map[user]identity.Record)
		for i, record := range records {
			require.True(t, openers[record.ID], "no fact opens the record")
			delete(openers, record.ID) // so that no two records have one ID
			if i > 0 {
				require.False(t, record.StartDatetime.Before(records[i-1].StartDatetime), "not oldest first")
			}
			require.True(t, record.Open() || !record.EndDatetime.Before(record.StartDatetime), "ends before it starts")
			require.False(t, record.EnabledAt.After(record.StartDatetime), "linked before it was enabled")
			if before, ok := last[user{record.SkillID, record.AmazonUserID}]; ok {
				require.False(t, before.Open(), "an open record that is not the user's last")
				require.False(t, record.StartDatetime.Before(before.EndDatetime), "records of one user overlap")
			}
			last[user{record.SkillID, record.AmazonUserID}] = record
		}

		slices.Reverse(given)
		require.Equal(t, records, identity.Records(append(given, facts...)), "in another order, twice")
	})
}
