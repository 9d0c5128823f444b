package transfer_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// What is skipped is not stored, users whose rows are skipped in part are.
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
		var told []int
		export := &transfer.Export{Format: format, Progress: func(rows int) { told = append(told, rows) }}
		var facts []identity.Fact
		for n := range 2500 {
			facts = append(facts, factOf("u", n, identity.Kind(1+n%2*3), ""))
		}
		require.NoError(t, export.Customers(io.Discard, filled(t, facts).Facts(t.Context())))
		require.Equal(t, []int{1000, 1250}, told)
		told = nil
		require.NoError(t, export.Grants(io.Discard, new(lwa.MemoryStore).Grants(t.Context())))
		require.Equal(t, []int{0}, told)
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
