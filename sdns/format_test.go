package sdns_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/sdns"
)

func TestEventsPrintAsASummary(t *testing.T) {
	const summary = `{"eventName":"AlexaDevelopmentEvent.SkillPublish","status":"FAILED","requestId":"3a8bd4ce","time":"2026-11-21T22:00:00Z","skillId":"amzn1.ask.skill.s"}`
	event, err := sdns.Parse([]byte(skillEvent("SkillPublish", "FAILED")))
	require.NoError(t, err)
	for _, value := range []any{event, *event.(*sdns.SkillPublish), event.Common()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			require.Equal(t, summary, fmt.Sprintf(verb, value), verb)
		}
		data, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, summary, string(data))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("received", "event", value)
		require.Contains(t, log.String(), "event.eventName=AlexaDevelopmentEvent.SkillPublish event.status=FAILED event.requestId=3a8bd4ce "+
			"event.time=2026-11-21T22:00:00Z event.skillId=amzn1.ask.skill.s\n")
	}
	require.Equal(t, "{}", fmt.Sprint(new(sdns.Verification)))
}

// Nothing personal, and nothing that this version does not know, is printed.
func TestEventsDoNotLeak(t *testing.T) {
	for name, fixture := range fixtures {
		data := strings.NewReplacer(
			"amzn1.account.c", "canary", "https://www.example.com/R1", "canary", `"payload": {`, `"payload": {"other": "canary", `,
		).Replace(fixture.data)
		event, err := sdns.Parse([]byte(data))
		require.NoError(t, err)
		require.Contains(t, string(event.Common().Raw()), "canary")
		for _, value := range []any{event, event.Common(), []sdns.Event{event}, map[string]any{"event": event}, struct{ Event sdns.Event }{event}} {
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("received", "event", value)
			slog.New(slog.NewTextHandler(&log, nil)).Info("received", "event", value)
			marshalled, err := json.Marshal(value)
			require.NoError(t, err)
			printed := fmt.Sprintf("%v %+v %#v %s %x", value, value, value, value, value)
			require.NotContains(t, log.String()+string(marshalled)+printed, "canary", name)
			require.NotContains(t, printed, fmt.Sprintf("%x", "canary"), name)
		}
	}
}
