package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/lwa"
)

// Message is an event for one grant that is kept in a database or a queue until
// it is sent: checked, with the message ID that it has in every attempt, and
// without a token. [Sender.Attempt] sends it.
//
// Its JSON is the form to keep. Later versions of this package read it, and
// reformatting, as jsonb of PostgreSQL does it, does not harm it. It holds the
// event, which is personal data.
type Message struct {
	id string
	m  *message
}

// NewMessage checks an event as [Sender.Send] does and gives it a random message
// ID. Each grant needs a message of its own. The error is an [*InvalidError].
func NewMessage(event Event) (*Message, error) {
	m, err := messageOf(event)
	if err != nil {
		return nil, err
	}
	if err := m.sendable(); err != nil {
		return nil, err
	}
	id, err := newMessageID()
	if err != nil {
		return nil, err
	}
	return &Message{id, m}, nil
}

// ID returns the message ID, which the gateway gets in every attempt. It is at
// most 127 letters, digits and hyphens, fit for a deduplication ID of Amazon SQS.
func (m *Message) ID() string { return m.id }

// Type returns the type of the event, such as "ChangeReport".
func (m *Message) Type() string { return m.m.event }

// Correlated reports whether the event responds to a directive, so that it
// concerns one customer and is worthless after a few seconds.
func (m *Message) Correlated() bool { return m.m.correlated }

// Momentary reports whether the event tells of a moment, such as a
// [DoorbellPress]: if it is sent twice, the bell may ring twice.
func (m *Message) Momentary() bool { return !m.m.repeatable }

// Group returns the name of the sequence in which the message must keep its
// place: the events of one endpoint for one grant. It is a hash, 43 characters
// long, fit for a message group ID of Amazon SQS.
func (m *Message) Group(key lwa.Key) string {
	hash := sha256.New()
	for _, part := range [...]string{key.ClientID, key.AccountID, key.LinkID, m.m.endpoint} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}

// keptVersion is the version of the kept form.
const keptVersion = 1

// kept is the form of a Message in a database or queue. The body is text, so that
// nothing reformats it.
type kept struct {
	Version    int    `json:"version"`
	ID         string `json:"id"`
	Type       string `json:"type"`
	Endpoint   string `json:"endpoint,omitempty"`
	Momentary  bool   `json:"momentary,omitempty"`
	Correlated bool   `json:"correlated,omitempty"`
	IDAt       int    `json:"idAt"`    // where in the body the message ID belongs
	ScopeAt    int    `json:"scopeAt"` // where in the body the token belongs
	Body       string `json:"body"`
}

// MarshalJSON returns the form to keep.
func (m *Message) MarshalJSON() ([]byte, error) {
	if m == nil || m.m == nil {
		return nil, errors.New("gateway: a Message is made by NewMessage")
	}
	return json.Marshal(kept{
		keptVersion, m.id, m.m.event, m.m.endpoint, !m.m.repeatable, m.m.correlated, m.m.idAt, m.m.scopeAt, string(m.m.body),
	})
}

// UnmarshalJSON reads the form that [Message.MarshalJSON] returns. It refuses any
// other, and one of a later version of this package.
func (m *Message) UnmarshalJSON(data []byte) error {
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return errors.New("gateway: not a kept Message")
	}
	if k.Version != keptVersion {
		return fmt.Errorf("gateway: kept Message of version %d, this package reads version %d", k.Version, keptVersion)
	}
	read := &message{
		event: k.Type, body: []byte(k.Body), endpoint: k.Endpoint,
		idAt: k.IDAt, scopeAt: k.ScopeAt, sendOnly: true, correlated: k.Correlated, repeatable: !k.Momentary,
	}
	switch {
	case k.IDAt <= 0 || k.ScopeAt <= k.IDAt || k.ScopeAt >= len(k.Body),
		!bytes.HasSuffix(read.body[:k.IDAt], []byte(`"messageId":"`)),
		!bytes.HasSuffix(read.body[:k.ScopeAt], []byte(`{`)):
		return errors.New("gateway: a kept Message that is damaged")
	}
	whole, err := read.encode(k.ID, "token")
	if err != nil || !json.Valid(whole) {
		return errors.New("gateway: a kept Message that is damaged")
	}
	*m = Message{k.ID, read}
	return nil
}

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

// Merge returns one [ChangeReport] in place of m and a later one of the same
// grant and endpoint. It has the message ID and the cause of the later one, and
// the newest sample of each property, as changed if either report says so. ok is
// false if the two cannot be one message: if they are not change reports of one
// endpoint, if the result would be too large, or if both report the state of a
// contact or motion sensor and it differs, unless edges is false. Such an edge
// starts routines, so that an opened and closed door must be two reports.
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
			case edges && known.changed && changed && isEdge(p.Namespace) && !bytes.Equal(known.value, p.Value):
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
