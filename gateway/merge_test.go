package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// sampled is a property of the merged reports below.
func sampled(name, value string, second int) gateway.Property {
	return gateway.Property{Namespace: "Alexa.Example", Name: name, Value: value, TimeOfSample: at.Add(time.Duration(second) * time.Second)}
}

func message(t require.TestingT, event gateway.Event) *gateway.Message {
	m, err := gateway.NewMessage(event)
	require.NoError(t, err)
	return m
}

// state returns the properties of a report that a backend sent, the changed ones
// and the others, each as name=value.
func state(t require.TestingT, m *gateway.Message) (changed, context []string) {
	written, err := json.Marshal(m)
	require.NoError(t, err)
	var stored struct{ Body string }
	require.NoError(t, json.Unmarshal(written, &stored))
	type list []struct {
		Name  string
		Value any
	}
	var wire struct {
		Event struct {
			Payload struct {
				Change struct {
					Cause      struct{ Type string }
					Properties list
				}
			}
		}
		Context struct{ Properties list }
	}
	require.NoError(t, json.Unmarshal([]byte(stored.Body), &wire))
	for _, p := range wire.Event.Payload.Change.Properties {
		changed = append(changed, fmt.Sprint(p.Name, "=", p.Value))
	}
	for _, p := range wire.Context.Properties {
		context = append(context, fmt.Sprint(p.Name, "=", p.Value))
	}
	return changed, context
}

func TestMerge(t *testing.T) {
	report := func(changed, context []gateway.Property) *gateway.ChangeReport {
		return &gateway.ChangeReport{EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction, Properties: changed, Context: context}
	}
	type properties = []gateway.Property
	for name, test := range map[string]struct {
		earlier, later   *gateway.ChangeReport
		changed, context []string
	}{
		"the same property": {
			report(properties{sampled("a", "1", 0)}, nil), report(properties{sampled("a", "2", 1)}, nil),
			[]string{"a=2"},
			nil,
		},
		"two properties": {
			report(properties{sampled("a", "1", 0)}, nil), report(properties{sampled("b", "2", 1)}, nil),
			[]string{"a=1", "b=2"},
			nil,
		},
		"an older sample that arrives later": {
			report(properties{sampled("a", "1", 5)}, nil), report(properties{sampled("a", "2", 1)}, nil),
			[]string{"a=1"},
			nil,
		},
		"samples of one instant": {
			report(properties{sampled("a", "1", 0)}, nil), report(properties{sampled("a", "2", 0)}, nil),
			[]string{"a=2"},
			nil,
		},
		"a change that the later report has as context": {
			report(properties{sampled("a", "1", 0)}, nil), report(properties{sampled("b", "2", 1)}, properties{sampled("a", "3", 1)}),
			[]string{"a=3", "b=2"},
			nil,
		},
		"context of both": {
			report(properties{sampled("a", "1", 0)}, properties{sampled("c", "1", 0)}), report(properties{sampled("a", "2", 1)}, properties{sampled("c", "2", 1), sampled("d", "1", 1)}),
			[]string{"a=2"},
			[]string{"c=2", "d=1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.later.Cause = gateway.VoiceInteraction
			earlier, later := message(t, test.earlier), message(t, test.later)
			merged, ok := earlier.Merge(later, true)
			require.True(t, ok)
			require.Equal(t, later.ID(), merged.ID())
			require.Equal(t, later.Group(lwa.Key{}), merged.Group(lwa.Key{}))
			require.False(t, merged.Momentary())
			changed, context := state(t, merged)
			require.Equal(t, test.changed, changed)
			require.Equal(t, test.context, context)
			written, err := json.Marshal(merged)
			require.NoError(t, err)
			require.Contains(t, string(written), string(gateway.VoiceInteraction))
			require.NotContains(t, string(written), string(gateway.PhysicalInteraction))
			require.NoError(t, json.Unmarshal(written, new(gateway.Message)))
		})
	}
}

func TestMergeKeepsApart(t *testing.T) {
	contact := func(d gateway.Detection) *gateway.ChangeReport {
		return &gateway.ChangeReport{EndpointID: "door", Cause: gateway.PhysicalInteraction, Properties: []gateway.Property{gateway.ContactDetectionState(d, at)}}
	}
	large := lampReport()
	large.Context = []gateway.Property{{Namespace: "Alexa.Example", Name: "large", Value: strings.Repeat("x", 200_000), TimeOfSample: at}}
	alsoLarge := lampReport()
	alsoLarge.Context = []gateway.Property{{Namespace: "Alexa.Example", Name: "also", Value: strings.Repeat("x", 200_000), TimeOfSample: at}}
	other := lampReport()
	other.EndpointID = "another lamp"
	press := &gateway.DoorbellPress{EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction, Timestamp: at}
	shut := &gateway.ChangeReport{
		EndpointID: "door", Cause: gateway.PhysicalInteraction,
		Properties: []gateway.Property{sampled("battery", "low", 1)}, Context: []gateway.Property{gateway.ContactDetectionState(gateway.NotDetected, at.Add(time.Second))},
	}
	for name, pair := range map[string][2]gateway.Event{
		"an edge and the state after it as context": {contact(gateway.Detected), shut},
		"another endpoint":                          {lampReport(), other},
		"a moment before":                           {press, lampReport()},
		"a moment after":                            {lampReport(), press},
		"an edge":                                   {contact(gateway.Detected), contact(gateway.NotDetected)},
		"too large":                                 {large, alsoLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := message(t, pair[0]).Merge(message(t, pair[1]), true)
			require.False(t, ok)
		})
	}
	_, ok := message(t, contact(gateway.Detected)).Merge(message(t, contact(gateway.Detected)), true)
	require.True(t, ok, "no edge")
	_, ok = message(t, shut).Merge(message(t, contact(gateway.Detected)), true)
	require.True(t, ok, "a state that was no change before the edge")
	_, ok = message(t, contact(gateway.Detected)).Merge(message(t, contact(gateway.NotDetected)), false)
	require.True(t, ok, "an edge that is too old to matter")
}

// In each order of merging reports, the result has the newest sample of each property,
// as changed if it is changed in any report.
func TestMergeOfMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		newest := make(map[string]gateway.Property)
		changes := make(map[string]bool)
		var merged *gateway.Message
		for i := range rapid.IntRange(1, 8).Draw(t, "reports") {
			names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID[string]).Draw(t, "names")
			report := &gateway.ChangeReport{EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction}
			split := rapid.IntRange(1, len(names)).Draw(t, "changed")
			for j, name := range names {
				p := sampled(name, fmt.Sprint(i), rapid.IntRange(0, 3).Draw(t, "second"))
				if j < split {
					report.Properties = append(report.Properties, p)
					changes[name] = true
				} else {
					report.Context = append(report.Context, p)
				}
				if known, ok := newest[name]; !ok || !p.TimeOfSample.Before(known.TimeOfSample) {
					newest[name] = p
				}
			}
			next := message(t, report)
			if merged == nil {
				merged = next
				continue
			}
			result, ok := merged.Merge(next, true)
			require.True(t, ok)
			merged = result
		}
		changed, context := state(t, merged)
		var wantChanged, wantContext []string
		for name, p := range newest {
			if text := fmt.Sprint(name, "=", p.Value); changes[name] {
				wantChanged = append(wantChanged, text)
			} else {
				wantContext = append(wantContext, text)
			}
		}
		require.ElementsMatch(t, wantChanged, changed)
		require.ElementsMatch(t, wantContext, context)
	})
}
