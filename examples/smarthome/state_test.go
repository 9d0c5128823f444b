package main

import (
	"encoding/json"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
)

// After each report, the states that Alexa received are those of the device, also if the
// state was read back from the database.
func TestReportsConverge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lamp := newLamp("house", "lamp", "Lamp")
		now, received := lamp.initial, values(lamp.initial)
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			power := rapid.SampledFrom([]gateway.Switch{gateway.On, gateway.Off}).Draw(t, "power")
			properties := []gateway.Property{gateway.PowerState(power, time.Now()), gateway.Volume(5, time.Now())} // lamps have no volume
			if rapid.Bool().Draw(t, "dim") {
				properties = append(properties, gateway.Brightness(rapid.IntRange(0, 2).Draw(t, "brightness"), time.Now()))
			}
			after, report := now.change(lamp, gateway.PhysicalInteraction, properties...)
			if report != nil {
				require.NotEmpty(t, report.Properties)
				require.Len(t, append(report.Properties, report.Context...), len(lamp.initial))
				maps.Copy(received, values(report.Properties))
			}
			require.Equal(t, report != nil, !equal(values(now), values(after)))
			require.Equal(t, values(after), received)
			if now = after; rapid.Bool().Draw(t, "stored") {
				text, err := json.Marshal(after)
				require.NoError(t, err)
				now = nil
				require.NoError(t, json.Unmarshal(text, &now))
			}
		}
	})
}

func values(properties []gateway.Property) map[string]any {
	all := make(map[string]any)
	for _, p := range properties {
		all[p.Name] = plain(p.Value)
	}
	return all
}

// Changes that come faster than Alexa takes the reports are reported together.
func TestChangesMeetInOneReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := begin(t)
		d.grant(t.Context())
		d.discover(t.Context())
		d.cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Delay: time.Second, Times: -1})
		for brightness := range 6 {
			d.change(t.Context(), "the dimmer is turned", "lamp", gateway.PhysicalInteraction, gateway.Brightness(brightness, time.Now()))
			time.Sleep(150 * time.Millisecond) // the outbox looks for events each 100 ms
		}
		d.expectEvents(both("ChangeReport lamp brightness=0 PHYSICAL_INTERACTION")...)
		d.expectEvents(both("ChangeReport lamp brightness=5 PHYSICAL_INTERACTION")...)
		d.awaitOutbox(t.Context())
		d.expectEvents()
		require.NoError(t, d.err)
	})
}
