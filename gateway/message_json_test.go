package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// keptEvents have all forms of a message.
func keptEvents() map[string]gateway.Event {
	return map[string]gateway.Event{
		"change report":    lampReport(),
		"discovery report": &gateway.AddOrUpdateReport{Endpoints: []any{endpoint("lamp-1")}},
		"deletion":         &gateway.DeleteReport{EndpointIDs: []string{"lamp-1"}},
		"moment":           &gateway.DoorbellPress{EndpointID: "door", Cause: gateway.PhysicalInteraction, Timestamp: at},
		"response":         &gateway.Response{EndpointID: "lamp-1", CorrelationToken: "correlation=="},
		"strange text":     &gateway.ChangeReport{EndpointID: "lamp-1", Cause: "<\"\u2028messageId\":\">", Properties: []gateway.Property{{Namespace: "Alexa.Example", Name: `"messageId":"`, Value: `{"endpoint":{`, TimeOfSample: at}}},
	}
}

// A message that was kept is sent as the event is, after a database has reformatted
// its JSON too.
func TestMessageSurvivesKeeping(t *testing.T) {
	for name, event := range keptEvents() {
		t.Run(name, func(t *testing.T) {
			b := newBackend()
			b.link(t, alexaevents.Europe, "home", "anna")
			m, err := gateway.NewMessage(event)
			require.NoError(t, err)
			written, err := json.Marshal(m)
			require.NoError(t, err)
			require.NotContains(t, string(written), "scope\":{")
			var reformatted any
			require.NoError(t, json.Unmarshal(written, &reformatted))
			again, err := json.MarshalIndent(reformatted, "", "    ")
			require.NoError(t, err)
			for i, stored := range [][]byte{written, again} {
				var read gateway.Message
				require.NoError(t, json.Unmarshal(stored, &read))
				require.Equal(t, m.ID(), read.ID())
				require.Equal(t, m.Type(), read.Type())
				require.Equal(t, m.Correlated(), read.Correlated())
				require.Equal(t, m.Momentary(), read.Momentary())
				require.Equal(t, m.Group(keyOf("home", "anna")), read.Group(keyOf("home", "anna")))
				rewritten, err := json.Marshal(&read)
				require.NoError(t, err)
				require.Equal(t, string(written), string(rewritten))

				wire := b.record()
				require.NoError(t, b.sender.Attempt(t.Context(), keyOf("home", "anna"), &read))
				require.Len(t, wire.attempts, 1)
				require.Equal(t, m.ID(), wire.attempts[0].MessageID)
				require.Len(t, b.cloud.Sent(), i+1)
			}
		})
	}
}

func TestMessageRefusesDamage(t *testing.T) {
	m, err := gateway.NewMessage(lampReport())
	require.NoError(t, err)
	written, err := json.Marshal(m)
	require.NoError(t, err)
	withoutBody, _, found := strings.Cut(string(written), `"body"`)
	require.True(t, found)
	for name, test := range map[string]struct{ stored, want string }{
		"other JSON":     {`{"event":{}}`, "version 0"},
		"a list":         {`[]`, "not a kept Message"},
		"newer":          {strings.Replace(string(written), `"version":1`, `"version":2`, 1), "version 2"},
		"an ID":          {strings.Replace(string(written), m.ID(), "x\\\"y", 1), "damaged"},
		"moved":          {strings.Replace(string(written), `"idAt":`, `"idAt":1`, 1), "damaged"},
		"before":         {strings.Replace(string(written), `"idAt":`, `"idAt":-`, 1), "damaged"},
		"beyond":         {strings.Replace(string(written), `"scopeAt":`, `"scopeAt":9999`, 1), "damaged"},
		"without a body": {withoutBody + `"body":""}`, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			var read gateway.Message
			require.ErrorContains(t, json.Unmarshal([]byte(test.stored), &read), test.want)
		})
	}
	for _, zero := range []*gateway.Message{nil, {}} {
		_, err := zero.MarshalJSON()
		require.ErrorContains(t, err, "NewMessage")
		require.Empty(t, zero.ID()+zero.Type())
		require.False(t, zero.Correlated())
		require.True(t, zero.Momentary())
		require.Len(t, zero.Group(lwa.Key{}), 43)
		for _, pair := range [][2]*gateway.Message{{zero, m}, {m, zero}, {zero, zero}} {
			_, ok := pair[0].Merge(pair[1], false)
			require.False(t, ok)
		}
	}
	require.ErrorContains(t, json.Unmarshal([]byte("null"), new(gateway.Message)), "version 0")
	_, err = gateway.NewMessage(&gateway.ChangeReport{})
	require.ErrorIs(t, err, gateway.ErrInvalidEvent)
	_, err = gateway.NewMessage(&gateway.DeferredResponse{CorrelationToken: "correlation=="})
	require.ErrorIs(t, err, gateway.ErrInvalidEvent)
}

// Each kept Message that is read is sent as JSON, with the ID and the token in their
// places.
func FuzzMessage(f *testing.F) {
	for _, event := range keptEvents() {
		m, err := gateway.NewMessage(event)
		require.NoError(f, err)
		written, err := json.Marshal(m)
		require.NoError(f, err)
		f.Add(written)
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		var read gateway.Message
		if json.Unmarshal(stored, &read) != nil {
			return
		}
		written, err := json.Marshal(&read)
		require.NoError(t, err)
		var again gateway.Message
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, read.ID(), again.ID())
		read.Group(lwa.Key{})
		read.Merge(&again, true)
	})
}
