package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

var key = lwa.Key{ClientID: "amzn1.application-oa2-client.example", AccountID: "private-account", LinkID: "link"}

// exportedGrants returns the table of a store's grants.
func exportedGrants(t tb, format transfer.Format, store *lwa.MemoryStore) string {
	var file bytes.Buffer
	require.NoError(t, (&transfer.Export{Format: format}).Grants(&file, store.Grants(t.Context())))
	return file.String()
}

func drawGrant(t *rapid.T) lwa.Grant {
	pick := func(name string, texts ...string) string { return rapid.SampledFrom(texts).Draw(t, name) }
	maybe := func(name string) time.Time {
		if rapid.Bool().Draw(t, name+" is known") {
			return at(rapid.IntRange(0, 3).Draw(t, name)).Add(120 * time.Millisecond)
		}
		return time.Time{}
	}
	link, region := "", ""
	if rapid.Bool().Draw(t, "of a customer") {
		link, region = pick("link", "l", "m"), pick("region", "NA", "EU", "FE")
	}
	return lwa.Grant{
		Key:          lwa.Key{ClientID: pick("client", "c1", "c2"), AccountID: pick("account", "a\"1\"", "a,2", "=1+1", "'=1+1", "''", "-", "@a", "+\t", "\t"), LinkID: link},
		Region:       alexaevents.Region(region),
		AccessToken:  alexaevents.Secret(pick("access token", "", "Atza|1", "Atza|=2", "\rAtza")),
		RefreshToken: alexaevents.Secret(pick("refresh token", "Atzr|1", "Atzr|<2>")),
		IssuedAt:     maybe("issued"),
		Expiry:       maybe("expiry"),
		ConfirmedAt:  maybe("confirmed"),
		RefusedAt:    maybe("refused at"),
		DisabledAt:   maybe("disabled"),
		ProbedAt:     maybe("probed"),
		Refused:      pick("refused", "", "hash"),
		CodeHash:     pick("code", "", "hash"),
	}
}

// Exported grants of any set are imported unchanged, also repeatedly.
func TestGrantsThereAndBack(t *testing.T) {
	onEach(t, func(t *testing.T, format transfer.Format) {
		rapid.Check(t, func(t *rapid.T) {
			from, to := new(lwa.MemoryStore), new(lwa.MemoryStore)
			for _, grant := range rapid.SliceOf(rapid.Custom(drawGrant)).Draw(t, "grants") {
				putGrant(t, from, grant)
			}
			want := collect(t, from.Grants(t.Context()))
			file := exportedGrants(t, format, from)
			cut := rapid.IntRange(0, len(want)).Draw(t, "cut")

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			reported := 0
			i := &transfer.Import{Format: format, Progress: func(rows int) {
				if reported = rows; rows == cut {
					cancel()
				}
			}}
			if err := i.Grants(ctx, to, strings.NewReader(file)); err != nil {
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, cut, reported)
				i.Skip = rapid.SampledFrom([]int{0, cut}).Draw(t, "skip")
				cut = -1
				require.NoError(t, i.Grants(t.Context(), to, strings.NewReader(file)))
			}
			require.Equal(t, len(want), reported)
			require.Empty(t, cmp.Diff(want, collect(t, to.Grants(t.Context()))))
			require.NoError(t, transfer.Grants(t.Context(), to, from.Grants(t.Context())))
			require.Empty(t, cmp.Diff(want, collect(t, to.Grants(t.Context()))))
		})
	})
}

// No way of importing overwrites a token with one that could be older.
func TestOlderGrants(t *testing.T) {
	const never = -1
	for name, test := range map[string]struct {
		stored, added int // when they were issued
		refused       alexaevents.Secret
		kept          transfer.Kept // empty: the added one replaces the stored
		newer         transfer.Kept // the same with Newer
	}{
		"later":                              {stored: 1, added: 2},
		"earlier":                            {stored: 2, added: 1, kept: transfer.KeptNewer, newer: transfer.KeptNewer},
		"at the same time":                   {stored: 1, added: 1, kept: transfer.KeptNewer, newer: transfer.KeptNewer},
		"unknown times":                      {stored: 1, added: never, kept: transfer.KeptUnknown, newer: transfer.KeptUnknown},
		"unknown times, the other way round": {stored: never, added: never, kept: transfer.KeptUnknown},
		"unknown time of the stored":         {stored: never, added: 1, kept: transfer.KeptUnknown},
		"later, but refused":                 {stored: 1, added: 2, refused: "added", kept: transfer.KeptLive, newer: transfer.KeptLive},
		"unknown, but refused":               {stored: never, added: never, refused: "added", kept: transfer.KeptLive, newer: transfer.KeptLive},
		"earlier, for a refused one":         {stored: 2, added: 1, refused: "stored"},
		"unknown, for a refused one":         {stored: 1, added: never, refused: "stored"},
	} {
		t.Run(name, func(t *testing.T) {
			grant := func(token alexaevents.Secret, issued int) lwa.Grant {
				g := lwa.Grant{Key: key, Region: alexaevents.Europe, RefreshToken: token, CodeHash: string(token)}
				if token == test.refused {
					g.Refused = fmt.Sprintf("%x", sha256.Sum256([]byte(token)))
				}
				if issued != never {
					g.IssuedAt = at(issued)
				}
				return g
			}
			added := new(lwa.MemoryStore)
			putGrant(t, added, grant("added", test.added))
			for way, add := range map[string]func(*transfer.Import, lwa.Store) error{
				"import": func(i *transfer.Import, store lwa.Store) error {
					return i.Grants(t.Context(), store, strings.NewReader(exportedGrants(t, transfer.CSV, added)))
				},
				"copy": func(i *transfer.Import, store lwa.Store) error {
					return i.Copy(t.Context(), store, added.Grants(t.Context()))
				},
			} {
				for newer, kept := range map[bool]transfer.Kept{false: test.kept, true: test.newer} {
					want := "added"
					if kept != "" {
						want = "stored"
					}
					store := new(lwa.MemoryStore)
					putGrant(t, store, grant("stored", test.stored))
					var reported []transfer.GrantObservation
					i := &transfer.Import{Newer: newer, Observe: func(_ context.Context, o transfer.GrantObservation) { reported = append(reported, o) }}
					require.NoError(t, add(i, store), way)
					require.Equal(t, []transfer.GrantObservation{{Key: key, Row: 1, Kept: kept}}, reported, way)
					got, err := store.Grant(t.Context(), key)
					require.NoError(t, err)
					require.Equal(t, want, string(got.RefreshToken), way)
					require.Equal(t, want, got.CodeHash, way)

					reported = nil // again: the same outcome
					require.NoError(t, add(i, store), way)
					if kept == "" {
						kept = transfer.KeptSame
					}
					require.Equal(t, []transfer.GrantObservation{{Key: key, Row: 1, Kept: kept}}, reported, way)
				}
			}
		})
	}
}

// A cell that a spreadsheet would run has an apostrophe before it in a file, and
// nowhere else. Files of other programs are read with and without it.
func TestFormulas(t *testing.T) {
	for _, test := range [][2]string{
		{"=1+1", "'=1+1"},
		{"+1", "'+1"},
		{"-1", "'-1"},
		{"@a", "'@a"},
		{"\ta", "'\ta"},
		{"\ra", "'\ra"},
		{"'=1", "''=1"},
		{"''@", "'''@"},
		{"'", "'"},
		{"'a", "'a"},
		{"a=", "a="},
		{"1", "1"},
		{" =", " ="},
	} {
		cell, want := test[0], test[1]
		store, again := new(lwa.MemoryStore), new(lwa.MemoryStore)
		grant := lwa.Grant{Key: lwa.Key{ClientID: "client", AccountID: cell, LinkID: "link"}, Region: alexaevents.Europe, RefreshToken: "Atzr|1"}
		putGrant(t, store, grant)
		file := exportedGrants(t, transfer.CSV, store)
		lines, err := csv.NewReader(strings.NewReader(file)).ReadAll()
		require.NoError(t, err)
		require.Equal(t, want, lines[1][1])
		require.NoError(t, new(transfer.Import).Grants(t.Context(), again, strings.NewReader(file)))
		require.Equal(t, []lwa.Grant{grant}, collect(t, again.Grants(t.Context())))
	}
	store := new(lwa.MemoryStore)
	i := &transfer.Import{ClientID: "client"}
	require.NoError(t, i.Grants(t.Context(), store, strings.NewReader("AccountID,RefreshToken\n=1,Atzr|1\n'=2,Atzr|2\n")))
	grants := collect(t, store.Grants(t.Context()))
	require.Equal(t, "=1 =2", grants[0].AccountID+" "+grants[1].AccountID)
}

func TestGrantDefaults(t *testing.T) {
	store := new(lwa.MemoryStore)
	i := &transfer.Import{ClientID: "client", Region: alexaevents.Europe}
	require.NoError(t, i.Grants(t.Context(), store, strings.NewReader("RefreshToken,AccountID,LinkID\nAtzr|1,a,l\n")))
	i = &transfer.Import{ClientID: "client", Region: alexaevents.Europe, Format: transfer.JSONLines}
	require.NoError(t, i.Grants(t.Context(), store, strings.NewReader(`{"AccountID":"b","LinkID":"l","RefreshToken":"Atzr|2","ClientID":"other","Region":"FE"}`)))
	require.Equal(t, []lwa.Grant{
		{Key: lwa.Key{ClientID: "client", AccountID: "a", LinkID: "l"}, Region: alexaevents.Europe, RefreshToken: "Atzr|1"},
		{Key: lwa.Key{ClientID: "other", AccountID: "b", LinkID: "l"}, Region: alexaevents.FarEast, RefreshToken: "Atzr|2"},
	}, collect(t, store.Grants(t.Context())))
}

func TestInvalidGrants(t *testing.T) {
	const columns = "ClientID,AccountID,LinkID,RefreshToken,Region,Expiry\nclient,private,1,Atzr|1,EU,2026-03-01T00:00:00Z\n"
	for name, test := range map[string]struct {
		file string
		want []string
		rows int
	}{
		"no names":         {"private,Atzr|private\n", []string{"line 1", "none of the columns"}, 0},
		"an unknown name":  {"AccountID,RefreshToken,Token\n", []string{"line 1", `"Token"`}, 0},
		"a token as name":  {"AccountID,Atzr|private\n", []string{"line 1", "a name is not one"}, 0},
		"no client":        {columns + ",private,1,Atzr|private,EU,\n", []string{"line 3", "ClientID is empty"}, 1},
		"no account":       {columns + "private,,1,Atzr|private,EU,\n", []string{"line 3", "AccountID is empty"}, 1},
		"no link":          {columns + "private,private,,Atzr|private,EU,\n", []string{"line 3", "no LinkID"}, 1},
		"no region":        {columns + "private,private,1,Atzr|private,,\n", []string{"line 3", "no Region"}, 1},
		"no refresh token": {columns + "private,private,1,,EU,\n", []string{"line 3", "RefreshToken is empty"}, 1},
		"no such region":   {columns + "private,private,1,Atzr|private,private,\n", []string{"line 3", "Region must be NA, EU or FE"}, 1},
		"no time":          {columns + "private,private,1,Atzr|private,EU,private\n", []string{"line 3", "Expiry is not a time"}, 1},
		"Latin-1":          {columns + "private,private,1,Atzr|private\xe9,EU,\n", []string{"line 3", "UTF-8"}, 1},
		"the same key":     {columns + "client,private,1,Atzr|private,EU,\n", []string{"line 3", "another row has the same"}, 1},
		"a cell too few":   {columns + "private,private,1,Atzr|private,EU\n", []string{"line 3", "fields"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			reported := 0
			store := new(lwa.MemoryStore)
			i := &transfer.Import{Progress: func(rows int) { reported = rows }}
			err := i.Grants(t.Context(), store, strings.NewReader(test.file))
			require.ErrorIs(t, err, transfer.ErrInvalidFile)
			for _, part := range test.want {
				require.ErrorContains(t, err, part)
			}
			require.NotContains(t, err.Error(), "private")
			require.NotContains(t, err.Error(), "Atzr")
			require.Equal(t, test.rows, reported)
			require.Len(t, collect(t, store.Grants(t.Context())), test.rows)
			err = (&transfer.Import{Check: true}).Grants(t.Context(), brokenGrants{}, strings.NewReader(test.file))
			require.ErrorIs(t, err, transfer.ErrInvalidFile, "a check finds it as well")
		})
	}
}

// brokenGrants fails, or panics.
type brokenGrants struct{ lwa.Store }

func (brokenGrants) UpdateGrant(context.Context, lwa.Key, func(*lwa.Grant) error) error {
	return fmt.Errorf("store: %w", errBroken)
}

func TestGrantFailures(t *testing.T) {
	onEach(t, func(t *testing.T, format transfer.Format) {
		store := new(lwa.MemoryStore)
		putGrant(t, store, lwa.Grant{Key: key, Region: alexaevents.Europe, RefreshToken: "Atzr|private"})
		file := exportedGrants(t, format, store)
		i := &transfer.Import{Format: format, Progress: func(int) { t.Error("nothing was stored") }}
		require.ErrorIs(t, i.Grants(t.Context(), brokenGrants{}, strings.NewReader(file)), errBroken)
		require.ErrorIs(t, transfer.Grants(t.Context(), brokenGrants{}, store.Grants(t.Context())), errBroken)

		export := &transfer.Export{Format: format}
		failed := func(yield func(lwa.Grant, error) bool) { yield(lwa.Grant{}, errBroken) }
		require.ErrorIs(t, export.Grants(io.Discard, failed), errBroken)
		require.ErrorIs(t, export.Grants(brokenWriter{}, store.Grants(t.Context())), errBroken)
		require.ErrorIs(t, transfer.Grants(t.Context(), store, failed), errBroken)
	})
	require.Error(t, (&transfer.Export{Format: 2}).Grants(io.Discard, new(lwa.MemoryStore).Grants(t.Context())))
}

// Events are sent with the grants of a table.
func TestSendWithImportedGrant(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := &lwa.Client{ID: key.ClientID, Secret: "the client's secret", HTTPClient: cloud.Client()}
	token, err := client.Exchange(t.Context(), alexaevents.Secret(cloud.Grant(alexaevents.Europe, "customer")))
	require.NoError(t, err)

	store := new(lwa.MemoryStore)
	table := &transfer.Import{ClientID: client.ID, Region: alexaevents.Europe}
	require.NoError(t, table.Grants(t.Context(), store, strings.NewReader("AccountID,LinkID,RefreshToken\naccount,1,"+string(token.RefreshToken)+"\n")))

	sender := &gateway.Sender{Tokens: &lwa.Source{Client: client, Store: store}, HTTPClient: cloud.Client()}
	require.NoError(t, sender.Send(t.Context(), "account", &gateway.ChangeReport{
		EndpointID: "lamp-1",
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState("ON", time.Now())},
	}))
	require.Len(t, cloud.Sent(), 1)
}

// Tokens of a sealed store are in plain text in a file, and encrypted again in another
// store.
func TestSealed(t *testing.T) {
	inside := new(lwa.MemoryStore)
	sealed := &lwa.Sealed{Store: inside, AEAD: backwards{}}
	grant := lwa.Grant{Key: key, Region: alexaevents.Europe, RefreshToken: "Atzr|1", AccessToken: "Atza|1"}
	putGrant(t, sealed, grant)
	var file bytes.Buffer
	require.NoError(t, new(transfer.Export).Grants(&file, sealed.Grants(t.Context())))
	require.Contains(t, file.String(), "Atzr|1")

	other := new(lwa.MemoryStore)
	require.NoError(t, new(transfer.Import).Grants(t.Context(), &lwa.Sealed{Store: other, AEAD: backwards{}}, &file))
	require.NotContains(t, string(collect(t, other.Grants(t.Context()))[0].RefreshToken), "Atzr|1")
	require.Equal(t, []lwa.Grant{grant}, collect(t, (&lwa.Sealed{Store: other, AEAD: backwards{}}).Grants(t.Context())))
}

// A grant that cannot be decrypted stays behind, and is not passed over in silence.
func TestSealedUnreadable(t *testing.T) {
	inside := new(lwa.MemoryStore)
	sealed := &lwa.Sealed{Store: inside, AEAD: backwards{}}
	grant := lwa.Grant{Key: key, Region: alexaevents.Europe, RefreshToken: "Atzr|1"}
	putGrant(t, sealed, grant)
	putGrant(t, inside, lwa.Grant{Key: lwa.Key{ClientID: "client", AccountID: "account"}, RefreshToken: "sealed:?"})
	to := new(lwa.MemoryStore)
	require.ErrorIs(t, transfer.Grants(t.Context(), to, sealed.Grants(t.Context())), lwa.ErrSealed)
	require.Equal(t, []lwa.Grant{grant}, collect(t, to.Grants(t.Context())))
}

// backwards reverses the text instead of encrypting it.
type backwards struct{}

func (backwards) Encrypt(plaintext, _ []byte) ([]byte, error) {
	reversed := slices.Clone(plaintext)
	slices.Reverse(reversed)
	return reversed, nil
}

func (b backwards) Decrypt(ciphertext, data []byte) ([]byte, error) {
	return b.Encrypt(ciphertext, data)
}
