package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// With a fresh token, Send reads the store once, and writes it once an hour.
func TestSendReadsTheStoreOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		granted := time.Now()
		send := func() map[string]int {
			b.store.takeCalls()
			require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
			synctest.Wait()
			return b.store.takeCalls()
		}
		require.Equal(t, map[string]int{"AccountGrants": 1, "UpdateGrant": 1}, send())
		require.True(t, granted.Equal(b.grant(t, "home", "anna").ConfirmedAt))
		for range 10 {
			time.Sleep(5 * time.Minute)
			require.Equal(t, map[string]int{"AccountGrants": 1}, send())
		}
		require.NoError(t, b.sender.SendTo(t.Context(), keyOf("home", "anna"), lampReport()))
		require.Equal(t, map[string]int{"Grant": 1}, b.store.takeCalls())
		time.Sleep(10 * time.Minute)
		require.Equal(t, map[string]int{"AccountGrants": 1, "Grant": 1, "UpdateGrant": 2}, send(), "with a refresh")
		require.True(t, granted.Add(time.Hour).Equal(b.grant(t, "home", "anna").ConfirmedAt))
	})
}

// An accepted event proves the region of its own grant, not of a grant that has
// replaced it meanwhile.
func TestSendConfirmsItsOwnGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "anna")
		b.cloud.Fail(alexatest.Fault{URL: alexaevents.Europe.APIEndpoint(), Delay: time.Second})
		time.AfterFunc(500*time.Millisecond, func() { b.link(t, alexaevents.FarEast, "home", "anna") })
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		synctest.Wait()
		require.Equal(t, alexaevents.FarEast, b.grant(t, "home", "anna").Region)
		require.Zero(t, b.grant(t, "home", "anna").ConfirmedAt)

		clock := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
		b.tokens.Now = func() time.Time { return clock }
		require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
		synctest.Wait()
		require.Equal(t, clock, b.grant(t, "home", "anna").ConfirmedAt, "by Source.Now")
	})
}

// Send does not wait while the store writes that an event was accepted.
func TestSendDoesNotWaitForNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		for i := range 100 {
			b.link(t, alexaevents.Europe, fmt.Sprint("home-", i), "anna")
		}
		b.store.before = func(ctx context.Context, call string) error {
			if call == "UpdateGrant" {
				time.Sleep(6 * time.Second)
			}
			return ctx.Err()
		}
		b.store.takeCalls()
		start := time.Now()
		for i := range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			require.NoError(t, b.sender.Send(ctx, fmt.Sprint("home-", i), lampReport()))
			require.NoError(t, b.sender.Send(ctx, fmt.Sprint("home-", i), lampReport()))
			cancel()
		}
		require.Zero(t, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, b.sender.Flush(ctx), context.DeadlineExceeded)
		require.NoError(t, b.sender.Flush(t.Context()))
		require.Equal(t, 6*time.Second, time.Since(start))
		require.Equal(t, 64, b.store.takeCalls()["UpdateGrant"], "the maximum of concurrent writes")
		require.False(t, b.grant(t, "home-0", "anna").ConfirmedAt.IsZero())
		require.False(t, b.grant(t, "home-63", "anna").ConfirmedAt.IsZero(), "one concurrent write per grant")
		require.NoError(t, b.sender.Send(t.Context(), "home-99", lampReport()))
		require.NoError(t, b.sender.Flush(t.Context()))
		require.False(t, b.grant(t, "home-99", "anna").ConfirmedAt.IsZero(), "the next event writes what was left out")
	})
}

// A customer who disabled the skill costs one request a day, in all processes that
// share the store.
func TestSendSkipsDisabledGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.link(t, alexaevents.Europe, "home", "live")
		for i := range 7 {
			b.link(t, alexaevents.Europe, "home", fmt.Sprint("dead-", i))
		}
		send := func(n int) (requests int) {
			before := b.gatewayCalls()
			for range n {
				require.NoError(t, b.sender.Send(t.Context(), "home", lampReport()))
				synctest.Wait()
			}
			return b.gatewayCalls() - before
		}
		require.Equal(t, 8, send(1))
		for i := range 7 {
			b.cloud.DisableSkill(fmt.Sprint("dead-", i))
		}
		disabled := time.Now()
		b.cloud.Fail(alexatest.Fault{URL: loginURL, Status: 503, Times: -1}) // which does not notice yet
		require.Equal(t, 20+7, send(20))
		require.WithinDuration(t, disabled, b.grant(t, "home", "dead-0").DisabledAt, 0)
		b.cloud.Heal()

		observed := make(map[string]int)
		b.sender.Observe = func(_ context.Context, o gateway.Observation) {
			b.store.mu.Lock()
			defer b.store.mu.Unlock()
			observed[fmt.Sprint(kindOf(o.Err), " ", o.Attempts)]++
		}
		b.log.text.Reset()
		require.Equal(t, 1, send(1))
		require.Equal(t, map[string]int{" 1": 1, "ErrSkillDisabled 0": 7}, observed)
		require.Empty(t, b.log.String(), "it is logged once")
		other := &gateway.Sender{Tokens: b.tokens, HTTPClient: b.cloud.Client()}
		before := b.gatewayCalls()
		require.NoError(t, other.Send(t.Context(), "home", lampReport()))
		require.Equal(t, before+1, b.gatewayCalls())
		err := other.SendTo(t.Context(), keyOf("home", "dead-0"), lampReport())
		require.ErrorIs(t, err, gateway.ErrSkillDisabled)
		require.EqualError(t, err, "gateway: the customer has not enabled the skill since "+disabled.Format(time.DateOnly))
		require.Equal(t, before+1, b.gatewayCalls())
	})
}

// probed returns a backend with a grant that has been disabled for a day and whose
// tokens still work.
func probed(t *testing.T) *backend {
	b := newBackend()
	confirmed(t, b)
	require.NoError(t, b.store.UpdateGrant(t.Context(), keyOf("home", "anna"), func(g *lwa.Grant) error {
		g.DisabledAt = time.Now()
		g.Expiry = time.Time{} // it has a token that lasts
		return nil
	}))
	time.Sleep(24*time.Hour - time.Second)
	require.ErrorIs(t, sendReport(t, b), gateway.ErrSkillDisabled)
	time.Sleep(time.Second)
	return b
}

func TestSendProbesDisabledGrants(t *testing.T) {
	const refused = "SKILL_DISABLED_EXCEPTION"
	for _, test := range []struct {
		name  string
		fault alexatest.Fault
		want  string
	}{
		{"still disabled", alexatest.Fault{Status: 403, Code: refused}, "ErrSkillDisabled"},
		{"throttled", alexatest.Fault{Status: 429, Header: http.Header{"Retry-After": {"3600"}}}, "ErrThrottled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := probed(t)
				since := b.grant(t, "home", "anna").DisabledAt
				test.fault.URL, test.fault.Times = gatewayURL, -1
				b.cloud.Fail(test.fault)
				calls := b.gatewayCalls()
				kinds := make(map[string]int)
				var group sync.WaitGroup
				for range 20 {
					group.Go(func() {
						kind := kindOf(sendReport(t, b))
						b.store.mu.Lock()
						defer b.store.mu.Unlock()
						kinds[kind]++
					})
				}
				group.Wait()
				synctest.Wait()
				require.Equal(t, calls+1, b.gatewayCalls(), "one of them is sent")
				require.Equal(t, 1, min(1, kinds[test.want]))
				require.ErrorIs(t, sendReport(t, b), gateway.ErrSkillDisabled)
				require.Equal(t, calls+1, b.gatewayCalls())
				grant := b.grant(t, "home", "anna")
				require.Equal(t, since, grant.DisabledAt)
				require.Equal(t, since.Add(24*time.Hour), grant.ProbedAt)

				b.cloud.Heal()
				time.Sleep(24*time.Hour - time.Nanosecond)
				require.ErrorIs(t, sendReport(t, b), gateway.ErrSkillDisabled)
				time.Sleep(time.Nanosecond)
				require.NoError(t, sendReport(t, b))
				synctest.Wait()
				require.Zero(t, b.grant(t, "home", "anna").DisabledAt)
				require.Zero(t, b.grant(t, "home", "anna").ProbedAt)
				require.NoError(t, sendReport(t, b))
			})
		})
	}
	t.Run("a new AcceptGrant", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := probed(t)
			b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 403, Code: refused})
			require.ErrorIs(t, sendReport(t, b), gateway.ErrSkillDisabled)
			b.link(t, alexaevents.Europe, "home", "anna")
			synctest.Wait()
			require.NoError(t, sendReport(t, b))
		})
	})
	t.Run("the response to a directive", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := probed(t)
			b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 403, Code: refused})
			require.ErrorIs(t, sendReport(t, b), gateway.ErrSkillDisabled)
			synctest.Wait()
			directive := parse(t, string(alexatest.Directive("Alexa.PowerController", "TurnOn", "lamp-1", "home/anna/9", nil)))
			require.NoError(t, b.sender.SendTo(t.Context(), keyOf("home", "anna"), directive.Response(lampOn())))
			synctest.Wait()
			require.NoError(t, sendReport(t, b), "the skill is enabled again")
		})
	})
}

// An accepted event of a disabled grant is written at once, not once an hour.
func TestSendRevivesADisabledGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		confirmed(t, b)
		b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 403, Code: "SKILL_DISABLED_EXCEPTION"})
		require.ErrorIs(t, sendReport(t, b), gateway.ErrSkillDisabled)
		synctest.Wait()
		require.NotZero(t, b.grant(t, "home", "anna").DisabledAt)
		time.Sleep(time.Minute)
		directive := parse(t, string(alexatest.Directive("Alexa.PowerController", "TurnOn", "lamp-1", "home/anna/9", nil)))
		require.NoError(t, b.sender.SendTo(t.Context(), keyOf("home", "anna"), directive.Response(lampOn())))
		synctest.Wait()
		require.Zero(t, b.grant(t, "home", "anna").DisabledAt)
		require.NoError(t, sendReport(t, b))
	})
}

// A probe that fails does not overwrite an event that was accepted meanwhile.
func TestSendProbesConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := probed(t)
		b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Status: 403, Code: "SKILL_DISABLED_EXCEPTION", Delay: 5 * time.Second})
		go func() { _ = sendReport(t, b) }()
		synctest.Wait()
		other := &gateway.Sender{Tokens: b.tokens, HTTPClient: b.cloud.Client()} // of another process
		require.NoError(t, other.Send(t.Context(), "home", lampReport()))
		require.NoError(t, other.Flush(t.Context()))
		time.Sleep(time.Minute)
		require.Zero(t, b.grant(t, "home", "anna").DisabledAt)
		require.NoError(t, sendReport(t, b))
	})
}
