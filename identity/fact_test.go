package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// IDs are kept in databases: they may never change.
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
