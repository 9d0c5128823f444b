package cloud

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

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

// What was sent goes out again with its secrets, and what was tampered with stays so.
func TestAgain(t *testing.T) {
	r := start(t, Config{})
	var first, second Entry
	path := func(id int) string { return fmt.Sprintf("/_cloud/journal/%d/again", id) }
	again := func() int { return r.call(t, "POST", path(first.ID), nil, &second) }
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/link", Action{Token: "hush-account"}, &first))
	require.NotContains(t, first.Request, "hush-account")
	r.call(t, "POST", "/_cloud/age", Age{By: "100000h"}, nil) // the certificate of the first request
	r.amazon.RotateCertificate(time.Hour)
	require.Equal(t, 200, again())
	require.Equal(t, 200, second.Status, second.Response)
	require.Equal(t, []string{r.got[0], r.got[0]}, r.got)
	require.Contains(t, r.got[0], "hush-account")
	require.Greater(t, second.ID, first.ID)
	second.ID, second.Time, second.Millis = first.ID, first.Time, first.Millis
	require.Equal(t, first, second)

	require.Equal(t, 200, r.call(t, "POST", "/_cloud/send", Send{Kind: "event", Body: r.got[0], Tamper: true}, &first))
	require.Equal(t, 200, again())
	require.Equal(t, 400, second.Status)

	var posted [][]byte
	var headers []http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		posted, headers = append(posted, body), append(headers, request.Header)
	}))
	defer other.Close()
	for _, send := range []Send{
		{To: other.URL, Kind: "directive", Body: `{"token": "hush-directive"}`},
		{To: other.URL, Kind: "notification", Topic: "arn:aws:sns:us-east-1:000011112222:skills", Body: `{"token": "hush-message"}`},
	} {
		posted, headers = nil, nil
		require.Equal(t, 200, r.call(t, "POST", "/_cloud/send", send, &first))
		require.Equal(t, 200, again())
		require.Contains(t, string(posted[0]), "hush")
		require.Equal(t, posted[0], posted[1])
		require.Equal(t, headers[0], headers[1])
	}

	var wrong ErrorBody
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/forge", Forge{}, nil))
	require.Equal(t, 400, r.call(t, "POST", path(second.ID+1), nil, &wrong), "a forgery")
	r.call(t, "POST", "/_cloud/reset", nil, nil)
	require.Equal(t, 400, r.call(t, "POST", path(first.ID), nil, &wrong))
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/journal/last/again", nil, &wrong))
	require.NotEmpty(t, wrong.Error.Message)
}
