package outbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pauses{until: make(map[lwa.Key]time.Time)}
		anna, ben := lwa.Key{AccountID: "anna"}, lwa.Key{AccountID: "ben"}
		require.Zero(t, p.left(anna))
		p.add(anna, time.Minute)
		p.add(anna, time.Second) // a shorter one does not end it
		require.Equal(t, time.Minute, p.left(anna))
		require.Zero(t, p.left(ben))
		time.Sleep(time.Minute)
		require.Zero(t, p.left(anna))
		require.Empty(t, p.until)
	})
}

// fail is what the gateway makes of an event while it fails.
func fail(t *testing.T, status int) error {
	cloud := alexatest.NewCloud()
	tokens := &lwa.Source{Client: &lwa.Client{ID: "client", Secret: "secret", HTTPClient: cloud.Client()}, Store: new(lwa.MemoryStore)}
	key := lwa.Key{ClientID: "client", AccountID: "anna", LinkID: "link"}
	require.NoError(t, tokens.Exchange(t.Context(), key, alexaevents.Europe, alexaevents.Secret(cloud.Grant(alexaevents.Europe, "anna"))))
	cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Status: status})
	m, err := gateway.NewMessage(&gateway.DeleteReport{EndpointIDs: []string{"lamp"}})
	require.NoError(t, err)
	err = (&gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}).Attempt(t.Context(), key, m)
	require.Error(t, err)
	return err
}

func TestRegions(t *testing.T) {
	down, throttled := fail(t, 500), fail(t, 429)
	synctest.Test(t, func(t *testing.T) {
		r := regions{breakers: make(map[region]*breaker)}
		const europe, america = alexaevents.Europe, alexaevents.NorthAmerica
		report := func(err error) (failed, back bool) { return r.report(europe, err, false) }
		probe := func(err error) (failed, back bool) { return r.report(europe, err, true) }
		wait := func(where region) time.Duration {
			wait, _ := r.wait(where)
			return wait
		}
		requireProbe := func() {
			t.Helper()
			wait, probe := r.wait(europe)
			require.True(t, probe)
			require.Zero(t, wait)
		}
		for range failuresToOpen - 1 {
			failed, back := report(down)
			require.False(t, failed || back)
		}
		report(nil) // it was not down
		for range failuresToOpen - 1 {
			report(down)
			report(errors.New("the store fails")) // which tells nothing
			report(context.DeadlineExceeded)      // nor does this
			require.Zero(t, wait(europe))
		}
		failed, _ := report(down)
		require.True(t, failed)
		require.Equal(t, probeEvery, wait(europe), "the next probe")
		require.Greater(t, wait(europe), probeEvery)
		require.Zero(t, wait(america))
		require.Equal(t, probeEvery, r.probeIn(europe))

		time.Sleep(probeEvery)
		requireProbe() // one event finds out
		require.Greater(t, wait(europe), probeEvery, "and no other meanwhile")
		report(down) // an attempt from before ends
		time.Sleep(probeEvery)
		require.Greater(t, wait(europe), probeEvery, "the probe is still under way")
		failed, back := probe(down)
		require.False(t, failed || back, "it is known")
		require.Equal(t, probeEvery, wait(europe))

		time.Sleep(probeEvery)
		requireProbe()
		r.release(europe, true) // the event was not sent
		requireProbe()
		r.release(europe, false) // by another event
		require.NotZero(t, wait(europe))
		_, back = probe(throttled) // which proves that it works
		require.True(t, back)
		require.Zero(t, wait(europe))
		require.False(t, r.failing(europe))

		for range 2 * failuresToOpen { // of a grant that is not found
			r.report("", down, false)
		}
		require.Zero(t, wait(""))
	})
}

// How long an event waits after an attempt that failed, and whether its whole grant does.
func TestPauseAfter(t *testing.T) {
	const often = 100 // tries, for the longest backoff
	key := lwa.Key{AccountID: "anna"}
	for name, test := range map[string]struct {
		err         error
		least, most time.Duration
		grant       bool
		region      region
	}{
		"no request":                  {errors.New("the store fails"), longestPause, 2 * longestPause, false, ""},
		"unavailable":                 {&gateway.Error{Status: 503}, longestPause, 2 * longestPause, false, "eu"},
		"unavailable, Retry-After":    {&gateway.Error{Status: 503, RetryAfter: time.Hour}, time.Hour, time.Hour, false, "eu"},
		"throttled":                   {&gateway.Error{Status: 429}, longestPause, 2 * longestPause, true, ""},
		"throttled, Retry-After":      {&gateway.Error{Status: 429, RetryAfter: time.Hour}, time.Hour, time.Hour, true, ""},
		"throttled, long Retry-After": {&gateway.Error{Status: 429, RetryAfter: 1000 * time.Hour}, longestRetry, longestRetry, true, ""},
		"misconfigured":               {gateway.ErrMisconfigured, longestPause, 2 * longestPause, true, ""},
		"login":                       {&lwa.Error{Status: 500}, longestLogin, longestLogin, true, ""},
		"login, Retry-After":          {&lwa.Error{Status: 503, RetryAfter: time.Hour}, time.Hour, time.Hour, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := &worker{pauses: pauses{until: make(map[lwa.Key]time.Time)}, regions: regions{breakers: make(map[region]*breaker)}}
			p := w.pauseAfter(&entry{key: key, tries: often}, "eu", test.err)
			require.GreaterOrEqual(t, p.wait, test.least)
			require.LessOrEqual(t, p.wait, test.most)
			require.Equal(t, test.grant, p.grant != nil)
			require.Equal(t, test.grant, w.pauses.left(key) > 0, "this worker's other lanes of the grant")
			require.Equal(t, test.region, p.region)
		})
	}
}

func TestBackoff(t *testing.T) {
	for tries, least := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute} {
		wait := backoff(tries)
		require.GreaterOrEqual(t, wait, least)
		require.Less(t, wait, least*3/2)
	}
	require.Less(t, backoff(1<<40), 2*time.Minute)
}

func TestMaxAge(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 30, 15, 0, time.UTC)
	property := gateway.PowerState(gateway.On, at)
	for want, event := range map[time.Duration]gateway.Event{
		8 * time.Second:    &gateway.Response{EndpointID: "lamp", CorrelationToken: "token"},
		30 * time.Second:   &gateway.DoorbellPress{EndpointID: "door", Cause: gateway.PhysicalInteraction, Timestamp: at},
		15 * time.Minute:   &gateway.ChangeReport{EndpointID: "lamp", Cause: gateway.PhysicalInteraction, Properties: []gateway.Property{property}},
		7 * 24 * time.Hour: &gateway.DeleteReport{EndpointIDs: []string{"lamp"}},
	} {
		m, err := gateway.NewMessage(event)
		require.NoError(t, err)
		require.Equal(t, want, new(Outbox).maxAge(m))
		for _, none := range []time.Duration{0, -time.Hour} {
			own := &Outbox{MaxAge: func(*gateway.Message) time.Duration { return none }}
			require.Equal(t, want, own.maxAge(m), "the default")
		}
		own := &Outbox{MaxAge: func(*gateway.Message) time.Duration { return time.Minute }}
		require.Equal(t, time.Minute, own.maxAge(m))
	}
}
