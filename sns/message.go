package sns

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// The types of messages.
const (
	Notification             = "Notification"             // somebody published to the topic
	SubscriptionConfirmation = "SubscriptionConfirmation" // SNS asks whether the endpoint wants the topic
	UnsubscribeConfirmation  = "UnsubscribeConfirmation"  // the endpoint's subscription has ended
)

// Message is what SNS delivered: the members of its JSON that are signed.
type Message struct {
	Type     string
	ID       string // the same in every delivery of the message
	TopicArn string
	Subject  string // "" if the publisher gave none
	Message  string // the text that was published

	// Timestamp is when the message was published, which may be long ago.
	Timestamp time.Time

	// Token confirms a subscription. Notifications have none.
	Token alexaevents.Secret
}

// The methods below have value receivers, so that copies of a message are as
// safe to print as the pointers that Verify returns.

func (m Message) summary() redact.Summary {
	return redact.Summary{
		{Name: "type", Text: m.Type},
		{Name: "id", Text: m.ID},
		{Name: "topic", Text: m.TopicArn},
	}
}

// MarshalJSON returns an object with the type, ID and topic of the message, and
// nothing else: a message inside a value that is marshalled for a log stays
// harmless, though its text may hold personal data.
func (m Message) MarshalJSON() ([]byte, error) { return m.summary().JSON(), nil }

// Format prints what [Message.MarshalJSON] returns, whatever the verb.
func (m Message) Format(f fmt.State, verb rune) { m.summary().Format(f, verb) }

// LogValue is the same summary for log/slog, as a group.
func (m Message) LogValue() slog.Value { return m.summary().LogValue() }
