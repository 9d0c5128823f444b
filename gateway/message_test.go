package gateway_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
)

// panicking is a value whose MarshalJSON method panics.
type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("canary") }

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
		years   = "must be in the years 1000 to 9999"
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
		{value(panicking{}), p + ".Value", encodes},
		{value(map[string]any{"a": &panicking{}}), p + ".Value", encodes},
		{value(json.RawMessage(`{"a"`)), p + ".Value", encodes},
		{value(json.RawMessage("\"\xff\"")), p + ".Value", utf8},
		{value("a\xff"), p + ".Value", utf8},
		{value([]any{map[string]any{"a\xff": 1}}), p + ".Value", utf8},
		{value(`\\` + "\xff"), p + ".Value", utf8},
		{value((*gateway.Degrees)(nil)), p + ".Value", needed},
		{value((*gateway.Amount)(nil)), p + ".Value", needed},
		{value((*gateway.Interval)(nil)), p + ".Value", needed},
		{value(struct{ *gateway.Degrees }{}), p + ".Value", "must not embed a nil pointer"},

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
		{change(gateway.EqualizerBands([]gateway.EqualizerBand{{Name: gateway.Bass}, {Name: gateway.Bass}}, at)), p + ".Value", "none twice"},
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
		{change(gateway.FoodItem(gateway.Food{Name: "Steak", Thickness: &gateway.Length{Value: 2}}, at)), p + ".Value", "a thickness that is not negative, with a unit"},
		{change(gateway.LauncherTarget(gateway.App{Name: "X"}, at)), p + ".Value", "an identifier and a name"},
		{change(gateway.AutomationStatuses([]gateway.AutomationStatus{{Status: "AUTOMATED"}}, at)), p + ".Value", "a capability and a status"},
		{change(gateway.ConnectivityLost("", time.Time{})), p + ".TimeOfSample", needed},
		{change(gateway.ThermostatCustomMode("", at)), p + ".Value", "a custom mode a name"},
		{change(gateway.HoldStartTime(time.Time{}, at)), p + ".Value", years},
		{change(gateway.RequestedCookTime(-1, at)), p + ".Value", "must not be negative"},

		// responses
		{&gateway.Response{EndpointID: "lamp-1"}, "Response.CorrelationToken", needed},
		{&gateway.Response{EndpointID: "lamp-1", CorrelationToken: "\xff"}, "Response.CorrelationToken", utf8},
		{&gateway.Response{Payload: []int{1}}, "Response.Payload", object},
		{&gateway.Response{Payload: (*struct{})(nil)}, "Response.Payload", object},
		{&gateway.Response{Payload: make(chan int)}, "Response.Payload", encodes},
		{&gateway.Response{Payload: panicking{}}, "Response.Payload", encodes},
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
		{&gateway.AddOrUpdateReport{Endpoints: []any{panicking{}}}, "AddOrUpdateReport.Endpoints[0]", encodes},
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

		// momentary events
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
			require.NotContains(t, err.Error(), "canary")
		})
	}

	for n, tooLarge := range map[int]bool{0: false, 301: true} {
		_, err := gateway.MessageOf(&gateway.DeleteReport{EndpointIDs: many[:n]})
		require.Equal(t, tooLarge, errors.Is(err, gateway.ErrTooLarge))
		_, err = gateway.MessageOf(&gateway.AddOrUpdateReport{Endpoints: make([]any, n)})
		require.Equal(t, tooLarge, errors.Is(err, gateway.ErrTooLarge))
	}
}

func TestEncode(t *testing.T) {
	deferred, err := gateway.MessageOf(&gateway.DeferredResponse{CorrelationToken: "correlation=="})
	require.NoError(t, err)
	_, err = deferred.Encode(messageID, token)
	requireInvalid(t, err, "DeferredResponse", "names no endpoint")

	m, err := gateway.MessageOf(&gateway.DeleteReport{EndpointIDs: []string{"lamp-1"}})
	require.NoError(t, err)
	for _, id := range []string{"", "under_score", `"`, "é", string(make([]byte, 128))} {
		_, err := m.Encode(id, token)
		requireInvalid(t, err, "DeleteReport", "1 to 127 letters, digits and hyphens")
		require.NotContains(t, err.Error(), token)
	}

	t.Run("a message serves any number of attempts", func(t *testing.T) {
		first, err := m.Encode("id-1", "token-1")
		require.NoError(t, err)
		second, err := m.Encode("id-2", `token-"2"`)
		require.NoError(t, err)
		const format = `{"event": {"header": {"namespace": "Alexa.Discovery", "name": "DeleteReport", "payloadVersion": "3", "messageId": "`
		require.JSONEq(t, format+`id-1"}, "payload": {"scope": {"type": "BearerToken", "token": "token-1"}, "endpoints": [{"endpointId": "lamp-1"}]}}}`, string(first))
		require.JSONEq(t, format+`id-2"}, "payload": {"scope": {"type": "BearerToken", "token": "token-\"2\""}, "endpoints": [{"endpointId": "lamp-1"}]}}}`, string(second))
	})
}

var (
	validIDs   = rapid.StringMatching(`[a-zA-Z0-9_\-=#;:?@&]{1,64}`)
	validTexts = rapid.StringN(1, 20, -1)
	validTimes = rapid.Custom(func(t *rapid.T) time.Time {
		zone := time.FixedZone("", rapid.IntRange(-12*3600, 14*3600).Draw(t, "zone"))
		return time.Unix(rapid.Int64Range(-30e9, 250e9).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone)
	})
	validValues = rapid.OneOf(
		rapid.Map(validTexts, func(s string) any { return s }),
		rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return f }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.MapOf(validTexts, rapid.Int()), func(m map[string]int) any { return m }),
	)
	validProperties = rapid.Custom(func(t *rapid.T) gateway.Property {
		return gateway.Property{
			Namespace:    rapid.SampledFrom([]string{"Alexa.PowerController", "Alexa.Example", "Alexa.ModeController"}).Draw(t, "namespace"),
			Instance:     validTexts.Draw(t, "instance"),
			Name:         validTexts.Draw(t, "name"),
			Value:        validValues.Draw(t, "value"),
			TimeOfSample: validTimes.Draw(t, "time"),
			Uncertainty:  time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "uncertainty")),
		}
	})
)

func sampleOf(p gateway.Property) [3]string { return [3]string{p.Namespace, p.Instance, p.Name} }

// Every valid event is sent with its values.
func TestValidEventsAreSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		properties := rapid.SliceOfNDistinct(validProperties, 1, 8, sampleOf).Draw(t, "properties")
		changed := rapid.IntRange(1, len(properties)).Draw(t, "changed")
		endpointID := validIDs.Draw(t, "endpoint")
		correlation := alexaevents.Secret(validTexts.Draw(t, "correlation"))
		events := []gateway.Event{
			&gateway.ChangeReport{EndpointID: endpointID, Cause: gateway.Cause(validTexts.Draw(t, "cause")), Properties: properties[:changed], Context: properties[changed:]},
			&gateway.Response{EndpointID: endpointID, CorrelationToken: correlation, Context: properties},
			&gateway.StateReport{EndpointID: endpointID, CorrelationToken: correlation, Context: properties},
			&gateway.ErrorResponse{EndpointID: endpointID, CorrelationToken: correlation, Type: "X", Message: validTexts.Draw(t, "message")},
			&gateway.DoorbellPress{EndpointID: endpointID, Cause: "X", Timestamp: validTimes.Draw(t, "timestamp"), Context: properties},
			&gateway.DeleteReport{EndpointIDs: rapid.SliceOfNDistinct(validIDs, 1, 300, rapid.ID).Draw(t, "endpoints")},
		}
		for _, event := range events {
			body := sent(t, event)
			requireSchema(t, body)

			var m struct {
				Event struct {
					Header  struct{ CorrelationToken string }
					Payload struct {
						Change struct{ Properties []map[string]any }
					}
				}
				Context struct{ Properties []map[string]any }
			}
			require.NoError(t, json.Unmarshal([]byte(body), &m))
			got := slices.Concat(m.Event.Payload.Change.Properties, m.Context.Properties)
			switch event.(type) {
			case *gateway.ErrorResponse, *gateway.DeleteReport:
				require.Empty(t, got)
			default:
				require.Len(t, got, len(properties))
				for i, p := range properties {
					requireSame(t, p, got[i])
				}
			}
			switch event.(type) {
			case *gateway.Response, *gateway.StateReport, *gateway.ErrorResponse:
				require.Equal(t, string(correlation), m.Event.Header.CorrelationToken)
			default:
				require.Empty(t, m.Event.Header.CorrelationToken)
			}
		}
	})
}

func requireSame(t require.TestingT, want gateway.Property, got map[string]any) {
	require.Equal(t, want.Namespace, got["namespace"])
	require.Equal(t, want.Instance, got["instance"])
	require.Equal(t, want.Name, got["name"])
	value, err := json.Marshal(want.Value)
	require.NoError(t, err)
	sentValue, err := json.Marshal(got["value"])
	require.NoError(t, err)
	require.JSONEq(t, string(value), string(sentValue))

	sample, err := time.Parse(time.RFC3339Nano, got["timeOfSample"].(string))
	require.NoError(t, err)
	require.True(t, want.TimeOfSample.Truncate(time.Millisecond).Equal(sample), "%v sent as %v", want.TimeOfSample, sample)
	uncertainty := time.Duration(got["uncertaintyInMilliseconds"].(float64) * float64(time.Millisecond))
	require.Less(t, uncertainty-want.Uncertainty, time.Millisecond)
	require.GreaterOrEqual(t, uncertainty, want.Uncertainty)
}

// mostly draws a valid value, and sometimes an odd one.
func mostly[T any](valid *rapid.Generator[T], odd ...T) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		if rapid.IntRange(0, 15).Draw(t, "odd") == 0 {
			return rapid.SampledFrom(odd).Draw(t, "value")
		}
		return valid.Draw(t, "value")
	})
}

// Every event that is not refused fits the schema.
func TestAcceptedEventsFitTheSchema(t *testing.T) {
	names := mostly(rapid.StringMatching(`[a-c]`), "", "\xff", "Alexa.ModeController", `"`)
	properties := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) gateway.Property {
		return gateway.Property{
			Namespace:    names.Draw(t, "namespace"),
			Instance:     names.Draw(t, "instance"),
			Name:         names.Draw(t, "name"),
			Value:        mostly(validValues, nil, "", any(json.RawMessage(`{`)), any(json.RawMessage(`null`)), any(make(chan int))).Draw(t, "value"),
			TimeOfSample: mostly(validTimes, time.Time{}, time.Unix(-80e9, 0), time.Unix(300e9, 0)).Draw(t, "time"),
			Uncertainty:  mostly(rapid.Just(time.Millisecond), -1, 1).Draw(t, "uncertainty"),
		}
	}), 0, 3)
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		event := &gateway.ChangeReport{
			EndpointID: mostly(validIDs, "", "é", "a b").Draw(t, "endpoint"),
			Cause:      mostly(rapid.Just(gateway.RuleTrigger), "").Draw(t, "cause"),
			Properties: properties.Draw(t, "properties"),
			Context:    properties.Draw(t, "context"),
		}
		if _, err := gateway.MessageOf(event); err != nil {
			require.ErrorIs(t, err, gateway.ErrInvalidEvent)
			refused++
			return
		}
		accepted++
		requireSchema(t, sent(t, event))
	})
	require.NotZero(t, accepted)
	require.NotZero(t, refused)
	t.Log(accepted, "accepted,", refused, "refused")
}
