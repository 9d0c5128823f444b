package transfer_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// Whatever is taken for a table can be written, and read again to the same
// effect. Whatever is not is an invalid file, and nothing worse.
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
