package alexatest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
)

func newVerifier(cloud *alexatest.Cloud) *signature.Verifier {
	return &signature.Verifier{Skills: []string{skillID}, Roots: cloud.Roots(), HTTPClient: cloud.Client()}
}

func TestRequestsVerify(t *testing.T) {
	cloud := alexatest.NewCloud()
	verifier := newVerifier(cloud)
	customer := &alexatest.Customer{SkillID: skillID}
	bodies := [][]byte{customer.Launch(), customer.Intent("HelloIntent"), customer.Event("AlexaSkillEvent.Newer", nil)}
	for _, requestType := range alexatest.EventTypes() {
		bodies = append(bodies, customer.Event(requestType, nil))
	}
	for _, body := range bodies {
		r := cloud.NewRequest(url, body)
		require.NoError(t, verifier.Verify(t.Context(), r.Header, body), "%s", body)
		sent, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, body, sent)
	}
	require.Equal(t, 1, cloud.Calls("https://s3.amazonaws.com/echo.api/"))

	cloud.RotateCertificate(time.Hour)
	r := cloud.NewRequest(url, bodies[0])
	require.NoError(t, verifier.Verify(t.Context(), r.Header, bodies[0]))
	require.Equal(t, 2, cloud.Calls("https://s3.amazonaws.com/echo.api/"))
}

func TestSendRequest(t *testing.T) {
	cloud := alexatest.NewCloud()
	server := httptest.NewServer(newVerifier(cloud).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer server.Close()
	customer := &alexatest.Customer{SkillID: skillID}
	response, err := http.DefaultClient.Do(cloud.NewRequest(server.URL, customer.Enable()))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func TestForgeriesAreRefused(t *testing.T) {
	cloud := alexatest.NewCloud()
	called := false
	handler := newVerifier(cloud).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	body := (&alexatest.Customer{SkillID: skillID}).Enable()
	names := map[string]bool{}
	for name, r := range cloud.Forgeries(url, body) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		require.Equal(t, http.StatusBadRequest, w.Code, name)
		require.False(t, called, name)
		names[name] = true
	}
	require.Len(t, names, 20)

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, cloud.NewRequest(url, body))
	require.True(t, called, "the genuine one")
	for range cloud.Forgeries(url, body) {
		break
	}
}

func TestStricter(t *testing.T) {
	cloud := alexatest.NewCloud()
	var stricter []string
	note := func(name string) {
		if alexatest.Stricter(name) != "" {
			stricter = append(stricter, name)
		}
	}
	for name := range cloud.Forgeries(url, (&alexatest.Customer{SkillID: skillID}).Enable()) {
		note(name)
	}
	for name := range cloud.SNSForgeries(url, topicARN, []byte("text")) {
		note(name)
	}
	require.Equal(t, []string{
		"two signatures", "ten minutes in the future", "more than 64 levels",
		"a line moved from the message into the subject", "a certificate of another region", "two members Message, one of them signed",
	}, stricter)
}
