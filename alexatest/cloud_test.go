package alexatest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
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

func TestRootPEM(t *testing.T) {
	cloud := alexatest.NewCloud()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(cloud.RootPEM()))
	require.True(t, roots.Equal(cloud.Roots()))
}

func TestRequestsGoOverTheWire(t *testing.T) {
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

// The cloud needs no clock of its own: in a bubble it lives in the bubble's
// time, which starts in the year 2000.
func TestInABubble(t *testing.T) {
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

func TestNothingElseAnswers(t *testing.T) {
	client := alexatest.NewCloud().Client()
	for _, url := range []string{"https://s3.amazonaws.com/echo.api/other.pem", "https://example.com/"} {
		response, err := client.Get(url)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, response.StatusCode)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Contains(t, string(body), "nothing answers GET "+url)
	}
	r, err := http.NewRequestWithContext(canceled(t), http.MethodPost, "https://example.com/", bytes.NewReader(nil))
	require.NoError(t, err)
	_, err = client.Do(r)
	require.Error(t, err)
}

// envelope is as much of a request as the simulator decides.
type envelope struct {
	Session *struct{ SessionID string }
	Context struct {
		System struct {
			APIEndpoint string
			User        struct{ UserID, AccessToken string }
		}
	}
	Request struct {
		Type              string
		Timestamp         time.Time
		EventCreationTime time.Time
		Body              map[string]any
	}
}

func decode(t *testing.T, body []byte) (e envelope) {
	t.Helper()
	require.NoError(t, json.Unmarshal(body, &e))
	return e
}

func TestCustomer(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456, time.UTC)
	customer := &alexatest.Customer{SkillID: skillID, Region: alexaevents.FarEast, Now: func() time.Time { return at }}

	enabled := decode(t, customer.Enable())
	first := enabled.Context.System.User.UserID
	require.Equal(t, customer.UserID(), first)
	require.Len(t, first, 225)
	require.Empty(t, enabled.Context.System.User.AccessToken)
	require.Equal(t, "https://api.fe.amazonalexa.com", enabled.Context.System.APIEndpoint)
	require.Equal(t, at.Truncate(time.Second), enabled.Request.EventCreationTime)
	require.Nil(t, enabled.Session)

	linked := decode(t, customer.Link("token"))
	require.Equal(t, "token", linked.Request.Body["accessToken"])
	require.Equal(t, "token", linked.Context.System.User.AccessToken)
	require.Equal(t, first, linked.Context.System.User.UserID)

	require.NotNil(t, decode(t, customer.Intent("HelloIntent")).Session)
	require.Equal(t, "LaunchRequest", decode(t, customer.Launch()).Request.Type)

	disabled := decode(t, customer.Disable())
	require.Equal(t, first, disabled.Context.System.User.UserID)
	require.Equal(t, "NOT_PERSISTED", disabled.Request.Body["userInformationPersistenceStatus"])

	again := decode(t, customer.Enable())
	require.NotEqual(t, first, again.Context.System.User.UserID, "a new user ID")
	require.Empty(t, again.Context.System.User.AccessToken)

	customer.KeepsUserID = true
	second := customer.UserID()
	require.Equal(t, "PERSISTED", decode(t, customer.Disable()).Request.Body["userInformationPersistenceStatus"])
	require.Equal(t, second, decode(t, customer.Enable()).Context.System.User.UserID)
}

func TestDeliveries(t *testing.T) {
	events := [][]byte{{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}
	deliveries := alexatest.Deliveries(1, events...)
	require.Equal(t, deliveries, alexatest.Deliveries(1, events...), "the seed decides")
	require.NotEqual(t, deliveries, alexatest.Deliveries(2, events...))
	require.Greater(t, len(deliveries), len(events))
	for _, event := range events {
		require.Contains(t, deliveries, event)
	}
	require.NotEqual(t, events, deliveries[:len(events)])
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
