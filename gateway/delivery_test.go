package gateway_test

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
)

// All attempts have the same message ID, but not the same token.
func TestDeliveryRenewsTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		old := b.grant(t, "home", "anna").AccessToken
		b.cloud.ExpireTokens()
		b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 503})
		wire := b.record()
		start := time.Now()
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))

		renewed := b.grant(t, "home", "anna").AccessToken
		require.NotEqual(t, old, renewed)
		id := wire.attempts[0].MessageID
		const host = "api.eu.amazonalexa.com"
		require.Equal(t, []attempt{
			{host, id, string(old), string(old)},         // 503
			{host, id, string(old), string(old)},         // 401
			{host, id, string(renewed), string(renewed)}, // 202
		}, wire.attempts)
		require.Equal(t, 2, b.cloud.Calls(loginURL))
		require.Less(t, time.Since(start), 2*time.Second, "there is no pause after a 401")
	})
}

// There are at most three retries, at least a second apart.
func TestDeliveryPauses(t *testing.T) {
	for _, test := range []struct {
		name   string
		header http.Header
		times  int
		pauses []time.Duration // minimum times between attempts
	}{
		{"one failure", nil, 1, []time.Duration{1 * time.Second}},
		{"three failures", nil, 3, []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second}},
		{"outage", nil, -1, []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second}},
		{"Retry-After", http.Header{"Retry-After": {"10"}}, 2, []time.Duration{10 * time.Second, 10 * time.Second}},
		{"Retry-After an hour", http.Header{"Retry-After": {"3600"}}, -1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBackend()
				b.link(t, alexaevents.Europe, "home", "anna")
				b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 429, Header: test.header, Times: test.times})
				var times []time.Time
				b.sender.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					times = append(times, time.Now())
					return b.cloud.RoundTrip(r)
				})}
				err := b.sender.Send(t.Context(), "home", lampReport())
				if test.times < 0 {
					require.ErrorIs(t, err, gateway.ErrThrottled)
				} else {
					require.NoError(t, err)
				}
				require.Len(t, times, len(test.pauses)+1)
				for i, shortest := range test.pauses {
					pause := times[i+1].Sub(times[i])
					require.GreaterOrEqual(t, pause, shortest)
					require.LessOrEqual(t, pause, shortest*3/2)
				}
			})
		})
	}
}

// A call ends with its context in every state.
func TestDeliveryEndsWithItsContext(t *testing.T) {
	for _, test := range []struct {
		name     string
		fault    alexatest.Fault
		timeout  time.Duration
		took     time.Duration
		want     error
		attempts int
	}{
		{"before the start", alexatest.Fault{}, -time.Second, 0, context.DeadlineExceeded, 0},
		{"during an attempt", alexatest.Fault{Delay: time.Minute}, 3 * time.Second, 2900 * time.Millisecond, context.DeadlineExceeded, 1},
		{"before a pause beyond the deadline", alexatest.Fault{Status: 503}, 900 * time.Millisecond, 0, gateway.ErrUnavailable, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBackend()
				b.link(t, alexaevents.Europe, "home", "anna")
				test.fault.URL, test.fault.Times = gatewayURL, -1
				b.cloud.Fail(test.fault)
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				start := time.Now()
				require.ErrorIs(t, b.sender.Send(ctx, "home", lampReport()), test.want)
				require.Equal(t, test.took, time.Since(start))
				require.Equal(t, test.attempts, b.gatewayCalls())
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 503, Times: -1})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		start := time.Now()
		require.ErrorIs(t, b.sender.Send(ctx, "home", lampReport()), gateway.ErrUnavailable)
		require.Equal(t, 500*time.Millisecond, time.Since(start), "during a pause")
		require.Equal(t, 1, b.gatewayCalls())
	})
}

// A doorbell must not ring twice, unless RetryMomentary is set.
func TestDeliveryOfMomentaryEvents(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault alexatest.Fault
		retry bool
		rings int
		want  error
	}{
		{"lost response", alexatest.Fault{Lost: true}, false, 1, gateway.ErrUnavailable},
		{"lost response, retried", alexatest.Fault{Lost: true}, true, 2, nil},
		{"reset", alexatest.Fault{Reset: true}, false, 0, gateway.ErrUnavailable},
		{"reset, retried", alexatest.Fault{Reset: true}, true, 1, nil},
		{"internal error", alexatest.Fault{Status: 500}, false, 0, gateway.ErrUnavailable},
		{"internal error, retried", alexatest.Fault{Status: 500}, true, 1, nil},
		{"timeout of a proxy", alexatest.Fault{Status: 408}, false, 0, gateway.ErrUnavailable},
		{"timeout of a proxy, retried", alexatest.Fault{Status: 408}, true, 1, nil},
		{"not accepted", alexatest.Fault{Status: 503}, false, 1, nil},
		{"throttled", alexatest.Fault{Status: 429}, false, 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBackend()
				b.link(t, alexaevents.Europe, "home", "anna")
				b.sender.RetryMomentary = test.retry
				test.fault.URL = gatewayURL
				b.cloud.Fail(test.fault)
				err := b.sender.Send(t.Context(), "home", doorbellPress())
				if test.want == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, test.want)
				}
				require.Len(t, b.cloud.Sent(), test.rings)
			})
		})
	}
}

// Without a connection, Alexa cannot have received the event.
func TestDeliveryOfMomentaryEventsAfterRefusedDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		refused := 0
		b.sender.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if refused++; refused <= 3 {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}
			return b.cloud.RoundTrip(r)
		})}
		require.NoError(t, b.sender.Send(t.Context(), "home", doorbellPress()))
		require.Len(t, b.cloud.Sent(), 1)
	})
}

// Any 2xx status is success, and no other.
func TestDeliveryBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for status, want := range map[int]string{200: "", 299: "", 300: "ErrMisconfigured"} {
			b := newBackend()
			linked(t, b)
			b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: status})
			require.Equal(t, want, kindOf(sendReport(t, b)), status)
		}
	})
}

// The token goes to Amazon's host only.
func TestDeliveryFollowsNoRedirect(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 307, Header: http.Header{"Location": {"https://other.example/"}}})
	err := b.sender.Send(t.Context(), "home", lampReport())
	require.EqualError(t, err, "gateway: Alexa responded with a redirect, which is not followed (HTTP status 307)")
	require.Zero(t, b.cloud.Calls("https://other.example/"))
}

// While Alexa refuses every token, one token is renewed, and no refused token is used
// again.
func TestDeliveryWithEveryTokenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		confirmed(t, b)
		b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 401, Code: "INVALID_ACCESS_TOKEN_EXCEPTION", Times: -1})
		calls, renewals := b.gatewayCalls(), b.cloud.Calls(loginURL)
		for range 50 {
			require.ErrorIs(t, sendReport(t, b), gateway.ErrUnavailable)
		}
		require.Equal(t, renewals+1, b.cloud.Calls(loginURL))
		require.Equal(t, calls+51, b.gatewayCalls())
	})
}
