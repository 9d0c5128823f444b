package gateway_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
)

// FuzzParseDirective looks for a panic, an error without its sentinel, a directive
// that encoding/json decodes differently, and a response that cannot be sent.
func FuzzParseDirective(f *testing.F) {
	for _, data := range []string{turnOn, acceptGrant, discover, reportState, `{"directive":{"header":{"namespace":"","name":"\u0000"}}}`, `{"directive":{"header":{"namespace":"A","name":"B"}},"more":"text"}`, `null`} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		directive, err := gateway.ParseDirective(data)
		if err != nil {
			require.ErrorIs(t, err, gateway.ErrMalformedDirective)
			require.Nil(t, directive)
			return
		}
		var message, members map[string]json.RawMessage // of which others may be anything
		require.NoError(t, json.Unmarshal(data, &message))
		require.NoError(t, json.Unmarshal(message["directive"], &members))
		var header map[string]any
		require.NoError(t, json.Unmarshal(members["header"], &header))
		require.Equal(t, header["namespace"], directive.Namespace)
		require.Equal(t, header["name"], directive.Name)
		require.True(t, json.Valid(fmt.Append(nil, directive)))
		if err := new(gateway.Granter).Retry(t.Context(), directive); !errors.Is(err, gateway.ErrMisconfigured) { // it has no Tokens
			require.ErrorIs(t, err, gateway.ErrMalformedDirective)
		}

		reply, err := gateway.MessageOf(directive.Response())
		if err != nil {
			require.ErrorIs(t, err, gateway.ErrInvalidEvent)
			return
		}
		body, err := reply.Encode(messageID, "")
		require.NoError(t, err)
		require.True(t, json.Valid(body))
	})
}

// FuzzRawEvent looks for an event that is accepted but is not one JSON document
// with exactly one scope.
func FuzzRawEvent(f *testing.F) {
	f.Add("Alexa.Example", "Example", "", "", "", "lamp-1", "Atza|x", []byte(`{"a": [1, {"b": "c"}]}`), false)
	f.Add("Alexa.Example", "Example", "Button", "1.0", "c==", "", "Atza|x", []byte(`{"a": {"scope": {"token": "other"}}}`), true)
	f.Add("Alexa.Example", "\"},", "\x7f", "\u2028", "\\", "lamp-1", `"`, []byte(` { } `), true)
	f.Add("A", "B", "", "", "", "", "x", []byte(nil), true)
	f.Fuzz(func(t *testing.T, namespace, name, instance, version, correlation, endpointID, token string, payload []byte, inPayload bool) {
		token = strings.ToValidUTF8(token, "?")
		event := &gateway.RawEvent{
			Namespace: namespace, Name: name, Instance: instance, PayloadVersion: version, CorrelationToken: alexaevents.Secret(correlation),
			EndpointID: endpointID, Payload: payload, ScopeInPayload: inPayload, Context: []gateway.Property{lampOn()},
		}
		m, err := gateway.MessageOf(event)
		if err != nil {
			require.ErrorIs(t, err, gateway.ErrInvalidEvent)
			return
		}
		body, err := m.Encode(messageID, token)
		if errors.Is(err, gateway.ErrInvalidEvent) {
			require.True(t, endpointID == "" && !inPayload, "refused although it has a place for the scope")
			return
		}
		require.NoError(t, err)

		var got struct {
			Event struct {
				Header            map[string]string
				Endpoint, Payload map[string]json.RawMessage
			}
			Context struct{ Properties []json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(body, &got))
		require.Len(t, got.Context.Properties, 1)
		header := map[string]string{"namespace": namespace, "name": name, "payloadVersion": cmp.Or(version, "3"), "messageId": messageID}
		if instance != "" {
			header["instance"] = instance
		}
		if correlation != "" {
			header["correlationToken"] = correlation
		}
		require.Equal(t, header, got.Event.Header)

		scope, other := got.Event.Endpoint["scope"], got.Event.Payload["scope"]
		if inPayload {
			scope, other = other, scope
		}
		require.Nil(t, other)
		if token == "" {
			require.Nil(t, scope)
			return
		}
		want, err := json.Marshal(map[string]string{"type": "BearerToken", "token": token})
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(scope))
	})
}
