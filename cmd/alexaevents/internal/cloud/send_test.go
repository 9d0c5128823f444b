package cloud

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

func TestSendAndForge(t *testing.T) {
	r := start(t, Config{})
	var built Built
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/event", Event{Name: "SkillEnabled", Late: "30m", Set: []string{"request.extra=1"}}, &built))
	var e Entry
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/send", Send{Kind: "event", Body: built.Body}, &e))
	require.Equal(t, 200, e.Status)
	require.Equal(t, []string{built.Body}, r.got, "exact bytes")
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/send", Send{Kind: "event", Body: built.Body, Tamper: true}, &e))
	require.Equal(t, 400, e.Status)

	const arn = "arn:aws:sns:us-east-1:000011112222:skills"
	var events []sdns.Event
	handler := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{arn}, Roots: r.amazon.Roots(), Intermediates: r.amazon.Intermediates(), HTTPClient: r.amazon.Client()},
		Receive:  sdns.Receive(func(_ context.Context, event sdns.Event) error { events = append(events, event); return nil }),
	}
	notified := httptest.NewServer(handler)
	defer notified.Close()
	for tamper, status := range map[bool]int{false: 200, true: 400} {
		require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/event", Event{Name: "AlexaDevelopmentEvent.SkillPublish"}, &built))
		send := Send{To: notified.URL, Kind: built.Kind, Body: built.Body, Topic: arn, Tamper: tamper}
		require.Equal(t, 200, r.call(t, "POST", "/_cloud/send", send, &e))
		require.Equal(t, status, e.Status, e.Response)
	}
	require.Len(t, events, 1)
	var wrong ErrorBody
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/send", Send{Kind: "notification", Topic: "news"}, &wrong))
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/send", Send{Kind: "letter"}, &wrong))

	headers := make(map[string]string)
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/sign", []byte(built.Body), &headers))
	require.NotEmpty(t, headers["Signature-256"])

	var outcomes []Forged
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/forge", Forge{}, &outcomes))
	require.Len(t, outcomes, 21)
	for _, o := range outcomes[:20] {
		require.True(t, o.Refused, o.Name)
		require.Equal(t, o.Reason == "", o.Required)
	}
	require.Equal(t, Forged{Name: Genuine, Required: true, Status: 200}, outcomes[20])
}
