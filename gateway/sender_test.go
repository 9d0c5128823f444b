package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestSend(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	b.link(t, alexaevents.FarEast, "home", "bert")
	b.link(t, alexaevents.NorthAmerica, "flat", "carl")
	require.NoError(t, b.tokens.Import(t.Context(), keyOf("home", ""), "a developer's own"))
	wire := b.record()
	require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))

	require.ElementsMatch(t, []string{"anna", "bert"}, b.customers())
	ids := make(map[string]bool)
	for _, attempt := range wire.attempts {
		require.Equal(t, attempt.Header, attempt.Scope)
		_, err := uuid.Parse(attempt.MessageID)
		require.NoError(t, err)
		ids[attempt.MessageID] = true
	}
	require.Len(t, ids, 2, "each has a message ID of its own")
	require.Equal(t, 1, b.cloud.Calls("https://api.eu.amazonalexa.com/v3/events"))
	require.Equal(t, 1, b.cloud.Calls("https://api.fe.amazonalexa.com/v3/events"))

	require.ErrorIs(t, b.sender.Send(t.Context(), "nobody", lampReport()), gateway.ErrNoGrant)
	require.NoError(t, b.tokens.Import(t.Context(), keyOf("developer", ""), "a developer's own"))
	require.ErrorIs(t, b.sender.Send(t.Context(), "developer", lampReport()), gateway.ErrNoGrant)
}

// Alexa may refuse a token that is new. The grant has not ended, and gets another
// token a minute later.
func TestRefusedTokenEndsNoGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		synctest.Wait()
		b.cloud.ExpireTokens()
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))

		b.cloud.ExpireTokens()
		logins := b.cloud.Calls(loginURL)
		require.Equal(t, "ErrUnavailable", kindOf(b.sender.Send(t.Context(), "home", lampReport())))
		require.Equal(t, logins, b.cloud.Calls(loginURL))
		time.Sleep(time.Minute)
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		require.Equal(t, logins+1, b.cloud.Calls(loginURL))
	})
}

// Two customers of one account live in two regions. One disables the skill; the
// other one still gets events.
func TestSendToAFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.link(t, alexaevents.FarEast, "home", "bert")
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		synctest.Wait()

		b.cloud.DisableSkill("anna")
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()), "while Alexa says that the skill is disabled")
		require.True(t, b.holds(t, "home", "anna"), "a refused event ends no grant")
		time.Sleep(25 * time.Hour)
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()), "after Login with Amazon refused the token")
		require.False(t, b.holds(t, "home", "anna"))

		gatewayCalls, loginCalls, warnings := b.gatewayCalls(), b.cloud.Calls(loginURL), strings.Count(b.log.String(), "event not accepted")
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()), "after the grant has ended")
		require.Equal(t, gatewayCalls+1, b.gatewayCalls())
		require.Equal(t, loginCalls, b.cloud.Calls(loginURL))
		require.Equal(t, warnings, strings.Count(b.log.String(), "event not accepted"), "it is logged once")
		require.ElementsMatch(t, []string{"anna", "bert", "bert", "bert", "bert"}, b.customers())

		b.cloud.DisableSkill("bert")
		err := b.sender.Send(t.Context(), "home", lampReport())
		var failure *gateway.SendError
		require.ErrorAs(t, err, &failure)
		require.Len(t, failure.Results, 2)
		require.ErrorIs(t, failure.Results[0].Err, gateway.ErrRelink)
		require.ErrorIs(t, failure.Results[1].Err, gateway.ErrSkillDisabled)
		require.Equal(t, "ErrRelink", kindOf(err), "the first of two that are equally urgent")
		require.Empty(t, failure.Retry())
		time.Sleep(25 * time.Hour)
		err = b.sender.Send(t.Context(), "home", lampReport())
		require.ErrorAs(t, err, &failure)
		require.ErrorIs(t, failure.Results[1].Err, gateway.ErrRelink)

		b.link(t, alexaevents.Europe, "home", "anna")
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
	})
}

// For a grant of another region, Alexa says that the skill is disabled. Until an event
// was accepted, both are possible.
func TestSendToAnotherRegion(t *testing.T) {
	b := newBackend()
	directive := b.acceptGrant(alexaevents.Europe, "home/anna/1")
	requireAccepted(t, b.granter(alexaevents.NorthAmerica), directive)
	b.link(t, alexaevents.Europe, "home", "bert")

	err := b.sender.Send(t.Context(), "home", lampReport())
	var failure *gateway.SendError
	require.ErrorAs(t, err, &failure, "the operator must act")
	require.Equal(t, keyOf("home", "anna"), failure.Results[0].Key)
	require.Equal(t, "ErrMisconfigured", kindOf(failure.Results[0].Err))
	requireOneDecision(t, failure.Results[0].Err)
	require.ErrorIs(t, err, gateway.ErrMisconfigured, "although the event was accepted for the other grant")
	require.ErrorContains(t, failure.Results[0].Err, "check that its region is the customer's")
	require.NoError(t, failure.Results[1].Err)
	require.True(t, b.holds(t, "home", "anna"))

	b.link(t, alexaevents.Europe, "home", "anna")
	require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
	require.NoError(t, b.sender.Flush(t.Context()))
	b.cloud.DisableSkill("anna")
	err = b.sender.SendTo(t.Context(), keyOf("home", "anna"), lampReport())
	require.ErrorIs(t, err, gateway.ErrSkillDisabled)
	require.NotErrorIs(t, err, gateway.ErrMisconfigured)
	require.ErrorContains(t, err, "stop sending until the customer enables the skill")
}

func TestSendTo(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	b.link(t, alexaevents.Europe, "home", "bert")
	directive := parse(t, string(alexatest.Directive("Alexa.PowerController", "TurnOn", "lamp-1", "home/bert/9", nil)))
	response := directive.Response(lampOn())

	err := b.sender.Send(t.Context(), "home", response)
	requireInvalid(t, err, "Response", "SendTo")
	key, err := b.granter(alexaevents.Europe).Key(t.Context(), directive)
	require.NoError(t, err)
	require.NoError(t, b.sender.SendTo(t.Context(), key, response))
	require.Equal(t, []string{"bert"}, b.customers())
	require.Contains(t, string(b.cloud.Sent()[0].Body), `"correlationToken":"`+string(directive.CorrelationToken)+`"`)

	require.ErrorIs(t, b.sender.SendTo(t.Context(), keyOf("home", "carl"), response), gateway.ErrNoGrant)
	b.cloud.DisableSkill("bert")
	b.cloud.ExpireTokens()
	require.ErrorIs(t, b.sender.SendTo(t.Context(), key, response), gateway.ErrRelink)
	require.ErrorIs(t, b.sender.SendTo(t.Context(), key, response), gateway.ErrRelink)
}

// An event with a known error is not sent.
func TestSendRefuses(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	require.NoError(t, b.tokens.Import(t.Context(), keyOf("imported", "anna"), "Atzr|1")) // which has no region
	calls := b.cloud.Calls("")
	directive := parse(t, turnOn)
	for name, test := range map[string]struct {
		sender  *gateway.Sender
		account string
		event   gateway.Event
		want    error
	}{
		"invalid event": {b.sender, "home", &gateway.ChangeReport{}, gateway.ErrInvalidEvent},
		"panic":         {b.sender, "home", &gateway.AddOrUpdateReport{Endpoints: []any{panicking{}}}, gateway.ErrInvalidEvent},
		"no event":      {b.sender, "home", nil, gateway.ErrInvalidEvent},
		"nil event":     {b.sender, "home", (*gateway.ChangeReport)(nil), gateway.ErrInvalidEvent},
		"only returned": {b.sender, "home", directive.DeferredResponse(0), gateway.ErrInvalidEvent},
		"no endpoint":   {b.sender, "home", &gateway.Response{}, gateway.ErrInvalidEvent},
		"no tokens":     {&gateway.Sender{}, "home", lampReport(), gateway.ErrMisconfigured},
		"no store":      {&gateway.Sender{Tokens: &lwa.Source{Client: b.tokens.Client}}, "home", lampReport(), gateway.ErrMisconfigured},
		"no client ID":  {&gateway.Sender{Tokens: &lwa.Source{Client: &lwa.Client{Secret: "s"}, Store: b.store}}, "home", lampReport(), gateway.ErrMisconfigured},
		"no secret":     {&gateway.Sender{Tokens: &lwa.Source{Client: &lwa.Client{ID: clientID}, Store: b.store}}, "home", lampReport(), gateway.ErrMisconfigured},
		"no https":      {&gateway.Sender{Tokens: &lwa.Source{Client: &lwa.Client{ID: clientID, Secret: "s", APIURL: "http://x"}, Store: b.store}}, "home", lampReport(), gateway.ErrMisconfigured},
		"no region":     {b.sender, "imported", lampReport(), gateway.ErrMisconfigured},
		"no account":    {b.sender, "", lampReport(), gateway.ErrNoGrant},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.sender.Send(t.Context(), test.account, test.event)
			require.ErrorIs(t, err, test.want)
			requireOneDecision(t, err)
			require.ErrorIs(t, test.sender.SendTo(t.Context(), keyOf(test.account, "anna"), test.event), test.want)
		})
	}
	require.Equal(t, calls, b.cloud.Calls(""))
}

func TestSendReportsStoreErrors(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	errStore := errors.New("the store is down")
	b.store.before = func(context.Context, string) error { return errStore }
	require.ErrorIs(t, b.sender.Send(t.Context(), "home", lampReport()), errStore)
	require.ErrorIs(t, b.sender.SendTo(t.Context(), keyOf("home", "anna"), lampReport()), errStore)

	b.store.before = func(_ context.Context, call string) error {
		if call == "UpdateGrant" {
			return errStore
		}
		return nil
	}
	require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()), "the event was accepted")
}

// A grant that is erased while an event is sent has ended.
func TestSendToErasedGrant(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	b.link(t, alexaevents.Europe, "home", "bert")
	require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
	require.NoError(t, b.sender.Flush(t.Context()))
	b.cloud.DisableSkill("anna")
	b.cloud.ExpireTokens()
	b.store.before = func(ctx context.Context, call string) error {
		if call == "Grant" { // to renew a token
			return b.store.MemoryStore.UpdateGrant(ctx, keyOf("home", "anna"), func(g *lwa.Grant) error { *g = lwa.Grant{}; return nil })
		}
		return nil
	}
	require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
	require.Equal(t, "bert", b.customers()[2])
}

// No grant waits for another.
func TestSendInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		for i := range 16 {
			b.link(t, alexaevents.Europe, "home", fmt.Sprint("customer-", i))
		}
		b.link(t, alexaevents.FarEast, "home", "abroad")
		b.cloud.Fail(alexatest.Fault{URL: alexaevents.Europe.APIEndpoint(), Delay: time.Hour, Times: 15})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		accepted := make(map[string]time.Duration)
		start := time.Now()
		b.sender.Observe = func(_ context.Context, o gateway.Observation) {
			if o.Err == nil {
				b.store.mu.Lock()
				defer b.store.mu.Unlock()
				accepted[string(o.Region)] = time.Since(start)
			}
		}
		err := b.sender.Send(ctx, "home", lampReport())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, map[string]time.Duration{"EU": 0, "FE": 0}, accepted)
		require.Equal(t, 4900*time.Millisecond, time.Since(start), "the last 100 milliseconds are the caller's")
		var failure *gateway.SendError
		require.ErrorAs(t, err, &failure)
		require.Len(t, failure.Retry(), 15)
	})
}

// If an account has more than 16 grants, each has its share of the time.
func TestSendSharesTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		for i := range 32 {
			b.link(t, alexaevents.Europe, "home", fmt.Sprintf("customer-%02d", i))
		}
		hanging := make(map[string]bool)
		for i := range 16 { // they are the first
			hanging[string(b.grant(t, "home", fmt.Sprintf("customer-%02d", i)).AccessToken)] = true
		}
		b.sender.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if hanging[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return b.cloud.RoundTrip(r)
		})}
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		start := time.Now()
		took := make(map[time.Duration]int)
		b.sender.Observe = func(_ context.Context, o gateway.Observation) {
			b.store.mu.Lock()
			defer b.store.mu.Unlock()
			took[o.Duration]++
		}
		err := b.sender.Send(ctx, "home", lampReport())
		require.Equal(t, map[time.Duration]int{0: 16, 3950 * time.Millisecond: 16}, took)
		require.Equal(t, "ErrUnavailable", kindOf(err), "the caller's deadline has not passed")
		requireOneDecision(t, err)
		require.Len(t, b.cloud.Sent(), 16)
		require.Equal(t, 3950*time.Millisecond, time.Since(start), "half of 8 seconds without the caller's last 100 milliseconds")
	})
}

// The gateway may not know a new grant at once.
func TestSendToANewGrant(t *testing.T) {
	const never = "SKILL_NEVER_ENABLED_EXCEPTION"
	for _, test := range []struct {
		name  string
		age   time.Duration
		times int
		want  string
		calls int
	}{
		{"in a moment", 0, 2, "", 3},
		{"not yet", 0, -1, "ErrUnavailable", 4},
		{"after a minute", time.Minute, -1, "ErrMisconfigured", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBackend()
				linked(t, b)
				b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 403, Code: never, Times: test.times})
				time.Sleep(test.age)
				err := b.sender.Send(t.Context(), "home", doorbellPress())
				require.Equal(t, test.want, kindOf(err))
				require.Equal(t, test.calls, b.gatewayCalls())
			})
		})
	}
}

func TestSendObservesAndLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		var observed []gateway.Observation
		b.sender.Observe = func(_ context.Context, o gateway.Observation) { observed = append(observed, o) }

		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		require.Equal(t, []gateway.Observation{{Event: "ChangeReport", Region: alexaevents.Europe, Attempts: 1}}, observed)
		require.Empty(t, b.log.String())

		b.cloud.Fail(alexatest.Fault{URL: alexaevents.Europe.APIEndpoint(), Status: 503, Times: -1})
		require.ErrorIs(t, b.sender.Send(t.Context(), "home", doorbellPress()), gateway.ErrUnavailable)
		require.Len(t, observed, 2)
		require.Equal(t, "DoorbellPress", observed[1].Event)
		require.Equal(t, 4, observed[1].Attempts)
		require.GreaterOrEqual(t, observed[1].Duration, 7*time.Second)
		require.ErrorIs(t, observed[1].Err, gateway.ErrUnavailable)
		lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
		require.Len(t, lines, 2)
		require.Contains(t, lines[0], `level=WARN msg="event not accepted" alexa.event.type=DoorbellPress alexa.region=EU alexa.attempts=4 error="gateway: Alexa refused the event without a reason (HTTP status 503)"`)
		require.NotContains(t, lines[0], "home")
		require.Contains(t, lines[1], `level=DEBUG msg="the grant of the event" alexa.account.id=home alexa.link.id=anna`)

		b.cloud.Heal()
		b.cloud.Fail(alexatest.Fault{URL: loginURL, Status: 401, Code: "invalid_client"})
		time.Sleep(2 * time.Hour)
		require.ErrorIs(t, b.sender.Send(t.Context(), "home", lampReport()), gateway.ErrMisconfigured)
		require.Len(t, observed, 3)
		require.Zero(t, observed[2].Attempts)
	})
}

// The default client. The context ends before it sends a request.
func TestSendWithoutHTTPClient(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	ctx, cancel := context.WithCancel(t.Context())
	sender := &gateway.Sender{Tokens: &lwa.Source{Client: b.tokens.Client, Store: cancelling{b.store, cancel}}}
	err := sender.SendTo(ctx, keyOf("home", "anna"), lampReport())
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "no response from Alexa")
}

// cancelling is a store that cancels a context when a grant was read.
type cancelling struct {
	lwa.Store
	cancel context.CancelFunc
}

func (s cancelling) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	defer s.cancel()
	return s.Store.Grant(ctx, key)
}

// A cancelled context with any cause gives context.Canceled.
func TestSendIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		time.Sleep(2 * time.Hour) // the token expires
		for _, url := range []string{loginURL, gatewayURL} {
			b.cloud.Fail(alexatest.Fault{URL: url, Delay: time.Minute, Times: -1})
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errors.New("shutdown")) })
			require.ErrorIs(t, b.sender.Send(ctx, "home", lampReport()), context.Canceled)
			b.cloud.Heal()
			time.Sleep(time.Minute)
		}
	})
}

// With a store that blocks, the caller has time to respond.
func TestSendWithAHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.store.before = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		for _, send := range []func(context.Context) error{
			func(ctx context.Context) error { return b.sender.Send(ctx, "home", lampReport()) },
			func(ctx context.Context) error { return b.sender.SendTo(ctx, keyOf("home", "anna"), lampReport()) },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			require.ErrorIs(t, send(ctx), context.DeadlineExceeded)
			require.Equal(t, 900*time.Millisecond, time.Since(start))
			cancel()
		}
	})
}

// A customer whose new tokens wait for the store need not link again.
func TestSendWithUnsavedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.end(t, "anna")
		var down atomic.Bool
		down.Store(true)
		b.store.before = func(_ context.Context, call string) error {
			if call == "UpdateGrant" && down.Load() {
				return errors.New("down")
			}
			return nil
		}
		require.Equal(t, "ACCEPT_GRANT_FAILED", respond(t.Context(), t, b.granter(alexaevents.Europe), b.acceptGrant(alexaevents.Europe, "home/anna/2")))
		require.NoError(t, sendReport(t, b))
		require.NoError(t, b.sender.SendTo(t.Context(), keyOf("home", "anna"), lampReport()))
		down.Store(false)
		require.NoError(t, b.tokens.Flush(t.Context()))
		require.NoError(t, sendReport(t, b))
	})
}
