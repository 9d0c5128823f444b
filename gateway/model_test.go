package gateway_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
)

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

// Every valid event is sent, as what it is.
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

// mostly draws a valid value, and now and then an odd one.
func mostly[T any](valid *rapid.Generator[T], odd ...T) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		if rapid.IntRange(0, 15).Draw(t, "odd") == 0 {
			return rapid.SampledFrom(odd).Draw(t, "value")
		}
		return valid.Draw(t, "value")
	})
}

// Whatever is not refused fits the schema.
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
