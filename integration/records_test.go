package integration

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// Facts in any order and with duplicates give the same records.
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

// only returns the elements that which selects, nil without one.
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

// row is a row of the view alexa_customers; NULL is the text "NULL".
type row struct {
	ID, AmazonUserID, AccountID, StartDatetime, EndDatetime, SkillID, EnabledAt string
}

const selectRows = `
SELECT ID, AmazonUserID, coalesce(AccountID, 'NULL'), coalesce(StartDatetime, 'NULL'),
    coalesce(EndDatetime, 'NULL'), SkillID, coalesce(EnabledAt, 'NULL')
FROM alexa_customers `

func viewRows(ctx context.Context, db *sql.DB, where string, args ...any) ([]row, error) {
	rows, err := db.QueryContext(ctx, selectRows+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		var r row
		err := rows.Scan(&r.ID, &r.AmazonUserID, &r.AccountID, &r.StartDatetime, &r.EndDatetime, &r.SkillID, &r.EnabledAt)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, compareRows)
	return all, rows.Err()
}

// rowsOf returns the rows that the view must have for the facts.
func rowsOf(facts []identity.Fact) []row {
	var all []row
	for _, r := range identity.Records(facts) {
		all = append(all, row{
			ID:            r.ID,
			AmazonUserID:  r.AmazonUserID,
			AccountID:     cmp.Or(r.AccountID, "NULL"),
			StartDatetime: timeText(r.StartDatetime),
			EndDatetime:   timeText(r.EndDatetime),
			SkillID:       r.SkillID,
			EnabledAt:     timeText(r.EnabledAt),
		})
	}
	slices.SortFunc(all, compareRows)
	return all
}

func compareRows(a, b row) int { return cmp.Compare(a.ID, b.ID) }

func timeText(at time.Time) string {
	switch {
	case at.IsZero():
		return "NULL"
	case at.Nanosecond() == 0:
		return at.Format("2006-01-02T15:04:05Z")
	default:
		return at.Format("2006-01-02T15:04:05.000Z")
	}
}

// The table of Amazon's document: two customers who linked and disabled, and
// one who still has the skill.
func TestViewDocument(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		store := d.storeOn(t, db)
		day := func(day int) time.Time { return time.Date(2019, 9, day, 0, 0, 0, 0, time.UTC) }
		for _, fact := range []identity.Fact{
			linked("amzn1.ask.account.FIRST", "first@example.com", day(1)),
			disabled("amzn1.ask.account.FIRST", day(6)),
			linked("amzn1.ask.account.SECOND", "second@example.com", day(15)),
			disabled("amzn1.ask.account.SECOND", day(20)),
			linked("amzn1.ask.account.THIRD", "third@example.com", day(21).Add(1500*time.Millisecond)),
		} {
			require.NoError(t, store.AddFact(t.Context(), fact))
		}
		rows, err := viewRows(t.Context(), db, "")
		require.NoError(t, err)
		slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.StartDatetime, b.StartDatetime) })
		for i := range rows {
			require.Regexp(t, "^[0-9a-f]{32}$", rows[i].ID)
			rows[i].ID = ""
		}
		require.Equal(t, []row{
			{"", "amzn1.ask.account.FIRST", "first@example.com", "2019-09-01T00:00:00Z", "2019-09-06T00:00:00Z", skill, "NULL"},
			{"", "amzn1.ask.account.SECOND", "second@example.com", "2019-09-15T00:00:00Z", "2019-09-20T00:00:00Z", skill, "NULL"},
			{"", "amzn1.ask.account.THIRD", "third@example.com", "2019-09-21T00:00:01.500Z", "NULL", skill, "NULL"},
		}, rows)
	})
}

func TestViewIsRecords(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		store := d.storeOn(t, db)

		// Few values, so that instants, users and accounts collide all the time.
		instants := rapid.OneOf(
			rapid.Int64Range(1, 6),
			rapid.SampledFrom([]int64{999, 1000, 1001, -1, -999, -1000, -1001}),
			rapid.Int64Range(time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli()),
		)
		facts := rapid.Custom(func(t *rapid.T) identity.Fact {
			fact := identity.Fact{
				SkillID:      rapid.SampledFrom([]string{"s", "S"}).Draw(t, "skill"),
				AmazonUserID: rapid.SampledFrom([]string{"u", "U", "u "}).Draw(t, "user"),
				At:           time.UnixMilli(instants.Draw(t, "at")).UTC(),
				Kind:         rapid.SampledFrom([]identity.Kind{identity.Enabled, identity.Seen, identity.Linked, identity.Linked, identity.Disabled}).Draw(t, "kind"),
			}
			if fact.Kind == identity.Linked {
				fact.AccountID = rapid.SampledFrom([]string{"", "a", "A", "ä\tb"}).Draw(t, "account")
			}
			return fact
		})
		rapid.Check(t, func(r *rapid.T) {
			_, err := db.ExecContext(t.Context(), "DELETE FROM alexa_facts")
			require.NoError(r, err)
			history := rapid.SliceOfN(facts, 0, 24).Draw(r, "history")
			for _, fact := range history {
				require.NoError(r, store.AddFact(t.Context(), fact))
			}
			where, args := "", []any(nil)
			if rapid.Bool().Draw(r, "one user") {
				where, args = "WHERE AmazonUserID = $1 AND SkillID = $2", []any{"u", "s"}
				history = slices.DeleteFunc(history, func(f identity.Fact) bool { return f.AmazonUserID != "u" || f.SkillID != "s" })
			}
			rows, err := viewRows(t.Context(), db, where, args...)
			require.NoError(r, err)
			require.Empty(r, gocmp.Diff(rowsOf(history), rows))
		})
	})
}

// Every history that can be made of a few facts, each as a user of its own.
func TestViewOfEveryHistory(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		const instants = 3
		for name, kinds := range map[string][]identity.Fact{
			"two accounts":       {linked("", "a", monday), linked("", "b", monday), disabled("", monday)},
			"an unknown account": {enabled("", monday), linked("", "", monday), disabled("", monday)},
		} {
			t.Run(name, func(t *testing.T) {
				d := create(t)
				db := d.open(t)
				store := d.storeOn(t, db)
				var all []identity.Fact
				for history := range 1 << (instants * len(kinds)) {
					for i := range instants * len(kinds) {
						if history&(1<<i) == 0 {
							continue
						}
						fact := kinds[i%len(kinds)]
						fact.AmazonUserID = fmt.Sprintf("user-%d", history)
						fact.At = fact.At.Add(time.Duration(i/len(kinds)) * time.Second)
						all = append(all, fact)
					}
				}
				rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				for _, fact := range all {
					require.NoError(t, store.AddFact(t.Context(), fact))
				}
				rows, err := viewRows(t.Context(), db, "")
				require.NoError(t, err)
				require.Empty(t, gocmp.Diff(rowsOf(all), rows))
			})
		}
	})
}

// A query for a user must not read the whole table.
func TestViewUsesTheKey(t *testing.T) {
	const users = "(SELECT amazon_user_id FROM alexa_facts WHERE account_id = $1 AND account_id <> '')"
	onEach(t, func(t *testing.T, create newDatabase) {
		d := create(t)
		db := d.open(t)
		d.storeOn(t, db)
		_, err := db.Exec(`
			INSERT INTO alexa_facts (amazon_user_id, skill_id, at, kind, account_id, id)
			WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
			SELECT 'user-' || n, 's', n, 3, 'account-' || n, 'id-' || n FROM numbers`)
		require.NoError(t, err)
		explain, key, scan := "EXPLAIN QUERY PLAN ", `SEARCH this USING PRIMARY KEY \(amazon_user_id=\?`, "SCAN"
		ofAccount := "AmazonUserID IN " + users
		if d.Dialect == sqlstore.Postgres {
			_, err := db.Exec("VACUUM ANALYZE alexa_facts")
			require.NoError(t, err)
			explain, key, scan = "EXPLAIN ", `Index Cond: \(+amazon_user_id = (ANY|'user-7')`, "Seq Scan"
			ofAccount = "AmazonUserID = ANY (ARRAY" + users + ")"
		}
		for _, where := range []string{
			"AmazonUserID = $1",
			"AmazonUserID IN ($1, 'v') AND EndDatetime IS NULL",
			"AmazonUserID = $1 AND SkillID = 's'",
			ofAccount,
		} {
			t.Run(where, func(t *testing.T) {
				plan := planOf(t, db, explain+"SELECT * FROM alexa_customers WHERE "+where, "user-7")
				require.Regexp(t, key, plan)
				require.NotContains(t, plan, scan)
			})
		}
		require.Contains(t, planOf(t, db, explain+"SELECT * FROM alexa_customers"), scan)
	})
}

// planOf returns the last column of all rows.
func planOf(t *testing.T, db *sql.DB, query string, args ...any) string {
	rows, err := db.QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	step := new(string)
	values[len(values)-1] = step
	var plan strings.Builder
	for rows.Next() {
		require.NoError(t, rows.Scan(values...))
		plan.WriteString(*step + "\n")
	}
	require.NoError(t, rows.Err())
	return plan.String()
}
