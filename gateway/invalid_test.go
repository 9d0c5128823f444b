package gateway_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
)

func TestInvalidEvents(t *testing.T) {
	list := func(p ...gateway.Property) []gateway.Property { return p }
	change := func(p ...gateway.Property) *gateway.ChangeReport {
		return &gateway.ChangeReport{EndpointID: "lamp-1", Cause: gateway.PeriodicPoll, Properties: p}
	}
	value := func(value any) *gateway.ChangeReport {
		return change(gateway.Property{Namespace: "Alexa.Example", Name: "example", Value: value, TimeOfSample: at})
	}
	added := func(name string, value any) *gateway.AddOrUpdateReport {
		e := endpoint("lamp-1")
		e[name] = value
		return &gateway.AddOrUpdateReport{Endpoints: []any{endpoint("lamp-0"), e}}
	}
	raw := func(payload string) *gateway.RawEvent {
		return &gateway.RawEvent{Namespace: "Alexa.Example", Name: "Example", EndpointID: "lamp-1", Payload: json.RawMessage(payload)}
	}
	many := make([]string, 301)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}

	const (
		p       = "ChangeReport.Properties[0]"
		needed  = "is required"
		pattern = "must be 1 to 256 letters"
		years   = "must lie in the years 1000 to 9999"
		utf8    = "must be valid UTF-8"
		object  = "must be a JSON object"
		encodes = "that encoding/json can encode"
	)
	for _, test := range []struct {
		event       gateway.Event
		field, rule string
	}{
		{nil, "Event", "must not be nil"},
		{(*gateway.RawEvent)(nil), "RawEvent", "must not be nil"},

		// endpoints
		{&gateway.ChangeReport{Cause: "X", Properties: list(lampOn())}, "ChangeReport.EndpointID", pattern},
		{&gateway.ChangeReport{EndpointID: "küche", Cause: "X", Properties: list(lampOn())}, "ChangeReport.EndpointID", pattern},
		{&gateway.WakeUp{EndpointID: strings.Repeat("x", 257)}, "WakeUp.EndpointID", pattern},
		{&gateway.DoorbellPress{Cause: "X", Timestamp: at}, "DoorbellPress.EndpointID", pattern},
		{&gateway.SessionConnected{SessionID: "session-1"}, "SessionConnected.EndpointID", pattern},

		// changes
		{&gateway.ChangeReport{EndpointID: "lamp-1", Properties: list(lampOn())}, "ChangeReport.Cause", needed},
		{change(), "ChangeReport.Properties", needed},
		{change(lampOn(), reachable(), gateway.PowerState(gateway.Off, at)), "ChangeReport.Properties[2]", "repeats Properties[0]"},
		{&gateway.ChangeReport{
			EndpointID: "lamp-1", Cause: "X", Properties: list(lampOn()), Context: list(reachable(), lampOn()),
		}, "ChangeReport.Context[1]", "repeats a property that changed"},
		{&gateway.StateReport{EndpointID: "lamp-1", CorrelationToken: "c", Context: list(lampOn(), lampOn())}, "StateReport.Context[1]", "repeats Context[0]"},

		// properties
		{change(gateway.Property{Name: "x", Value: 1, TimeOfSample: at}), p + ".Namespace", needed},
		{change(gateway.Property{Namespace: "Alexa.X", Value: 1, TimeOfSample: at}), p + ".Name", needed},
		{change(gateway.Property{Namespace: "Alexa.X", Name: "\xff", Value: 1, TimeOfSample: at}), p + ".Name", utf8},
		{change(gateway.Mode("", "Wash", at)), p + ".Instance", needed},
		{change(gateway.RangeValue("", 1, at)), p + ".Instance", needed},
		{change(gateway.ToggleState("", gateway.On, at)), p + ".Instance", needed},
		{change(lampOn(), gateway.PowerState(gateway.On, time.Time{})), "ChangeReport.Properties[1].TimeOfSample", needed},
		{change(gateway.PowerState(gateway.On, at.AddDate(-1500, 0, 0))), p + ".TimeOfSample", years},
		{change(gateway.PowerState(gateway.On, at.AddDate(8000, 0, 0))), p + ".TimeOfSample", years},
		{change(gateway.Property{Namespace: "Alexa.X", Name: "x", Value: 1, TimeOfSample: at, Uncertainty: -1}), p + ".Uncertainty", "must not be negative"},
		{value(nil), p + ".Value", needed},
		{value(""), p + ".Value", needed},
		{value((*int)(nil)), p + ".Value", needed},
		{value(math.NaN()), p + ".Value", encodes},
		{value(math.Inf(-1)), p + ".Value", encodes},
		{value(func() {}), p + ".Value", encodes},
		{value(json.RawMessage(`{"a"`)), p + ".Value", encodes},
		{value(json.RawMessage("\"\xff\"")), p + ".Value", utf8},
		{value("a\xff"), p + ".Value", utf8},
		{value([]any{map[string]any{"a\xff": 1}}), p + ".Value", utf8},
		{value(`\\` + "\xff"), p + ".Value", utf8},
		{value((*gateway.Degrees)(nil)), p + ".Value", needed},
		{value((*gateway.Amount)(nil)), p + ".Value", needed},
		{value((*gateway.Interval)(nil)), p + ".Value", needed},

		// values of known properties
		{change(gateway.PowerState("", at)), p + ".Value", needed},
		{change(gateway.Brightness(101, at)), p + ".Value", "must be 0 to 100"},
		{change(gateway.Volume(-1, at)), p + ".Value", "must be 0 to 100"},
		{change(gateway.ColorTemperatureInKelvin(999, at)), p + ".Value", "must be 1000 to 10000"},
		{change(gateway.Color(gateway.HSB{Hue: 361}, at)), p + ".Value", "hue of 0 to 360"},
		{change(gateway.Color(gateway.HSB{Saturation: 1.1}, at)), p + ".Value", "saturation of 0 to 1"},
		{change(gateway.Color(gateway.HSB{Brightness: -0.1}, at)), p + ".Value", "brightness of 0 to 1"},
		{change(gateway.Color(gateway.HSB{Hue: math.NaN()}, at)), p + ".Value", encodes},
		{change(gateway.Connectivity("", at)), p + ".Value", needed},
		{change(gateway.PlaybackState("", at)), p + ".Value", needed},
		{change(gateway.CookingPowerLevel("", at)), p + ".Value", "a type and a value"},
		{change(gateway.Temperature(gateway.Degrees{Value: 20}, at)), p + ".Value", "must have a scale"},
		{change(gateway.Channel(gateway.TVChannel{}, at)), p + ".Value", "must name the channel"},
		{change(gateway.EqualizerBands([]gateway.EqualizerBand{{Name: gateway.Bass}, {Name: gateway.Bass}}, at)), p + ".Value", "each once"},
		{change(gateway.EqualizerBands([]gateway.EqualizerBand{{Value: 1}}, at)), p + ".Value", "name every band"},
		{change(gateway.InventoryLevel("Ink", gateway.Amount{Value: 1}, at)), p + ".Value", "must have a type"},
		{change(gateway.InventoryLevel("Ink", gateway.Amount{Type: "Count", Value: -1}, at)), p + ".Value", "must not be negative"},
		{change(gateway.InventoryLevel("Ink", gateway.Amount{Type: "Weight", Value: 1}, at)), p + ".Value", "must have a unit"},
		{change(gateway.CookingMode(gateway.Cooking{}, at)), p + ".Value", "must have a mode"},
		{change(gateway.CookingMode(gateway.Cooking{Mode: "CUSTOM"}, at)), p + ".Value", "a custom mode a name"},
		{change(gateway.FoodItem(gateway.Food{}, at)), p + ".Value", "must have a name"},
		{change(gateway.FoodItem(gateway.Food{Name: "Soup", Quantity: &gateway.Amount{}}, at)), p + ".Value", "must have a type"},
		{change(gateway.CookingTimeInterval(gateway.Interval{}, at)), p + ".Value", "must have a start, an end or a duration"},
		{change(gateway.CookingTimeInterval(gateway.Interval{Start: at, End: at.Add(-1)}, at)), p + ".Value", "must not end before it starts"},
		{change(gateway.CookingTimeInterval(gateway.Interval{End: at.AddDate(8000, 0, 0)}, at)), p + ".Value", years},
		{change(gateway.CookingTimeInterval(gateway.Interval{Start: at.AddDate(-1500, 0, 0)}, at)), p + ".Value", years},
		{change(gateway.CookingTimeInterval(gateway.Interval{Start: at, Duration: -1}, at)), p + ".Value", "must not have a negative duration"},
		{change(gateway.FoodItem(gateway.Food{Name: "Steak", Thickness: &gateway.Length{Value: 2}}, at)), p + ".Value", "a thickness with a unit"},
		{change(gateway.LauncherTarget(gateway.App{Name: "X"}, at)), p + ".Value", "an identifier and a name"},
		{change(gateway.AutomationStatuses([]gateway.AutomationStatus{{Status: "AUTOMATED"}}, at)), p + ".Value", "a capability and a status"},
		{change(gateway.ConnectivityLost("", time.Time{})), p + ".TimeOfSample", needed},
		{change(gateway.ThermostatCustomMode("", at)), p + ".Value", "a custom mode a name"},
		{change(gateway.HoldStartTime(time.Time{}, at)), p + ".Value", years},
		{change(gateway.RequestedCookTime(-1, at)), p + ".Value", "must not be negative"},

		// answers
		{&gateway.Response{EndpointID: "lamp-1"}, "Response.CorrelationToken", needed},
		{&gateway.Response{EndpointID: "lamp-1", CorrelationToken: "\xff"}, "Response.CorrelationToken", utf8},
		{&gateway.Response{Payload: []int{1}}, "Response.Payload", object},
		{&gateway.Response{Payload: (*struct{})(nil)}, "Response.Payload", object},
		{&gateway.Response{Payload: make(chan int)}, "Response.Payload", encodes},
		{&gateway.StateReport{CorrelationToken: "c"}, "StateReport.EndpointID", needed},
		{&gateway.StateReport{EndpointID: "lamp-1"}, "StateReport.CorrelationToken", needed},
		{&gateway.ErrorResponse{EndpointID: "lamp-1", Type: "X"}, "ErrorResponse.CorrelationToken", needed},
		{&gateway.ErrorResponse{Message: "x"}, "ErrorResponse.Type", needed},
		{&gateway.ErrorResponse{Type: "X", Details: map[string]any{"type": 1}}, "ErrorResponse.Details", "must not repeat"},
		{&gateway.ErrorResponse{Type: "X", Details: map[string]any{"a": math.NaN()}}, "ErrorResponse.Details", encodes},
		{&gateway.DeferredResponse{}, "DeferredResponse.CorrelationToken", needed},
		{&gateway.DeferredResponse{CorrelationToken: "c", EstimatedDeferral: -time.Second}, "DeferredResponse.EstimatedDeferral", "0 to 2147483647"},
		{&gateway.DeferredResponse{CorrelationToken: "c", EstimatedDeferral: math.MaxInt64}, "DeferredResponse.EstimatedDeferral", "0 to 2147483647"},

		// discovery
		{&gateway.DeleteReport{}, "DeleteReport.EndpointIDs", "1 to 300"},
		{&gateway.DeleteReport{EndpointIDs: many}, "DeleteReport.EndpointIDs", "1 to 300"},
		{&gateway.DeleteReport{EndpointIDs: []string{"a", "b", "a"}}, "DeleteReport.EndpointIDs[2]", "repeats an endpoint"},
		{&gateway.DeleteReport{EndpointIDs: []string{"a", ""}}, "DeleteReport.EndpointIDs[1]", pattern},
		{&gateway.AddOrUpdateReport{}, "AddOrUpdateReport.Endpoints", "1 to 300"},
		{&gateway.AddOrUpdateReport{Endpoints: make([]any, 301)}, "AddOrUpdateReport.Endpoints", "1 to 300"},
		{&gateway.AddOrUpdateReport{Endpoints: make([]any, 1)}, "AddOrUpdateReport.Endpoints[0].manufacturerName", "1 to 128 characters"},
		{&gateway.AddOrUpdateReport{Endpoints: []any{1}}, "AddOrUpdateReport.Endpoints[0]", object},
		{&gateway.AddOrUpdateReport{Endpoints: []any{endpoint("a"), endpoint("a")}}, "AddOrUpdateReport.Endpoints[1]", "repeats an endpoint"},
		{added("endpointId", "a/b"), "AddOrUpdateReport.Endpoints[1].endpointId", pattern},
		{added("friendlyName", strings.Repeat("ü", 257)), "AddOrUpdateReport.Endpoints[1].friendlyName", "1 to 256 characters"},
		{added("friendlyName", ""), "AddOrUpdateReport.Endpoints[1].friendlyName", "1 to 256 characters"},
		{added("manufacturerName", strings.Repeat("ü", 129)), "AddOrUpdateReport.Endpoints[1].manufacturerName", "1 to 128 characters"},
		{added("capabilities", make([]any, 101)), "AddOrUpdateReport.Endpoints[1].capabilities", "at most 100"},
		{added("description", "\xff"), "AddOrUpdateReport.Endpoints[1]", utf8},
		{added("description", 1), "AddOrUpdateReport.Endpoints[1].description", "1 to 128 characters"},
		{added("displayCategories", []string{}), "AddOrUpdateReport.Endpoints[1].displayCategories", needed},
		{added("capabilities", nil), "AddOrUpdateReport.Endpoints[1].capabilities", needed},

		// moments
		{&gateway.DoorbellPress{EndpointID: "lamp-1", Timestamp: at}, "DoorbellPress.Cause", needed},
		{&gateway.DoorbellPress{EndpointID: "lamp-1", Cause: "X"}, "DoorbellPress.Timestamp", needed},
		{&gateway.SimpleEvent{EndpointID: "lamp-1", ID: "Press", Timestamp: at}, "SimpleEvent.Instance", needed},
		{&gateway.SimpleEvent{EndpointID: "lamp-1", Instance: "Button", Timestamp: at}, "SimpleEvent.ID", needed},
		{&gateway.SimpleEvent{EndpointID: "lamp-1", Instance: "Button", ID: "Press"}, "SimpleEvent.Timestamp", needed},
		{&gateway.ActivationStarted{EndpointID: "lamp-1", Timestamp: at}, "ActivationStarted.Cause", needed},
		{&gateway.DeactivationStarted{EndpointID: "lamp-1", Cause: "X"}, "DeactivationStarted.Timestamp", needed},

		// security panels and cameras
		{&gateway.ArmResponse{CorrelationToken: "c"}, "ArmResponse.EndpointID", needed},
		{&gateway.ArmResponse{EndpointID: "panel-1"}, "ArmResponse.CorrelationToken", needed},
		{&gateway.ArmResponse{EndpointID: "panel-1", CorrelationToken: "c", ExitDelay: 255*time.Second + 1}, "ArmResponse.ExitDelay", "0 to 255"},
		{&gateway.ArmResponse{EndpointID: "panel-1", CorrelationToken: "c", ExitDelay: -time.Second}, "ArmResponse.ExitDelay", "0 to 255"},
		{&gateway.ArmResponse{
			EndpointID: "panel-1", CorrelationToken: "c", BypassedEndpoints: []gateway.BypassedEndpoint{{FriendlyName: "Door"}, {}},
		}, "ArmResponse.BypassedEndpoints[1].FriendlyName", needed},
		{&gateway.ArmResponse{
			EndpointID: "panel-1", CorrelationToken: "c", BypassedEndpoints: []gateway.BypassedEndpoint{{FriendlyName: "Door", EndpointID: "ü"}},
		}, "ArmResponse.BypassedEndpoints[0].EndpointID", pattern},
		{&gateway.AnswerGeneratedForSession{EndpointID: "camera-1"}, "AnswerGeneratedForSession.SDP", needed},
		{&gateway.SessionDisconnected{EndpointID: "camera-1"}, "SessionDisconnected.SessionID", needed},

		// raw events
		{&gateway.RawEvent{Name: "Example"}, "RawEvent.Namespace", needed},
		{&gateway.RawEvent{Namespace: "Alexa.Example"}, "RawEvent.Name", needed},
		{&gateway.RawEvent{Namespace: "Alexa.Example", Name: "Example", EndpointID: "\xff"}, "RawEvent.EndpointID", utf8},
		{raw(`[]`), "RawEvent.Payload", object},
		{raw(`null`), "RawEvent.Payload", object},
		{raw(`{}{}`), "RawEvent.Payload", encodes},
		{raw(`{"a": "` + "\xff" + `"}`), "RawEvent.Payload", utf8},
		{raw(`{"sco\u0070e": null}`), "RawEvent.Payload", "must not have the member scope"},
	} {
		t.Run(test.field, func(t *testing.T) {
			m, err := gateway.MessageOf(test.event)
			require.Nil(t, m)
			requireInvalid(t, err, test.field, test.rule)
		})
	}

	for n, tooLarge := range map[int]bool{0: false, 301: true} {
		_, err := gateway.MessageOf(&gateway.DeleteReport{EndpointIDs: many[:n]})
		require.Equal(t, tooLarge, errors.Is(err, gateway.ErrTooLarge))
		_, err = gateway.MessageOf(&gateway.AddOrUpdateReport{Endpoints: make([]any, n)})
		require.Equal(t, tooLarge, errors.Is(err, gateway.ErrTooLarge))
	}
}
