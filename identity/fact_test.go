package identity_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/identity"
)

var invalidFacts = []struct {
	name string
	fact identity.Fact
	want string
}{
	{"zero", identity.Fact{}, "SkillID"},
	{"no skill", identity.Fact{AmazonUserID: userID, At: at(1), Kind: identity.Seen}, "SkillID"},
	{"no user", identity.Fact{SkillID: skillID, At: at(1), Kind: identity.Seen}, "AmazonUserID"},
	{"no time", identity.Fact{SkillID: skillID, AmazonUserID: userID, Kind: identity.Seen}, "At"},
	{"a time that is zero once it is cut", identity.Fact{SkillID: skillID, AmazonUserID: userID, At: time.Time{}.Add(999 * time.Microsecond), Kind: identity.Seen}, "At"},
	{"before the year 1", identity.Fact{SkillID: skillID, AmazonUserID: userID, At: time.Time{}.Add(-time.Hour), Kind: identity.Seen}, "At"},
	{"after the year 9999", identity.Fact{SkillID: skillID, AmazonUserID: userID, At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Kind: identity.Seen}, "At"},
	{"no kind", identity.Fact{SkillID: skillID, AmazonUserID: userID, At: at(1)}, "Kind"},
	{"an unknown kind", identity.Fact{SkillID: skillID, AmazonUserID: userID, At: at(1), Kind: identity.Disabled + 1}, "Kind"},
	{"enabled with an account", fact(1, identity.Enabled, "a"), "AccountID"},
	{"seen with an account", fact(1, identity.Seen, "a"), "AccountID"},
	{"disabled with an account", fact(1, identity.Disabled, "a"), "AccountID"},
	{"a skill with a NUL", identity.Fact{SkillID: skillID + "\x00", AmazonUserID: userID, At: at(1), Kind: identity.Seen}, "SkillID"},
	{"a user that is not UTF-8", identity.Fact{SkillID: skillID, AmazonUserID: userID + "\xff", At: at(1), Kind: identity.Seen}, "AmazonUserID"},
	{"an account with a NUL", linked(1, "a\x00"), "AccountID"},
}

func TestFactCleanRefuses(t *testing.T) {
	for _, test := range invalidFacts {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.fact.Clean()
			require.ErrorIs(t, err, identity.ErrInvalidFact)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), userID)
			require.NotContains(t, err.Error(), skillID)
		})
	}
}

func TestFactClean(t *testing.T) {
	dirty := linked(1, "a")
	dirty.At = dirty.At.Add(7*time.Millisecond + 999_999).In(time.FixedZone("", -3600))
	clean, err := dirty.Clean()
	require.NoError(t, err)
	want := linked(1, "a")
	want.At = want.At.Add(7 * time.Millisecond)
	require.Equal(t, want, clean)
	require.Equal(t, want.ID(), dirty.ID())
}

// Databases contain the IDs, so they must never change.
func TestFactIDIsPinned(t *testing.T) {
	require.Equal(t, "3b640977eb71c59feb19634f3bf38d90", linked(1, "hello_2167671@gmail.com").ID())
}

func TestFactIDTellsFactsApart(t *testing.T) {
	facts := []identity.Fact{
		{SkillID: "ab", AmazonUserID: "c", At: at(1), Kind: identity.Linked, AccountID: "d"},
		{SkillID: "a", AmazonUserID: "bc", At: at(1), Kind: identity.Linked, AccountID: "d"},
		{SkillID: "ab", AmazonUserID: "c", At: at(2), Kind: identity.Linked, AccountID: "d"},
		{SkillID: "ab", AmazonUserID: "c", At: at(1).Add(time.Millisecond), Kind: identity.Linked, AccountID: "d"},
		{SkillID: "ab", AmazonUserID: "c", At: at(1), Kind: identity.Linked},
		{SkillID: "ab", AmazonUserID: "c", At: at(1), Kind: identity.Disabled},
		{SkillID: "ab", AmazonUserID: "C", At: at(1), Kind: identity.Disabled},
		{SkillID: "ab", AmazonUserID: strings.Repeat("c", 1000), At: at(1), Kind: identity.Disabled},
		{SkillID: "ab", AmazonUserID: strings.Repeat("c", 1001), At: at(1), Kind: identity.Disabled},
	}
	ids := make(map[string]identity.Fact)
	for _, fact := range facts {
		id := fact.ID()
		require.Regexp(t, "^[0-9a-f]{32}$", id)
		require.NotContains(t, ids, id)
		ids[id] = fact
	}
}

func TestKindString(t *testing.T) {
	for kind, want := range map[identity.Kind]string{
		0: "none", identity.Enabled: "enabled", identity.Seen: "seen", identity.Linked: "linked", identity.Disabled: "disabled", 9: "kind 9",
	} {
		require.Equal(t, want, kind.String())
	}
}

func TestWithoutAccount(t *testing.T) {
	for name, test := range map[string]struct{ facts, want []identity.Fact }{
		"no other account": {
			[]identity.Fact{enabled(1), linked(2, "a"), seen(3), disabled(4), linked(5, ""), linked(6, "a")},
			[]identity.Fact{disabled(4)},
		},
		"not tied to the account": {
			[]identity.Fact{enabled(1), linked(2, "b"), disabled(4)},
			[]identity.Fact{enabled(1), linked(2, "b"), disabled(4)},
		},
		"another account before": {
			[]identity.Fact{enabled(1), linked(2, "b"), linked(4, "a")},
			[]identity.Fact{enabled(1), linked(2, "b"), linked(4, "")},
		},
		"another account before, and a disable": {
			[]identity.Fact{linked(2, "b"), disabled(3), linked(4, "a"), disabled(5)},
			[]identity.Fact{linked(2, "b"), disabled(3), linked(4, ""), disabled(5)},
		},
		"another account after": {
			[]identity.Fact{enabled(1), linked(2, "a"), linked(4, "b")},
			[]identity.Fact{enabled(1), linked(4, "b")},
		},
		"another account between": {
			[]identity.Fact{linked(1, "a"), linked(2, "b"), linked(3, "a"), linked(4, "a")},
			[]identity.Fact{linked(2, "b"), linked(3, ""), linked(4, "")},
		},
		"an unknown account before": {
			[]identity.Fact{linked(1, ""), linked(2, "a"), linked(3, "b")},
			[]identity.Fact{linked(1, ""), linked(3, "b")},
		},
		"a link without account at the same instant": {
			[]identity.Fact{linked(1, "b"), linked(2, ""), linked(2, "a")},
			[]identity.Fact{linked(1, "b"), linked(2, "")},
		},
		"outdone by another account at the same instant": {
			[]identity.Fact{linked(2, "a"), linked(2, "b")},
			[]identity.Fact{linked(2, "b")},
		},
		"outdoes another account at the same instant": {
			[]identity.Fact{linked(2, "Z"), linked(2, "a"), linked(3, "Z")},
			[]identity.Fact{linked(2, ""), linked(3, "Z")},
		},
		"outdoes another account at the instant of a disable": {
			[]identity.Fact{linked(2, "Z"), linked(2, "a"), disabled(2)},
			[]identity.Fact{linked(2, ""), disabled(2)},
		},
		"several users": {
			[]identity.Fact{of("v", linked(1, "a")), linked(1, "b"), of("w", linked(1, "b")), linked(2, "a")},
			[]identity.Fact{linked(1, "b"), linked(2, ""), of("w", linked(1, "b"))},
		},
		"an invalid fact": {[]identity.Fact{{}, linked(1, "b")}, []identity.Fact{linked(1, "b")}},
		"nothing":         {},
	} {
		t.Run(name, func(t *testing.T) {
			slices.Reverse(test.facts)
			given := slices.Clone(test.facts)
			got := identity.WithoutAccount(test.facts, "a")
			require.Equal(t, test.want, got)
			require.Equal(t, given, test.facts)
			require.Equal(t, test.want, identity.WithoutAccount(got, "a"), "twice is once")
			require.Equal(t, inOrder(given), identity.WithoutAccount(given, ""), "the empty account")
		})
	}
}

// inOrder returns the valid facts as WithoutAccount must: it changes none here.
func inOrder(facts []identity.Fact) []identity.Fact { return identity.WithoutAccount(facts, "nobody") }

// After an erasure, no record has the erased account, and the spans of other accounts
// are unchanged, in every set of facts.
func TestErasedAccountIsGone(t *testing.T) {
	type span struct {
		user, account string
		start, end    time.Time
	}
	others := func(records []identity.Record, erased string) (spans []span) {
		for _, r := range records {
			if r.AccountID != "" && r.AccountID != erased {
				spans = append(spans, span{r.SkillID + r.AmazonUserID, r.AccountID, r.StartDatetime, r.EndDatetime})
			}
		}
		return spans
	}
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		erased := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "erased")
		want := others(identity.Records(facts), erased)
		remaining := identity.WithoutAccount(facts, erased)
		require.Equal(t, want, others(identity.Records(remaining), ""))

		// Redelivered links of the account have no account any more.
		late := slices.Clone(remaining)
		for _, fact := range facts {
			if fact.AccountID == erased && rapid.Bool().Draw(t, "redelivered") {
				fact.AccountID = ""
				late = append(late, fact)
			}
		}
		require.Equal(t, want, others(identity.Records(late), ""))

		// The Disabled facts remain, and those of users without the account.
		for _, fact := range facts {
			tied := slices.ContainsFunc(facts, func(f identity.Fact) bool {
				return f.AccountID == erased && f.SkillID == fact.SkillID && f.AmazonUserID == fact.AmazonUserID
			})
			if fact.Kind == identity.Disabled || !tied {
				require.Contains(t, remaining, fact)
			}
		}

		store := new(identity.MemoryStore)
		for _, fact := range rapid.Permutation(facts).Draw(t, "order") {
			require.NoError(t, store.AddFact(t.Context(), fact))
		}
		for range 2 {
			require.NoError(t, store.EraseAccount(t.Context(), erased))
			require.Empty(t, cmp.Diff(remaining, slices.Collect(factsIn(t, store))))
			require.Empty(t, collect(t, store.AccountRecords(t.Context(), erased)))
		}
		for _, account := range []string{"a", "b", "c"} { // the index of accounts is right
			wanted := slices.DeleteFunc(identity.Records(remaining), func(r identity.Record) bool { return r.AccountID != account })
			got := collect(t, store.AccountRecords(t.Context(), account))
			require.True(t, slices.Equal(wanted, got), "%s: %v", account, got)
		}
	})
}
