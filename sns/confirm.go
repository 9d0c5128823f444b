package sns

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/alexaevents/alexaevents/internal/certs"
)

const confirmTime = 5 * time.Second

// Confirm confirms the subscription that a [SubscriptionConfirmation] asks
// about. It calls SNS in the region of the topic, which must be listed, and no
// URL that came with the message. The errors wrap [ErrConfirm] or [ErrTopic].
func (v *Verifier) Confirm(ctx context.Context, m *Message) error {
	if m.Type != SubscriptionConfirmation {
		return fmt.Errorf("%w: a message of another type", ErrConfirm)
	}
	topic, err := findTopic(v.Topics, m.TopicArn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	query := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {m.TopicArn}, "Token": {string(m.Token)}}
	if _, err := certs.Get(ctx, v.HTTPClient, "https://"+topic.host()+"/?"+query.Encode()); err != nil {
		if call, ok := errors.AsType[*url.Error](err); ok { // whose text has the URL, and that the token
			err = call.Err
		}
		return fmt.Errorf("%w: %w", ErrConfirm, err)
	}
	return nil
}
