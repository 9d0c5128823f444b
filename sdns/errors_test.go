package sdns_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest/resttest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

func collect[T any](items iter.Seq2[T, error]) (all []T, err error) {
	for item, err := range items {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

var sentinels = map[string]error{
	"invalid": alexaevents.ErrInvalid, "unauthorized": alexaevents.ErrUnauthorized, "forbidden": alexaevents.ErrForbidden,
	"not found": alexaevents.ErrNotFound, "throttled": alexaevents.ErrThrottled, "unavailable": alexaevents.ErrUnavailable,
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		response resttest.Response
		want     alexaevents.Error
		is       string
		text     string
	}{
		"violations": {
			response: resttest.Response{Status: 400, Body: `{"message":"Not valid.","violations":[{"code":"INVALID","message":"the name"},{"message":"the ARN"}]}`},
			want: alexaevents.Error{
				Status: 400, Message: "Not valid.", RequestID: "r-1",
				Violations: []alexaevents.Violation{{Code: "INVALID", Message: "the name"}, {Message: "the ARN"}},
			},
			is: "invalid", text: "sdns: 400 Bad Request: Not valid.: INVALID: the name: the ARN (request r-1)",
		},
		"unauthorized": {
			response: resttest.Response{Status: 401, Body: `{"message":"Token is invalid/expired"}`},
			want:     alexaevents.Error{Status: 401, Message: "Token is invalid/expired", RequestID: "r-1"},
			is:       "unauthorized", text: "sdns: 401 Unauthorized: Token is invalid/expired (request r-1); get a new access token with the scope alexa::ask:subscriptions",
		},
		"forbidden": {
			response: resttest.Response{Status: 403, Body: `{"message":"No.","violations":[{"code":"X","message":"y"}]}`},
			want:     alexaevents.Error{Status: 403, Message: "No.", RequestID: "r-1", Violations: []alexaevents.Violation{{Code: "X", Message: "y"}}},
			is:       "forbidden", text: "sdns: 403 Forbidden: No.: X: y (request r-1); use a token of a user with a role in this vendor, obtained with the LWA client of the subscriber",
		},
		"not found": {
			response: resttest.Response{Status: 404, Body: `{"code":"GONE","message":"It is not here."}`},
			want:     alexaevents.Error{Status: 404, Code: "GONE", Message: "It is not here.", RequestID: "r-1"},
			is:       "not found", text: "sdns: 404 Not Found: GONE: It is not here. (request r-1)",
		},
		"throttled":  {response: resttest.Response{Status: 429}, want: alexaevents.Error{Status: 429, RequestID: "r-1"}, is: "throttled", text: "sdns: 429 Too Many Requests (request r-1)"},
		"broken":     {response: resttest.Response{Status: 500}, want: alexaevents.Error{Status: 500, RequestID: "r-1"}, is: "unavailable", text: "sdns: 500 Internal Server Error (request r-1)"},
		"overloaded": {response: resttest.Response{Status: 503, Body: "<html>"}, want: alexaevents.Error{Status: 503, RequestID: "r-1"}, is: "unavailable", text: "sdns: 503 Service Unavailable (request r-1)"},
		"HTML": {
			response: resttest.Response{Status: 200, Body: "<html>"},
			want:     alexaevents.Error{Status: 200, Message: "the response body is not the expected JSON", RequestID: "r-1"},
			is:       "unavailable", text: "sdns: 200 OK: the response body is not the expected JSON (request r-1)",
		},
		"reset":    {response: resttest.Response{Err: syscall.ECONNRESET}, is: "unavailable", text: "sdns: the request failed: connection reset by peer"},
		"no token": {response: resttest.Response{Err: lwa.ErrInvalidGrant}, text: "sdns: the request failed: " + lwa.ErrInvalidGrant.Error()},
		"teapot":   {response: resttest.Response{Status: 418}, want: alexaevents.Error{Status: 418, RequestID: "r-1"}, text: "sdns: 418 I'm a teapot (request r-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // GET is retried, seconds later
				s := &resttest.Script{Responses: []resttest.Response{test.response}}
				_, err := client(s).Vendors(t.Context())
				var got *alexaevents.Error
				require.ErrorAs(t, err, &got)
				require.Empty(t, cmp.Diff(test.want, *got, cmpopts.IgnoreFields(alexaevents.Error{}, "API", "Hint", "Err")))
				require.EqualError(t, err, test.text)
				for name, sentinel := range sentinels {
					require.Equal(t, name == test.is, errors.Is(err, sentinel), name)
				}
				if test.response.Err != nil {
					require.ErrorIs(t, err, test.response.Err)
				}
			})
		})
	}
}

// A creation is not retried: the first request may have succeeded.
func TestCreationsAreNotRetried(t *testing.T) {
	for _, failure := range []resttest.Response{{Status: 503}, {Err: syscall.ECONNRESET}} {
		s := &resttest.Script{Responses: []resttest.Response{failure}}
		_, err := client(s).CreateSubscriber(t.Context(), fullSubscriber)
		require.ErrorIs(t, err, alexaevents.ErrUnavailable)
		_, err = client(s).CreateSubscription(t.Context(), fullSubscription)
		require.ErrorIs(t, err, alexaevents.ErrUnavailable)
		require.Len(t, s.Requests, 2)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &resttest.Script{Responses: []resttest.Response{{Status: 429}, {Err: syscall.ECONNRESET}, {Status: 503}, {Status: 204}}}
		require.NoError(t, client(s).DeleteSubscription(t.Context(), "x"))
		require.Len(t, s.Requests, 4)
	})
}

func TestNilHTTPClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing leaves the machine
	_, err := new(sdns.Client).Vendors(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestInvalidRequestsAreNotSent(t *testing.T) {
	long := strings.Repeat("é", 256)
	type operation uint
	const (
		createSubscriber operation = 1 << iota
		updateSubscriber
		createSubscription
		updateSubscription
	)
	for name, test := range map[string]struct {
		change func(*sdns.Subscriber, *sdns.Subscription)
		fails  operation
		field  string
	}{
		"nothing": {func(*sdns.Subscriber, *sdns.Subscription) {}, 0, ""},
		"longest": {func(s *sdns.Subscriber, t *sdns.Subscription) { s.VendorID, t.Name = long[2:], long[2:] }, 0, ""},
		"partition": {func(s *sdns.Subscriber, _ *sdns.Subscription) {
			s.TopicARN = strings.Replace(topic, "aws", "aws-cn", 1)
		}, 0, ""},
		"FIFO":                  {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.TopicARN += ".fifo" }, 0, ""},
		"unknown event":         {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.Events = []sdns.EventName{"Something.New"} }, 0, ""},
		"no name":               {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.Name = "" }, createSubscriber | updateSubscriber, "Subscriber.Name"},
		"no vendor":             {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.VendorID = "" }, createSubscriber, "Subscriber.VendorID"},
		"long vendor":           {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.VendorID = long }, createSubscriber, "Subscriber.VendorID"},
		"no topic":              {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.TopicARN = "" }, createSubscriber | updateSubscriber, "Subscriber.TopicARN"},
		"name of a topic":       {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.TopicARN = "topic" }, createSubscriber | updateSubscriber, "Subscriber.TopicARN"},
		"subscription to it":    {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.TopicARN += ":d7a0" }, createSubscriber | updateSubscriber, "Subscriber.TopicARN"},
		"no role":               {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.RoleARN = "" }, createSubscriber | updateSubscriber, "Subscriber.RoleARN"},
		"user as role":          {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.RoleARN = "arn:aws:iam::000011112222:user/me" }, createSubscriber | updateSubscriber, "Subscriber.RoleARN"},
		"no subscription name":  {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.Name = "" }, createSubscription | updateSubscription, "Subscription.Name"},
		"long name":             {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.Name = long }, createSubscription | updateSubscription, "Subscription.Name"},
		"no events":             {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.Events = nil }, createSubscription | updateSubscription, "Subscription.Events"},
		"empty event":           {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.Events = []sdns.EventName{""} }, createSubscription | updateSubscription, "Subscription.Events"},
		"wildcard and another":  {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.Events[1] = sdns.EventAll }, createSubscription | updateSubscription, "Subscription.Events"},
		"documented wildcard":   {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.Events[1] = sdns.EventAllDocumented }, createSubscription | updateSubscription, "Subscription.Events"},
		"wildcard alone":        {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.Events = []sdns.EventName{sdns.EventAllDocumented} }, 0, ""},
		"no publisher":          {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.VendorID = "" }, createSubscription, "Subscription.VendorID"},
		"no subscriber":         {func(_ *sdns.Subscriber, t *sdns.Subscription) { t.SubscriberID = "" }, createSubscription, "Subscription.SubscriberID"},
		"no ID":                 {func(s *sdns.Subscriber, t *sdns.Subscription) { s.ID, t.ID = "", "" }, updateSubscriber | updateSubscription, "ID"},
		"dots":                  {func(s *sdns.Subscriber, t *sdns.Subscription) { s.ID, t.ID = "..", "." }, updateSubscriber | updateSubscription, "ID"},
		"ID too long":           {func(s *sdns.Subscriber, t *sdns.Subscription) { s.ID, t.ID = long, long }, updateSubscriber | updateSubscription, "ID"},
		"what Amazon overrides": {func(s *sdns.Subscriber, _ *sdns.Subscription) { s.Status, s.ClientID = "", "" }, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			subscriber, subscription := fullSubscriber, fullSubscription
			subscription.Events = slices.Clone(subscription.Events)
			test.change(&subscriber, &subscription)
			for operation, call := range map[operation]func(*sdns.Client) error{
				createSubscriber:   func(c *sdns.Client) error { _, err := c.CreateSubscriber(t.Context(), subscriber); return err },
				updateSubscriber:   func(c *sdns.Client) error { return c.UpdateSubscriber(t.Context(), subscriber) },
				createSubscription: func(c *sdns.Client) error { _, err := c.CreateSubscription(t.Context(), subscription); return err },
				updateSubscription: func(c *sdns.Client) error { return c.UpdateSubscription(t.Context(), subscription) },
			} {
				s := &resttest.Script{Responses: []resttest.Response{{Status: http.StatusCreated, Location: "/x"}}}
				err := call(client(s))
				if test.fails&operation == 0 {
					require.NoError(t, err)
					require.Len(t, s.Requests, 1)
					continue
				}
				var invalid *alexaevents.InvalidError
				require.ErrorAs(t, err, &invalid)
				require.Equal(t, test.field, invalid.Field)
				require.EqualError(t, err, "sdns: "+test.field+": "+invalid.Rule)
				require.ErrorIs(t, err, alexaevents.ErrInvalid)
				require.NotErrorIs(t, err, alexaevents.ErrNotFound)
				require.Empty(t, s.Requests)
			}
		})
	}
}

func TestInvalidIDsAndVendorsAreNotSent(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: "{}"}}}
	c := client(s)
	for _, id := range []string{"", ".", "..", strings.Repeat("x", 256)} {
		for name, call := range map[string]func() error{
			"get subscriber":      func() error { _, err := c.Subscriber(t.Context(), id); return err },
			"delete subscriber":   func() error { return c.DeleteSubscriber(t.Context(), id) },
			"reactivate":          func() error { return c.Reactivate(t.Context(), id) },
			"get subscription":    func() error { _, err := c.Subscription(t.Context(), id); return err },
			"delete subscription": func() error { return c.DeleteSubscription(t.Context(), id) },
		} {
			require.ErrorIs(t, call(), alexaevents.ErrInvalid, name)
		}
	}
	for _, vendorID := range []string{"", strings.Repeat("x", 256)} {
		_, err := collect(c.Subscribers(t.Context(), vendorID))
		require.ErrorIs(t, err, alexaevents.ErrInvalid)
		_, err = collect(c.Subscriptions(t.Context(), vendorID, ""))
		require.ErrorIs(t, err, alexaevents.ErrInvalid)
	}
	for _, size := range []int{-1, 51} {
		c.PageSize = size
		_, err := collect(c.Subscribers(t.Context(), "M1"))
		require.ErrorIs(t, err, alexaevents.ErrInvalid)
		require.EqualError(t, err, "sdns: Client.PageSize: must be 0 to 50")
	}
	require.Empty(t, s.Requests)
}
