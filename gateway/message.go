package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alexaevents/alexaevents/lwa"
)

// message is a checked and encoded event, without what differs between attempts.
type message struct {
	event    string // type of the event
	endpoint string // ID of the endpoint; empty for an event that concerns none

	body    []byte // JSON without message ID and scope
	idAt    int    // index in body where the message ID is inserted
	scopeAt int    // index in body where the scope is inserted, at the start of an object; 0 without a place for it

	sendOnly   bool // not a response that a Lambda function may return
	correlated bool // has the correlation token of a directive, and so concerns one customer
	repeatable bool // a duplicate does no harm: a state or a response, not something that happened
}

// Amazon documents a limit of 256 KB for an AddOrUpdateReport, and none for other
// events.
const (
	maxEvent = 256_000         // bytes in UTF-8
	maxBody  = maxEvent - 4096 // bytes without message ID and token; a token has at most 2048
)

// sendable returns an error if the gateway would refuse the message with any token.
func (m *message) sendable() error {
	switch {
	case m.scopeAt == 0:
		return &InvalidError{Field: m.event, Rule: "names no endpoint: it can only be returned, see EncodeResponse"}
	case len(m.body) > maxBody:
		return &InvalidError{Field: m.event, Rule: "must have at most 256 KB: split it", tooLarge: true}
	}
	return nil
}

// encode returns the JSON of one attempt. An empty token leaves out the scope, for
// responses that a Lambda function returns.
func (m *message) encode(messageID, token string) ([]byte, error) {
	if !isMessageID(messageID) {
		return nil, &InvalidError{Field: m.event, Rule: "has a message ID that is not 1 to 127 letters, digits and hyphens"}
	}
	out := make([]byte, 0, len(m.body)+len(messageID)+len(scopeOpen)+len(token)+8)
	out = append(out, m.body[:m.idAt]...)
	out = append(out, messageID...)
	if token == "" {
		return append(out, m.body[m.idAt:]...), nil
	}
	if err := m.sendable(); err != nil {
		return nil, err
	}
	out = append(out, m.body[m.idAt:m.scopeAt]...)
	out = append(out, scopeOpen...)
	out = appendText(out, token)
	out = append(out, '}')
	if m.body[m.scopeAt] != '}' {
		out = append(out, ',')
	}
	return append(out, m.body[m.scopeAt:]...), nil
}

const scopeOpen = `"scope":{"type":"BearerToken","token":`

// isMessageID applies the rule of Amazon's message schema.
func isMessageID(id string) bool {
	for i := range len(id) {
		if !isAlphanumeric(id[i]) && id[i] != '-' {
			return false
		}
	}
	return 1 <= len(id) && len(id) <= 127
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Message is a checked event for one grant, to be stored in a database or a queue until
// [Sender.Attempt] sends it. It has the message ID of all attempts, and no token.
// [NewMessage] makes one; Attempt refuses the zero Message.
//
// Store its JSON. Later versions of this package will read it, also after PostgreSQL's
// jsonb has reformatted it. It contains the event, which is personal data.
type Message struct {
	id string
	m  *message
}

// NewMessage checks an event as [Sender.Send] does and gives it a random message ID. Make
// one message for each grant. The error is an [*InvalidError].
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

// ID returns the message ID of all attempts, which has at most 127 letters, digits and
// hyphens. It is a valid deduplication ID of Amazon SQS.
func (m *Message) ID() string {
	if m == nil {
		return ""
	}
	return m.id
}

// Type returns the type of the event, such as "ChangeReport".
func (m *Message) Type() string { return m.event().event }

// Correlated reports whether the event responds to a directive. Such an event concerns
// one customer, and Alexa waits a few seconds for it.
func (m *Message) Correlated() bool { return m.event().correlated }

// Momentary reports whether a duplicate does harm, as that of a [DoorbellPress] does: the
// bell may ring twice.
func (m *Message) Momentary() bool { return !m.event().repeatable }

// event returns an empty message for a Message that NewMessage did not make.
func (m *Message) event() *message {
	if m == nil || m.m == nil {
		return new(message)
	}
	return m.m
}

// Group returns the same text for all messages that must arrive in order: those of one
// endpoint for one grant. It is a hash of 43 characters, and a valid message group ID of
// Amazon SQS.
func (m *Message) Group(key lwa.Key) string {
	hash := sha256.New()
	for _, part := range [...]string{key.ClientID, key.AccountID, key.LinkID, m.event().endpoint} {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
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

// MarshalJSON returns the JSON to store.
func (m *Message) MarshalJSON() ([]byte, error) {
	if m == nil || m.m == nil {
		return nil, errors.New("gateway: a Message is made by NewMessage")
	}
	return json.Marshal(kept{
		keptVersion, m.id, m.m.event, m.m.endpoint, !m.m.repeatable, m.m.correlated, m.m.idAt, m.m.scopeAt, string(m.m.body),
	})
}

// UnmarshalJSON reads what [Message.MarshalJSON] returned. It refuses other JSON, and that
// of a later version of this package.
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
