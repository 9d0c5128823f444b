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

// demonstration sends directives to the skill, and checks its responses and events.
type demonstration struct {
	out    io.Writer
	cloud  *alexatest.Cloud
	skill  *skill
	lambda func(context.Context, json.RawMessage) (json.RawMessage, error)

	tokens   map[string]string   // the customers' access tokens
	declared map[string][]string // the properties of each endpoint, by the discovery response
	deferred map[string]bool     // correlation tokens of the directives whose response was deferred
	checked  int                 // number of checked events of the skill
	err      error               // the first failed check; every later step does nothing
}

func newDemonstration(out io.Writer, cloud *alexatest.Cloud, skill *skill) *demonstration {
	return &demonstration{
		out: out, cloud: cloud, skill: skill, lambda: skill.invoke,
		tokens:   map[string]string{"Ada": "ada-1", "Bob": "bob-1", "Mallory": "mallory-1"},
		declared: make(map[string][]string), deferred: make(map[string]bool),
	}
}

func (d *demonstration) run(ctx context.Context) error {
	fmt.Fprintln(d.out, "The backend of a smart home skill against a fake Alexa.\n"+
		"→ response to a directive, ⇒ event that the skill sends")
	for _, section := range []struct {
		title string
		run   func(context.Context)
	}{
		{"Grants of two customers with one account", d.grant},
		{"Discovery and state reports", d.discover},
		{"Lamp", d.lamp},
		{"Thermostat", d.thermostat},
		{"Lock with deferred responses", d.lock},
		{"Error responses", d.errors},
	} {
		fmt.Fprintf(d.out, "\n%s\n\n", section.title)
		if section.run(ctx); d.err != nil {
			return fmt.Errorf("%s: %w", section.title, d.err)
		}
	}
	d.skill.work.Wait()
	d.awaitOutbox(ctx)
	if d.expectEvents(); d.err != nil {
		return d.err
	}
	fmt.Fprintln(d.out, "\nAll checks passed. Next: read and copy examples/smarthome/skill.go.")
	return nil
}

func (d *demonstration) grant(ctx context.Context) {
	d.acceptGrant(ctx, "Ada", "AcceptGrant.Response")
	d.acceptGrant(ctx, "Bob", "AcceptGrant.Response")
}

func (d *demonstration) discover(ctx context.Context) {
	d.direct(ctx, "Ada", "Alexa.Discovery.Discover", "", nil, "Discover.Response lamp lock thermostat")
	d.direct(ctx, "Bob", "Alexa.ReportState", "lamp", nil, "StateReport powerState=OFF brightness=100 connectivity=OK")
	d.direct(ctx, "Bob", "Alexa.ReportState", "lock", nil, "StateReport lockState=UNLOCKED connectivity=OK")
	d.direct(ctx, "Bob", "Alexa.ReportState", "thermostat", nil,
		"StateReport targetSetpoint=20C thermostatMode=HEAT temperature=18.5C connectivity=OK")
}

func (d *demonstration) lamp(ctx context.Context) {
	d.direct(ctx, "Ada", "Alexa.PowerController.TurnOn", "lamp", nil, "Response powerState=ON brightness=100 connectivity=OK")
	d.expectEvents(both("ChangeReport lamp powerState=ON VOICE_INTERACTION")...)
	d.direct(ctx, "Bob", "Alexa.PowerController.TurnOn", "lamp", nil, "Response powerState=ON brightness=100 connectivity=OK")
	d.direct(ctx, "Ada", "Alexa.BrightnessController.SetBrightness", "lamp", object{"brightness": 40},
		"Response powerState=ON brightness=40 connectivity=OK")
	d.expectEvents(both("ChangeReport lamp brightness=40 VOICE_INTERACTION")...)
	d.change(ctx, "the switch is pressed", "lamp", gateway.PhysicalInteraction,
		gateway.PowerState(gateway.Off, time.Now()))
	d.expectEvents(both("ChangeReport lamp powerState=OFF PHYSICAL_INTERACTION")...)
	d.change(ctx, "the lamp goes offline", "lamp", gateway.PeriodicPoll,
		gateway.Connectivity(gateway.Unreachable, time.Now()))
	d.expectEvents(both("ChangeReport lamp connectivity=UNREACHABLE PERIODIC_POLL")...)
	d.direct(ctx, "Ada", "Alexa.PowerController.TurnOn", "lamp", nil, "ErrorResponse ENDPOINT_UNREACHABLE")
}

func (d *demonstration) thermostat(ctx context.Context) {
	d.direct(ctx, "Ada", "Alexa.ThermostatController.SetTargetSetpoint", "thermostat",
		object{"targetSetpoint": gateway.Fahrenheit(72.5)},
		"Response targetSetpoint=22.5C thermostatMode=HEAT temperature=18.5C connectivity=OK")
	d.expectEvents(both("ChangeReport thermostat targetSetpoint=22.5C VOICE_INTERACTION")...)
	d.change(ctx, "the temperature rises", "thermostat", gateway.PeriodicPoll,
		gateway.Temperature(gateway.Celsius(19), time.Now()))
	d.expectEvents(both("ChangeReport thermostat temperature=19C PERIODIC_POLL")...)
	d.direct(ctx, "Bob", "Alexa.ThermostatController.SetTargetSetpoint", "thermostat",
		object{"targetSetpoint": gateway.Celsius(60)}, "ErrorResponse TEMPERATURE_VALUE_OUT_OF_RANGE")
	d.direct(ctx, "Bob", "Alexa.ThermostatController.SetThermostatMode", "thermostat",
		object{"thermostatMode": object{"value": "COOL"}}, "ErrorResponse UNSUPPORTED_THERMOSTAT_MODE")
	d.direct(ctx, "Bob", "Alexa.ThermostatController.SetThermostatMode", "thermostat",
		object{"thermostatMode": object{"value": "OFF"}},
		"Response targetSetpoint=22.5C thermostatMode=OFF temperature=19C connectivity=OK")
	d.expectEvents(both("ChangeReport thermostat thermostatMode=OFF VOICE_INTERACTION")...)
}

func (d *demonstration) lock(ctx context.Context) {
	takes := d.skill.device("lock").takes
	d.tokens["Ada"] = "ada-2" // Alexa has refreshed the access token
	d.direct(ctx, "Ada", "Alexa.LockController.Lock", "lock", nil, fmt.Sprintf("DeferredResponse %.0fs", takes.Seconds()))
	d.direct(ctx, "Bob", "Alexa.LockController.Unlock", "lock", nil, "ErrorResponse ENDPOINT_BUSY")
	d.direct(ctx, "Bob", "Alexa.ReportState", "lock", nil, "StateReport lockState=UNLOCKED connectivity=OK")
	time.Sleep(takes)
	d.expectEvents(append(both("ChangeReport lock lockState=LOCKED VOICE_INTERACTION"),
		"Ada: Response lockState=LOCKED connectivity=OK")...)
}

func (d *demonstration) errors(ctx context.Context) {
	d.direct(ctx, "Ada", "Alexa.LockController.Lock", "thermostat", nil, "ErrorResponse INVALID_DIRECTIVE")
	d.direct(ctx, "Ada", "Alexa.ReportState", "eves-lamp", nil, "ErrorResponse NO_SUCH_ENDPOINT")
	d.direct(ctx, "Mallory", "Alexa.ReportState", "lamp", nil, "ErrorResponse INVALID_AUTHORIZATION_CREDENTIAL")
	d.direct(ctx, "Mallory", "Alexa.Discovery.Discover", "", nil, "Discover.Response")
	d.acceptGrant(ctx, "Mallory", "ErrorResponse ACCEPT_GRANT_FAILED")
}
