package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// drawFacts draws facts of few users, accounts and seconds, so that they often
// meet.
func drawFacts(t *rapid.T) []identity.Fact {
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) identity.Fact {
		fact := identity.Fact{
			SkillID:      rapid.SampledFrom([]string{skillID, "skill, \"2\""}).Draw(t, "skill"),
			AmazonUserID: rapid.SampledFrom([]string{"user-1", " user\n2"}).Draw(t, "user"),
			At:           at(rapid.IntRange(0, 6).Draw(t, "at")).Add(rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond}).Draw(t, "after")),
			Kind:         rapid.SampledFrom([]identity.Kind{identity.Enabled, identity.Seen, identity.Linked, identity.Linked, identity.Disabled}).Draw(t, "kind"),
		}
		if fact.Kind == identity.Linked {
			fact.AccountID = rapid.SampledFrom([]string{"", "a", "=b", "'-b", "<é\u2028\ufffd\r🔑>"}).Draw(t, "account")
		}
		return fact
	})).Draw(t, "facts")
}

// An export that is imported into another store gives the same records, also the
// second time.
func TestThereAndBack(t *testing.T) {
	onEach(t, func(t *testing.T, format transfer.Format) {
		rapid.Check(t, func(t *rapid.T) {
			facts := drawFacts(t)
			file := exported(t, format, filled(t, facts))
			there := imported(t, format, file)
			require.Empty(t, cmp.Diff(table(facts), table(there)), "%s", file)

			// The importing store has the same records as the exporting one.
			again := imported(t, format, exported(t, format, filled(t, there)))
			require.Empty(t, cmp.Diff(table(facts), table(again)))
		})
	})
}

// Every set of up to five facts from those in which all rules meet, each of a
// user of its own.
func TestEverySetThereAndBack(t *testing.T) {
	var alphabet []identity.Fact
	for n := range 3 {
		alphabet = append(alphabet, factOf("", n, identity.Enabled, ""), factOf("", n, identity.Disabled, ""),
			factOf("", n, identity.Linked, ""), factOf("", n, identity.Linked, "a"), factOf("", n, identity.Linked, "b"))
	}
	var facts []identity.Fact
	for set := range uint(1) << len(alphabet) {
		if bits.OnesCount(set) > 5 {
			continue
		}
		for i, fact := range alphabet {
			if set&(1<<i) != 0 {
				fact.AmazonUserID = fmt.Sprint("user-", set)
				facts = append(facts, fact)
			}
		}
	}
	there := imported(t, transfer.CSV, exported(t, transfer.CSV, filled(t, facts)))
	require.Empty(t, cmp.Diff(table(facts), table(there)))
	require.Empty(t, cmp.Diff(table(facts), table(append(facts, there...))), "in the same store")
}

// Any rows of a user are either refused, or imported so that each row holds at each of
// its instants and the user has no account at others.
func TestAnyRows(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		type row struct {
			account    string
			start, end int
		}
		const open = 9
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
			r := row{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "account"), rapid.IntRange(1, 5).Draw(t, "start"), open}
			if rapid.IntRange(0, 2).Draw(t, "ended") > 0 {
				r.end = rapid.IntRange(r.start, 6).Draw(t, "end")
			}
			return r
		}), 1, 4).Draw(t, "rows")
		file := "AmazonUserID,AccountID,StartDatetime,EndDatetime\n"
		for _, r := range rows {
			end := ""
			if r.end != open {
				end = at(r.end).Format(time.RFC3339)
			}
			file += fmt.Sprintf("u,%s,%s,%s\n", r.account, at(r.start).Format(time.RFC3339), end)
		}
		store := new(identity.MemoryStore)
		if err := (&transfer.Import{SkillID: skillID}).Customers(t.Context(), store, strings.NewReader(file)); err != nil {
			require.ErrorIs(t, err, transfer.ErrInvalidFile)
			return
		}
		accepted++
		for n := 1; n < 8; n++ {
			want := ""
			for _, r := range rows {
				followed := func(next row) bool { return next.start > r.start && next.start <= n }
				if r.start <= n && n < r.end && (r.end != open || !slices.ContainsFunc(rows, followed)) {
					want = r.account
				}
			}
			got, err := identity.Account(t.Context(), store, skillID, "u", at(n))
			if want == "" {
				require.ErrorIs(t, err, identity.ErrNoRecord, "at %d:\n%s", n, file)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, want, got, "at %d:\n%s", n, file)
		}
	})
	if !testing.Short() { // a short run draws a fifth of the files
		require.Greater(t, accepted, 20)
	}
}

// A table goes into the store that it came from, and changes nothing in what
// that says.
func TestIntoTheSameStore(t *testing.T) {
	onEach(t, func(t *testing.T, format transfer.Format) {
		rapid.Check(t, func(t *rapid.T) {
			facts := drawFacts(t)
			file := exported(t, format, filled(t, facts))
			both := append(slices.Clone(facts), imported(t, format, file)...)
			require.Empty(t, cmp.Diff(table(facts), table(both)))
		})
	})
}

// manyFacts are the facts of enough users for several batches.
func manyFacts(users int) (facts []identity.Fact) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range users {
		user := fmt.Sprintf("user-%d", n)
		facts = append(facts, factOf(user, n, identity.Linked, fmt.Sprintf("account-%d", n)))
		for last := n; random.IntN(3) > 0; {
			last += 1 + random.IntN(5)
			facts = append(facts, factOf(user, last, identity.Kind(1+random.IntN(4)), ""))
		}
	}
	return facts
}

// bulkStore adds many facts at once. It fails in the middle of some call.
type bulkStore struct {
	identity.MemoryStore
	failAt int // number of the call that fails; 0 means none
	calls  int
	added  int // the facts of all calls
}

func (s *bulkStore) AddFacts(ctx context.Context, facts []identity.Fact) error {
	s.calls++
	s.added += len(facts)
	if s.calls == s.failAt {
		facts = facts[:len(facts)/2]
	}
	for _, fact := range facts {
		if err := s.AddFact(ctx, fact); err != nil {
			return err
		}
	}
	if s.calls == s.failAt {
		return errBroken
	}
	return nil
}

// An import that is cut short anywhere, by its file, its store or its context,
// comes to the same end when it is started again.
func TestRestart(t *testing.T) {
	facts := manyFacts(1000) // for three calls of AddFacts: a context that ends in the last one is too late
	files := make(map[transfer.Format]string)
	for _, format := range []transfer.Format{transfer.CSV, transfer.JSONLines} {
		files[format] = exported(t, format, filled(t, facts))
	}
	want := imported(t, transfer.CSV, files[transfer.CSV])
	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom([]transfer.Format{transfer.CSV, transfer.JSONLines}).Draw(t, "format")
		file := files[format]
		store := new(bulkStore)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var source io.Reader = strings.NewReader(file)
		reported := 0
		i := &transfer.Import{Format: format, Progress: func(rows int) {
			require.Greater(t, rows, reported)
			reported = rows
		}}
		switch rapid.SampledFrom([]string{"file", "store", "context"}).Draw(t, "cut") {
		case "file":
			length := rapid.IntRange(0, len(file)-1).Draw(t, "length")
			source = io.MultiReader(strings.NewReader(file[:length]), iotest.ErrReader(errBroken))
		case "store":
			store.failAt = rapid.IntRange(1, 2).Draw(t, "call")
		case "context":
			calls := rapid.IntRange(1, 2).Draw(t, "calls")
			progress := i.Progress
			i.Progress = func(rows int) {
				if progress(rows); store.calls == calls {
					cancel()
				}
			}
		}
		err := i.Customers(ctx, store, source)
		require.True(t, errors.Is(err, errBroken) || errors.Is(err, context.Canceled), "%v", err)

		i.Skip = rapid.SampledFrom([]int{0, reported, reported / 2}).Draw(t, "skip")
		reported, store.failAt = 0, 0
		require.NoError(t, i.Customers(t.Context(), store, strings.NewReader(file)))
		require.Equal(t, want, collect(t, store.Facts(t.Context())))
	})
}

// An accepted file can be exported and imported again with the same effect. Any other
// file gives ErrInvalidFile.
func FuzzImportCustomers(f *testing.F) {
	for _, file := range []string{
		"ID,AmazonUserID,AccountID,StartDatetime,EndDatetime\n1,u,a,2019-09-01T00:00:00Z,2019-09-06T00:00:00Z\n2,u,b,2019-09-06T00:00:00Z,\n",
		"\ufeffSkillID,AmazonUserID,EndDateTime,EnabledAt,StartDateTime\r\ns,u,,2019-09-01T00:00:00.5Z,2019-09-01T00:00:01+02:00\r\n",
		"AmazonUserID,EndDatetime\n\"u\n\"\"\",2019-09-06T00:00:00Z\nu,2019-09-06T00:00:00Z\n",
		"AmazonUserID,AccountID,StartDatetime\n'=u,''@a,2019-09-01T00:00:00Z\n",
	} {
		f.Add(false, file)
	}
	for _, file := range []string{
		`{"AmazonUserID":"u","AccountID":7,"StartDatetime":"2019-09-01T00:00:00Z","EndDatetime":null}`,
		`{"SkillID":"s","AmazonUserID":"u","StartDateTime":"2019-09-01T00:00:01Z","EnabledAt":"2019-09-01T00:00:00Z"}` + "\n" + `{"ID":1}`,
		`{"AmazonUserID":"\ud83d\udd11\r\n","EndDateTime":"2019-09-01T00:00:01Z"}`,
	} {
		f.Add(true, file)
	}
	f.Fuzz(func(t *testing.T, lines bool, file string) {
		i := &transfer.Import{SkillID: skillID}
		if lines {
			i.Format = transfer.JSONLines
		}
		store := new(identity.MemoryStore)
		err := i.Customers(t.Context(), store, strings.NewReader(file))
		if err != nil && !errors.Is(err, transfer.ErrInvalidFile) {
			t.Fatal(err)
		}
		facts := collect(t, store.Facts(t.Context()))
		require.Empty(t, cmp.Diff(table(facts), table(imported(t, transfer.JSONLines, exported(t, transfer.JSONLines, store)))))
	})
}

func FuzzImportGrants(f *testing.F) {
	f.Add(false, "AccountID,LinkID,RefreshToken,AccessToken,IssuedAt,Expiry,ConfirmedAt,Region,Refused,CodeHash\n"+
		"a,l,Atzr|1,Atza|1,2019-09-01T00:00:00Z,2019-09-01T01:00:00Z,,EU,,hash\na,,Atzr|2,,,,,,hash,\n")
	f.Add(true, `{"ClientID":"c","AccountID":1,"LinkID":2,"RefreshToken":"\"Atzr|1\"","IssuedAt":"2019-09-01T00:00:00.12+02:00","Region":"FE"}`)
	f.Fuzz(func(t *testing.T, lines bool, file string) {
		i := &transfer.Import{ClientID: "client"}
		if lines {
			i.Format = transfer.JSONLines
		}
		store, again := new(lwa.MemoryStore), new(lwa.MemoryStore)
		err := i.Grants(t.Context(), store, strings.NewReader(file))
		if err != nil && !errors.Is(err, transfer.ErrInvalidFile) {
			t.Fatal(err)
		}
		var copied bytes.Buffer
		require.NoError(t, (&transfer.Export{Format: transfer.JSONLines}).Grants(&copied, store.Grants(t.Context())))
		require.NoError(t, (&transfer.Import{Format: transfer.JSONLines}).Grants(t.Context(), again, &copied))
		require.Empty(t, cmp.Diff(collect(t, store.Grants(t.Context())), collect(t, again.Grants(t.Context()))))
		var table bytes.Buffer
		if new(transfer.Export).Grants(&table, store.Grants(t.Context())) != nil {
			return // a cell has a line break that CSV does not keep
		}
		again = new(lwa.MemoryStore)
		require.NoError(t, new(transfer.Import).Grants(t.Context(), again, &table))
		require.Empty(t, cmp.Diff(collect(t, store.Grants(t.Context())), collect(t, again.Grants(t.Context()))))
	})
}
