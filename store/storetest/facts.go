package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

const (
	skill      = "amzn1.ask.skill.11111111-1111-4111-8111-111111111111"
	otherSkill = "amzn1.ask.skill.22222222-2222-4222-8222-222222222222"
)

// elsewhere is a time zone that differs from UTC.
var elsewhere = time.FixedZone("elsewhere", 5*60*60+30*60)

// at is an instant, n seconds into the day of the checks.
func at(n int) time.Time { return time.Date(2026, 3, 1, 0, 0, n, 0, time.UTC) }

func enabled(user string, n int) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: user, At: at(n), Kind: identity.Enabled}
}

func linked(user string, n int, account string) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: user, At: at(n), Kind: identity.Linked, AccountID: account}
}

func disabled(user string, n int) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: user, At: at(n), Kind: identity.Disabled}
}

func in(skillID string, fact identity.Fact) identity.Fact {
	fact.SkillID = skillID
	return fact
}

// checkDocument compares the store with the sample rows of Amazon's page, not with the
// result of Records.
func checkDocument(t *trial) {
	day := func(n int) time.Time { return time.Date(2019, 9, n, 0, 0, 0, 0, time.UTC) }
	first := linked("amzn1.ask.account.AF4RYW7RN5H", 0, "hello_2167671@gmail.com")
	second := linked("amzn1.ask.account.AHAD5TCOKQY", 0, "hello_2167672@gmail.com")
	first.At, second.At = day(1), day(15)
	firstEnd, secondEnd := disabled(first.AmazonUserID, 0), disabled(second.AmazonUserID, 0)
	firstEnd.At, secondEnd.At = day(6), day(20)
	t.add(secondEnd, second, firstEnd, first)
	for opener, end := range map[identity.Fact]time.Time{first: day(6), second: day(20)} {
		want := []identity.Record{{
			ID: opener.ID(), SkillID: skill, AmazonUserID: opener.AmazonUserID, AccountID: opener.AccountID,
			StartDatetime: opener.At, EndDatetime: end,
		}}
		t.compare(fmt.Sprintf("UserRecords(skill, %q)", opener.AmazonUserID), want, t.store.UserRecords(t.ctx, skill, opener.AmazonUserID))
		t.compare(fmt.Sprintf("AccountRecords(%q)", opener.AccountID), want, t.store.AccountRecords(t.ctx, opener.AccountID))
	}
}

func checkEmpty(t *trial) {
	t.expectUser(skill, "user")
	t.expectUser("", "user")
	t.expectAccount("account")
	t.eraseUser(skill, "user")
	t.eraseUser("", "user")
	t.eraseAccount("account")
	t.purge(at(0))
	t.expectUser(skill, "user")
}

// checkOrder gives each order of the same facts a user of its own.
func checkOrder(t *trial) {
	facts := []identity.Fact{enabled("", 1), linked("", 2, "a"), disabled("", 5), linked("", 7, "b")}
	var arrange func(fixed int)
	orders := 0
	arrange = func(fixed int) {
		if fixed == len(facts) {
			orders++
			for _, f := range facts {
				f.AmazonUserID = fmt.Sprintf("user-%d", orders)
				t.add(f)
			}
			return
		}
		for i := fixed; i < len(facts); i++ {
			facts[fixed], facts[i] = facts[i], facts[fixed]
			arrange(fixed + 1)
			facts[fixed], facts[i] = facts[i], facts[fixed]
		}
	}
	arrange(0)
	t.expectAll()
}

func checkRepetition(t *trial) {
	facts := []identity.Fact{enabled("user", 1), linked("user", 2, "a"), disabled("user", 5)}
	t.add(facts...)
	t.add(facts...)
	t.expectAll()
	t.add(facts...)
	t.expectAll()
	t.eraseUser(skill, "user")
	t.expectAll()
}

// checkInstant: Enabled, Seen, Linked, Disabled is the order of one instant,
// and of several links there the last one counts, by the bytes of the account.
func checkInstant(t *trial) {
	seen := enabled("all", 1)
	seen.Kind = identity.Seen
	t.add(disabled("all", 1), linked("all", 1, "a"), seen, enabled("all", 1))
	t.add(linked("links", 1, "b"), linked("links", 1, "a"), linked("links", 1, ""))
	t.add(linked("found", 1, ""), linked("found", 1, "a"))
	t.add(linked("moved", 1, "a"), linked("moved", 5, "a"), linked("moved", 5, "B"), linked("moved", 5, "b"))
	t.expectAll()
}

func checkTimes(t *trial) {
	facts := []identity.Fact{enabled("user", 1), linked("user", 2, "a"), disabled("user", 5)}
	for i, f := range facts {
		f.At = f.At.Add(time.Duration(i)*time.Millisecond + 999_999*time.Nanosecond).In(elsewhere)
		t.add(f)
		f.At = f.At.Add(-time.Microsecond).UTC()
		t.add(f)
	}
	t.expectAll()
	late, early := enabled("far", 0), disabled("far", 0)
	early.At = time.Date(1, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC)
	late.At = time.Date(9999, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC)
	t.add(late, early)
	epoch := time.Unix(0, 0) // not the zero time
	start, end := linked("of 1970", 0, "a"), disabled("until 1970", 0)
	start.At, end.At = epoch, epoch
	t.add(start, end)
	t.expectAll()
	for record, err := range t.store.UserRecords(t.ctx, skill, "user") {
		if err != nil || record.StartDatetime.Nanosecond() != int(time.Millisecond) {
			t.fail("UserRecords gave the StartDatetime %s and the error %v; it must be cut to %s", record.StartDatetime, err, at(2).Add(time.Millisecond))
		}
	}
}

func checkInvalid(t *trial) {
	invalid := map[string]identity.Fact{
		"no skill":                       {AmazonUserID: "user", At: at(1), Kind: identity.Enabled},
		"no user":                        {SkillID: skill, At: at(1), Kind: identity.Enabled},
		"no time":                        {SkillID: skill, AmazonUserID: "user", Kind: identity.Enabled},
		"no kind":                        {SkillID: skill, AmazonUserID: "user", At: at(1)},
		"an unknown kind":                {SkillID: skill, AmazonUserID: "user", At: at(1), Kind: identity.Disabled + 1},
		"an account on Enabled":          {SkillID: skill, AmazonUserID: "user", At: at(1), Kind: identity.Enabled, AccountID: "a"},
		"an account on Disabled":         {SkillID: skill, AmazonUserID: "user", At: at(1), Kind: identity.Disabled, AccountID: "a"},
		"a time after the year 9999":     {SkillID: skill, AmazonUserID: "user", At: at(1).AddDate(8000, 0, 0), Kind: identity.Enabled},
		"a time that is zero in seconds": {SkillID: skill, AmazonUserID: "user", At: time.Time{}.Add(time.Microsecond), Kind: identity.Enabled},
	}
	for name, f := range invalid {
		if err := t.store.AddFact(t.ctx, f); !errors.Is(err, identity.ErrInvalidFact) {
			t.fail("AddFact of a fact with %s must give ErrInvalidFact and gave the error %v", name, err)
		}
	}
	t.known = append(t.known, linked("user", 1, "a"))
	t.expectAll()
}

// checkText uses IDs that a wrong comparison treats as equal.
func checkText(t *trial) {
	alike := []string{
		"amzn1.ask.account.ABC", "amzn1.ask.account.abc", "amzn1.ask.account.ABC ", " amzn1.ask.account.ABC",
		"amzn1.ask.account.AB_", "amzn1.ask.account.AB%", "amzn1.ask.account.AB*", "amzn1.ask.account.ABC\t",
		"stra\u00dfe", "strasse", "STRASSE",
		"\u00e9", "e\u0301", // é in one character and in two
		"\u212b", "\u00c5", // the sign and the letter Å
		"I", "i", "\u0130", "\u0131", // with and without the dot
		"\U0001f600", "\uffff", "\u200b", "0", "00", "1e3", "1000", "null", "''", `"`, `\`, "a:b", "a/b", "a#b",
	}
	for i, text := range alike {
		t.add(linked(text, i, text))
		t.add(in(text, linked("user", i, "shared")))
	}
	t.expectAll()
	for _, text := range alike[:len(alike)/2] {
		t.eraseAccount(text)
		t.eraseUser(text, "user")
	}
	t.expectAll()
}

// unkeepable is text that no store keeps, since some databases cannot store it.
var unkeepable = []string{"\x00", "user\x00", "\xff", "user\xc3"}

// checkUnkeepableText looks up and erases text that Fact.Clean refuses.
func checkUnkeepableText(t *trial) {
	t.add(linked("user", 1, "a"), disabled("user", 5))
	for _, text := range unkeepable {
		// Invalid UTF-8 may be stored as the text with replacement characters.
		near := strings.ToValidUTF8(text, "\ufffd")
		if near != text {
			t.add(linked(near, 1, near), in(near, linked("user", 1, near)))
		}
		for field, f := range map[string]identity.Fact{
			"skill":   in(text, linked("user", 2, "a")),
			"user":    linked(text, 2, "a"),
			"account": linked("user", 2, text),
		} {
			if err := t.store.AddFact(t.ctx, f); !errors.Is(err, identity.ErrInvalidFact) {
				t.fail("AddFact of a fact with the %s %q must give ErrInvalidFact and gave the error %v", field, text, err)
			}
		}
		t.expectUser(skill, text)
		t.expectUser("", text)
		t.expectUser(text, "user")
		t.expectAccount(text)
		t.eraseUser(skill, text)
		t.eraseUser(text, "user")
		t.eraseAccount(text)
	}
	t.expectAll()
}

// checkLongText: a user ID has at most 255 characters, and an account ID is the
// backend's own.
func checkLongText(t *trial) {
	for _, character := range []string{"A", "\u00e9", "\U0001f600"} {
		long := strings.Repeat(character, 254)
		for i, end := range []string{"1", "2"} {
			t.add(enabled(long+end, 1), linked(long+end, 2+i, long+end), disabled(long+end, 5))
		}
	}
	t.expectAll()
}

func checkSkills(t *trial) {
	t.add(linked("user", 3, "a"), in(otherSkill, enabled("user", 1)), in(otherSkill, linked("user", 4, "b")))
	t.add(in(otherSkill, disabled("user", 5)), in("third", disabled("user", 2)))
	t.add(linked("neighbour", 2, "a"))
	t.expectAll()
}

// checkConcurrency adds facts from several goroutines, some of them the same,
// while all read, and erase and purge what is not there.
func checkConcurrency(t *trial) {
	const rounds = 6
	facts := func(goroutine, round int) []identity.Fact {
		own := fmt.Sprintf("user-%d", goroutine)
		return []identity.Fact{
			linked("shared", round, fmt.Sprintf("a-%d", round%3)), // every goroutine adds this one
			enabled(own, round*10),
			linked(own, round*10+1, "shared"),
			disabled("shared", 10+goroutine),
		}
	}
	t.atOnce("every method", rounds, func(goroutine, round int) error {
		for _, fact := range facts(goroutine, round) {
			if err := t.store.AddFact(t.ctx, fact); err != nil {
				return fmt.Errorf("AddFact(%s): %w", describe(fact), err)
			}
		}
		for _, err := range t.store.AccountRecords(t.ctx, "shared") {
			if err != nil {
				return fmt.Errorf("AccountRecords: %w", err)
			}
		}
		for call, err := range map[string]error{
			"EraseUser":    t.store.EraseUser(t.ctx, skill, "nobody"),
			"EraseAccount": t.store.EraseAccount(t.ctx, "nobody"),
			"Purge":        t.store.Purge(t.ctx, at(0)),
		} {
			if err != nil {
				return fmt.Errorf("%s: %w", call, err)
			}
		}
		return nil
	})
	for goroutine := range goroutines {
		for round := range rounds {
			t.holds(facts(goroutine, round))
		}
	}
	t.expectAll()
}

// checkRandom runs histories of few users, accounts and seconds, so that facts often
// conflict, and erases and purges now and then. The seed is fixed, so a failure is
// repeatable.
func checkRandom(t *trial) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	kinds := []identity.Kind{identity.Enabled, identity.Seen, identity.Linked, identity.Linked, identity.Linked, identity.Disabled, identity.Disabled}
	for range 300 {
		skillID, userID := pick(skill, otherSkill), fmt.Sprintf("user-%d", random.IntN(4))
		switch random.IntN(40) {
		case 0:
			t.eraseUser(pick(skillID, ""), userID)
			t.expectAll()
		case 1:
			t.eraseAccount(pick("a", "b", "c"))
			t.expectAll()
		case 2:
			t.purge(at(random.IntN(12)))
			t.expectAll()
		default:
			f := identity.Fact{SkillID: skillID, AmazonUserID: userID, At: at(random.IntN(12)), Kind: kinds[random.IntN(len(kinds))]}
			if f.Kind == identity.Linked {
				f.AccountID = pick("", "a", "b", "c")
			}
			t.add(f)
			t.expectUser(skillID, userID)
		}
	}
	t.expectAll()
}
