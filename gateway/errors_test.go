package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// An error says what happened in Amazon's words, and what to do.
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
				"Alexa does not accept a token that Login with Amazon gave: try again in a minute",
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
		{&gateway.Error{Status: 302}, gateway.ErrMisconfigured, "gateway: Alexa answered with a redirect, which is not followed (HTTP status 302)"},
		{&gateway.Error{Status: 418}, gateway.ErrMisconfigured, "gateway: Alexa refused without saying why (HTTP status 418)"},
		{&gateway.Error{Status: 408}, gateway.ErrUnavailable, "gateway: Alexa refused without saying why (HTTP status 408)"},
		{&gateway.Error{Status: 429}, gateway.ErrThrottled, "gateway: Alexa refused without saying why (HTTP status 429)"},
		{&gateway.Error{Status: 502}, gateway.ErrUnavailable, "gateway: Alexa refused without saying why (HTTP status 502)"},
	} {
		t.Run(test.text, func(t *testing.T) {
			require.EqualError(t, test.err, test.text)
			require.ErrorIs(t, test.err, test.want)
			requireOneDecision(t, test.err)
		})
	}
}

// A caller can still see what package lwa and net/http said.
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
	require.ErrorContains(t, err, "gateway: no answer from Alexa: ")

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
		{results(throttled), "ErrThrottled", "gateway: Alexa refused without saying why (HTTP status 429)"},
		{
			results(disabled, gateway.ErrRelink), "ErrSkillDisabled",
			"gateway: 2 of 2 grants did not get the event, one because of: gateway: SKILL_DISABLED_EXCEPTION (HTTP status 403); stop sending until the customer enables the skill",
		},
		{
			results(nil, disabled, throttled), "ErrThrottled",
			"gateway: 2 of 3 grants did not get the event, one because of: gateway: Alexa refused without saying why (HTTP status 429)",
		},
		{results(throttled, nil), "ErrThrottled", "gateway: 1 of 2 grants did not get the event, one because of: gateway: Alexa refused without saying why (HTTP status 429)"},
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

// The grant that needs action most decides what the whole is, wherever it stands.
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

// requireOneDecision requires that an error is exactly one of those that a caller
// decides by, or none of them, which is then an error of the caller's own.
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
