package identity_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

func TestRecordCovers(t *testing.T) {
	tests := []struct {
		name   string
		record identity.Record
		want   [4]bool // at second 0, 1, 4 and 5
	}{
		{"closed", identity.Record{StartDatetime: at(1), EndDatetime: at(5)}, [4]bool{false, true, true, false}},
		{"open", identity.Record{StartDatetime: at(1)}, [4]bool{false, true, true, true}},
		{"without start", identity.Record{EndDatetime: at(5)}, [4]bool{true, true, true, false}},
		{"of no length", identity.Record{StartDatetime: at(1), EndDatetime: at(1)}, [4]bool{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got [4]bool
			for i, n := range []int{0, 1, 4, 5} {
				got[i] = test.record.Covers(at(n))
			}
			require.Equal(t, test.want, got)
			require.Equal(t, test.record.EndDatetime.IsZero(), test.record.Open())
			require.Equal(t, test.want[2], test.record.Covers(at(5).Add(-time.Nanosecond)), "the last nanosecond")
		})
	}
}

func TestRecordJSON(t *testing.T) {
	tests := []struct {
		name   string
		record identity.Record
		want   string
	}{
		{
			"closed",
			identity.Record{ID: "1", SkillID: "s", AmazonUserID: "u", AccountID: "a", StartDatetime: at(1), EndDatetime: at(2).Add(5 * time.Millisecond), EnabledAt: at(0)},
			`{"ID":"1","SkillID":"s","AmazonUserID":"u","AccountID":"a","StartDatetime":"2026-03-01T00:00:01Z","EndDatetime":"2026-03-01T00:00:02.005Z","EnabledAt":"2026-03-01T00:00:00Z"}`,
		},
		{
			"open, without account",
			identity.Record{ID: "1", SkillID: "s", AmazonUserID: "u", StartDatetime: at(1)},
			`{"ID":"1","SkillID":"s","AmazonUserID":"u","AccountID":"","StartDatetime":"2026-03-01T00:00:01Z"}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text, err := json.Marshal(test.record)
			require.NoError(t, err)
			require.Equal(t, test.want, string(text))
			var back identity.Record
			require.NoError(t, json.Unmarshal(text, &back))
			require.Equal(t, test.record, back)
		})
	}
}

const (
	skillID = "amzn1.ask.skill.11111111-1111-4111-8111-111111111111"
	userID  = "amzn1.ask.account.AAAA"
)

// at is an instant, n seconds into the tests' day.
func at(n int) time.Time { return time.Date(2026, 3, 1, 0, 0, n, 0, time.UTC) }

func enabled(n int) identity.Fact  { return fact(n, identity.Enabled, "") }
func seen(n int) identity.Fact     { return fact(n, identity.Seen, "") }
func disabled(n int) identity.Fact { return fact(n, identity.Disabled, "") }

func linked(n int, accountID string) identity.Fact { return fact(n, identity.Linked, accountID) }

func fact(n int, kind identity.Kind, accountID string) identity.Fact {
	return identity.Fact{SkillID: skillID, AmazonUserID: userID, At: at(n), Kind: kind, AccountID: accountID}
}

func of(amazonUserID string, fact identity.Fact) identity.Fact {
	fact.AmazonUserID = amazonUserID
	return fact
}

// row is a wanted record: the fact that opens it, and what follows from the
// others. Times are those of [at], none if negative.
type row struct {
	opener              identity.Fact
	account             string
	start, end, enabled int
}

const none = -1

func (r row) record() identity.Record {
	instant := func(n int) time.Time {
		if n == none {
			return time.Time{}
		}
		return at(n)
	}
	return identity.Record{
		ID:            r.opener.ID(),
		SkillID:       r.opener.SkillID,
		AmazonUserID:  r.opener.AmazonUserID,
		AccountID:     r.account,
		StartDatetime: instant(r.start),
		EndDatetime:   instant(r.end),
		EnabledAt:     instant(r.enabled),
	}
}

// histories are named cases. Cases with the same beginning of the name are one case
// before and after a late event.
var histories = []struct {
	name  string
	facts []identity.Fact
	want  []row
}{
	{
		name: "nothing",
	},
	{
		name:  "link, disable",
		facts: []identity.Fact{linked(1, "a"), disabled(5)},
		want:  []row{{linked(1, "a"), "a", 1, 5, none}},
	},
	{
		name:  "enable, link, disable",
		facts: []identity.Fact{enabled(1), linked(2, "a"), disabled(5)},
		want:  []row{{enabled(1), "a", 2, 5, 1}},
	},
	{
		name:  "re-enable with a new user ID",
		facts: []identity.Fact{linked(1, "a"), disabled(5), of("new", enabled(8)), of("new", linked(9, "a"))},
		want:  []row{{linked(1, "a"), "a", 1, 5, none}, {of("new", enabled(8)), "a", 9, none, 8}},
	},
	{
		name:  "disable before link",
		facts: []identity.Fact{disabled(1), linked(5, "a")},
		want:  []row{{disabled(1), "", none, 1, none}, {linked(5, "a"), "a", 5, none, none}},
	},
	{
		name:  "repeated link",
		facts: []identity.Fact{linked(1, "a"), linked(1, "a")},
		want:  []row{{linked(1, "a"), "a", 1, none, none}},
	},
	{
		name:  "relink to the same account",
		facts: []identity.Fact{linked(1, "a"), linked(5, "a")},
		want:  []row{{linked(1, "a"), "a", 1, none, none}},
	},
	{
		name:  "relink to the same account, then a late disable between the two links",
		facts: []identity.Fact{linked(1, "a"), linked(5, "a"), disabled(3)},
		want:  []row{{linked(1, "a"), "a", 1, 3, none}, {linked(5, "a"), "a", 5, none, none}},
	},
	{
		name:  "relink to another account",
		facts: []identity.Fact{enabled(1), linked(2, "a"), linked(5, "b")},
		want:  []row{{enabled(1), "a", 2, 5, 1}, {linked(5, "b"), "b", 5, none, 1}},
	},
	{
		name:  "relink to another account, there and back",
		facts: []identity.Fact{enabled(0), linked(1, "a"), linked(5, "b"), linked(9, "a")},
		want:  []row{{enabled(0), "a", 1, 5, 0}, {linked(5, "b"), "b", 5, 9, 0}, {linked(9, "a"), "a", 9, none, 0}},
	},
	{
		name:  "a late older link of the same account",
		facts: []identity.Fact{linked(5, "a"), linked(1, "a")},
		want:  []row{{linked(1, "a"), "a", 1, none, none}},
	},
	{
		name:  "a late older link of another account",
		facts: []identity.Fact{linked(5, "a"), linked(1, "b")},
		want:  []row{{linked(1, "b"), "b", 1, 5, none}, {linked(5, "a"), "a", 5, none, none}},
	},
	{
		name:  "re-enable with the same user ID and a new link",
		facts: []identity.Fact{enabled(0), linked(1, "a"), disabled(5), enabled(8), linked(9, "a")},
		want:  []row{{enabled(0), "a", 1, 5, 0}, {enabled(8), "a", 9, none, 8}},
	},
	{
		name:  "re-enable with the same user ID without a new link",
		facts: []identity.Fact{enabled(0), linked(1, "a"), disabled(5), enabled(8)},
		want:  []row{{enabled(0), "a", 1, 5, 0}, {enabled(8), "", 8, none, 8}},
	},
	{
		name:  "a late enable from before the link",
		facts: []identity.Fact{linked(5, "a"), disabled(9), enabled(1)},
		want:  []row{{enabled(1), "a", 5, 9, 1}},
	},
	{
		name:  "a late enable from after the link",
		facts: []identity.Fact{linked(1, "a"), enabled(5)},
		want:  []row{{linked(1, "a"), "a", 1, none, none}},
	},
	{
		name:  "enable and link in one second",
		facts: []identity.Fact{linked(1, "a"), enabled(1)},
		want:  []row{{enabled(1), "a", 1, none, 1}},
	},
	{
		name:  "disable and link in one second",
		facts: []identity.Fact{disabled(1), linked(1, "a")},
		want:  []row{{linked(1, "a"), "a", 1, 1, none}},
	},
	{
		name:  "disable and link in one second of a user with an account",
		facts: []identity.Fact{linked(1, "a"), disabled(5), linked(5, "b")},
		want:  []row{{linked(1, "a"), "a", 1, 5, none}, {linked(5, "b"), "b", 5, 5, none}},
	},
	{
		name:  "disable of an unknown user",
		facts: []identity.Fact{disabled(5)},
		want:  []row{{disabled(5), "", none, 5, none}},
	},
	{
		name:  "disable of an unknown user, then the lost link",
		facts: []identity.Fact{disabled(5), linked(1, "a")},
		want:  []row{{linked(1, "a"), "a", 1, 5, none}},
	},
	{
		name:  "two disables",
		facts: []identity.Fact{linked(1, "a"), disabled(5), disabled(7)},
		want:  []row{{linked(1, "a"), "a", 1, 5, none}},
	},
	{
		name:  "two disables of an unknown user",
		facts: []identity.Fact{disabled(5), disabled(7)},
		want:  []row{{disabled(5), "", none, 5, none}},
	},
	{
		name:  "an ignored disable that later serves a late link",
		facts: []identity.Fact{linked(1, "a"), disabled(3), disabled(7), linked(5, "b")},
		want:  []row{{linked(1, "a"), "a", 1, 3, none}, {linked(5, "b"), "b", 5, 7, none}},
	},
	{
		name:  "a link without token",
		facts: []identity.Fact{enabled(0), linked(1, "")},
		want:  []row{{enabled(0), "", 1, none, 0}},
	},
	{
		name:  "a link without token, replayed with one",
		facts: []identity.Fact{enabled(0), linked(1, ""), linked(1, "a")},
		want:  []row{{enabled(0), "a", 1, none, 0}},
	},
	{
		name:  "a relink to an unknown account",
		facts: []identity.Fact{linked(1, "a"), linked(5, "")},
		want:  []row{{linked(1, "a"), "a", 1, 5, none}, {linked(5, ""), "", 5, none, none}},
	},
	{
		name:  "a relink from an unknown account",
		facts: []identity.Fact{linked(1, ""), linked(5, "a")},
		want:  []row{{linked(1, ""), "", 1, 5, none}, {linked(5, "a"), "a", 5, none, none}},
	},
	{
		name:  "a relink to an account that is unknown at first",
		facts: []identity.Fact{linked(1, "a"), linked(5, ""), linked(5, "b")},
		want:  []row{{linked(1, "a"), "a", 1, 5, none}, {linked(5, "b"), "b", 5, none, none}},
	},
	{
		name:  "first seen in a request",
		facts: []identity.Fact{seen(3)},
		want:  []row{{seen(3), "", 3, none, 3}},
	},
	{
		name:  "first seen in a request, then linked",
		facts: []identity.Fact{seen(3), linked(5, "a")},
		want:  []row{{seen(3), "a", 5, none, 3}},
	},
	{
		name:  "seen after disable",
		facts: []identity.Fact{enabled(1), disabled(3), seen(9)},
		want:  []row{{enabled(1), "", 1, 3, 1}, {seen(9), "", 9, none, 9}},
	},
	{
		name:  "seen after disable, then the lost enable arrives",
		facts: []identity.Fact{enabled(1), disabled(3), seen(9), enabled(7)},
		want:  []row{{enabled(1), "", 1, 3, 1}, {enabled(7), "", 7, none, 7}},
	},
	{
		name:  "no linking at all",
		facts: []identity.Fact{enabled(1), seen(2), seen(3), disabled(5)},
		want:  []row{{enabled(1), "", 1, 5, 1}},
	},
	{
		name:  "two links of one instant",
		facts: []identity.Fact{linked(1, "b"), linked(1, "a")},
		want:  []row{{linked(1, "b"), "b", 1, none, none}},
	},
	{
		name:  "two links of one instant, the first as before",
		facts: []identity.Fact{linked(0, "a"), linked(5, "a"), linked(5, "b")},
		want:  []row{{linked(0, "a"), "a", 0, 5, none}, {linked(5, "b"), "b", 5, none, none}},
	},
	{
		name:  "erased, then redelivered: what is left of the user is the disable",
		facts: []identity.Fact{disabled(5), linked(1, "a")},
		want:  []row{{linked(1, "a"), "a", 1, 5, none}},
	},
	{
		name: "the same user ID in two skills",
		facts: []identity.Fact{
			linked(1, "a"), disabled(5),
			{SkillID: "amzn1.ask.skill.0", AmazonUserID: userID, At: at(1), Kind: identity.Linked, AccountID: "a"},
		},
		want: []row{
			{identity.Fact{SkillID: "amzn1.ask.skill.0", AmazonUserID: userID, At: at(1), Kind: identity.Linked, AccountID: "a"}, "a", 1, none, none},
			{linked(1, "a"), "a", 1, 5, none},
		},
	},
	{
		name:  "users of one instant come by user ID",
		facts: []identity.Fact{of("b", linked(1, "x")), of("a", linked(1, "y")), of("c", linked(0, "z"))},
		want:  []row{{of("c", linked(0, "z")), "z", 0, none, none}, {of("a", linked(1, "y")), "y", 1, none, none}, {of("b", linked(1, "x")), "x", 1, none, none}},
	},
	{
		name:  "records without start come first",
		facts: []identity.Fact{of("a", linked(1, "x")), of("b", disabled(9))},
		want:  []row{{of("b", disabled(9)), "", none, 9, none}, {of("a", linked(1, "x")), "x", 1, none, none}},
	},
}

func TestRecords(t *testing.T) {
	for _, test := range histories {
		t.Run(test.name, func(t *testing.T) {
			var want []identity.Record
			for _, row := range test.want {
				want = append(want, row.record())
			}
			given := slices.Clone(test.facts)
			require.Empty(t, cmp.Diff(want, identity.Records(given)))
			require.Equal(t, test.facts, given, "Records changed its input")

			slices.Reverse(given)
			require.Empty(t, cmp.Diff(want, identity.Records(given)), "in reverse")
			require.Empty(t, cmp.Diff(want, identity.Records(append(given, given...))), "twice")
		})
	}
}

// The sample rows of Amazon's page.
func TestRecordsOfTheDocument(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2019, 9, n, 0, 0, 0, 0, time.UTC) }
	row := func(user, account string, start, end int) []identity.Fact {
		return []identity.Fact{
			{SkillID: skillID, AmazonUserID: user, At: day(start), Kind: identity.Linked, AccountID: account},
			{SkillID: skillID, AmazonUserID: user, At: day(end), Kind: identity.Disabled},
		}
	}
	first := row("amzn1.ask.account.AF4RYW7RN5H", "hello_2167671@gmail.com", 1, 6)
	second := row("amzn1.ask.account.AHAD5TCOKQY", "hello_2167672@gmail.com", 15, 20)
	want := []identity.Record{
		{ID: first[0].ID(), SkillID: skillID, AmazonUserID: "amzn1.ask.account.AF4RYW7RN5H", AccountID: "hello_2167671@gmail.com", StartDatetime: day(1), EndDatetime: day(6)},
		{ID: second[0].ID(), SkillID: skillID, AmazonUserID: "amzn1.ask.account.AHAD5TCOKQY", AccountID: "hello_2167672@gmail.com", StartDatetime: day(15), EndDatetime: day(20)},
	}
	require.Empty(t, cmp.Diff(want, identity.Records(append(second, first...))))
}

func TestRecordsIgnoresWhatIsNoPartOfAFact(t *testing.T) {
	elsewhere := time.FixedZone("elsewhere", 3*60*60)
	facts := []identity.Fact{enabled(0), linked(1, "a"), disabled(5)}
	want := identity.Records(facts)
	var dirty []identity.Fact
	for i, fact := range facts {
		fact.At = fact.At.Add(time.Duration(i+1) * 123_456 * time.Nanosecond).In(elsewhere)
		dirty = append(dirty, fact)
	}
	for name, given := range map[string][]identity.Fact{"alone": dirty, "with the clean ones": slices.Concat(dirty, facts)} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(given)
			got := identity.Records(given)
			require.Equal(t, want, got) // Equal, unlike cmp.Diff, sees the zone of a time
			require.Equal(t, before, given, "Records changed its input")
		})
	}
}

func TestRecordsIgnoresInvalidFacts(t *testing.T) {
	given := []identity.Fact{linked(1, "a"), disabled(5)}
	want := identity.Records(given)
	for _, test := range invalidFacts {
		given = append([]identity.Fact{test.fact}, append(given, test.fact)...)
	}
	require.Equal(t, want, identity.Records(given))
}

// benchUser has the length of a real user ID, 225 bytes.
func benchUser(i int) string {
	return fmt.Sprintf("amzn1.ask.account.%s%012d", strings.Repeat("A", 195), i)
}

func benchFacts(user string, account string) []identity.Fact {
	const skill = "amzn1.ask.skill.00000000-0000-4000-8000-000000000001"
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return []identity.Fact{
		{SkillID: skill, AmazonUserID: user, At: start, Kind: identity.Enabled},
		{SkillID: skill, AmazonUserID: user, At: start.Add(time.Second), Kind: identity.Linked, AccountID: account},
		{SkillID: skill, AmazonUserID: user, At: start.Add(time.Hour), Kind: identity.Disabled},
		{SkillID: skill, AmazonUserID: user, At: start.Add(2 * time.Hour), Kind: identity.Enabled},
		{SkillID: skill, AmazonUserID: user, At: start.Add(3 * time.Hour), Kind: identity.Linked, AccountID: account},
	}
}

func benchAccount(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

// filledStore returns a store with three facts for each customer.
func filledStore(tb testing.TB, customers int) *identity.MemoryStore {
	store := new(identity.MemoryStore)
	for i := range customers {
		for _, fact := range benchFacts(benchUser(i), benchAccount(i))[:3] {
			if err := store.AddFact(tb.Context(), fact); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return store
}

func BenchmarkRecords(b *testing.B) {
	facts := benchFacts(benchUser(1), "account")
	for _, n := range []int{2, 3, 5} {
		b.Run(fmt.Sprintf("facts=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(identity.Records(facts[:n])) == 0 {
					b.Fatal("no records")
				}
			}
		})
	}
}
