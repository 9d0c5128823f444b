package gateway_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// An attempt is one request, or two where Alexa refuses the first token.
func TestAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events = "https://api.eu.amazonalexa.com/v3/events"
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		key := keyOf("home", "anna")
		m := message(t, lampReport())

		b.cloud.Fail(alexatest.Fault{URL: events, Status: http.StatusServiceUnavailable})
		err := b.sender.Attempt(t.Context(), key, m)
		require.ErrorIs(t, err, gateway.ErrUnavailable)
		require.True(t, b.sender.MayRetry(m, err))
		require.Equal(t, 1, b.cloud.Calls(events))

		b.cloud.Fail(alexatest.Fault{URL: events, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}})
		err = b.sender.Attempt(t.Context(), key, m)
		require.ErrorIs(t, err, gateway.ErrThrottled)
		failure, ok := errors.AsType[*gateway.Error](err)
		require.True(t, ok)
		require.Equal(t, 7*time.Second, failure.RetryAfter)
		require.Equal(t, 2, b.cloud.Calls(events))

		require.NoError(t, b.sender.Attempt(t.Context(), key, m))
		require.Equal(t, 3, b.cloud.Calls(events))
		time.Sleep(2 * time.Minute) // until a refused token may be renewed
		b.cloud.ExpireTokens()
		require.NoError(t, b.sender.Attempt(t.Context(), key, m))
		require.Equal(t, 5, b.cloud.Calls(events))
		for _, sent := range b.cloud.Sent() {
			require.Contains(t, string(sent.Body), m.ID())
		}

		require.ErrorIs(t, b.sender.Attempt(t.Context(), keyOf("home", "unknown"), m), gateway.ErrNoGrant)
		for _, zero := range []*gateway.Message{nil, {}} {
			require.ErrorIs(t, b.sender.Attempt(t.Context(), key, zero), gateway.ErrInvalidEvent)
			require.False(t, b.sender.MayRetry(zero, b.sender.Attempt(t.Context(), key, zero)))
			require.True(t, b.sender.MayRetry(zero, errors.New("the store fails, so nothing was sent")))
		}
		require.ErrorIs(t, new(gateway.Sender).Attempt(t.Context(), key, m), gateway.ErrMisconfigured)
		synctest.Wait()
	})
}

func TestMayRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events = "https://api.eu.amazonalexa.com/v3/events"
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		key := keyOf("home", "anna")
		state := message(t, lampReport())
		moment := message(t, &gateway.DoorbellPress{EndpointID: "door", Cause: gateway.PhysicalInteraction, Timestamp: at})
		for name, test := range map[string]struct {
			fault              alexatest.Fault
			ofState, ofAMoment bool
		}{
			"throttled":     {alexatest.Fault{Status: 429}, true, true},
			"busy":          {alexatest.Fault{Status: 503}, true, true},
			"failed":        {alexatest.Fault{Status: 500}, true, false},
			"lost":          {alexatest.Fault{Lost: true}, true, false},
			"invalid":       {alexatest.Fault{Status: 400}, false, false},
			"no skill":      {alexatest.Fault{Status: 403, Code: "SKILL_NOT_FOUND_EXCEPTION"}, false, false},
			"misconfigured": {alexatest.Fault{Status: 403, Code: "INSUFFICIENT_PERMISSION_EXCEPTION"}, true, false},
		} {
			test.fault.URL = events
			for _, m := range []*gateway.Message{state, moment} {
				b.cloud.Fail(test.fault)
				err := b.sender.Attempt(t.Context(), key, m)
				require.Error(t, err, name)
				want := test.ofState
				if m == moment {
					want = test.ofAMoment
				}
				require.Equal(t, want, b.sender.MayRetry(m, err), "%s: %v", name, err)
			}
		}
		require.False(t, b.sender.MayRetry(state, nil))
		require.True(t, b.sender.MayRetry(moment, errors.New("the store fails, so nothing was sent")))
		b.sender.RetryMomentary = true
		b.cloud.Fail(alexatest.Fault{URL: events, Lost: true})
		require.True(t, b.sender.MayRetry(moment, b.sender.Attempt(t.Context(), key, moment)))
		synctest.Wait()
	})
}

// Keys are those of the grants that Send would send to.
func TestSenderKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.link(t, alexaevents.FarEast, "home", "bert")
		require.NoError(t, b.tokens.Import(t.Context(), keyOf("home", ""), "a developer's own"))
		keys := func() []lwa.Key {
			all, err := b.sender.Keys(t.Context(), "home")
			require.NoError(t, err)
			return all
		}
		require.Len(t, keys(), 2)
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		synctest.Wait()
		b.cloud.DisableSkill("anna")
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		synctest.Wait()
		require.Len(t, keys(), 1)
		time.Sleep(25 * time.Hour) // an event a day finds out whether the skill is enabled again
		require.Len(t, keys(), 2)
		none, err := b.sender.Keys(t.Context(), "nobody")
		require.NoError(t, err)
		require.Empty(t, none)
		_, err = new(gateway.Sender).Keys(t.Context(), "home")
		require.ErrorIs(t, err, gateway.ErrMisconfigured)
	})
}
