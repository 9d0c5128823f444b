package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// keptEvents have all forms of a message.
func keptEvents() map[string]gateway.Event {
	return map[string]gateway.Event{
		"change report":    lampReport(),
		"discovery report": &gateway.AddOrUpdateReport{Endpoints: []any{endpoint("lamp-1")}},
		"deletion":         &gateway.DeleteReport{EndpointIDs: []string{"lamp-1"}},
		"moment":           &gateway.DoorbellPress{EndpointID: "door", Cause: gateway.PhysicalInteraction, Timestamp: at},
		"response":         &gateway.Response{EndpointID: "lamp-1", CorrelationToken: "correlation=="},
		"strange text":     &gateway.ChangeReport{EndpointID: "lamp-1", Cause: "<\"\u2028messageId\":\">", Properties: []gateway.Property{{Namespace: "Alexa.Example", Name: `"messageId":"`, Value: `{"endpoint":{`, TimeOfSample: at}}},
	}
}

// A message that was kept is sent as the event is, after a database has reformatted
// its JSON too.
func TestMessageSurvivesKeeping(t *testing.T) {
	for name, event := range keptEvents() {
		t.Run(name, func(t *testing.T) {
			b := newBackend()
			b.link(t, alexaevents.Europe, "home", "anna")
			m, err := gateway.NewMessage(event)
			require.NoError(t, err)
			written, err := json.Marshal(m)
			require.NoError(t, err)
			require.NotContains(t, string(written), "scope\":{")
			var reformatted any
			require.NoError(t, json.Unmarshal(written, &reformatted))
			again, err := json.MarshalIndent(reformatted, "", "    ")
			require.NoError(t, err)
			for i, stored := range [][]byte{written, again} {
				var read gateway.Message
				require.NoError(t, json.Unmarshal(stored, &read))
				require.Equal(t, m.ID(), read.ID())
				require.Equal(t, m.Type(), read.Type())
				require.Equal(t, m.Correlated(), read.Correlated())
				require.Equal(t, m.Momentary(), read.Momentary())
				require.Equal(t, m.Group(keyOf("home", "anna")), read.Group(keyOf("home", "anna")))
				rewritten, err := json.Marshal(&read)
				require.NoError(t, err)
				require.Equal(t, string(written), string(rewritten))

				wire := b.record()
				require.NoError(t, b.sender.Attempt(t.Context(), keyOf("home", "anna"), &read))
				require.Len(t, wire.attempts, 1)
				require.Equal(t, m.ID(), wire.attempts[0].MessageID)
				require.Len(t, b.cloud.Sent(), i+1)
			}
		})
	}
}

func TestMessageRefusesDamage(t *testing.T) {
	m, err := gateway.NewMessage(lampReport())
	require.NoError(t, err)
	written, err := json.Marshal(m)
	require.NoError(t, err)
	for name, test := range map[string]struct{ stored, want string }{
		"other JSON":     {`{"event":{}}`, "version 0"},
		"a list":         {`[]`, "not a kept Message"},
		"newer":          {strings.Replace(string(written), `"version":1`, `"version":2`, 1), "version 2"},
		"an ID":          {strings.Replace(string(written), m.ID(), "x\\\"y", 1), "damaged"},
		"moved":          {strings.Replace(string(written), `"idAt":`, `"idAt":1`, 1), "damaged"},
		"before":         {strings.Replace(string(written), `"idAt":`, `"idAt":-`, 1), "damaged"},
		"beyond":         {strings.Replace(string(written), `"scopeAt":`, `"scopeAt":9999`, 1), "damaged"},
		"without a body": {string(written[:bytes.Index(written, []byte(`"body"`))]) + `"body":""}`, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			var read gateway.Message
			require.ErrorContains(t, json.Unmarshal([]byte(test.stored), &read), test.want)
		})
	}
	_, err = json.Marshal(new(gateway.Message))
	require.ErrorContains(t, err, "NewMessage")
	_, err = gateway.NewMessage(&gateway.ChangeReport{})
	require.ErrorIs(t, err, gateway.ErrInvalidEvent)
	_, err = gateway.NewMessage(&gateway.DeferredResponse{CorrelationToken: "correlation=="})
	require.ErrorIs(t, err, gateway.ErrInvalidEvent)
}

// Whatever was kept, what is read is sent as JSON, with the ID and the token in
// their places.
func FuzzMessage(f *testing.F) {
	for _, event := range keptEvents() {
		m, err := gateway.NewMessage(event)
		require.NoError(f, err)
		written, err := json.Marshal(m)
		require.NoError(f, err)
		f.Add(written)
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		var read gateway.Message
		if json.Unmarshal(stored, &read) != nil {
			return
		}
		written, err := json.Marshal(&read)
		require.NoError(t, err)
		var again gateway.Message
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, read.ID(), again.ID())
		read.Group(lwa.Key{})
		read.Merge(&again, true)
	})
}

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
	for name, pair := range map[string][2]gateway.Event{
		"another endpoint": {lampReport(), other},
		"a moment before":  {press, lampReport()},
		"a moment after":   {lampReport(), press},
		"an edge":          {contact(gateway.Detected), contact(gateway.NotDetected)},
		"too large":        {large, alsoLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := message(t, pair[0]).Merge(message(t, pair[1]), true)
			require.False(t, ok)
		})
	}
	_, ok := message(t, contact(gateway.Detected)).Merge(message(t, contact(gateway.Detected)), true)
	require.True(t, ok, "no edge")
	_, ok = message(t, contact(gateway.Detected)).Merge(message(t, contact(gateway.NotDetected)), false)
	require.True(t, ok, "an edge that is too old to matter")
}

// However a run of reports is merged, the newest sample of each property is in the
// result, as changed if any report said so.
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

// An attempt is one request, or two where Alexa refuses the first token.
func TestAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events = "https://api.eu.amazonalexa.com/v3/events"
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		key := keyOf("home", "anna")
		m := message(t, lampReport())

		b.cloud.Fail(alexatest.Fault{URL: events, Status: http.StatusServiceUnavailable})
		err := b.sender.Attempt(t.Context(), key, m)
		require.ErrorIs(t, err, gateway.ErrUnavailable)
		require.True(t, b.sender.MayRetry(m, err))
		require.Equal(t, 1, b.cloud.Calls(events))

		b.cloud.Fail(alexatest.Fault{URL: events, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}})
		err = b.sender.Attempt(t.Context(), key, m)
		require.ErrorIs(t, err, gateway.ErrThrottled)
		failure, ok := errors.AsType[*gateway.Error](err)
		require.True(t, ok)
		require.Equal(t, 7*time.Second, failure.RetryAfter)
		require.Equal(t, 2, b.cloud.Calls(events))

		require.NoError(t, b.sender.Attempt(t.Context(), key, m))
		require.Equal(t, 3, b.cloud.Calls(events))
		time.Sleep(2 * time.Minute) // until a refused token may be renewed
		b.cloud.ExpireTokens()
		require.NoError(t, b.sender.Attempt(t.Context(), key, m))
		require.Equal(t, 5, b.cloud.Calls(events))
		for _, sent := range b.cloud.Sent() {
			require.Contains(t, string(sent.Body), m.ID())
		}

		require.ErrorIs(t, b.sender.Attempt(t.Context(), keyOf("home", "unknown"), m), gateway.ErrNoGrant)
		require.ErrorIs(t, b.sender.Attempt(t.Context(), key, nil), gateway.ErrInvalidEvent)
		require.ErrorIs(t, new(gateway.Sender).Attempt(t.Context(), key, m), gateway.ErrMisconfigured)
		synctest.Wait()
	})
}

func TestMayRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events = "https://api.eu.amazonalexa.com/v3/events"
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		key := keyOf("home", "anna")
		state := message(t, lampReport())
		moment := message(t, &gateway.DoorbellPress{EndpointID: "door", Cause: gateway.PhysicalInteraction, Timestamp: at})
		for name, test := range map[string]struct {
			fault              alexatest.Fault
			ofState, ofAMoment bool
		}{
			"throttled":     {alexatest.Fault{Status: 429}, true, true},
			"busy":          {alexatest.Fault{Status: 503}, true, true},
			"failed":        {alexatest.Fault{Status: 500}, true, false},
			"lost":          {alexatest.Fault{Lost: true}, true, false},
			"invalid":       {alexatest.Fault{Status: 400}, false, false},
			"no skill":      {alexatest.Fault{Status: 403, Code: "SKILL_NOT_FOUND_EXCEPTION"}, false, false},
			"misconfigured": {alexatest.Fault{Status: 403, Code: "INSUFFICIENT_PERMISSION_EXCEPTION"}, true, false},
		} {
			test.fault.URL = events
			for _, m := range []*gateway.Message{state, moment} {
				b.cloud.Fail(test.fault)
				err := b.sender.Attempt(t.Context(), key, m)
				require.Error(t, err, name)
				want := test.ofState
				if m == moment {
					want = test.ofAMoment
				}
				require.Equal(t, want, b.sender.MayRetry(m, err), "%s: %v", name, err)
			}
		}
		require.False(t, b.sender.MayRetry(state, nil))
		require.True(t, b.sender.MayRetry(moment, errors.New("the store fails, so nothing was sent")))
		b.sender.RetryMomentary = true
		b.cloud.Fail(alexatest.Fault{URL: events, Lost: true})
		require.True(t, b.sender.MayRetry(moment, b.sender.Attempt(t.Context(), key, moment)))
		synctest.Wait()
	})
}

// Keys are those of the grants that Send would send to.
func TestSenderKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.link(t, alexaevents.FarEast, "home", "bert")
		require.NoError(t, b.tokens.Import(t.Context(), keyOf("home", ""), "a developer's own"))
		keys := func() []lwa.Key {
			all, err := b.sender.Keys(t.Context(), "home")
			require.NoError(t, err)
			return all
		}
		require.Len(t, keys(), 2)
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		synctest.Wait()
		b.cloud.DisableSkill("anna")
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		synctest.Wait()
		require.Len(t, keys(), 1)
		time.Sleep(25 * time.Hour) // an event a day finds out whether the skill is enabled again
		require.Len(t, keys(), 2)
		none, err := b.sender.Keys(t.Context(), "nobody")
		require.NoError(t, err)
		require.Empty(t, none)
		_, err = new(gateway.Sender).Keys(t.Context(), "home")
		require.ErrorIs(t, err, gateway.ErrMisconfigured)
	})
}
