package gateway_test

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
)

// The name and value that each function sends.
func TestProperties(t *testing.T) {
	later := at.Add(90 * time.Minute)
	tests := map[string]struct {
		property gateway.Property
		json     string
	}{
		"ArmState":   {gateway.ArmState(gateway.ArmedAway, at), `"name": "armState", "value": "ARMED_AWAY"`},
		"Brightness": {gateway.Brightness(0, at), `"name": "brightness", "value": 0`},
		"AutomationStatuses": {
			gateway.AutomationStatuses([]gateway.AutomationStatus{
				{Capability: "Alexa.PowerController", Status: "AUTOMATED"},
				{Capability: "Alexa.ToggleController", Instance: "Oven.Light", Status: "NOT_AUTOMATED"},
			}, at),
			`"name": "automationStatuses", "value": [{"capability": "Alexa.PowerController", "status": "AUTOMATED"}, {"capability": "Alexa.ToggleController", "instance": "Oven.Light", "status": "NOT_AUTOMATED"}]`,
		},
		"ConnectivityLost":         {gateway.ConnectivityLost("WIFI_BAD_PASSWORD", at), `"name": "connectivity", "value": {"value": "UNREACHABLE", "reason": "WIFI_BAD_PASSWORD"}`},
		"ThermostatCustomMode":     {gateway.ThermostatCustomMode("VENDOR_HEAT_COOL", at), `"name": "thermostatMode", "value": {"value": "CUSTOM", "customName": "VENDOR_HEAT_COOL"}`},
		"BurglaryAlarm":            {gateway.BurglaryAlarm(gateway.AlarmOn, at), `"name": "burglaryAlarm", "value": {"value": "ALARM"}`},
		"CarbonMonoxideAlarm":      {gateway.CarbonMonoxideAlarm(gateway.AlarmOff, at), `"name": "carbonMonoxideAlarm", "value": {"value": "OK"}`},
		"Channel":                  {gateway.Channel(gateway.TVChannel{Number: "5.1", CallSign: "KBCD"}, at), `"name": "channel", "value": {"number": "5.1", "callSign": "KBCD"}`},
		"Color":                    {gateway.Color(gateway.HSB{Hue: 360, Saturation: 0.5}, at), `"name": "color", "value": {"hue": 360, "saturation": 0.5, "brightness": 0}`},
		"ColorTemperatureInKelvin": {gateway.ColorTemperatureInKelvin(2700, at), `"name": "colorTemperatureInKelvin", "value": 2700`},
		"Connectivity":             {gateway.Connectivity(gateway.Unreachable, at), `"name": "connectivity", "value": {"value": "UNREACHABLE"}`},
		"ContactDetectionState":    {gateway.ContactDetectionState(gateway.Detected, at), `"name": "detectionState", "value": "DETECTED"`},
		"CookingMode":              {gateway.CookingMode(gateway.Cooking{Mode: "CUSTOM", CustomName: "Crisp"}, at), `"name": "cookingMode", "value": {"value": "CUSTOM", "customName": "Crisp"}`},
		"CookingPowerLevel":        {gateway.CookingPowerLevel("HIGH", at), `"name": "cookingPowerLevel", "value": {"@type": "EnumeratedPowerLevel", "value": "HIGH"}`},
		"CookingPowerNumber":       {gateway.CookingPowerNumber(0, at), `"name": "cookingPowerLevel", "value": {"@type": "IntegralPowerLevel", "value": 0}`},
		"CookingTimeInterval":      {gateway.CookingTimeInterval(gateway.Interval{Start: at, End: later}, at), `"name": "cookingTimeInterval", "value": {"start": "2026-11-22T08:30:15Z", "end": "2026-11-22T10:00:15Z"}`},
		"EqualizerBands":           {gateway.EqualizerBands([]gateway.EqualizerBand{{gateway.Bass, -2}, {gateway.Midrange, 0}, {gateway.Treble, 3}}, at), `"name": "bands", "value": [{"name": "BASS", "value": -2}, {"name": "MIDRANGE", "value": 0}, {"name": "TREBLE", "value": 3}]`},
		"EqualizerMode":            {gateway.EqualizerMode(gateway.SoundMovie, at), `"name": "mode", "value": "MOVIE"`},
		"FireAlarm":                {gateway.FireAlarm(gateway.AlarmOff, at), `"name": "fireAlarm", "value": {"value": "OK"}`},
		"FoodItem": {
			gateway.FoodItem(gateway.Food{Name: "wings", Category: "CHICKEN", State: "FROZEN", Quantity: &gateway.Amount{Type: "Weight", Value: 1.5, Unit: "POUND"}}, at),
			`"name": "foodItem", "value": {"foodName": "wings", "foodCategory": "CHICKEN", "foodState": "FROZEN", "foodQuantity": {"@type": "Weight", "value": 1.5, "unit": "POUND"}}`,
		},
		"HoldEndTime":          {gateway.HoldEndTime(later, at), `"name": "holdEndTime", "value": "2026-11-22T10:00:15Z"`},
		"HoldStartTime":        {gateway.HoldStartTime(at, at), `"name": "holdStartTime", "value": "2026-11-22T08:30:15Z"`},
		"Input":                {gateway.Input("HDMI 1", at), `"name": "input", "value": "HDMI 1"`},
		"InventoryLevel":       {gateway.InventoryLevel("Ink.Cyan", gateway.Amount{Type: "Percentage"}, at), `"instance": "Ink.Cyan", "name": "level", "value": {"@type": "Percentage", "value": 0}`},
		"LauncherTarget":       {gateway.LauncherTarget(gateway.App{Identifier: "amzn1.example", Name: "Example"}, at), `"name": "target", "value": {"identifier": "amzn1.example", "name": "Example"}`},
		"LockState":            {gateway.LockState(gateway.Jammed, at), `"name": "lockState", "value": "JAMMED"`},
		"LowerSetpoint":        {gateway.LowerSetpoint(gateway.Fahrenheit(-4), at), `"name": "lowerSetpoint", "value": {"value": -4, "scale": "FAHRENHEIT"}`},
		"Mode":                 {gateway.Mode("Washer.Cycle", "Cycle.Wool", at), `"instance": "Washer.Cycle", "name": "mode", "value": "Cycle.Wool"`},
		"MotionDetectionState": {gateway.MotionDetectionState(gateway.NotDetected, at), `"name": "detectionState", "value": "NOT_DETECTED"`},
		"Muted":                {gateway.Muted(false, at), `"name": "muted", "value": false`},
		"Percentage":           {gateway.Percentage(100, at), `"name": "percentage", "value": 100`},
		"PlaybackState":        {gateway.PlaybackState(gateway.Paused, at), `"name": "playbackState", "value": {"state": "PAUSED"}`},
		"PowerLevel":           {gateway.PowerLevel(50, at), `"name": "powerLevel", "value": 50`},
		"PowerState":           {gateway.PowerState(gateway.Off, at), `"name": "powerState", "value": "OFF"`},
		"PresetName":           {gateway.PresetName("popcorn", at), `"name": "presetName", "value": "popcorn"`},
		"RangeValue":           {gateway.RangeValue("Fan.Speed", -1.5, at), `"instance": "Fan.Speed", "name": "rangeValue", "value": -1.5`},
		"RecordingState":       {gateway.RecordingState(gateway.RecordingOn, at), `"name": "recordingState", "value": "RECORDING"`},
		"RequestedCookTime":    {gateway.RequestedCookTime(3*time.Minute+14*time.Second+1, at), `"name": "requestedCookTime", "value": "PT3M15S"`},
		"RequestedFoodDoneness": {
			gateway.RequestedFoodDoneness("MEDIUM_RARE", at), `"name": "requestedFoodDoneness", "value": "MEDIUM_RARE"`,
		},
		"TargetSetpoint": {gateway.TargetSetpoint(gateway.Celsius(21.5), at), `"name": "targetSetpoint", "value": {"value": 21.5, "scale": "CELSIUS"}`},
		"Temperature":    {gateway.Temperature(gateway.Kelvin(295), at), `"name": "temperature", "value": {"value": 295, "scale": "KELVIN"}`},
		"ThermostatMode": {gateway.ThermostatMode(gateway.ThermostatEco, at), `"name": "thermostatMode", "value": "ECO"`},
		"ToggleState":    {gateway.ToggleState("Oven.Light", gateway.On, at), `"instance": "Oven.Light", "name": "toggleState", "value": "ON"`},
		"UpperSetpoint":  {gateway.UpperSetpoint(gateway.Celsius(0), at), `"name": "upperSetpoint", "value": {"value": 0, "scale": "CELSIUS"}`},
		"Volume":         {gateway.Volume(7, at), `"name": "volume", "value": 7`},
		"WaterAlarm":     {gateway.WaterAlarm(gateway.AlarmOn, at), `"name": "waterAlarm", "value": {"value": "ALARM"}`},
	}

	data, err := os.ReadFile("properties.json")
	require.NoError(t, err)
	var table []struct{ Func, Interface string }
	require.NoError(t, json.Unmarshal(data, &table))
	require.Len(t, tests, len(table))
	for _, line := range table {
		t.Run(line.Func, func(t *testing.T) {
			test, ok := tests[line.Func]
			require.True(t, ok, "no test")
			body := sent(t, &gateway.StateReport{EndpointID: "device-1", CorrelationToken: "c", Context: []gateway.Property{test.property}})
			requireSchema(t, body)
			require.JSONEq(t, `{"namespace": "Alexa.`+line.Interface+`", `+test.json+`, `+atJSON+`}`, contextJSON(t, body))
		})
	}
}

// contextJSON returns the single property of an event's context.
func contextJSON(t *testing.T, body string) string {
	var m struct {
		Context struct{ Properties []json.RawMessage }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &m))
	require.Len(t, m.Context.Properties, 1)
	return string(m.Context.Properties[0])
}

func TestPropertyValues(t *testing.T) {
	for _, test := range []struct {
		property gateway.Property
		value    string
	}{
		{gateway.LockState(gateway.Locked, at), `"LOCKED"`},
		{gateway.LockState(gateway.Unlocked, at), `"UNLOCKED"`},
		{gateway.LockState("UNKNOWN_TO_US", at), `"UNKNOWN_TO_US"`},
		{gateway.ArmState(gateway.ArmedStay, at), `"ARMED_STAY"`},
		{gateway.ArmState(gateway.ArmedNight, at), `"ARMED_NIGHT"`},
		{gateway.ArmState(gateway.Disarmed, at), `"DISARMED"`},
		{gateway.ThermostatMode(gateway.ThermostatAuto, at), `"AUTO"`},
		{gateway.ThermostatMode(gateway.ThermostatCool, at), `"COOL"`},
		{gateway.ThermostatMode(gateway.ThermostatHeat, at), `"HEAT"`},
		{gateway.ThermostatMode(gateway.ThermostatOff, at), `"OFF"`},
		{gateway.PlaybackState(gateway.Playing, at), `{"state": "PLAYING"}`},
		{gateway.PlaybackState(gateway.Stopped, at), `{"state": "STOPPED"}`},
		{gateway.RecordingState(gateway.RecordingOff, at), `"NOT_RECORDING"`},
		{gateway.EqualizerMode(gateway.SoundMusic, at), `"MUSIC"`},
		{gateway.EqualizerMode(gateway.SoundNight, at), `"NIGHT"`},
		{gateway.EqualizerMode(gateway.SoundSport, at), `"SPORT"`},
		{gateway.EqualizerMode(gateway.SoundTV, at), `"TV"`},
		{gateway.CookingMode(gateway.Cooking{Mode: "DEFROST"}, at), `{"value": "DEFROST"}`},
		{gateway.Channel(gateway.TVChannel{AffiliateCallSign: "BCD", URI: "tv:1"}, at), `{"affiliateCallSign": "BCD", "uri": "tv:1"}`},
		{gateway.FoodItem(gateway.Food{Name: "soup"}, at), `{"foodName": "soup"}`},
		{gateway.FoodItem(gateway.Food{Name: "steak", Thickness: &gateway.Length{Value: 2.5, Unit: "CENTIMETER"}}, at), `{"foodName": "steak", "foodThickness": {"value": 2.5, "unit": "CENTIMETER"}}`},
		{gateway.CookingTimeInterval(gateway.Interval{Start: at, Duration: 90*time.Second + 1}, at), `{"start": "2026-11-22T08:30:15Z", "duration": "PT1M31S"}`},
		{gateway.CookingTimeInterval(gateway.Interval{Start: at, End: at}, at), `{"start": "2026-11-22T08:30:15Z", "end": "2026-11-22T08:30:15Z"}`},
		{gateway.CookingTimeInterval(gateway.Interval{Duration: time.Minute}, at), `{"duration": "PT1M"}`},
		{gateway.CookingTimeInterval(gateway.Interval{End: at}, at), `{"end": "2026-11-22T08:30:15Z"}`},
		{gateway.CookingTimeInterval(gateway.Interval{Start: at, End: time.Time{}.In(at.Location())}, at), `{"start": "2026-11-22T08:30:15Z"}`},
		{gateway.RequestedCookTime(0, at), `"PT0S"`},
		{gateway.RequestedCookTime(25*time.Hour, at), `"PT25H"`},
		{gateway.RequestedCookTime(time.Hour+time.Second, at), `"PT1H1S"`},
	} {
		t.Run(test.value, func(t *testing.T) {
			body := sent(t, &gateway.StateReport{EndpointID: "device-1", CorrelationToken: "c", Context: []gateway.Property{test.property}})
			var property struct{ Value json.RawMessage }
			require.NoError(t, json.Unmarshal([]byte(contextJSON(t, body)), &property))
			require.JSONEq(t, test.value, string(property.Value))
		})
	}
}

func TestPropertyFields(t *testing.T) {
	level := gateway.Property{
		Namespace: "Alexa.InventoryLevelSensor", Instance: "Tank \"1\"", Name: "level", Value: 2.5,
		TimeOfSample: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Uncertainty: time.Second + 1, Unit: "LITER",
	}
	body := sent(t, &gateway.ChangeReport{EndpointID: "tank-1", Cause: gateway.PeriodicPoll, Properties: []gateway.Property{lampOn()}, Context: []gateway.Property{level}})
	requireSchema(t, body)
	require.JSONEq(t, `{
		"namespace": "Alexa.InventoryLevelSensor", "instance": "Tank \"1\"", "name": "level", "value": 2.5, "unit": "LITER",
		"timeOfSample": "2026-01-02T03:04:05.000Z", "uncertaintyInMilliseconds": 1001}`, contextJSON(t, body))
}

// literals are values of properties that have a function.
var literals = []struct {
	namespace, name string
	good, bad       []any
}{
	{"Alexa.PowerController", "powerState", []any{"ON", gateway.Off, "on", json.RawMessage(`"NEW"`)}, []any{true, 1, []string{"ON"}, map[string]any{}}},
	{"Alexa.BrightnessController", "brightness", []any{0, 100, uint8(7), 50.0, json.RawMessage(` 9`)}, []any{101, -1, 0.5, "50", true, gateway.Celsius(20)}},
	{"Alexa.ColorTemperatureController", "colorTemperatureInKelvin", []any{1000}, []any{999}},
	{"Alexa.Speaker", "muted", []any{true, new(bool)}, []any{"true", 1}},
	{"Alexa.RangeController", "rangeValue", []any{1, -2.5, json.Number("3")}, []any{"1", true}},
	{"Alexa.ColorController", "color", []any{map[string]any{"hue": 360, "saturation": 1, "brightness": 1, "new": 1}, &gateway.HSB{}}, []any{map[string]any{"hue": 361}, "red", &gateway.HSB{Hue: -1}}},
	{"Alexa.TemperatureSensor", "temperature", []any{map[string]any{"value": 20, "scale": "CELSIUS"}}, []any{20, map[string]any{"value": 20}, map[string]any{"value": "20", "scale": "KELVIN"}}},
	{"Alexa.ThermostatController", "thermostatMode", []any{"HEAT", map[string]any{"value": "CUSTOM", "customName": "X"}}, []any{1, map[string]any{"value": "CUSTOM"}}},
	{"Alexa.Cooking", "cookingMode", []any{"BAKE", map[string]any{"value": "BAKE"}}, []any{map[string]any{}, 1}},
	{"Alexa.EndpointHealth", "connectivity", []any{map[string]any{"value": "OK"}}, []any{"OK", map[string]any{"reason": "X"}}},
	{"Alexa.SecurityPanelController", "fireAlarm", []any{map[string]string{"value": "ALARM"}}, []any{"ALARM"}},
	{"Alexa.PlaybackStateReporter", "playbackState", []any{map[string]string{"state": "PLAYING"}}, []any{"PLAYING"}},
	{"Alexa.InventoryLevelSensor", "level", []any{2.5, map[string]any{"@type": "Count", "value": 2}}, []any{-1, "2", map[string]any{"value": 2}}},
	{"Alexa.Cooking.TimeController", "requestedCookTime", []any{"PT3M", "P1D"}, []any{180, "3 minutes"}},
	{"Alexa.Cooking.TimeController", "cookingPowerLevel", []any{map[string]any{"@type": "IntegralPowerLevel", "value": 3}}, []any{3, map[string]any{"@type": "IntegralPowerLevel"}}},
	{"Alexa.Cooking", "cookingTimeInterval", []any{map[string]any{"start": "2026-11-22T08:30:15Z", "duration": "PT3M"}}, []any{map[string]any{}, map[string]any{"start": "2026-11-22T08:30:15+01:00"}, "PT3M"}},
	{"Alexa.Cooking", "foodItem", []any{map[string]any{"foodName": "x"}}, []any{map[string]any{}, map[string]any{"foodName": "x", "foodThickness": map[string]any{"value": -1, "unit": "INCH"}}}},
	{"Alexa.TimeHoldController", "holdEndTime", []any{"2026-11-22T08:30:15Z"}, []any{"2026-11-22T08:30:15.5Z", at}},
	{"Alexa.EqualizerController", "bands", []any{[]any{map[string]any{"name": "BASS", "value": 1}}}, []any{[]any{map[string]any{"value": 1}}}},
	{"Alexa.ChannelController", "channel", []any{map[string]string{"number": "5"}}, []any{map[string]string{}, "5"}},
	{"Alexa.Launcher", "target", []any{map[string]string{"identifier": "i", "name": "n"}}, []any{map[string]string{"name": "n"}}},
	{"Alexa.AutomationManagement", "automationStatuses", []any{[]any{}, []any{map[string]string{"capability": "c", "status": "s"}}}, []any{[]any{map[string]string{}}, "AUTOMATED"}},
	{"Alexa.Example", "example", []any{"ON", 1, []any{}, "\ufffd", `\ufffd`, json.RawMessage(`"\\ufffd"`), json.RawMessage(`"\ufffd"`)}, nil},
}

// The value of a literal is checked as the property's function checks it.
func TestLiterals(t *testing.T) {
	for _, test := range literals {
		t.Run(test.namespace+"."+test.name, func(t *testing.T) {
			message := func(value any) (*gateway.Draft, error) {
				return gateway.MessageOf(&gateway.StateReport{EndpointID: "device-1", CorrelationToken: "c", Context: []gateway.Property{{
					Namespace: test.namespace, Instance: "Example", Name: test.name, Value: value, TimeOfSample: at,
				}}})
			}
			for _, value := range test.good {
				_, err := message(value)
				require.NoError(t, err, "%v", value)
			}
			for _, value := range test.bad {
				_, err := message(value)
				require.ErrorIs(t, err, gateway.ErrInvalidEvent, "%v", value)
				requireInvalid(t, err, "StateReport.Context[0].Value", "")
			}
		})
	}
}

// The time for a list of properties grows linearly.
func TestManyProperties(t *testing.T) {
	list := func(n int) (properties []gateway.Property) {
		for i := range n {
			properties = append(properties, gateway.RangeValue(strconv.Itoa(i), 1, at))
		}
		return properties
	}
	reportOf := func(n int) *gateway.ChangeReport {
		return &gateway.ChangeReport{EndpointID: "lamp-1", Cause: gateway.PeriodicPoll, Properties: list(n / 2), Context: list(n)[n/2:]}
	}
	timeOf := func(report *gateway.ChangeReport) time.Duration {
		start := time.Now()
		_, err := gateway.MessageOf(report)
		require.NoError(t, err)
		return time.Since(start)
	}
	small, large := reportOf(2_000), reportOf(16_000)
	forSmall, forLarge := time.Hour, time.Hour // the fastest of 3 runs, of more on a busy machine
	for i := 0; i < 3 || i < 20 && forLarge >= 32*forSmall; i++ {
		forSmall, forLarge = min(forSmall, timeOf(small)), min(forLarge, timeOf(large))
	}
	require.Less(t, forLarge, 32*forSmall, "a comparison of each with each other takes more than 40 times as long")
	report := reportOf(40_000)
	m, err := gateway.MessageOf(report)
	require.NoError(t, err)
	require.ErrorIs(t, m.Sendable(), gateway.ErrTooLarge)

	report.Context = append(report.Context, list(1)...)
	_, err = gateway.MessageOf(report)
	requireInvalid(t, err, "ChangeReport.Context[20000]", "repeats a property that changed")
	report.Context[20_000] = report.Context[7]
	_, err = gateway.MessageOf(report)
	requireInvalid(t, err, "ChangeReport.Context[20000]", "repeats Context[7]")
}
