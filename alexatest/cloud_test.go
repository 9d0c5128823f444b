package alexatest_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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
