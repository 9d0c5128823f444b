package main

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
)

// device is a device in a customer's home, as the device cloud knows it.
type device struct {
	id      string // endpoint ID, which must never change
	account string // owner
	about   description
	does    map[string]action // by the type of the directive

	// takes is the duration of an action that may be longer than Alexa waits. Zero is
	// immediate.
	takes time.Duration

	initial state       // before the device has reported anything
	busy    atomic.Bool // it carries out a directive
}

// description is the part of the discovery response that does not follow from the
// state of the device.
type description struct {
	name, text    string
	category      string                    // one of Alexa's display categories
	configuration map[string]map[string]any // by interface; nil if no interface needs one
}

// action carries out a directive. It returns the property that changed, or the reason
// for a refusal.
type action func(*gateway.Directive) (gateway.Property, *gateway.ErrorResponse)

func newLamp(account, id, name string) *device {
	now := time.Now()
	return &device{
		id: id, account: account,
		about:   description{name: name, text: "A lamp that can be dimmed", category: "LIGHT"},
		initial: state{gateway.PowerState(gateway.Off, now), gateway.Brightness(100, now), gateway.Connectivity(gateway.Reachable, now)},
		does: map[string]action{
			"Alexa.PowerController.TurnOn":             become(gateway.PowerState, gateway.On),
			"Alexa.PowerController.TurnOff":            become(gateway.PowerState, gateway.Off),
			"Alexa.BrightnessController.SetBrightness": setBrightness,
		},
	}
}

// newLock returns a lock whose bolt takes that long to move.
func newLock(account, id, name string, takes time.Duration) *device {
	now := time.Now()
	return &device{
		id: id, account: account, takes: takes,
		about:   description{name: name, text: "A lock with a slow motor", category: "SMARTLOCK"},
		initial: state{gateway.LockState(gateway.Unlocked, now), gateway.Connectivity(gateway.Reachable, now)},
		does: map[string]action{
			"Alexa.LockController.Lock":   become(gateway.LockState, gateway.Locked),
			"Alexa.LockController.Unlock": become(gateway.LockState, gateway.Unlocked),
		},
	}
}

func newThermostat(account, id, name string) *device {
	now := time.Now()
	return &device{
		id: id, account: account,
		about: description{
			name: name, text: "A thermostat for heating", category: "THERMOSTAT",
			configuration: map[string]map[string]any{
				"Alexa.ThermostatController": {"supportedModes": []string{"HEAT", "OFF"}, "supportsScheduling": false},
			},
		},
		initial: state{
			gateway.TargetSetpoint(gateway.Celsius(20), now), gateway.ThermostatMode(gateway.ThermostatHeat, now),
			gateway.Temperature(gateway.Celsius(18.5), now), gateway.Connectivity(gateway.Reachable, now),
		},
		does: map[string]action{
			"Alexa.ThermostatController.SetTargetSetpoint": setTargetSetpoint,
			"Alexa.ThermostatController.SetThermostatMode": setThermostatMode,
		},
	}
}

// become returns an action that sets a property to a value.
func become[T any](property func(T, time.Time) gateway.Property, value T) action {
	return func(*gateway.Directive) (gateway.Property, *gateway.ErrorResponse) {
		return property(value, time.Now()), nil
	}
}

func setBrightness(directive *gateway.Directive) (gateway.Property, *gateway.ErrorResponse) {
	var payload struct{ Brightness *int }
	if json.Unmarshal(directive.Payload(), &payload) != nil || payload.Brightness == nil {
		return gateway.Property{}, directive.ErrorResponse(gateway.InvalidDirective, "no brightness")
	}
	if *payload.Brightness < 0 || *payload.Brightness > 100 {
		return gateway.Property{}, directive.ErrorResponse(gateway.ValueOutOfRange, "brightness is 0 to 100")
	}
	return gateway.Brightness(*payload.Brightness, time.Now()), nil
}

func setTargetSetpoint(directive *gateway.Directive) (gateway.Property, *gateway.ErrorResponse) {
	const coldest, warmest = 5, 30
	var payload struct{ TargetSetpoint *gateway.Degrees }
	if json.Unmarshal(directive.Payload(), &payload) != nil || payload.TargetSetpoint == nil {
		return gateway.Property{}, directive.ErrorResponse(gateway.InvalidDirective, "no targetSetpoint")
	}
	wanted := *payload.TargetSetpoint
	switch wanted.Scale {
	case "FAHRENHEIT":
		wanted = gateway.Celsius((wanted.Value - 32) / 1.8)
	case "KELVIN":
		wanted = gateway.Celsius(wanted.Value - 273.15)
	}
	if wanted.Value < coldest || wanted.Value > warmest {
		refusal := directive.ErrorResponse("TEMPERATURE_VALUE_OUT_OF_RANGE", "5 to 30 degrees Celsius")
		refusal.Details = map[string]any{"validRange": map[string]gateway.Degrees{
			"minimumValue": gateway.Celsius(coldest), "maximumValue": gateway.Celsius(warmest),
		}}
		return gateway.Property{}, refusal
	}
	return gateway.TargetSetpoint(wanted, time.Now()), nil
}

func setThermostatMode(directive *gateway.Directive) (gateway.Property, *gateway.ErrorResponse) {
	var payload struct {
		ThermostatMode struct{ Value gateway.Thermostat }
	}
	if json.Unmarshal(directive.Payload(), &payload) != nil {
		return gateway.Property{}, directive.ErrorResponse(gateway.InvalidDirective, "no thermostatMode")
	}
	switch mode := payload.ThermostatMode.Value; mode {
	case gateway.ThermostatHeat, gateway.ThermostatOff:
		return gateway.ThermostatMode(mode, time.Now()), nil
	}
	refusal := directive.ErrorResponse("UNSUPPORTED_THERMOSTAT_MODE", "the thermostat heats or is off")
	refusal.Namespace = "Alexa.ThermostatController"
	return gateway.Property{}, refusal
}
