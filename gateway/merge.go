package gateway

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// report is a ChangeReport as the gateway gets it.
type report struct {
	Event struct {
		Payload struct {
			Change struct {
				Cause struct {
					Type Cause `json:"type"`
				} `json:"cause"`
				Properties []json.RawMessage `json:"properties"`
			} `json:"change"`
		} `json:"payload"`
	} `json:"event"`
	Context struct {
		Properties []json.RawMessage `json:"properties"`
	} `json:"context"`
}

// sample is a property of a report.
type sample struct {
	json    json.RawMessage
	at      time.Time
	value   json.RawMessage
	changed bool
}

// Merge returns one [ChangeReport] that replaces m and a later report of the same grant
// and endpoint. It has the message ID and the cause of the later report, and the newest
// sample of each property, as a change if one of the reports has it as a change.
//
// ok is false if the two are not change reports of one endpoint, and if the result would
// be too large. With edges, it is also false if m has a change of a contact or motion
// sensor and the later report has another state of that sensor: each of these changes
// starts routines, so they must arrive as two reports.
func (m *Message) Merge(later *Message, edges bool) (merged *Message, ok bool) {
	const changeReport = "ChangeReport"
	if m.Type() != changeReport || later.Type() != changeReport || m.m.endpoint != later.m.endpoint {
		return nil, false
	}
	var order [][3]string
	newest := make(map[[3]string]*sample)
	var cause Cause
	for _, message := range [...]*Message{m, later} {
		var r report
		if message.decode(&r) != nil {
			return nil, false
		}
		cause = r.Event.Payload.Change.Cause.Type
		for i, written := range slices.Concat(r.Event.Payload.Change.Properties, r.Context.Properties) {
			var p struct {
				Namespace, Instance, Name string
				Value                     json.RawMessage
				TimeOfSample              time.Time
			}
			if json.Unmarshal(written, &p) != nil {
				return nil, false
			}
			changed := i < len(r.Event.Payload.Change.Properties)
			key := [3]string{p.Namespace, p.Instance, p.Name}
			known := newest[key]
			switch {
			case known == nil:
				order = append(order, key)
				newest[key] = &sample{written, p.TimeOfSample, p.Value, changed}
				continue
			case edges && known.changed && isEdge(p.Namespace) && !bytes.Equal(known.value, p.Value):
				return nil, false
			case !p.TimeOfSample.Before(known.at):
				known.json, known.at, known.value = written, p.TimeOfSample, p.Value
			}
			known.changed = known.changed || changed
		}
	}
	event := &mergedReport{endpointID: m.m.endpoint, cause: cause}
	for _, key := range order {
		if s := newest[key]; s.changed {
			event.properties = append(event.properties, s.json)
		} else {
			event.context = append(event.context, s.json)
		}
	}
	written, err := event.message()
	if err != nil || written.sendable() != nil {
		return nil, false
	}
	return &Message{later.id, written}, true
}

// isEdge reports whether a change of the interface's property starts routines.
func isEdge(namespace string) bool {
	return namespace == "Alexa.ContactSensor" || namespace == "Alexa.MotionSensor"
}

func (m *Message) decode(into any) error {
	body, err := m.m.encode(m.id, "")
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// mergedReport is a ChangeReport whose properties have been checked and encoded.
type mergedReport struct {
	endpointID          string
	cause               Cause
	properties, context []json.RawMessage
}

func (e *mergedReport) message() (*message, error) {
	w := write("ChangeReport", header{namespace: "Alexa", name: "ChangeReport"})
	w.sendOnly, w.repeatable = true, true
	w.endpoint(e.endpointID)
	w.raw(`,"payload":{"change":{"cause":{"type":`)
	w.text("Cause", string(e.cause))
	w.raw(`},"properties":[`)
	w.body = append(w.body, bytes.Join(raw(e.properties), []byte(`,`))...)
	w.raw(`]}}}`)
	if len(e.context) > 0 {
		w.raw(`,"context":{"properties":[`)
		w.body = append(w.body, bytes.Join(raw(e.context), []byte(`,`))...)
		w.raw(`]}`)
	}
	w.raw(`}`)
	if w.err != nil {
		return nil, w.err
	}
	return &w.message, nil
}

func raw(list []json.RawMessage) [][]byte {
	bytes := make([][]byte, len(list))
	for i := range list {
		bytes[i] = list[i]
	}
	return bytes
}
