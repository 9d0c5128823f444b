package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// The text of an error has Amazon's description and what to do.
func TestError(t *testing.T) {
	for _, test := range []struct {
		err  *gateway.Error
		want error
		text string
	}{
		{
			&gateway.Error{Status: 400, Code: "INVALID_REQUEST_EXCEPTION", Description: "The request was malformed.", RequestID: "r-1"},
			gateway.ErrInvalidEvent, "gateway: INVALID_REQUEST_EXCEPTION: The request was malformed. (HTTP status 400, request r-1)",
		},
		{
			&gateway.Error{Status: 401, Code: "INVALID_ACCESS_TOKEN_EXCEPTION"},
			gateway.ErrUnavailable, "gateway: INVALID_ACCESS_TOKEN_EXCEPTION (HTTP status 401); " +
				"Alexa does not accept a new token of Login with Amazon: retry in a minute",
		},
		{
			&gateway.Error{Status: 403, Code: "SKILL_DISABLED_EXCEPTION"},
			gateway.ErrSkillDisabled, "gateway: SKILL_DISABLED_EXCEPTION (HTTP status 403); stop sending until the customer enables the skill",
		},
		{
			&gateway.Error{Status: 403, Code: "SKILL_NEVER_ENABLED_EXCEPTION"}, gateway.ErrMisconfigured,
			"gateway: SKILL_NEVER_ENABLED_EXCEPTION (HTTP status 403); check that the region of the grant is the customer's",
		},
		{
			&gateway.Error{Status: 403, Code: "INSUFFICIENT_PERMISSION_EXCEPTION"}, gateway.ErrMisconfigured,
			"gateway: INSUFFICIENT_PERMISSION_EXCEPTION (HTTP status 403); check that Send Alexa Events is on in the skill's permissions",
		},
		{
			&gateway.Error{Status: 413, Code: "REQUEST_ENTITY_TOO_LARGE_EXCEPTION"},
			gateway.ErrTooLarge, "gateway: REQUEST_ENTITY_TOO_LARGE_EXCEPTION (HTTP status 413); split the event",
		},
		{&gateway.Error{Status: 302}, gateway.ErrMisconfigured, "gateway: Alexa responded with a redirect, which is not followed (HTTP status 302)"},
		{&gateway.Error{Status: 418}, gateway.ErrMisconfigured, "gateway: Alexa refused the event without a reason (HTTP status 418)"},
		{&gateway.Error{Status: 408}, gateway.ErrUnavailable, "gateway: Alexa refused the event without a reason (HTTP status 408)"},
		{&gateway.Error{Status: 429}, gateway.ErrThrottled, "gateway: Alexa refused the event without a reason (HTTP status 429)"},
		{&gateway.Error{Status: 502}, gateway.ErrUnavailable, "gateway: Alexa refused the event without a reason (HTTP status 502)"},
	} {
		t.Run(test.text, func(t *testing.T) {
			require.EqualError(t, test.err, test.text)
			require.ErrorIs(t, test.err, test.want)
			requireOneDecision(t, test.err)
		})
	}
}

// errors.As and errors.Is find the errors of package lwa and net/http.
func TestErrorsWrap(t *testing.T) {
	b := newBackend()
	confirmed(t, b)
	b.cloud.Fail(alexatest.Fault{URL: gatewayURL, Reset: true})
	err := b.sender.SendTo(t.Context(), keyOf("home", "anna"), doorbellPress())
	var failure *gateway.Error
	require.ErrorAs(t, err, &failure)
	require.Zero(t, failure.Status)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	require.ErrorContains(t, err, "gateway: no response from Alexa: ")

	b.cloud.ExpireTokens()
	b.cloud.Fail(alexatest.Fault{URL: loginURL, Status: 400, Code: "invalid_scope"})
	err = b.sender.SendTo(t.Context(), keyOf("home", "anna"), doorbellPress())
	require.ErrorIs(t, err, gateway.ErrMisconfigured)
	var refusal *lwa.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "invalid_scope", refusal.Code)
}

func TestSendError(t *testing.T) {
	disabled := &gateway.Error{Status: 403, Code: "SKILL_DISABLED_EXCEPTION"}
	throttled := &gateway.Error{Status: 429}
	results := func(errs ...error) *gateway.SendError {
		e := new(gateway.SendError)
		for _, err := range errs {
			e.Results = append(e.Results, gateway.Result{Key: keyOf("account-canary", "link-canary"), Err: err})
		}
		return e
	}
	for _, test := range []struct {
		err  *gateway.SendError
		kind string
		text string
	}{
		{results(throttled), "ErrThrottled", "gateway: Alexa refused the event without a reason (HTTP status 429)"},
		{
			results(disabled, gateway.ErrRelink), "ErrSkillDisabled",
			"gateway: 2 of 2 grants did not get the event, one because of: gateway: SKILL_DISABLED_EXCEPTION (HTTP status 403); stop sending until the customer enables the skill",
		},
		{
			results(nil, disabled, throttled), "ErrThrottled",
			"gateway: 2 of 3 grants did not get the event, one because of: gateway: Alexa refused the event without a reason (HTTP status 429)",
		},
		{results(throttled, nil), "ErrThrottled", "gateway: 1 of 2 grants did not get the event, one because of: gateway: Alexa refused the event without a reason (HTTP status 429)"},
		{results(nil), "error", "gateway: 0 of 1 grants did not get the event"},
		{results(), "error", "gateway: 0 of 0 grants did not get the event"},
	} {
		t.Run(test.text, func(t *testing.T) {
			require.EqualError(t, test.err, test.text)
			require.Equal(t, test.kind, kindOf(test.err))
			require.NotContains(t, test.err.Error(), "canary")
		})
	}
}

// The most urgent error decides, in any order of the grants.
func TestSendErrorDecides(t *testing.T) {
	ordered := []error{ // the most urgent first
		&gateway.Error{Status: 302}, &gateway.Error{Status: 413}, errors.New("the store is down"),
		&gateway.Error{Status: 429, RetryAfter: time.Hour}, gateway.ErrSkillDisabled, nil,
	}
	var again []lwa.Key
	for i, most := range ordered[:5] {
		for _, list := range [][]error{ordered[i:], reversed(ordered[i:])} {
			e := new(gateway.SendError)
			again = nil
			for j, err := range list {
				key := keyOf("home", fmt.Sprint(j))
				e.Results = append(e.Results, gateway.Result{Key: key, Err: err})
				if kind := kindOf(err); kind == "error" || kind == "ErrThrottled" {
					again = append(again, key)
				}
			}
			requireOneDecision(t, e)
			require.Equal(t, kindOf(most), kindOf(e))
			require.Equal(t, most, e.Unwrap())
			require.Equal(t, again, e.Retry())
			if failure, ok := errors.AsType[*gateway.Error](most); ok {
				found, _ := errors.AsType[*gateway.Error](e)
				require.Equal(t, failure, found)
			}
		}
	}
}

func reversed[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// requireOneDecision requires that an error is exactly one of those that a program
// decides by, or an error of the caller's context or store.
func requireOneDecision(t require.TestingT, err error) {
	require.Error(t, err)
	var is []error
	for _, decision := range append(decisions, context.Canceled, context.DeadlineExceeded) {
		if errors.Is(err, decision) {
			is = append(is, decision)
		}
	}
	if own := kindOf(err) == "error"; own {
		require.LessOrEqual(t, len(is), 1, "%v", err)
		return
	}
	require.Len(t, is, 1, "%v", err)
	var precise []string
	for _, kind := range kinds[:6] {
		if errors.Is(err, kind.err) {
			precise = append(precise, kind.name)
		}
	}
	require.LessOrEqual(t, len(precise), 1, "%v", err)
}

// reply is the response of a gateway or of Login with Amazon to every request.
type reply struct {
	status int
	code   string
	err    error // instead of a response
}

func (r reply) String() string { return fmt.Sprint(r.status, " ", r.code, " ", r.err) }

// replies returns every status with each known code, and every failure without a
// response.
func replies() (all []reply) {
	codes := []string{
		"", "UNKNOWN_EXCEPTION", "SKILL_DISABLED_EXCEPTION", "SKILL_NEVER_ENABLED_EXCEPTION", "INSUFFICIENT_PERMISSION_EXCEPTION",
		"ACCOUNT_NOT_FOUND_EXCEPTION", "SKILL_NOT_FOUND_EXCEPTION", "invalid_grant", "invalid_client", "invalid_scope", "server_error",
	}
	for status := 100; status < 600; status++ {
		for _, code := range codes {
			all = append(all, reply{status: status, code: code})
		}
	}
	causes := []error{
		io.EOF, syscall.ECONNRESET, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, &net.DNSError{Err: "no such host"},
		context.Canceled, context.DeadlineExceeded, // of the transport itself
		lwa.ErrNoGrant, lwa.ErrInvalidGrant, lwa.ErrInvalidClient, gateway.ErrThrottled,
	}
	causes = append(causes, decisions...)
	for _, cause := range causes {
		all = append(all, reply{err: fmt.Errorf("transport: %w", cause)})
	}
	return all
}

func (r reply) RoundTrip(request *http.Request) (*http.Response, error) {
	if r.err != nil {
		return nil, r.err
	}
	body := ""
	if r.code != "" {
		body = fmt.Sprintf(`{"payload": {"code": %q}, "error": %q}`, r.code, r.code)
	}
	return &http.Response{StatusCode: r.status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)), Request: request}, nil
}

// member is a customer of the account home.
type member struct {
	gateway, login          reply
	confirmed, old, expired bool // an event was accepted; the grant is older than a minute; its token has expired
}

// send sends an event to an account with these members.
func send(ctx context.Context, t require.TestingT, event gateway.Event, members ...member) error {
	replies := make(map[string]reply)
	tokens := &lwa.Source{Store: new(lwa.MemoryStore), Client: &lwa.Client{ID: clientID, Secret: clientSecret}}
	for i, m := range members {
		id := strconv.Itoa(i)
		replies["Bearer access-"+id], replies["refresh-"+id] = m.gateway, m.login
		require.NoError(t, tokens.Store.UpdateGrant(ctx, keyOf("home", "link-"+id), func(g *lwa.Grant) error {
			now := time.Now()
			g.Region, g.CodeHash, g.RefreshToken, g.AccessToken = alexaevents.Europe, "c", alexaevents.Secret("refresh-"+id), alexaevents.Secret("access-"+id)
			g.IssuedAt, g.Expiry = now, now.Add(time.Hour)
			if m.confirmed {
				g.ConfirmedAt = now
			}
			if m.old {
				g.IssuedAt = now.Add(-time.Hour)
			}
			if m.expired {
				g.Expiry = now
			}
			return nil
		}))
	}
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "api.amazon.com" {
			require.NoError(t, r.ParseForm())
			return replies[r.PostForm.Get("refresh_token")].RoundTrip(r)
		}
		return replies[r.Header.Get("Authorization")].RoundTrip(r)
	})}
	tokens.Client.HTTPClient = client
	return (&gateway.Sender{Tokens: tokens, HTTPClient: client}).Send(ctx, "home", event)
}

// For each reply, the error is of exactly one kind.
func TestEachFailureHasOneMeaning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		for _, r := range replies() {
			for _, confirmed := range []bool{false, true} {
				for _, m := range []member{
					{gateway: r, login: reply{status: 200}, confirmed: confirmed},
					{gateway: r, login: reply{status: 400, code: "invalid_grant"}, confirmed: confirmed, old: true},
					{gateway: reply{status: 202}, login: r, confirmed: confirmed, old: true, expired: true},
				} {
					err := send(t.Context(), t, lampReport(), m)
					if err == nil {
						require.True(t, r.status >= 200 && r.status <= 299, "%v", r)
						continue
					}
					n++
					requireOneDecision(t, err)
					require.NotEqual(t, "error", kindOf(err), "%v: %v", r, err)
					var failure *gateway.SendError
					require.ErrorAs(t, err, &failure)
					require.Equal(t, errors.Is(err, gateway.ErrTemporary), len(failure.Retry()) == 1)
				}
			}
		}
		require.Greater(t, n, 25_000)
	})
}

// Of several grants, the most urgent error decides, in any order.
func TestSeveralFailuresHaveOneMeaning(t *testing.T) {
	all := replies()
	property := func(t *rapid.T) {
		// All have the same reply of LWA: after two failures the Source pauses, and
		// which two fail is random.
		login := rapid.SampledFrom(all).Draw(t, "LWA")
		members := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) member {
			return member{
				gateway: rapid.SampledFrom(all).Draw(t, "gateway"), login: login,
				confirmed: rapid.Bool().Draw(t, "confirmed"), old: rapid.Bool().Draw(t, "old"), expired: rapid.Bool().Draw(t, "expired"),
			}
		}), 1, 4).Draw(t, "members")
		err := send(context.Background(), t, lampReport(), members...)
		single := make(map[string]bool)
		for _, m := range members {
			single[kindOf(send(context.Background(), t, lampReport(), m))] = true
		}
		order := []string{
			"ErrMisconfigured", "ErrInvalidEvent", "ErrTooLarge", "ErrThrottled", "ErrUnavailable",
			"ErrRelink", "ErrSkillDisabled", "ErrNoGrant",
		}
		var want []string // all kinds of the most urgent
		for _, group := range [][]string{order[:1], order[1:3], order[3:5], order[5:]} {
			for _, kind := range group {
				if single[kind] {
					want = append(want, kind)
				}
			}
			if want != nil {
				break
			}
		}
		if err == nil {
			require.True(t, single[""], "one was accepted")
			require.Subset(t, append(order[5:], ""), want)
			return
		}
		requireOneDecision(t, err)
		require.Contains(t, want, kindOf(err))
	}
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func() { property(rt) })
	})
}

// An error of the caller's context is no other error.
func TestContextErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, test := range map[string]struct {
			context func(context.Context) (context.Context, context.CancelFunc)
			want    error
		}{
			"cancelled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx, cancel
			}, context.Canceled},
			"no time left": {func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			}, context.DeadlineExceeded},
		} {
			for _, host := range []string{gatewayURL, loginURL} {
				b := newBackend()
				confirmed(t, b)
				if host == loginURL {
					time.Sleep(2 * time.Hour)
				}
				b.cloud.Fail(alexatest.Fault{Delay: time.Hour, Times: -1})
				ctx, cancel := test.context(t.Context())
				err := b.sender.Send(ctx, "home", lampReport())
				cancel()
				require.ErrorIs(t, err, test.want, name)
				require.Equal(t, "error", kindOf(err), name)
				requireOneDecision(t, err)
				synctest.Wait()
				time.Sleep(time.Minute)
			}
		}
	})
}
