package main

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
)

// What Alexa heard is what the device is, whenever the reporting has come to an
// end.
func TestReportsConverge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lamp := newLamp("house", "lamp", "Lamp")
		heard := values(lamp.properties())
		reporting := false
		hear := func() {
			report := lamp.report()
			if report == nil {
				reporting = false
				require.Equal(t, values(lamp.properties()), heard)
				return
			}
			require.NotEmpty(t, report.Properties)
			require.Len(t, append(report.Properties, report.Context...), len(lamp.state))
			maps.Copy(heard, values(report.Properties))
		}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			if reporting && rapid.Bool().Draw(t, "report") {
				hear()
				continue
			}
			power := rapid.SampledFrom([]gateway.Switch{gateway.On, gateway.Off}).Draw(t, "power")
			told := []gateway.Property{gateway.PowerState(power, time.Now()), gateway.Volume(5, time.Now())} // lamps have no volume
			if rapid.Bool().Draw(t, "dim") {
				told = append(told, gateway.Brightness(rapid.IntRange(0, 2).Draw(t, "brightness"), time.Now()))
			}
			if lamp.update(gateway.PhysicalInteraction, told...) {
				require.False(t, reporting, "two report at once")
				reporting = true
			}
		}
		for reporting {
			hear()
		}
		require.Equal(t, values(lamp.properties()), heard)
	})
}

func values(properties []gateway.Property) map[string]any {
	all := make(map[string]any)
	for _, p := range properties {
		all[p.Name] = p.Value
	}
	return all
}

// Changes that come faster than Alexa takes the reports are reported together.
func TestChangesMeetInOneReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := begin()
		d.grant(t.Context())
		d.discover(t.Context())
		d.cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Delay: time.Second, Times: -1})
		for brightness := range 6 {
			d.happens(t.Context(), "the dimmer is turned", "lamp", gateway.PhysicalInteraction, gateway.Brightness(brightness, time.Now()))
			time.Sleep(100 * time.Millisecond)
		}
		d.sends(both("ChangeReport lamp brightness=0 PHYSICAL_INTERACTION")...)
		d.sends(both("ChangeReport lamp brightness=5 PHYSICAL_INTERACTION")...)
		d.skill.work.Wait()
		d.sends()
		require.NoError(t, d.err)
	})
}
