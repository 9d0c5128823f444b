package lwa_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

var sentinels = []error{
	lwa.ErrInvalidGrant, lwa.ErrEnded, lwa.ErrInvalidClient,
	alexaevents.ErrTemporary, alexaevents.ErrThrottled, alexaevents.ErrUnavailable,
}

var refusals = []struct {
	name   string
	status int
	body   string
	want   lwa.Error
	is     []error
	words  string // of the error's text
}{
	{
		name: "invalid_grant", status: 400,
		body:  `{"error":"invalid_grant","error_description":"The request has an invalid grant parameter : code"}`,
		want:  lwa.Error{Status: 400, Code: "invalid_grant", Description: "The request has an invalid grant parameter : code", RequestID: "request-1"},
		is:    []error{lwa.ErrInvalidGrant, lwa.ErrEnded},
		words: "lwa: invalid_grant: The request has an invalid grant parameter : code (HTTP status 400, request request-1); the code or refresh token is expired",
	},
	{
		name: "a request ID in the body", status: 400,
		body:  `{"error_index":"x","error":"invalid_grant","error_description":"d","request_id":"request-2"}`,
		want:  lwa.Error{Status: 400, Code: "invalid_grant", Description: "d", RequestID: "request-2"},
		is:    []error{lwa.ErrInvalidGrant, lwa.ErrEnded},
		words: "request request-2",
	},
	{
		name: "invalid_grant with 401", status: 401, body: `{"error":"invalid_grant"}`,
		want: lwa.Error{Status: 401, Code: "invalid_grant", RequestID: "request-1"}, is: []error{lwa.ErrInvalidGrant, lwa.ErrEnded},
	},
	{
		name: "invalid_grant with 500", status: 500, body: `{"error":"invalid_grant"}`,
		want: lwa.Error{Status: 500, Code: "invalid_grant", RequestID: "request-1"}, is: []error{lwa.ErrInvalidGrant, lwa.ErrEnded},
	},
	{
		name: "invalid_grant with 200", status: 200, body: `{"error":"invalid_grant"}`,
		want: lwa.Error{Status: 200, Code: "invalid_grant", RequestID: "request-1"}, is: []error{lwa.ErrInvalidGrant, lwa.ErrEnded},
	},
	{
		name: "invalid_client", status: 401, body: `{"error":"invalid_client"}`,
		want: lwa.Error{Status: 401, Code: "invalid_client", RequestID: "request-1"}, is: []error{lwa.ErrInvalidClient},
		words: "check the client ID and the whole secret",
	},
	{
		name: "invalid_client with 400", status: 400, body: `{"error":"invalid_client"}`,
		want: lwa.Error{Status: 400, Code: "invalid_client", RequestID: "request-1"}, is: []error{lwa.ErrInvalidClient},
	},
	{
		name: "unauthorized_client", status: 400, body: `{"error":"unauthorized_client"}`,
		want: lwa.Error{Status: 400, Code: "unauthorized_client", RequestID: "request-1"}, is: []error{lwa.ErrInvalidClient},
	},
	{
		name: "invalid_scope", status: 400, body: `{"error":"invalid_scope"}`,
		want: lwa.Error{Status: 400, Code: "invalid_scope", RequestID: "request-1"}, words: "may not have the scope",
	},
	{name: "invalid_request", status: 400, body: `{"error":"invalid_request"}`, want: lwa.Error{Status: 400, Code: "invalid_request", RequestID: "request-1"}},
	{name: "invalid_request with 500", status: 500, body: `{"error":"invalid_request"}`, want: lwa.Error{Status: 500, Code: "invalid_request", RequestID: "request-1"}},
	{name: "a new code", status: 400, body: `{"error":"new_code"}`, want: lwa.Error{Status: 400, Code: "new_code", RequestID: "request-1"}},
	{
		name: "a new code with 503", status: 503, body: `{"error":"new_code"}`,
		want: lwa.Error{Status: 503, Code: "new_code", RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable},
	},
	{
		name: "server_error", status: 400, body: `{"error":"server_error"}`,
		want: lwa.Error{Status: 400, Code: "server_error", RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable},
	},
	{
		name: "ServiceUnavailable", status: 503, body: `{"error":"ServiceUnavailable"}`,
		want: lwa.Error{Status: 503, Code: "ServiceUnavailable", RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable},
	},
	{
		name: "429", status: 429, body: `{}`,
		want: lwa.Error{Status: 429, RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrThrottled},
	},
	{
		name: "429 with a code", status: 429, body: `{"error":"slow"}`,
		want: lwa.Error{Status: 429, Code: "slow", RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrThrottled},
	},
	{
		name: "HTML with 503", status: 503, body: `<html>invalid_grant</html>`,
		want: lwa.Error{Status: 503, RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable}, words: "HTTP status 503",
	},
	{name: "HTML with 403", status: 403, body: `<html>`, want: lwa.Error{Status: 403, RequestID: "request-1"}, words: "refused without a reason"},
	{name: "nothing with 400", status: 400, want: lwa.Error{Status: 400, RequestID: "request-1"}},
	{name: "408", status: 408, want: lwa.Error{Status: 408, RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable}},
	{
		name: "members of other types", status: 400, body: `{"error":{"code":1},"error_description":7,"request_id":[]}`,
		want: lwa.Error{Status: 400, RequestID: "request-1"},
	},
	{
		name: "a number that is too large", status: 400, body: `{"x":1e400,"error":"invalid_grant"}`,
		want: lwa.Error{Status: 400, Code: "invalid_grant", RequestID: "request-1"}, is: []error{lwa.ErrInvalidGrant, lwa.ErrEnded},
	},
	{
		name: "HTML with 200", status: 200, body: `<html>`,
		want: lwa.Error{Status: 200, RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable}, words: "unusable response from Amazon",
	},
	{name: "nothing with 204", status: 204, want: lwa.Error{Status: 204, RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable}},
	{name: "no token with 200", status: 200, body: `{}`, want: lwa.Error{Status: 200, RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable}},
	{name: "half a response", status: 200, body: `{"access_token":"Atza|`, want: lwa.Error{Status: 200, RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable}},
	{
		name: "a token of another type", status: 200, body: `{"access_token":["Atza|1"]}`,
		want: lwa.Error{Status: 200, RequestID: "request-1"}, is: []error{alexaevents.ErrTemporary, alexaevents.ErrUnavailable},
	},
}

func TestErrors(t *testing.T) {
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			for _, request := range requests {
				_, err := request.send(t.Context(), always(test.status, test.body))
				var got *lwa.Error
				require.ErrorAs(t, err, &got)
				require.Empty(t, cmp.Diff(test.want, *got, cmpopts.IgnoreUnexported(lwa.Error{})))
				require.Contains(t, err.Error(), test.words)
				require.True(t, strings.HasPrefix(err.Error(), "lwa: "))
				for _, sentinel := range sentinels {
					require.Equal(t, slices.Contains(test.is, sentinel), errors.Is(err, sentinel), "%v is %v", err, sentinel)
				}
			}
		})
	}
}

func TestNetworkErrors(t *testing.T) {
	cause := errors.New("no route to host")
	_, err := clientOf(func(*http.Request) (*http.Response, error) { return nil, cause }).Refresh(t.Context(), "Atzr|1")
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, err, alexaevents.ErrTemporary)
	require.NotErrorIs(t, err, lwa.ErrInvalidGrant)
	require.EqualError(t, err, "lwa: no response from Amazon: no route to host")
}

// Amazon's description and a transport's error may repeat secrets of the request.
func TestErrorsHideSecrets(t *testing.T) {
	const canary = "At|canary /+"
	sends := map[string]func(context.Context, *lwa.Client) error{
		"Exchange":  func(ctx context.Context, c *lwa.Client) error { _, err := c.Exchange(ctx, canary); return err },
		"Refresh":   func(ctx context.Context, c *lwa.Client) error { _, err := c.Refresh(ctx, canary); return err },
		"Profile":   func(ctx context.Context, c *lwa.Client) error { _, err := c.Profile(ctx, canary); return err },
		"TokenInfo": func(ctx context.Context, c *lwa.Client) error { _, err := c.TokenInfo(ctx, canary); return err },
		"ClientCredentials": func(ctx context.Context, c *lwa.Client) error {
			c.Secret = canary
			_, err := c.ClientCredentials(ctx, lwa.ScopeSkillMessaging)
			return err
		},
	}
	everything := strings.Join([]string{clientSecret, canary, url.QueryEscape(canary), url.PathEscape(canary)}, " ")
	responses := map[string]roundTrip{
		"description": func(*http.Request) (*http.Response, error) {
			return respond(400, fmt.Sprintf(`{"error":%[1]q,"error_description":%[1]q,"request_id":%[1]q}`, everything)), nil
		},
		"unusable success": func(*http.Request) (*http.Response, error) {
			return respond(200, fmt.Sprintf(`{"expires_in":%[1]q,"access_token":[%[1]q],"aud":[%[1]q],"user_id":[%[1]q]}`, everything)), nil
		},
		"header": func(*http.Request) (*http.Response, error) {
			response := respond(500, everything)
			response.Header.Set("x-amzn-RequestId", everything)
			return response, nil
		},
		"network": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String() + everything, Err: errors.New(everything)}
		},
	}
	for name, send := range sends {
		for where, roundTrip := range responses {
			t.Run(name+" "+where, func(t *testing.T) {
				client := clientOf(roundTrip)
				err := send(t.Context(), client)
				require.Error(t, err)
				text := everywhere(err)
				require.NotContains(t, text, "canary")
				if client.Secret == clientSecret {
					require.NotContains(t, text, clientSecret)
				}
			})
		}
	}
}

// everywhere returns every printed form of a value.
func everywhere(value any) string {
	var text strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&text, verb+"\n", value)
	}
	for _, handler := range []slog.Handler{
		slog.NewTextHandler(&text, nil),
		slog.NewJSONHandler(&text, nil),
	} {
		slog.New(handler).Info("message", "value", value, "list", []any{value})
	}
	return text.String() + marshalled(value)
}

func TestErrorIsBounded(t *testing.T) {
	_, err := always(400, `{"error":"invalid_grant","error_description":"`+strings.Repeat("long ", 5000)+`\n\u0007"}`).Refresh(t.Context(), "Atzr|1")
	require.Less(t, len(err.Error()), 1000)
	require.NotContains(t, err.Error(), "\n")
}
