package transfer_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// tb is a test, of rapid too.
type tb interface {
	require.TestingT
	Context() context.Context
}

func onEach(t *testing.T, test func(*testing.T, transfer.Format)) {
	for name, format := range map[string]transfer.Format{"CSV": transfer.CSV, "JSONLines": transfer.JSONLines} {
		t.Run(name, func(t *testing.T) { test(t, format) })
	}
}

const skillID = "amzn1.ask.skill.1"

// at is an instant n seconds after midnight.
func at(n int) time.Time { return time.Date(2026, 3, 1, 0, 0, n, 0, time.UTC) }

func factOf(user string, n int, kind identity.Kind, accountID string) identity.Fact {
	return identity.Fact{SkillID: skillID, AmazonUserID: user, At: at(n), Kind: kind, AccountID: accountID}
}

// collect returns what an iterator yields that must not fail.
func collect[T any](t tb, all iter.Seq2[T, error]) []T {
	var collected []T
	for value, err := range all {
		require.NoError(t, err)
		collected = append(collected, value)
	}
	return collected
}

// filled returns a store with the facts.
func filled(t tb, facts []identity.Fact) *identity.MemoryStore {
	store := new(identity.MemoryStore)
	for _, fact := range facts {
		require.NoError(t, store.AddFact(t.Context(), fact))
	}
	return store
}

// table returns the records of facts, without what a table does not keep.
func table(facts []identity.Fact) []identity.Record {
	records := identity.Records(facts)
	for i := range records {
		records[i].ID, records[i].EnabledAt = "", time.Time{}
	}
	return records
}

// exported returns the table of a store's customers.
func exported(t tb, format transfer.Format, store *identity.MemoryStore) string {
	var file bytes.Buffer
	require.NoError(t, (&transfer.Export{Format: format}).Customers(&file, store.Facts(t.Context())))
	return file.String()
}

// imported returns the facts that a table makes in an empty store.
func imported(t tb, format transfer.Format, file string) []identity.Fact {
	store := new(identity.MemoryStore)
	require.NoError(t, (&transfer.Import{Format: format, SkillID: skillID}).Customers(t.Context(), store, strings.NewReader(file)))
	return collect(t, store.Facts(t.Context()))
}

func putGrant(t tb, store lwa.Store, grant lwa.Grant) {
	require.NoError(t, store.UpdateGrant(t.Context(), grant.Key, func(g *lwa.Grant) error { *g = grant; return nil }))
}

// A copy has the very facts, by whichever method they are added.
func TestFacts(t *testing.T) {
	from := filled(t, manyFacts(1500))
	want := collect(t, from.Facts(t.Context()))

	oneByOne := new(identity.MemoryStore)
	require.NoError(t, transfer.Facts(t.Context(), oneByOne, from.Facts(t.Context())))
	require.Equal(t, want, collect(t, oneByOne.Facts(t.Context())))

	bulk := &bulkStore{failAt: 2}
	require.ErrorIs(t, transfer.Facts(t.Context(), bulk, from.Facts(t.Context())), errBroken)
	require.NoError(t, transfer.Facts(t.Context(), bulk, from.Facts(t.Context())))
	require.Equal(t, want, collect(t, bulk.Facts(t.Context())))

	bulk = new(bulkStore)
	require.NoError(t, transfer.Facts(t.Context(), bulk, from.Facts(t.Context())))
	require.Equal(t, len(want), bulk.added)
	require.Equal(t, len(want)/1000+1, bulk.calls)

	require.NoError(t, transfer.Facts(t.Context(), bulk, new(identity.MemoryStore).Facts(t.Context())))
	failed := func(yield func(identity.Fact, error) bool) { yield(identity.Fact{}, errBroken) }
	require.ErrorIs(t, transfer.Facts(t.Context(), bulk, failed), errBroken)
	require.ErrorIs(t, transfer.Facts(t.Context(), brokenStore{}, filled(t, manyFacts(1)).Facts(t.Context())), errBroken)
}

// Skipped rows are not stored, except those of a user with rows after them.
func TestSkip(t *testing.T) {
	const customers = "AmazonUserID,AccountID,StartDatetime\n" +
		"u,a,2019-09-01T00:00:00Z\nv,b,2019-09-02T00:00:00Z\nv,c,2019-09-03T00:00:00Z\nw,d,2019-09-04T00:00:00Z\n"
	const grants = "ClientID,AccountID,RefreshToken\nc,a,r\nc,b,r\nc,c,r\nc,d,r\n"
	for skip, want := range map[int]struct{ customers, grants string }{
		-1: {"abcd", "abcd"}, 0: {"abcd", "abcd"}, 1: {"bcd", "bcd"}, 2: {"bcd", "cd"}, 3: {"d", "d"}, 4: {"", ""},
	} {
		i := &transfer.Import{SkillID: skillID, Skip: skip}
		facts, tokens := new(identity.MemoryStore), new(lwa.MemoryStore)
		require.NoError(t, i.Customers(t.Context(), facts, strings.NewReader(customers)))
		require.NoError(t, i.Grants(t.Context(), tokens, strings.NewReader(grants)))
		accounts := ""
		for _, fact := range collect(t, facts.Facts(t.Context())) {
			accounts += fact.AccountID
		}
		require.Equal(t, want.customers, accounts, "%d", skip)
		accounts = ""
		for _, grant := range collect(t, tokens.Grants(t.Context())) {
			accounts += grant.AccountID
		}
		require.Equal(t, want.grants, accounts, "%d", skip)
	}
	i := &transfer.Import{SkillID: skillID, Skip: 5}
	require.ErrorIs(t, i.Customers(t.Context(), brokenStore{}, strings.NewReader(customers)), transfer.ErrInvalidFile, "another file")
	require.ErrorIs(t, i.Grants(t.Context(), brokenGrants{}, strings.NewReader(grants)), transfer.ErrInvalidFile, "another file")
}

func TestExportProgress(t *testing.T) {
	onEach(t, func(t *testing.T, format transfer.Format) {
		var reported []int
		export := &transfer.Export{Format: format, Progress: func(rows int) { reported = append(reported, rows) }}
		var facts []identity.Fact
		for n := range 2500 {
			facts = append(facts, factOf("u", n, identity.Kind(1+n%2*3), ""))
		}
		require.NoError(t, export.Customers(io.Discard, filled(t, facts).Facts(t.Context())))
		require.Equal(t, []int{1000, 1250}, reported)
		reported = nil
		require.NoError(t, export.Grants(io.Discard, new(lwa.MemoryStore).Grants(t.Context())))
		require.Equal(t, []int{0}, reported)
	})
}

// Even a check ends with its context, and not with its file.
func TestCancelledCheck(t *testing.T) {
	for name, run := range map[string]func(*transfer.Import, context.Context, io.Reader) error{
		"customers": func(i *transfer.Import, ctx context.Context, r io.Reader) error {
			return i.Customers(ctx, new(identity.MemoryStore), r)
		},
		"grants": func(i *transfer.Import, ctx context.Context, r io.Reader) error {
			return i.Grants(ctx, new(lwa.MemoryStore), r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			i := &transfer.Import{Format: transfer.JSONLines, SkillID: skillID, ClientID: "client", Check: true}
			rows := 0
			require.ErrorIs(t, run(i, ctx, readerFunc(func(p []byte) (int, error) {
				if rows++; rows == 10 {
					cancel()
				}
				require.Less(t, rows, 100)
				if name == "grants" {
					return copy(p, fmt.Sprintf(`{"AccountID":%d,"RefreshToken":"r"}`+"\n", rows)), nil
				}
				return copy(p, fmt.Sprintf(`{"AmazonUserID":%d,"EndDatetime":"2019-09-01T00:00:00Z"}`+"\n", rows)), nil
			})), context.Canceled)
		})
	}
}

type readerFunc func([]byte) (int, error)

func (read readerFunc) Read(p []byte) (int, error) { return read(p) }
