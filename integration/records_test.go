package integration

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/identity"
)

// Any order with any repetition gives the same records.
func TestRecordsDependOnTheSetOnly(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) { checkRandomSets(t, create(t).store(t)) })
}

func checkRandomSets(t *testing.T, store identity.Store) {
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++ // each with users and accounts of its own
		users := []string{fmt.Sprint("user-1 of ", round), fmt.Sprint("user-2 of ", round)}
		accounts := []string{"", fmt.Sprint("a of ", round), fmt.Sprint("b of ", round)}
		skills := []string{"skill-1", "skill-2"}
		set := rapid.SliceOf(rapid.Custom(func(r *rapid.T) identity.Fact {
			fact := identity.Fact{
				SkillID:      rapid.SampledFrom(skills).Draw(r, "skill"),
				AmazonUserID: rapid.SampledFrom(users).Draw(r, "user"),
				At:           monday.Add(time.Duration(rapid.IntRange(0, 5).Draw(r, "at")) * time.Second),
				Kind:         rapid.SampledFrom([]identity.Kind{identity.Enabled, identity.Seen, identity.Linked, identity.Linked, identity.Disabled}).Draw(r, "kind"),
			}
			if fact.Kind == identity.Linked {
				fact.AccountID = rapid.SampledFrom(accounts).Draw(r, "account")
			}
			return fact
		})).Draw(r, "set")

		delivered := slices.Clone(set)
		if len(set) > 0 {
			delivered = append(delivered, rapid.SliceOf(rapid.SampledFrom(set)).Draw(r, "repeated")...)
		}
		for _, fact := range rapid.Permutation(delivered).Draw(r, "order") {
			require.NoError(r, store.AddFact(t.Context(), fact))
		}
		for _, user := range users {
			for _, skill := range append(skills, "") {
				want := identity.Records(only(set, func(f identity.Fact) bool { return f.AmazonUserID == user && (skill == "" || f.SkillID == skill) }))
				require.Empty(r, gocmp.Diff(want, collect(t, store.UserRecords(t.Context(), skill, user))))
			}
		}
		for _, account := range accounts[1:] {
			want := only(identity.Records(set), func(r identity.Record) bool { return r.AccountID == account })
			require.Empty(r, gocmp.Diff(want, collect(t, store.AccountRecords(t.Context(), account))))
		}
	})
}

// only returns those of all that which picks, nil if there are none.
func only[E any](all []E, which func(E) bool) (picked []E) {
	for _, e := range all {
		if which(e) {
			picked = append(picked, e)
		}
	}
	return picked
}

// Every set of up to four of ten facts, each of a user of its own.
func TestRecordsOfEverySet(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) { checkEverySet(t, create(t).store(t)) })
}

func checkEverySet(t *testing.T, store identity.Store) {
	var alphabet []identity.Fact
	for n := range 2 {
		at := monday.Add(time.Duration(n) * time.Second)
		alphabet = append(alphabet, enabled("", at), linked("", "", at), linked("", "a", at), linked("", "b", at), disabled("", at))
	}
	sets := make(map[string][]identity.Fact)
	var all []identity.Fact
	for set := range uint(1) << len(alphabet) {
		if bits.OnesCount(set) > 4 {
			continue
		}
		user := fmt.Sprint("user-", set)
		for i, fact := range alphabet {
			if set&(1<<i) != 0 {
				fact.AmazonUserID = user
				sets[user] = append(sets[user], fact)
			}
		}
		all = append(all, sets[user]...)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, fact := range all {
		require.NoError(t, store.AddFact(t.Context(), fact))
	}
	for user, facts := range sets {
		require.Empty(t, gocmp.Diff(identity.Records(facts), collect(t, store.UserRecords(t.Context(), skill, user))), "%v", facts)
	}
}
