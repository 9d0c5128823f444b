package redact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/redact"
)

func TestSummary(t *testing.T) {
	for want, s := range map[string]redact.Summary{
		`{}`:                                    nil,
		`{"b":"1","a":"2"}`:                     {{"b", "1"}, {"none", ""}, {"a", "2"}},
		`{"a":"\"\\\n"}`:                        {{"a", "\"\\\n"}},
		`{"quote\"":"` + "\ufffd" + `é\u2028"}`: {{`quote"`, "\xffé\u2028"}},
	} {
		require.True(t, json.Valid(s.JSON()))
		var got, wanted map[string]string
		require.NoError(t, json.Unmarshal(s.JSON(), &got))
		require.NoError(t, json.Unmarshal([]byte(want), &wanted))
		require.Equal(t, wanted, got)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			require.Equal(t, string(s.JSON()), fmt.Sprintf(verb, s))
		}
	}
	require.Equal(t, `{"b":"1","a":"2"}`, string(redact.Summary{{"b", "1"}, {"none", ""}, {"a", "2"}}.JSON()), "the order stays")
}

func TestLogValue(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "event", redact.Summary{{"b", "1"}, {"none", ""}, {"a", "2"}})
	require.Contains(t, log.String(), "msg=m event.b=1 event.a=2\n")
}

func TestTime(t *testing.T) {
	require.Empty(t, redact.Time(time.Time{}))
	require.Equal(t, "2026-11-21T22:00:00.25Z", redact.Time(time.Date(2026, 11, 21, 22, 0, 0, 250e6, time.UTC)))
}
