package gateway_test

import (
	"errors"
	"testing"

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
			gateway.ErrRelink, "gateway: INVALID_ACCESS_TOKEN_EXCEPTION (HTTP status 401); the customer must disable and enable the skill",
		},
		{
			&gateway.Error{Status: 403, Code: "SKILL_DISABLED_EXCEPTION"},
			gateway.ErrSkillDisabled, "gateway: SKILL_DISABLED_EXCEPTION (HTTP status 403); stop sending until the customer enables the skill",
		},
		{
			&gateway.Error{Status: 403, Code: "SKILL_NEVER_ENABLED_EXCEPTION"}, gateway.ErrMisconfigured,
			"gateway: SKILL_NEVER_ENABLED_EXCEPTION (HTTP status 403); a grant of a few seconds ago may need a moment; else check that its region is the customer's",
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
		{&gateway.Error{Status: 429}, gateway.ErrThrottled, "gateway: Alexa refused without saying why (HTTP status 429)"},
		{&gateway.Error{Status: 502}, gateway.ErrUnavailable, "gateway: Alexa refused without saying why (HTTP status 502)"},
	} {
		t.Run(test.text, func(t *testing.T) {
			require.EqualError(t, test.err, test.text)
			require.ErrorIs(t, test.err, test.want)
			require.Len(t, sentinels(test.err), 1)
			require.NoError(t, errors.Unwrap(test.err))
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
	require.ErrorContains(t, errors.Unwrap(failure), "connection reset by peer")
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
		is   []string
		text string
	}{
		{results(throttled), []string{"ErrThrottled"}, "gateway: Alexa refused without saying why (HTTP status 429)"},
		{
			results(disabled, disabled),
			[]string{"ErrSkillDisabled"},
			"gateway: 2 of 2 grants did not get the event, the first because of: gateway: SKILL_DISABLED_EXCEPTION (HTTP status 403); stop sending until the customer enables the skill",
		},
		{
			results(nil, throttled, disabled),
			[]string{"error"},
			"gateway: 2 of 3 grants did not get the event, the first because of: gateway: Alexa refused without saying why (HTTP status 429)",
		},
		{results(throttled, nil), []string{"error"}, "gateway: 1 of 2 grants did not get the event, the first because of: gateway: Alexa refused without saying why (HTTP status 429)"},
		{results(nil), []string{"error"}, "gateway: 0 of 1 grants did not get the event"},
		{results(), []string{"error"}, "gateway: 0 of 0 grants did not get the event"},
	} {
		t.Run(test.text, func(t *testing.T) {
			require.EqualError(t, test.err, test.text)
			require.Equal(t, test.is, sentinels(test.err))
			require.NotContains(t, test.err.Error(), "canary")
		})
	}
}
