package alexatest_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
)

const (
	skillID = "amzn1.ask.skill.test"
	url     = "https://backend.example/alexa/events"
)

// In a synctest bubble the cloud uses the bubble's clock, which starts in the year
// 2000.
func TestInSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		verifier := newVerifier(cloud)
		body := (&alexatest.Customer{SkillID: skillID}).Enable()
		r := cloud.NewRequest(url, body)
		require.NoError(t, verifier.Verify(t.Context(), r.Header, body))
		time.Sleep(time.Hour)
		require.NoError(t, verifier.Verify(t.Context(), r.Header, body))
		time.Sleep(time.Second)
		require.ErrorIs(t, verifier.Verify(t.Context(), r.Header, body), signature.ErrTime)

		cloud.RotateCertificate(time.Hour)
		time.Sleep(2 * time.Hour)
		body = (&alexatest.Customer{SkillID: skillID}).Enable()
		r = cloud.NewRequest(url, body)
		require.ErrorIs(t, verifier.Verify(t.Context(), r.Header, body), signature.ErrCertificate)
	})
}

func TestUnknownRequests(t *testing.T) {
	client := alexatest.NewCloud().Client()
	for _, url := range []string{"https://s3.amazonaws.com/echo.api/other.pem", "https://example.com/"} {
		response, err := client.Get(url)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, response.StatusCode)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Contains(t, string(body), "unknown request GET "+url)
	}
	r, err := http.NewRequestWithContext(canceled(t), http.MethodPost, "https://example.com/", bytes.NewReader(nil))
	require.NoError(t, err)
	_, err = client.Do(r)
	require.Error(t, err)
}

func TestObserve(t *testing.T) {
	cloud := alexatest.NewCloud()
	var calls []alexatest.Call
	cloud.Observe = func(_ context.Context, call alexatest.Call) { calls = append(calls, call) }
	tokens, err := loginClient(cloud).Exchange(t.Context(), alexaevents.Secret(cloud.Grant(alexaevents.Europe, "anna")))
	require.NoError(t, err)
	require.Equal(t, "POST https://api.amazon.com/auth/o2/token", calls[0].Method+" "+calls[0].URL)
	require.Equal(t, http.StatusOK, calls[0].Status)
	require.Contains(t, string(calls[0].Body), "grant_type=authorization_code")
	require.Contains(t, string(calls[0].ResponseBody), string(tokens.AccessToken))
	require.Empty(t, calls[0].Customer)

	for _, fault := range []alexatest.Fault{{Delay: time.Microsecond}, {Truncate: true}, {Reset: true}} {
		cloud.Fail(fault)
		request, err := http.NewRequest(http.MethodPost, "https://api.eu.amazonalexa.com/v3/events?x=y", strings.NewReader("{}"))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+string(tokens.AccessToken))
		response, err := cloud.Client().Do(request)
		if err == nil {
			_, err = io.ReadAll(response.Body)
		}
		call := calls[len(calls)-1]
		require.Equal(t, err == nil, call.Err == nil)
		require.Equal(t, "https://api.eu.amazonalexa.com/v3/events?x=y", call.URL)
		require.Equal(t, "anna", call.Customer)
		require.Equal(t, fault.Reset, call.Status == 0)
		require.Equal(t, fault.Reset, len(call.ResponseBody) == 0)
		require.Positive(t, call.Duration)
	}

	calls = nil
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, newBackend(cloud, topicARN)))
	require.Len(t, calls, 3, "the certificate, the confirmation, and the delivery that caused both")
	require.True(t, calls[2].Delivery)
	require.Equal(t, snsURL, calls[2].URL)
	require.Equal(t, http.StatusOK, calls[2].Status)
	require.Contains(t, string(calls[2].Body), "SubscribeURL")
}
