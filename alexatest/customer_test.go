package alexatest_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

// envelope has the members of a request that a Customer sets.
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
	for _, requestType := range []string{"AudioPlayer.PlaybackStarted", "PlaybackController.NextCommandIssued", "VideoPlayer.PlaybackStarted"} {
		request := decode(t, customer.Event(requestType, nil))
		require.Nil(t, request.Session, requestType)
		require.Zero(t, request.Request.EventCreationTime, requestType)
	}
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

func TestCustomerJSON(t *testing.T) {
	customer := &alexatest.Customer{SkillID: skillID, Region: alexaevents.Europe, KeepsUserID: true}
	customer.Link("token")
	data, err := json.Marshal(customer)
	require.NoError(t, err)
	var restored alexatest.Customer
	require.NoError(t, json.Unmarshal(data, &restored))
	require.Equal(t, *customer, restored)
	require.Error(t, json.Unmarshal([]byte("[]"), &restored))
}
