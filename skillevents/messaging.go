package skillevents

import "encoding/json"

// MessageReceived carries a message that the skill's own backend sent through
// the Skill Messaging API (Messaging.MessageReceived). It needs no permission of
// the customer and no subscription; its sender decides what Message holds.
//
// Alexa repeats a message that is not acknowledged until the message expires,
// after 24 hours at most (the sender's expiresAfterSeconds). It is not known
// whether a repetition has a new timestamp. If it has not, the verifier of package
// signature refuses it once it is an hour old, as it refuses every event of that
// age: expect no message later than an hour after it was first sent, and let the
// backend, which knows what it sent, send again what must not be lost.
type MessageReceived struct {
	Envelope `json:"-"`

	Message json.RawMessage `json:"message"` // a JSON object; nil if absent
}
