package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := begin(t)
		for _, test := range []struct {
			directive, endpoint string
			payload             object
			want                string
		}{
			{"Alexa.BrightnessController.SetBrightness", "lamp", nil, "INVALID_DIRECTIVE"},
			{"Alexa.BrightnessController.SetBrightness", "lamp", object{"brightness": "half"}, "INVALID_DIRECTIVE"},
			{"Alexa.BrightnessController.SetBrightness", "lamp", object{"brightness": 101}, "VALUE_OUT_OF_RANGE"},
			{"Alexa.BrightnessController.SetBrightness", "lamp", object{"brightness": -1}, "VALUE_OUT_OF_RANGE"},
			{"Alexa.ThermostatController.SetTargetSetpoint", "thermostat", nil, "INVALID_DIRECTIVE"},
			{"Alexa.ThermostatController.SetTargetSetpoint", "thermostat", object{"targetSetpoint": gateway.Kelvin(270)}, "TEMPERATURE_VALUE_OUT_OF_RANGE"},
			{"Alexa.ThermostatController.SetThermostatMode", "thermostat", object{"thermostatMode": "OFF"}, "INVALID_DIRECTIVE"},
			{"Alexa.ThermostatController.SetThermostatMode", "thermostat", nil, "UNSUPPORTED_THERMOSTAT_MODE"},
			{"Alexa.LockController.Lock", "lock", nil, "INTERNAL_ERROR"}, // without a grant there is no later response
			{"Alexa.Unknown.Directive", "lamp", nil, "INVALID_DIRECTIVE"},
			{"Alexa.ReportState", "unknown", nil, "NO_SUCH_ENDPOINT"},
		} {
			d.direct(t.Context(), "Ada", test.directive, test.endpoint, test.payload, "ErrorResponse "+test.want)
		}
		d.skill.work.Wait()
		d.expectEvents()
		require.NoError(t, d.err)
	})
}

func TestTemperatureRefusalNamesTheRange(t *testing.T) {
	t.Parallel()
	d := begin(t)
	message := alexatest.Directive("Alexa.ThermostatController", "SetTargetSetpoint", "thermostat", "ada-1",
		object{"targetSetpoint": gateway.Celsius(4)})
	response, err := d.skill.invoke(t.Context(), message)
	require.NoError(t, err)
	var e struct {
		Event struct{ Payload json.RawMessage }
	}
	require.NoError(t, json.Unmarshal(response, &e))
	require.JSONEq(t, `{"type": "TEMPERATURE_VALUE_OUT_OF_RANGE", "message": "5 to 30 degrees Celsius", "validRange": {
		"minimumValue": {"value": 5, "scale": "CELSIUS"}, "maximumValue": {"value": 30, "scale": "CELSIUS"}}}`, string(e.Event.Payload))
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	thermostat, err := json.Marshal(newThermostat("house", "thermostat", "Living room").endpoint())
	require.NoError(t, err)
	require.JSONEq(t, `{
		"endpointId": "thermostat", "manufacturerName": "Example", "friendlyName": "Living room",
		"description": "A thermostat for heating", "displayCategories": ["THERMOSTAT"],
		"capabilities": [
			{"type": "AlexaInterface", "interface": "Alexa", "version": "3"},
			{"type": "AlexaInterface", "interface": "Alexa.ThermostatController", "version": "3",
				"properties": {"supported": [{"name": "targetSetpoint"}, {"name": "thermostatMode"}], "proactivelyReported": true, "retrievable": true},
				"configuration": {"supportedModes": ["HEAT", "OFF"], "supportsScheduling": false}},
			{"type": "AlexaInterface", "interface": "Alexa.TemperatureSensor", "version": "3",
				"properties": {"supported": [{"name": "temperature"}], "proactivelyReported": true, "retrievable": true}},
			{"type": "AlexaInterface", "interface": "Alexa.EndpointHealth", "version": "3",
				"properties": {"supported": [{"name": "connectivity"}], "proactivelyReported": true, "retrievable": true}}
		]}`, string(thermostat))
}

// If the account look-up fails, the skill must not respond that the account has no
// devices.
func TestHTTP(t *testing.T) {
	t.Parallel()
	d := begin(t)
	d.skill.grants.Account = func(context.Context, string) (string, error) { return "", errors.New("no database") }
	var log bytes.Buffer
	d.skill.logger = slog.New(slog.NewTextHandler(&log, nil))
	server := httptest.NewServer(d.skill)
	defer server.Close()
	lambda := forward(server.Client(), server.URL)

	_, err := lambda(t.Context(), alexatest.Directive("Alexa.Discovery", "Discover", "", "ada-1", nil))
	require.ErrorContains(t, err, "the skill responded with 500")
	require.Contains(t, log.String(), "no database")
	_, err = lambda(t.Context(), json.RawMessage(`{}`))
	require.ErrorContains(t, err, "the skill responded with 400")
	_, err = lambda(t.Context(), bytes.Repeat([]byte(" "), maxMessage+1))
	require.ErrorContains(t, err, "the skill responded with 400")
	_, err = forward(http.DefaultClient, "http://127.0.0.1:1")(t.Context(), json.RawMessage(`{}`))
	require.ErrorContains(t, err, "refused")
	_, err = forward(http.DefaultClient, ":")(t.Context(), json.RawMessage(`{}`))
	require.Error(t, err)
}

// Reports that Alexa does not take are logged, unless the customers have left.
func TestReportsThatFail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fail func(*demonstration)
		log  string
	}{
		{"the customers left", func(d *demonstration) {
			d.cloud.DisableSkill("Ada")
			d.cloud.DisableSkill("Bob")
		}, ""},
		{"the customers left long ago", func(d *demonstration) {
			d.cloud.DisableSkill("Ada")
			d.cloud.DisableSkill("Bob")
			d.cloud.ExpireTokens()
		}, ""},
		{"events are off", func(d *demonstration) {
			d.cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Times: -1, Status: http.StatusForbidden, Code: "INSUFFICIENT_PERMISSION_EXCEPTION"})
		}, "change not reported"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := begin(t)
				var log bytes.Buffer
				d.skill.logger = slog.New(slog.NewTextHandler(&log, nil))
				d.grant(t.Context())
				d.discover(t.Context())
				d.change(t.Context(), "somebody presses the switch", "lamp", gateway.PhysicalInteraction, gateway.PowerState(gateway.On, time.Now()))
				d.expectEvents(both("ChangeReport lamp powerState=ON PHYSICAL_INTERACTION")...)
				test.fail(d)
				d.change(t.Context(), "somebody presses the switch", "lamp", gateway.PhysicalInteraction, gateway.PowerState(gateway.Off, time.Now()))
				time.Sleep(soon)
				synctest.Wait() // the outbox writes to the log
				d.expectEvents()
				require.NoError(t, d.err)
				if test.log == "" {
					require.Empty(t, log.String())
				}
				require.Contains(t, log.String(), test.log)
			})
		})
	}
}
