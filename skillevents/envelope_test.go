package skillevents_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/skillevents"
)

const summary = `{"type":"LaunchRequest","requestId":"3a8bd4ce-0d9f-4b66-9e6b-3d7d6f3c1f5b","time":"2026-11-21T22:00:00Z","skillId":"amzn1.ask.skill.s"}`

func TestEventsPrintAsASummary(t *testing.T) {
	event, err := skillevents.Parse(document("LaunchRequest", ""))
	require.NoError(t, err)
	unknown := event.(*skillevents.Unknown)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t", "%40v", "%-5.2s"} {
		require.Equal(t, summary, fmt.Sprintf(verb, event), verb)
		require.Equal(t, summary, fmt.Sprintf(verb, *unknown), verb)
	}
	text, err := json.Marshal(event)
	require.NoError(t, err)
	require.Equal(t, summary, string(text))

	for _, value := range []any{event, *unknown} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("received", "event", value)
		var line struct{ Event json.RawMessage }
		require.NoError(t, json.Unmarshal(log.Bytes(), &line))
		require.JSONEq(t, summary, string(line.Event))

		log.Reset()
		slog.New(slog.NewTextHandler(&log, nil)).Info("received", "event", value)
		require.Contains(t, log.String(), "msg=received event.type=LaunchRequest event.requestId=3a8bd4ce-0d9f-4b66-9e6b-3d7d6f3c1f5b "+
			"event.time=2026-11-21T22:00:00Z event.skillId=amzn1.ask.skill.s\n")
	}
}

func TestAnEmptyEventPrints(t *testing.T) {
	require.Equal(t, `{}`, fmt.Sprint(skillevents.Envelope{}))
	require.Equal(t, `<nil>`, fmt.Sprint((*skillevents.SkillEnabled)(nil)))
	text, err := json.Marshal((*skillevents.SkillEnabled)(nil))
	require.NoError(t, err)
	require.Equal(t, `null`, string(text))
	slog.New(slog.NewTextHandler(new(bytes.Buffer), nil)).Info("nothing", "event", (*skillevents.SkillEnabled)(nil))
}

// RFC 3339 ends before the year 10000, and so does encoding/json, but a zone can
// bring a time over the edge.
func TestAnEventOfTheYear10000Prints(t *testing.T) {
	data := bytes.Replace(document("X", ""), []byte("2026-11-21T22:00:00Z"), []byte("9999-12-31T23:30:00-01:00"), 1)
	event, err := skillevents.Parse(data)
	require.NoError(t, err)
	_, err = json.Marshal(event)
	require.NoError(t, err)
}

// The output of an event, also inside other values, has only the four members of the
// summary.
func TestEventsDoNotLeak(t *testing.T) {
	for requestType, fixture := range fixtures {
		t.Run(requestType, func(t *testing.T) {
			event, err := skillevents.Parse(document(requestType, canaries(t, fixture.own)))
			require.NoError(t, err)
			require.Contains(t, string(event.Common().Raw()), "canary")

			set := skillevents.Types[requestType]
			if set == nil {
				set = func() skillevents.Event { return new(skillevents.Unknown) }
			}
			filled := set()
			fill(reflect.ValueOf(filled).Elem())

			for _, event := range []skillevents.Event{event, filled} {
				event.Common().Type, event.Common().RequestID, event.Common().SkillID = "type", "request", "skill"
				value := reflect.ValueOf(event).Elem().Interface()
				for name, output := range outputs(event, value, event.Common(), *event.Common()) {
					require.NotContains(t, strings.ToLower(output), "canary", name)
					require.NotContains(t, strings.ToLower(output), fmt.Sprintf("%x", "canary"), name)
					require.NotContains(t, output, "99 97 110 97 114 121", name) // canary, as a list of bytes
				}
			}
		})
	}
}

// outputs prints, logs and marshals each value in many ways.
func outputs(values ...any) map[string]string {
	type holder struct {
		Any   any
		Event skillevents.Event
		Note  string
	}
	type embedder struct{ *skillevents.Envelope }
	all := map[string]string{}
	for i, value := range values {
		wrapped := map[string]any{
			"itself": value, "slice": []any{value}, "map": map[string]any{"key": value}, "array": [1]any{value},
			"struct": holder{Any: value}, "pointer to struct": &holder{Any: value}, "pointer": &value, "nested": []holder{{Any: []any{value}}},
		}
		if event, ok := value.(skillevents.Event); ok {
			wrapped["field"] = holder{Event: event}
			wrapped["events"] = []skillevents.Event{event}
			// fmt calls no method of what is in an unexported field, but shows the
			// pointer that Parse returned as an address.
			unexported := struct{ event skillevents.Event }{event}
			wrapped["unexported"] = fmt.Sprintf("%v %+v %#v", unexported, unexported, unexported)
			wrapped["embedded"] = embedder{event.Common()}
		}
		for name, value := range wrapped {
			name = fmt.Sprintf("%d %s ", i, name)
			for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q", "%x", "% X", "%o", "%U", "%f", "%t", "%T", "%-9.3v", "%z"} {
				all[name+format] = fmt.Sprintf(format, value)
			}
			all[name+"error"] = fmt.Errorf("failed: %v: %w", value, errors.ErrUnsupported).Error()
			if text, err := json.Marshal(value); err != nil {
				all[name+"json"] = err.Error()
			} else {
				all[name+"json"] = string(text)
			}
			var log bytes.Buffer
			for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
				logger := slog.New(handler)
				logger.With("with", value).WithGroup("group").Info("message", "event", value, slog.Group("inner", "event", value))
				logger.Log(context.Background(), slog.LevelError, fmt.Sprint(value), "error", fmt.Errorf("failed: %v", value))
			}
			all[name+"slog"] = log.String()
		}
	}
	return all
}

// canaries turns every text of the members into a canary.
func canaries(t *testing.T, own string) string {
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte("{"+own+"}"), &members))
	members["locale"] = ""
	for _, path := range paths(members) {
		edit(members, path, func(parent any, key string) {
			if _, ok := children(parent)[key].(string); ok {
				set(parent, key, "Canary"+path)
			}
		})
	}
	maps.DeleteFunc(members, func(name string, _ any) bool { return name == "locale" })
	members["other"] = "canary"
	return strings.TrimSuffix(strings.TrimPrefix(string(encode(t, members)), "{"), "}")
}

// fill sets every exported field to a canary.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		return
	case json.RawMessage:
		v.SetBytes([]byte(`{"canary": "canary"}`))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("canary")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	default:
		panic(v.Type())
	}
}
