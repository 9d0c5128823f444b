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
	Notification             = "Notification"             // a published message
	SubscriptionConfirmation = "SubscriptionConfirmation" // request to confirm a new subscription
	UnsubscribeConfirmation  = "UnsubscribeConfirmation"  // the end of a subscription
)

// Message is a message of SNS, with the signed members of its JSON.
type Message struct {
	Type     string
	ID       string // the same in each delivery
	TopicArn string
	Subject  string // empty if the publisher set none
	Message  string // published text

	// Timestamp is when the message was published. It can be long ago.
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

// MarshalJSON returns an object with only the type, ID and topic of the message, so
// that a value that contains a message can be logged.
func (m Message) MarshalJSON() ([]byte, error) { return m.summary().JSON(), nil }

// Format prints what [Message.MarshalJSON] returns, for every verb.
func (m Message) Format(f fmt.State, verb rune) { m.summary().Format(f, verb) }

// LogValue returns the same three members as a group, for log/slog.
func (m Message) LogValue() slog.Value { return m.summary().LogValue() }
