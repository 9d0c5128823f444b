package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/smartprops"
)

func TestDemonstration(t *testing.T) {
	t.Parallel()
	require.NoError(t, run(t.Context(), nil, io.Discard))
}

func TestFlags(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(t.Context(), []string{"-skill", "amzn1.ask.skill.1"}, io.Discard), "required")
	require.Error(t, run(t.Context(), []string{"-unknown"}, io.Discard))
}

// Subscribing again creates nothing, a webhook that fails is called again, and other
// events raise no alarm.
func TestAlarms(t *testing.T) {
	t.Parallel()
	cloud := alexatest.NewCloud()
	posts := 0
	webhook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if posts++; posts == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(webhook.Close)
	p := newProperty(t.Context(), cloud, webhook.URL)
	require.NoError(t, cloud.Subscribe(p.topicARN, "https://backend.example/sns", p.handler()))
	for range 2 {
		require.NoError(t, p.subscribe(t.Context(), []string{"room-7"}))
	}
	subscriptions := 0
	for _, err := range p.client.Subscriptions(t.Context(), smartprops.Filter{}) {
		require.NoError(t, err)
		subscriptions++
	}
	require.Equal(t, 1, subscriptions)

	failure := alexatest.PropertyEvent{Type: string(smartprops.EventSkillFailure), UnitID: "room-7", SkillID: p.skillID}
	cloud.NotifyProperties(failure)
	require.Equal(t, 2, posts, "the failed one and its retry")
	failure.SkillID = "amzn1.ask.skill.another"
	cloud.NotifyProperties(failure)
	require.Equal(t, 2, posts)
}
