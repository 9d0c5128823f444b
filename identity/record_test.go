package identity_test

import (
	"encoding/json"
	"testing"
	"time"

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
