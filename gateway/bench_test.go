package gateway_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
)

// The structs of a program without this package.
type (
	plainMessage struct {
		Event   plainEvent   `json:"event"`
		Context plainContext `json:"context"`
	}
	plainEvent struct {
		Header   plainHeader   `json:"header"`
		Endpoint plainEndpoint `json:"endpoint"`
		Payload  plainPayload  `json:"payload"`
	}
	plainHeader struct {
		Namespace      string `json:"namespace"`
		Name           string `json:"name"`
		PayloadVersion string `json:"payloadVersion"`
		MessageID      string `json:"messageId"`
	}
	plainEndpoint struct {
		Scope      plainScope `json:"scope"`
		EndpointID string     `json:"endpointId"`
	}
	plainScope struct {
		Type  string `json:"type"`
		Token string `json:"token"`
	}
	plainPayload struct {
		Change plainChange `json:"change"`
	}
	plainChange struct {
		Cause      plainCause      `json:"cause"`
		Properties []plainProperty `json:"properties"`
	}
	plainCause struct {
		Type string `json:"type"`
	}
	plainContext struct {
		Properties []plainProperty `json:"properties"`
	}
	plainProperty struct {
		Namespace    string `json:"namespace"`
		Instance     string `json:"instance,omitempty"`
		Name         string `json:"name"`
		Value        any    `json:"value"`
		TimeOfSample string `json:"timeOfSample"`
		Uncertainty  int64  `json:"uncertaintyInMilliseconds"`
	}
)

func plain(list []gateway.Property) []plainProperty {
	properties := make([]plainProperty, len(list))
	for i, p := range list {
		properties[i] = plainProperty{
			p.Namespace, p.Instance, p.Name, p.Value,
			p.TimeOfSample.UTC().Format("2006-01-02T15:04:05.000Z"), p.Uncertainty.Milliseconds(),
		}
	}
	return properties
}

// BenchmarkChangeReport encodes a report of a color lamp: "send" checks and encodes
// it, "attempt" encodes one more attempt, "plain" encodes the same message as structs
// with encoding/json, unchecked.
func BenchmarkChangeReport(b *testing.B) {
	at := time.Date(2026, 11, 22, 8, 30, 0, 123e6, time.UTC)
	report := &gateway.ChangeReport{
		EndpointID: "lamp-1",
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.On, at)},
		Context: []gateway.Property{
			gateway.Brightness(80, at),
			gateway.Color(gateway.HSB{Hue: 350.5, Saturation: 0.7138, Brightness: 0.6524}, at),
			gateway.ColorTemperatureInKelvin(7500, at),
			gateway.Connectivity(gateway.Reachable, at),
		},
	}
	const token = "Atza|IwEBIExampleTokenExampleTokenExampleTokenExampleToken"
	send := func() []byte {
		m, err := gateway.MessageOf(report)
		if err != nil {
			b.Fatal(err)
		}
		body, err := m.Encode(messageID, token)
		if err != nil {
			b.Fatal(err)
		}
		return body
	}
	marshal := func() []byte {
		body, err := json.Marshal(plainMessage{
			Event: plainEvent{
				Header:   plainHeader{"Alexa", "ChangeReport", "3", messageID},
				Endpoint: plainEndpoint{plainScope{"BearerToken", token}, report.EndpointID},
				Payload:  plainPayload{plainChange{plainCause{string(report.Cause)}, plain(report.Properties)}},
			},
			Context: plainContext{plain(report.Context)},
		})
		if err != nil {
			b.Fatal(err)
		}
		return body
	}
	require.JSONEq(b, string(marshal()), string(send()))

	b.Run("send", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			send()
		}
	})
	b.Run("attempt", func(b *testing.B) {
		m, err := gateway.MessageOf(report)
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Encode(messageID, token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			marshal()
		}
	})
}

// BenchmarkParseDirective decodes a directive of typical size.
func BenchmarkParseDirective(b *testing.B) {
	data := []byte(turnOn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gateway.ParseDirective(data); err != nil {
			b.Fatal(err)
		}
	}
}
