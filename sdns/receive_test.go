package sdns_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

func TestReceive(t *testing.T) {
	type key struct{}
	failed := errors.New("database is down")
	for name, test := range map[string]struct {
		text     string
		fails    error
		received sdns.Event
		err      error
	}{
		"an event":      {text: skillEvent("SkillPublish", "FAILED"), received: new(sdns.SkillPublish)},
		"unknown":       {text: skillEvent("New", "FAILED"), received: new(sdns.Unknown)},
		"verification":  {text: "{}", received: new(sdns.Verification)},
		"receive fails": {text: "{}", fails: failed, received: new(sdns.Verification), err: failed},
		"no event":      {text: "hello", err: sdns.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			var received sdns.Event
			handler := &sns.Handler{Receive: sdns.Receive(func(ctx context.Context, event sdns.Event) error {
				require.Equal(t, "value", ctx.Value(key{}))
				received = event
				return test.fails
			})}
			err := handler.Receive(context.WithValue(t.Context(), key{}, "value"), &sns.Message{Message: test.text})
			require.ErrorIs(t, err, test.err)
			require.IsType(t, test.received, received)
		})
	}
	require.ErrorContains(t, sdns.Receive(nil)(t.Context(), &sns.Message{Message: "{}"}), "the function given to Receive is nil")
}
