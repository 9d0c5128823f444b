package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
)

// demonstration is Alexa and the people, and what they expect of the skill.
type demonstration struct {
	out    io.Writer
	cloud  *alexatest.Cloud
	skill  *skill
	lambda func(context.Context, json.RawMessage) (json.RawMessage, error)

	tokens   map[string]string   // the customers' access tokens
	declared map[string][]string // the properties of each endpoint, by the discovery response
	deferred map[string]bool     // correlation tokens of the directives whose response was deferred
	seen     int                 // how many of the events that the skill sent were looked at
	err      error               // the first thing that was not as it should be; nothing happens after it
}

func newDemonstration(out io.Writer, cloud *alexatest.Cloud, skill *skill) *demonstration {
	return &demonstration{
		out: out, cloud: cloud, skill: skill, lambda: skill.invoke,
		tokens:   map[string]string{"Ada": "ada-1", "Bob": "bob-1", "Mallory": "mallory-1"},
		declared: make(map[string][]string), deferred: make(map[string]bool),
	}
}

func (d *demonstration) run(ctx context.Context) error {
	fmt.Fprintln(d.out, "The backend of a smart home skill, and a fake Alexa: → is what the skill\n"+
		"returns for a directive, and ⇒ what it sends by itself.")
	for _, chapter := range []struct {
		title string
		run   func(context.Context)
	}{
		{"Ada and Bob, of one house, allow the skill to send events", d.grant},
		{"Alexa asks what there is and how it is", d.discover},
		{"The lamp", d.lamp},
		{"The thermostat", d.thermostat},
		{"The lock, which is slow", d.lock},
		{"What cannot be", d.refusals},
	} {
		fmt.Fprintf(d.out, "\n%s\n\n", chapter.title)
		if chapter.run(ctx); d.err != nil {
			return fmt.Errorf("%s: %w", chapter.title, d.err)
		}
	}
	d.skill.work.Wait()
	d.empties(ctx)
	if d.sends(); d.err != nil {
		return d.err
	}
	fmt.Fprintln(d.out, "\nAll of this was as it should be. Next, read skill.go in examples/smarthome.")
	return nil
}

func (d *demonstration) grant(ctx context.Context) {
	d.allow(ctx, "Ada", "AcceptGrant.Response")
	d.allow(ctx, "Bob", "AcceptGrant.Response")
}

func (d *demonstration) discover(ctx context.Context) {
	d.ask(ctx, "Ada", "Alexa.Discovery.Discover", "", nil, "Discover.Response lamp lock thermostat")
	d.ask(ctx, "Bob", "Alexa.ReportState", "lamp", nil, "StateReport powerState=OFF brightness=100 connectivity=OK")
	d.ask(ctx, "Bob", "Alexa.ReportState", "lock", nil, "StateReport lockState=UNLOCKED connectivity=OK")
	d.ask(ctx, "Bob", "Alexa.ReportState", "thermostat", nil,
		"StateReport targetSetpoint=20C thermostatMode=HEAT temperature=18.5C connectivity=OK")
}

func (d *demonstration) lamp(ctx context.Context) {
	d.ask(ctx, "Ada", "Alexa.PowerController.TurnOn", "lamp", nil, "Response powerState=ON brightness=100 connectivity=OK")
	d.sends(both("ChangeReport lamp powerState=ON VOICE_INTERACTION")...)
	d.ask(ctx, "Bob", "Alexa.PowerController.TurnOn", "lamp", nil, "Response powerState=ON brightness=100 connectivity=OK")
	d.ask(ctx, "Ada", "Alexa.BrightnessController.SetBrightness", "lamp", object{"brightness": 40},
		"Response powerState=ON brightness=40 connectivity=OK")
	d.sends(both("ChangeReport lamp brightness=40 VOICE_INTERACTION")...)
	d.happens(ctx, "somebody presses the switch", "lamp", gateway.PhysicalInteraction,
		gateway.PowerState(gateway.Off, time.Now()))
	d.sends(both("ChangeReport lamp powerState=OFF PHYSICAL_INTERACTION")...)
	d.happens(ctx, "the lamp goes offline", "lamp", gateway.PeriodicPoll,
		gateway.Connectivity(gateway.Unreachable, time.Now()))
	d.sends(both("ChangeReport lamp connectivity=UNREACHABLE PERIODIC_POLL")...)
	d.ask(ctx, "Ada", "Alexa.PowerController.TurnOn", "lamp", nil, "ErrorResponse ENDPOINT_UNREACHABLE")
}

func (d *demonstration) thermostat(ctx context.Context) {
	d.ask(ctx, "Ada", "Alexa.ThermostatController.SetTargetSetpoint", "thermostat",
		object{"targetSetpoint": gateway.Fahrenheit(72.5)},
		"Response targetSetpoint=22.5C thermostatMode=HEAT temperature=18.5C connectivity=OK")
	d.sends(both("ChangeReport thermostat targetSetpoint=22.5C VOICE_INTERACTION")...)
	d.happens(ctx, "it gets warmer", "thermostat", gateway.PeriodicPoll,
		gateway.Temperature(gateway.Celsius(19), time.Now()))
	d.sends(both("ChangeReport thermostat temperature=19C PERIODIC_POLL")...)
	d.ask(ctx, "Bob", "Alexa.ThermostatController.SetTargetSetpoint", "thermostat",
		object{"targetSetpoint": gateway.Celsius(60)}, "ErrorResponse TEMPERATURE_VALUE_OUT_OF_RANGE")
	d.ask(ctx, "Bob", "Alexa.ThermostatController.SetThermostatMode", "thermostat",
		object{"thermostatMode": object{"value": "COOL"}}, "ErrorResponse UNSUPPORTED_THERMOSTAT_MODE")
	d.ask(ctx, "Bob", "Alexa.ThermostatController.SetThermostatMode", "thermostat",
		object{"thermostatMode": object{"value": "OFF"}},
		"Response targetSetpoint=22.5C thermostatMode=OFF temperature=19C connectivity=OK")
	d.sends(both("ChangeReport thermostat thermostatMode=OFF VOICE_INTERACTION")...)
}

func (d *demonstration) lock(ctx context.Context) {
	takes := d.skill.device("lock").takes
	d.tokens["Ada"] = "ada-2" // Alexa refreshed it
	d.ask(ctx, "Ada", "Alexa.LockController.Lock", "lock", nil, fmt.Sprintf("DeferredResponse %.0fs", takes.Seconds()))
	d.ask(ctx, "Bob", "Alexa.LockController.Unlock", "lock", nil, "ErrorResponse ENDPOINT_BUSY")
	d.ask(ctx, "Bob", "Alexa.ReportState", "lock", nil, "StateReport lockState=UNLOCKED connectivity=OK")
	time.Sleep(takes)
	d.sends(append(both("ChangeReport lock lockState=LOCKED VOICE_INTERACTION"),
		"Ada: Response lockState=LOCKED connectivity=OK")...)
}

func (d *demonstration) refusals(ctx context.Context) {
	d.ask(ctx, "Ada", "Alexa.LockController.Lock", "thermostat", nil, "ErrorResponse INVALID_DIRECTIVE")
	d.ask(ctx, "Ada", "Alexa.ReportState", "eves-lamp", nil, "ErrorResponse NO_SUCH_ENDPOINT")
	d.ask(ctx, "Mallory", "Alexa.ReportState", "lamp", nil, "ErrorResponse INVALID_AUTHORIZATION_CREDENTIAL")
	d.ask(ctx, "Mallory", "Alexa.Discovery.Discover", "", nil, "Discover.Response")
	d.allow(ctx, "Mallory", "ErrorResponse ACCEPT_GRANT_FAILED")
}
