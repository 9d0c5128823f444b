package smartprops

import (
	"context"
	"errors"

	"github.com/alexaevents/alexaevents/sns"
)

var errNoReceive = errors.New("smartprops: no function to receive events")

// Receive makes the Receive function of an sns.Handler, sns.Lambda or sns.SQS
// from one that takes events. It is called for events of every type, [*Unknown]
// too; a nil one fails for every event.
//
// A message that is no event, see [Parse], fails as well, and SNS delivers it
// until it gives up: keep the topic for these events.
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
