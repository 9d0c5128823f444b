package smartprops

import (
	"context"
	"errors"

	"github.com/alexaevents/alexaevents/sns"
)

var errNoReceive = errors.New("smartprops: the function given to Receive is nil")

// Receive returns the Receive function for an sns.Handler, sns.Lambda or sns.SQS
// that passes events to the given function. That is called for events of every type, [*Unknown]
// too; a nil function fails for every event.
//
// A message that is not an event, see [Parse], fails as well, and SNS delivers it
// until it gives up: use the topic only for these events.
func Receive(receive func(ctx context.Context, event Event) error) func(context.Context, *sns.Message) error {
	return func(ctx context.Context, message *sns.Message) error {
		event, err := Parse([]byte(message.Message))
		if err != nil {
			return err
		}
		if receive == nil {
			return errNoReceive
		}
		return receive(ctx, event)
	}
}
