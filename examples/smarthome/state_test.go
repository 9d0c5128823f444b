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

// What Alexa heard is what the device is, after each report, also if the database has
// kept the state in between.
func TestReportsConverge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lamp := newLamp("house", "lamp", "Lamp")
		now, heard := lamp.initial, values(lamp.initial)
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			power := rapid.SampledFrom([]gateway.Switch{gateway.On, gateway.Off}).Draw(t, "power")
			told := []gateway.Property{gateway.PowerState(power, time.Now()), gateway.Volume(5, time.Now())} // lamps have no volume
			if rapid.Bool().Draw(t, "dim") {
				told = append(told, gateway.Brightness(rapid.IntRange(0, 2).Draw(t, "brightness"), time.Now()))
			}
			after, report := now.change(lamp, gateway.PhysicalInteraction, told...)
			if report != nil {
				require.NotEmpty(t, report.Properties)
				require.Len(t, append(report.Properties, report.Context...), len(lamp.initial))
				maps.Copy(heard, values(report.Properties))
			}
			require.Equal(t, report != nil, !equal(values(now), values(after)))
			require.Equal(t, values(after), heard)
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
			d.happens(t.Context(), "the dimmer is turned", "lamp", gateway.PhysicalInteraction, gateway.Brightness(brightness, time.Now()))
			time.Sleep(150 * time.Millisecond) // the outbox looks for events each 100 ms
		}
		d.sends(both("ChangeReport lamp brightness=0 PHYSICAL_INTERACTION")...)
		d.sends(both("ChangeReport lamp brightness=5 PHYSICAL_INTERACTION")...)
		d.empties(t.Context())
		d.sends()
		require.NoError(t, d.err)
	})
}
