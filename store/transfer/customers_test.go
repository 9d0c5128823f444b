package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/transfer"
)

func TestRows(t *testing.T) {
	const (
		enabled  = identity.Enabled
		linked   = identity.Linked
		disabled = identity.Disabled
	)
	type facts = []identity.Fact
	for name, test := range map[string]struct {
		rows string // user, account, start, end and enabledAt, as seconds
		want facts
	}{
		"open":                                   {"u,a,1,,", facts{factOf("u", 1, linked, "a")}},
		"closed":                                 {"u,a,1,2,", facts{factOf("u", 1, linked, "a"), factOf("u", 2, disabled, "")}},
		"enabled before":                         {"u,a,2,,1", facts{factOf("u", 1, enabled, ""), factOf("u", 2, linked, "a")}},
		"enabled and linked at once":             {"u,a,1,,1", facts{factOf("u", 1, enabled, ""), factOf("u", 1, linked, "a")}},
		"no linking":                             {"u,,1,2,", facts{factOf("u", 1, enabled, ""), factOf("u", 2, disabled, "")}},
		"no linking, enabled at the start":       {"u,,1,,1", facts{factOf("u", 1, enabled, "")}},
		"linked to an account that is not known": {"u,,2,,1", facts{factOf("u", 1, enabled, ""), factOf("u", 2, linked, "")}},
		"start not known":                        {"u,,,2,", facts{factOf("u", 2, disabled, "")}},
		"an instant":                             {"u,a,1,1,", facts{factOf("u", 1, linked, "a"), factOf("u", 1, disabled, "")}},
		"the same row twice":                     {strings.Repeat("u,a,1,1,\n", 2), facts{factOf("u", 1, linked, "a"), factOf("u", 1, disabled, "")}},
		"enabled again": {"u,a,1,2,\nu,b,3,,", facts{
			factOf("u", 1, linked, "a"), factOf("u", 2, disabled, ""), factOf("u", 3, linked, "b"),
		}},

		// The end of the first is no Disabled, which would end the second.
		"another account": {"u,a,1,2,\nu,b,2,,", facts{factOf("u", 1, linked, "a"), factOf("u", 2, linked, "b")}},
		"another account, the rows the other way round": {"u,b,2,,\nu,a,1,2,", facts{factOf("u", 1, linked, "a"), factOf("u", 2, linked, "b")}},
		"another account and back": {"u,a,1,2,\nu,b,2,3,\nu,a,3,4,", facts{
			factOf("u", 1, linked, "a"), factOf("u", 2, linked, "b"), factOf("u", 3, linked, "a"), factOf("u", 4, disabled, ""),
		}},
		"another account for an instant": {"u,a,1,2,\nu,b,2,2,", facts{
			factOf("u", 1, linked, "a"), factOf("u", 2, linked, "b"), factOf("u", 2, disabled, ""),
		}},
		"from no account to another for an instant": {"u,,1,2,\nu,b,2,2,", facts{
			factOf("u", 1, linked, ""), factOf("u", 2, linked, "b"), factOf("u", 2, disabled, ""),
		}},
		"to an account that is not known":      {"u,a,1,2,\nu,,2,,", facts{factOf("u", 1, linked, "a"), factOf("u", 2, linked, "")}},
		"from an account that is not known":    {"u,,1,2,\nu,b,2,,", facts{factOf("u", 1, linked, ""), factOf("u", 2, linked, "b")}},
		"an open row that another one follows": {"u,a,1,,\nu,b,2,,", facts{factOf("u", 1, linked, "a"), factOf("u", 2, linked, "b")}},
		"the same account without a gap":       {"u,a,1,2,\nu,a,2,,", facts{factOf("u", 1, linked, "a"), factOf("u", 2, linked, "a")}},
		"another user at that instant": {"u,a,1,2,\nv,b,2,,", facts{
			factOf("u", 1, linked, "a"), factOf("u", 2, disabled, ""), factOf("v", 2, linked, "b"),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			file := "AmazonUserID,AccountID,StartDatetime,EndDatetime,EnabledAt\n" + withTimes(test.rows)
			require.Empty(t, cmp.Diff(test.want, imported(t, transfer.CSV, file)))
		})
	}
}

// A user of two skills is two users.
func TestUserOfTwoSkills(t *testing.T) {
	file := "SkillID,AmazonUserID,AccountID,StartDatetime,EndDatetime\n" + withTimes("s,u,a,1,2\nt,u,b,2,\n")
	require.Equal(t, []string{"disabled", "linked"}, kindsAt(imported(t, transfer.CSV, file), 2))
}

// Two instants within one millisecond are one.
func TestBelowTheMillisecond(t *testing.T) {
	file := `{"AmazonUserID":"u","AccountID":"a","StartDatetime":"2026-03-01T00:00:01Z","EndDatetime":"2026-03-01T00:00:02.0001Z"}
		{"AmazonUserID":"u","AccountID":"b","StartDatetime":"2026-03-01T00:00:02.0002Z","EnabledAt":"2026-03-01T00:00:02.0003Z"}`
	require.Equal(t, []string{"enabled", "linked"}, kindsAt(imported(t, transfer.JSONLines, file), 2))
}

func kindsAt(facts []identity.Fact, second int) (kinds []string) {
	for _, fact := range facts {
		if fact.At.Equal(at(second)) {
			kinds = append(kinds, fact.Kind.String())
		}
	}
	return kinds
}

var aSecond = regexp.MustCompile(`\b\d+\b`)

// withTimes makes times of seconds.
func withTimes(rows string) string {
	return aSecond.ReplaceAllStringFunc(rows, func(second string) string {
		n, _ := strconv.Atoi(second)
		return at(n).Format(time.RFC3339)
	})
}

// The table of Amazon's document, as it stands there.
func TestDocument(t *testing.T) {
	want := []identity.Record{
		{
			SkillID: skillID, AmazonUserID: "amzn1.ask.account.AF4RYW7RN5H", AccountID: "hello_2167671@gmail.com",
			StartDatetime: time.Date(2019, 9, 1, 0, 0, 0, 0, time.UTC), EndDatetime: time.Date(2019, 9, 6, 0, 0, 0, 0, time.UTC),
		},
		{
			SkillID: skillID, AmazonUserID: "amzn1.ask.account.AHAD5TCOKQY", AccountID: "hello_2167672@gmail.com",
			StartDatetime: time.Date(2019, 9, 15, 0, 0, 0, 0, time.UTC),
		},
	}
	const document = "ID,AmazonUserID,AccountID,StartDatetime,EndDatetime\n" +
		"a121jkawkj,amzn1.ask.account.AF4RYW7RN5H,hello_2167671@gmail.com,2019-09-01T00:00:00Z,2019-09-06T00:00:00Z\n" +
		"b211nacxm,amzn1.ask.account.AHAD5TCOKQY,hello_2167672@gmail.com,2019-09-15T00:00:00Z,\n"
	for name, test := range map[string]struct {
		format transfer.Format
		file   string
	}{
		"CSV":                      {transfer.CSV, document},
		"byte order mark, CRLF":    {transfer.CSV, "\ufeff" + strings.ReplaceAll(document, "\n", "\r\n")},
		"no line break at the end": {transfer.CSV, strings.TrimSuffix(document, "\n")},
		"empty lines":              {transfer.CSV, strings.ReplaceAll(document, "\n", "\n\n")},
		"the prose's spelling":     {transfer.CSV, strings.ReplaceAll(document, "Datetime", "DateTime")},
		"a column of skills":       {transfer.CSV, strings.NewReplacer("ID,Am", "SkillID,Am", "a121jkawkj", skillID, "b211nacxm", skillID).Replace(document)},
		"another order": {
			transfer.CSV, "EndDatetime,StartDatetime,AccountID,AmazonUserID\n" +
				"2019-09-06T00:00:00Z,2019-09-01T00:00:00Z,hello_2167671@gmail.com,amzn1.ask.account.AF4RYW7RN5H\n" +
				",2019-09-15T00:00:00Z,hello_2167672@gmail.com,amzn1.ask.account.AHAD5TCOKQY\n",
		},
		"PostgreSQL's times": {
			transfer.CSV, "AmazonUserID,AccountID,StartDatetime,EndDatetime\n" +
				"amzn1.ask.account.AF4RYW7RN5H,hello_2167671@gmail.com,2019-09-01 00:00:00+00,2019-09-06 05:30:00+05:30\n" +
				"amzn1.ask.account.AHAD5TCOKQY,hello_2167672@gmail.com,2019-09-14 22:00:00.000-02,\n",
		},
		"other zones, below the millisecond": {
			transfer.CSV, "AmazonUserID,AccountID,StartDatetime,EndDatetime\n" +
				"amzn1.ask.account.AF4RYW7RN5H,hello_2167671@gmail.com,2019-09-01T02:00:00+02:00,2019-09-06T00:00:00.000999999Z\n" +
				"amzn1.ask.account.AHAD5TCOKQY,hello_2167672@gmail.com,2019-09-14T17:00:00-07:00,\n",
		},
		"JSON lines": {
			transfer.JSONLines, `
				{"ID":1,"AmazonUserID":"amzn1.ask.account.AF4RYW7RN5H","AccountID":"hello_2167671@gmail.com","StartDatetime":"2019-09-01T00:00:00Z","EndDatetime":"2019-09-06T00:00:00Z"}

				{"ID":2,"AmazonUserID":"amzn1.ask.account.AHAD5TCOKQY","AccountID":"hello_2167672@gmail.com","StartDateTime":"2019-09-15T00:00:00Z","EndDateTime":null}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Empty(t, cmp.Diff(want, table(imported(t, test.format, test.file))))
		})
	}

	long := strings.Repeat("a", 500_000)
	accounts := table(imported(t, transfer.JSONLines, `{"AmazonUserID":"u","AccountID":"`+long+`","StartDatetime":"2019-09-15T00:00:00Z"}`))
	require.Equal(t, long, accounts[0].AccountID)
	accounts = table(imported(t, transfer.JSONLines, `{"AmazonUserID":"u","AccountID":12345678901234567890,"StartDatetime":"2019-09-15T00:00:00Z"}`))
	require.Equal(t, "12345678901234567890", accounts[0].AccountID, "a number, digit for digit")
}

// The rows before an invalid row are stored and reported. No error contains the row's
// values.
func TestInvalidCustomers(t *testing.T) {
	const columns = "AmazonUserID,AccountID,StartDatetime,EndDatetime,EnabledAt,SkillID\n"
	const first = "private-0,private-a,2019-09-01T00:00:00Z,,,s\nprivate-1,private-a,2019-09-01T00:00:00Z,,,s\n"
	for name, test := range map[string]struct {
		file string
		want []string // parts of the error
		rows int      // stored
	}{
		"empty":                             {"", []string{"names of the columns is missing"}, 0},
		"no names":                          {first, []string{"line 1", "none of the columns"}, 0},
		"an unknown column":                 {"AmazonUserID,AccountID,StartDate\n", []string{"line 1", `"StartDate"`, "StartDatetime"}, 0},
		"another case":                      {"AmazonUserId,AccountID,StartDatetime\n", []string{"line 1", `"AmazonUserId"`}, 0},
		"a column twice":                    {"AmazonUserID,AccountID,AccountID\n", []string{"line 1", "AccountID occurs twice"}, 0},
		"two spellings":                     {"AmazonUserID,StartDatetime,StartDateTime\n", []string{"line 1", "StartDatetime occurs twice"}, 0},
		"no user column":                    {"AccountID,StartDatetime,SkillID\nprivate,2019-09-01T00:00:00Z,s\n", []string{"line 2", "AmazonUserID is empty"}, 0},
		"no user":                           {columns + first + ",private,2019-09-01T00:00:00Z,,,s\n", []string{"line 4", "AmazonUserID is empty"}, 1},
		"no skill":                          {columns + first + "private,private,2019-09-01T00:00:00Z,,,\n", []string{"line 4", "SkillID is empty"}, 1},
		"neither start nor end":             {columns + first + "private,private,,,,s\n", []string{"line 4", "StartDatetime", "EndDatetime"}, 1},
		"account, no start":                 {columns + first + "private,private,,2019-09-01T00:00:00Z,,s\n", []string{"line 4", "AccountID", "StartDatetime"}, 1},
		"enabled, no start":                 {columns + first + "private,,,2019-09-01T00:00:00Z,2019-09-01T00:00:00Z,s\n", []string{"line 4", "EnabledAt", "StartDatetime"}, 1},
		"enabled after start":               {columns + first + "private,,2019-09-01T00:00:00Z,,2019-09-01T00:00:01Z,s\n", []string{"line 4", "EnabledAt"}, 1},
		"end before start":                  {columns + first + "private,,2019-09-01T00:00:01Z,2019-09-01T00:00:00Z,,s\n", []string{"line 4", "EndDatetime"}, 1},
		"no time":                           {columns + first + "private,private,private,,,s\n", []string{"line 4", "StartDatetime is not a time"}, 1},
		"a space, and no zone":              {columns + first + "private,private,2019-09-01 00:00:00,,,s\n", []string{"line 4", "StartDatetime is not a time"}, 1},
		"two accounts at a time":            {columns + first + "private,private-a,2019-09-01T00:00:00Z,2019-09-03T00:00:00Z,,s\nprivate,private-b,2019-09-02T00:00:00Z,,,s\n", []string{"line 4", "another row"}, 2},
		"an unknown value for a column":     {"AmazonUserID,private@example.com\n", []string{"line 1", "a name is not one"}, 0},
		"a very long row":                   {columns + first + "private,\"" + strings.Repeat("private,", 200_000), []string{"line 4", "bytes"}, 1},
		"no zone":                           {columns + first + "private,private,2019-09-01T00:00:00Z,2019-09-01T00:00:00,,s\n", []string{"line 4", "EndDatetime is not a time"}, 1},
		"the zero time":                     {columns + first + "private,private,2019-09-01T00:00:00Z,,0001-01-01T00:00:00Z,s\n", []string{"line 4", "EnabledAt is not a time"}, 1},
		"the year 10000":                    {columns + first + "private,private,9999-12-31T23:59:59-01:00,,,s\n", []string{"line 4", "StartDatetime is not a time"}, 1},
		"the year 0":                        {columns + first + "private,private,0001-01-01T00:00:00+01:00,,,s\n", []string{"line 4", "StartDatetime is not a time"}, 1},
		"Latin-1":                           {columns + first + "private,private\xe9,2019-09-01T00:00:00Z,,,s\n", []string{"line 4", "AccountID", "UTF-8"}, 1},
		"a NUL":                             {columns + first + "private,private\x00,2019-09-01T00:00:00Z,,,s\n", []string{"line 4", "AccountID", "NUL"}, 1},
		"a cell too few":                    {columns + first + "private,private,2019-09-01T00:00:00Z,,\n", []string{"line 4", "fields"}, 1},
		"a cell too many":                   {columns + first + "private,private,2019-09-01T00:00:00Z,,,s,\n", []string{"line 4", "fields"}, 1},
		"a quote inside":                    {columns + first + "private,pri\"vate,2019-09-01T00:00:00Z,,,s\n", []string{"line 4"}, 1},
		"a quote not closed":                {columns + first + "private,\"private,2019-09-01T00:00:00Z,,,s\n", []string{"line 4"}, 1},
		"a cell of two lines":               {columns + first + "private-2,\"pri\nvate\",2019-09-01T00:00:00Z,,,s\nprivate,,,,,s\n", []string{"line 6"}, 2},
		"rows of a user apart":              {columns + first + first, []string{"line 4", "sort"}, 2},
		"the same user, the row incomplete": {columns + first + "private-1,,,,,s\n", []string{"line 4"}, 1},
	} {
		t.Run("CSV/"+name, func(t *testing.T) { requireInvalid(t, transfer.CSV, test.file, test.rows, test.want...) })
	}

	const objects = `{"AmazonUserID":"private-0","StartDatetime":"2019-09-01T00:00:00Z","SkillID":"s"}` + "\n" +
		`{"AmazonUserID":"private-1","StartDatetime":"2019-09-01T00:00:00Z","SkillID":"s"}` + "\n"
	for name, test := range map[string]struct {
		line string
		want string
	}{
		"no object":         {`"private"`, "not a JSON object"},
		"a list":            {`[{"AmazonUserID":"private"}]`, "not a JSON object"},
		"half an object":    {`{"AmazonUserID":"private"`, "not a JSON object"},
		"two objects":       {`{"AmazonUserID":"private"}{"AmazonUserID":"private"}`, "not a JSON object"},
		"Latin-1":           {`{"AmazonUserID":"private` + "\xe9" + `"}`, "UTF-8"},
		"an unknown member": {`{"AmazonUserID":"private","StartDate":"private"}`, `"StartDate"`},
		"a member twice":    {`{"AmazonUserID":"private","AmazonUserID":"private-2"}`, "AmazonUserID occurs twice"},
		"two spellings":     {`{"EndDatetime":"private","EndDateTime":"private"}`, "EndDatetime occurs twice"},
		"an object inside":  {`{"AmazonUserID":{"private":"private"}}`, "must be a text"},
		"a list inside":     {`{"AmazonUserID":["private"]}`, "must be a text"},
		"half a surrogate":  {`{"AmazonUserID":"private\ud800","StartDatetime":"2019-09-01T00:00:00Z","SkillID":"s"}`, "surrogate"},
		"a truth":           {`{"AmazonUserID":true}`, "must be a text"},
		"a number for time": {`{"AmazonUserID":"private","SkillID":"s","StartDatetime":1567296000}`, "StartDatetime is not a time"},
		"no user":           {`{"StartDatetime":"2019-09-01T00:00:00Z","SkillID":"s"}`, "AmazonUserID is empty"},
		"an escaped NUL":    {`{"AmazonUserID":"private\u0000","StartDatetime":"2019-09-01T00:00:00Z","SkillID":"s"}`, "NUL"},
		"a very long line":  {`{"AmazonUserID":"` + strings.Repeat("private", 200_000) + `"}`, "bytes"},
	} {
		t.Run("JSONLines/"+name, func(t *testing.T) {
			requireInvalid(t, transfer.JSONLines, objects+test.line+"\n"+objects, 1, "line 3", test.want)
		})
	}
}

func requireInvalid(t *testing.T, format transfer.Format, file string, rows int, parts ...string) {
	reported := 0
	store := new(identity.MemoryStore)
	i := &transfer.Import{Format: format, Progress: func(rows int) { reported = rows }}
	err := i.Customers(t.Context(), store, strings.NewReader(file))
	require.ErrorIs(t, err, transfer.ErrInvalidFile)
	require.NotContains(t, err.Error(), "private")
	for _, part := range parts {
		require.ErrorContains(t, err, part)
	}
	require.Equal(t, rows, reported)
	require.Len(t, collect(t, store.Facts(t.Context())), rows)

	err = (&transfer.Import{Format: format, Check: true}).Customers(t.Context(), brokenStore{}, strings.NewReader(file))
	require.ErrorIs(t, err, transfer.ErrInvalidFile, "a check finds it as well")
}

var errBroken = errors.New("broken")

// brokenStore fails, or panics.
type brokenStore struct{ identity.Store }

func (brokenStore) AddFact(context.Context, identity.Fact) error { return errBroken }

func TestOtherFailures(t *testing.T) {
	onEach(t, func(t *testing.T, format transfer.Format) {
		file := exported(t, format, filled(t, []identity.Fact{factOf("u", 1, identity.Enabled, ""), factOf("v", 2, identity.Enabled, "")}))
		i := &transfer.Import{Format: format, Progress: func(int) { t.Error("nothing was stored") }}
		require.ErrorIs(t, i.Customers(t.Context(), brokenStore{}, strings.NewReader(file)), errBroken)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		store := new(identity.MemoryStore)
		require.ErrorIs(t, i.Customers(ctx, store, strings.NewReader(file)), context.Canceled)
		i.Check = true
		require.ErrorIs(t, i.Customers(ctx, store, strings.NewReader(file)), context.Canceled)

		unreadable := iotest.ErrReader(errBroken)
		i = &transfer.Import{Format: format}
		require.ErrorIs(t, i.Customers(t.Context(), store, unreadable), errBroken)
		ended := iotest.ErrReader(fmt.Errorf("connection: %w", io.EOF))
		require.ErrorIs(t, i.Customers(t.Context(), store, io.MultiReader(strings.NewReader(file), ended)), io.EOF)
		for length := range file {
			err := i.Customers(t.Context(), new(identity.MemoryStore), io.MultiReader(strings.NewReader(file[:length]), unreadable))
			require.ErrorIs(t, err, errBroken)
			require.NotErrorIs(t, err, transfer.ErrInvalidFile, "what was cut off is no mistake of the file")
		}

		export := &transfer.Export{Format: format}
		failed := func(yield func(identity.Fact, error) bool) { yield(identity.Fact{}, errBroken) }
		require.ErrorIs(t, export.Customers(io.Discard, failed), errBroken)
		require.ErrorIs(t, export.Customers(brokenWriter{}, filled(t, []identity.Fact{factOf("u", 1, identity.Enabled, "")}).Facts(t.Context())), errBroken)
	})
	require.Error(t, (&transfer.Import{Format: 2}).Customers(t.Context(), brokenStore{}, strings.NewReader("x")))
	require.Error(t, (&transfer.Export{Format: 2}).Customers(io.Discard, new(identity.MemoryStore).Facts(t.Context())))
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// A reader of CSV makes one character of these two.
func TestLineBreakInCSV(t *testing.T) {
	store := filled(t, []identity.Fact{factOf("u", 1, identity.Linked, "private\r\na")})
	err := new(transfer.Export).Customers(io.Discard, store.Facts(t.Context()))
	require.ErrorContains(t, err, "AccountID")
	require.NotContains(t, err.Error(), "private")
	require.Equal(t, collect(t, store.Facts(t.Context())), imported(t, transfer.JSONLines, exported(t, transfer.JSONLines, store)))
}
