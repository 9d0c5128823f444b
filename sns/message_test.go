package sns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/sns"
)

// Errors are logged, so they must contain nothing of the message.
func TestErrorsDoNotLeak(t *testing.T) {
	b := newBench()
	b.amazon.Respond = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	subscription := confirmation("SubscriptionConfirmation")
	for name := range subscription {
		for _, value := range []any{"canary", "canary\n", "https://canary/", []string{"canary"}} {
			err := b.verify(subscription.with(name, value))
			require.Error(t, err)
			require.NotContains(t, err.Error(), "canary", name)
			require.NotContains(t, err.Error(), tokenA, name)
		}
	}
	err := b.Confirm(t.Context(), &sns.Message{Type: sns.SubscriptionConfirmation, TopicArn: topicARN, Token: "canary"})
	require.ErrorIs(t, err, sns.ErrConfirm)
	require.ErrorContains(t, err, "no route")
	require.NotContains(t, err.Error(), "canary")
}

func TestMessagePrintsNoText(t *testing.T) {
	m := sns.Message{Type: sns.Notification, ID: id, TopicArn: topicARN, Subject: "canary", Message: "canary", Token: "canary"}
	want := `{"type":"Notification","id":"` + id + `","topic":"` + topicARN + `"}`
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		require.Equal(t, want, fmt.Sprintf(format, m))
		require.Equal(t, want, fmt.Sprintf(format, &m))
	}
	require.Equal(t, "[type=Notification id="+id+" topic="+topicARN+"]", m.LogValue().String())
	data, err := json.Marshal([]any{m, &m})
	require.NoError(t, err)
	require.Equal(t, "["+want+","+want+"]", string(data))
}
