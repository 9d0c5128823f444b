package skillevents

import "encoding/json"

// MessageReceived carries a message that the skill's own backend sent through
// the Skill Messaging API (Messaging.MessageReceived). It needs no permission of
// the customer and no subscription; its sender decides what Message holds.
type MessageReceived struct {
	Envelope `json:"-"`

	Message json.RawMessage `json:"message"` // a JSON object; nil if absent
}
