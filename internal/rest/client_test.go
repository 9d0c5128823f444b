package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// amazon sends its responses in order, the last one repeatedly, and keeps the
// requests.
type amazon struct {
	responses []response
	requests  []*http.Request
	bodies    []string
	times     []time.Time
}

type response struct {
	status int
	header http.Header
	body   string
	err    error // instead of a response
	broken error // instead of the end of the body
}

func (a *amazon) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := ""
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	next := a.responses[min(len(a.requests), len(a.responses)-1)]
	a.requests, a.bodies, a.times = append(a.requests, r), append(a.bodies, body), append(a.times, time.Now())
	if next.err != nil {
		return nil, next.err
	}
	reader := io.Reader(strings.NewReader(next.body))
	if next.broken != nil {
		reader = io.MultiReader(reader, iotest.ErrReader(next.broken))
	}
	header := next.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: next.status, Header: header, Body: io.NopCloser(reader), Request: r}, nil
}

func (a *amazon) client() rest.Client {
	return rest.Client{API: "things", HTTP: &http.Client{Transport: a}}
}

const target = "https://api.example/v1/things"

func TestRequest(t *testing.T) {
	for name, test := range map[string]struct {
		request rest.Request
		url     string
		body    string
		header  http.Header
	}{
		"get": {
			request: rest.Request{Method: http.MethodGet, Path: target},
			url:     target,
			header:  http.Header{"Accept": {"application/json"}},
		},
		"query": {
			request: rest.Request{Method: http.MethodGet, Path: target, Query: url.Values{"owner": {"~caller"}, "a.b": {"x&y z"}}},
			url:     target + "?a.b=x%26y+z&owner=~caller",
			header:  http.Header{"Accept": {"application/json"}},
		},
		"body": {
			request: rest.Request{Method: http.MethodPost, Path: target, Body: map[string]any{"a": []int{1}}},
			url:     target, body: `{"a":[1]}`,
			header: http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &amazon{responses: []response{{status: 200}}}
			_, err := a.client().Do(t.Context(), test.request)
			require.NoError(t, err)
			sent := a.requests[0]
			require.Equal(t, test.request.Method, sent.Method)
			require.Equal(t, test.url, sent.URL.String())
			require.Equal(t, test.body, a.bodies[0])
			require.Empty(t, cmp.Diff(test.header, sent.Header))
			require.Equal(t, test.body != "", sent.GetBody != nil, "a transport must be able to resend the body")
		})
	}
}

func TestResponse(t *testing.T) {
	a := &amazon{responses: []response{{status: 201, header: http.Header{"Location": {"/x"}}, body: `{"id":"1"}`}}}
	got, err := a.client().Do(t.Context(), rest.Request{Method: http.MethodPost, Path: target})
	require.NoError(t, err)
	require.Equal(t, 201, got.Status)
	require.Equal(t, "/x", got.Header.Get("Location"))
	var body struct{ ID string }
	require.NoError(t, a.client().Get(t.Context(), target, nil, &body))
	require.Equal(t, "1", body.ID)
}

func TestInvalidJSON(t *testing.T) {
	for _, body := range []string{"", " ", "<html></html>", `{"id":`, `{"id":5}`, `[]`} {
		a := &amazon{responses: []response{{status: 200, body: body, header: http.Header{"X-Amzn-Requestid": {"r-1"}}}}}
		got, err := a.client().Do(t.Context(), rest.Request{Method: http.MethodGet, Path: target})
		require.NoError(t, err)
		require.Equal(t, body, string(got.Body))
		var value struct{ ID string }
		err = a.client().Get(t.Context(), target, nil, &value)
		var failure *alexaevents.Error
		require.ErrorAs(t, err, &failure, body)
		require.Equal(t, 200, failure.Status)
		require.ErrorIs(t, err, alexaevents.ErrTemporary)
		require.Equal(t, "things: 200 OK: the response body is not the expected JSON (request r-1)", err.Error())
	}
}

// kinds are the possible kinds of an error.
var kinds = []error{
	alexaevents.ErrInvalid, alexaevents.ErrUnauthorized, alexaevents.ErrForbidden, alexaevents.ErrNotFound,
	alexaevents.ErrThrottled, alexaevents.ErrUnavailable,
}

func TestErrorResponses(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for name, test := range map[string]struct {
		response response
		want     alexaevents.Error
		kind     error
		text     string
	}{
		"violations": {
			response: response{status: 400, body: `{"message":"Not valid.","violations":[{"code":"A","message":"one"},{"message":"two"},{}]}`, header: http.Header{"X-Amzn-Requestid": {"r-1"}}},
			want:     alexaevents.Error{Status: 400, Message: "Not valid.", Violations: []alexaevents.Violation{{Code: "A", Message: "one"}, {Message: "two"}, {}}, RequestID: "r-1"},
			kind:     alexaevents.ErrInvalid,
			text:     "400 Bad Request: Not valid.: A: one: two (request r-1)",
		},
		"code": {
			response: response{status: 404, body: `{"code":"NO_SUCH","message":"gone"}`},
			want:     alexaevents.Error{Status: 404, Code: "NO_SUCH", Message: "gone"},
			kind:     alexaevents.ErrNotFound,
			text:     "404 Not Found: NO_SUCH: gone",
		},
		"code of another type": {
			response: response{status: 403, body: `{"code":17,"message":{"a":1},"violations":[{"code":[],"message":null}]}`},
			want:     alexaevents.Error{Status: 403, Code: "17", Violations: []alexaevents.Violation{{}}},
			kind:     alexaevents.ErrForbidden,
			text:     "403 Forbidden: 17",
		},
		"violations of another type": {
			response: response{status: 400, body: `{"violations":"many","message":"m"}`},
			want:     alexaevents.Error{Status: 400, Message: "m"},
			kind:     alexaevents.ErrInvalid,
			text:     "400 Bad Request: m",
		},
		"empty":     {response: response{status: 401}, want: alexaevents.Error{Status: 401}, kind: alexaevents.ErrUnauthorized, text: "401 Unauthorized"},
		"HTML":      {response: response{status: 503, body: "<html>"}, want: alexaevents.Error{Status: 503}, kind: alexaevents.ErrUnavailable, text: "503 Service Unavailable"},
		"throttled": {response: response{status: 429, body: `{"message":"slow"}`}, want: alexaevents.Error{Status: 429, Message: "slow"}, kind: alexaevents.ErrThrottled, text: "429 Too Many Requests: slow"},
		"408":       {response: response{status: 408}, want: alexaevents.Error{Status: 408}, kind: alexaevents.ErrUnavailable, text: "408 Request Timeout"},
		"500":       {response: response{status: 500}, want: alexaevents.Error{Status: 500}, kind: alexaevents.ErrUnavailable, text: "500 Internal Server Error"},
		"502":       {response: response{status: 502}, want: alexaevents.Error{Status: 502}, kind: alexaevents.ErrUnavailable, text: "502 Bad Gateway"},
		"504":       {response: response{status: 504}, want: alexaevents.Error{Status: 504}, kind: alexaevents.ErrUnavailable, text: "504 Gateway Timeout"},
		"501":       {response: response{status: 501}, want: alexaevents.Error{Status: 501}, text: "501 Not Implemented"},
		"Retry-After": {
			response: response{status: 503, header: http.Header{"Retry-After": {"20"}}},
			want:     alexaevents.Error{Status: 503, RetryAfter: 20 * time.Second},
			kind:     alexaevents.ErrUnavailable,
			text:     "503 Service Unavailable",
		},
		"broken": {
			response: response{status: 400, body: `{"message":"m"}`, broken: io.ErrUnexpectedEOF},
			want:     alexaevents.Error{Status: 400, Message: "m"},
			kind:     alexaevents.ErrInvalid,
			text:     "400 Bad Request: m",
		},
		"redirect": {
			response: response{status: 302, header: http.Header{"Location": {"https://other.example/"}}},
			want:     alexaevents.Error{Status: 302},
			text:     "302 Found",
		},
		"words on many lines": {
			response: response{status: 400, body: `{"message":"a\nb\u0000` + long + `"}`},
			want:     alexaevents.Error{Status: 400, Message: "a b " + strings.Repeat("é", 296)},
			kind:     alexaevents.ErrInvalid,
			text:     "400 Bad Request: a b " + strings.Repeat("é", 296),
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &amazon{responses: []response{test.response}}
			_, err := a.client().Do(t.Context(), rest.Request{Method: http.MethodPost, Path: target})
			var got *alexaevents.Error
			require.ErrorAs(t, err, &got)
			test.want.API = "things"
			require.Empty(t, cmp.Diff(test.want, *got))
			require.EqualError(t, err, "things: "+test.text)
			require.NoError(t, got.Unwrap())
			for _, kind := range kinds {
				require.Equal(t, errors.Is(test.kind, kind), errors.Is(err, kind), "%v", kind)
			}
			require.Len(t, a.requests, 1, "followed a redirect, or retried")
		})
	}
}

func TestResponsesHaveALimit(t *testing.T) {
	for size, ok := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		a := &amazon{responses: []response{{status: 200, body: strings.Repeat(" ", size)}}}
		_, err := a.client().Do(t.Context(), rest.Request{Method: http.MethodGet, Path: target, Repeatable: true})
		if ok {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, "things: 200 OK: the response is too long")
	}
	violations := strings.Repeat(`{"code":"A"},`, 1000) + "{}"
	a := &amazon{responses: []response{{status: 400, body: `{"violations":[` + violations + `]}`}}}
	_, err := a.client().Do(t.Context(), rest.Request{Method: http.MethodGet, Path: target})
	var got *alexaevents.Error
	require.ErrorAs(t, err, &got)
	require.Len(t, got.Violations, 20)
}

func TestNoResponse(t *testing.T) {
	ownError := errors.New("no access token")
	for name, test := range map[string]struct {
		response  response
		temporary bool
		is        error
	}{
		"reset":           {response{err: syscall.ECONNRESET}, true, syscall.ECONNRESET},
		"closed":          {response{err: io.EOF}, true, io.EOF},
		"cut":             {response{status: 200, broken: io.ErrUnexpectedEOF}, true, io.ErrUnexpectedEOF},
		"own error":       {response{err: ownError}, false, ownError},
		"broken response": {response{status: 200, broken: syscall.ECONNRESET}, true, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			a := &amazon{responses: []response{test.response}}
			_, err := a.client().Do(t.Context(), rest.Request{Method: http.MethodGet, Path: target, Query: url.Values{"nextToken": {"canary"}}})
			var got *alexaevents.Error
			require.ErrorAs(t, err, &got)
			require.Zero(t, got.Status)
			require.Equal(t, test.temporary, errors.Is(err, alexaevents.ErrTemporary))
			require.Equal(t, test.temporary, errors.Is(err, alexaevents.ErrUnavailable))
			require.ErrorIs(t, err, test.is)
			require.Equal(t, "things: the request failed: "+test.is.Error(), err.Error(), "without the URL")
		})
	}
}

func TestErrorsOfTheHTTPClientAreNotRetried(t *testing.T) {
	a := &amazon{responses: []response{{err: alexaevents.ErrThrottled}}}
	_, err := a.client().Do(t.Context(), rest.Request{Method: http.MethodGet, Path: target, Repeatable: true})
	require.ErrorIs(t, err, alexaevents.ErrThrottled)
	require.Len(t, a.requests, 1)
}

func TestInvalidRequests(t *testing.T) {
	a := &amazon{responses: []response{{status: 200}}}
	for name, request := range map[string]rest.Request{
		"body": {Method: http.MethodPost, Path: target, Body: func() {}},
		"URL":  {Method: http.MethodGet, Path: "https://api.example/\x7f"},
	} {
		request.Repeatable = true
		_, err := a.client().Do(t.Context(), request)
		var got *alexaevents.Error
		require.ErrorAs(t, err, &got, name)
		require.NotErrorIs(t, err, alexaevents.ErrTemporary)
	}
	require.Empty(t, a.requests)
}

func TestRetry(t *testing.T) {
	busy, ok := response{status: 503}, response{status: 200}
	after := func(seconds string) response {
		return response{status: 429, header: http.Header{"Retry-After": {seconds}}}
	}
	for name, test := range map[string]struct {
		responses []response
		once      bool // not Repeatable
		sent      int
		status    int             // of the error; -1 is none
		pauses    []time.Duration // at least; at most half as much more
	}{
		"first":              {responses: []response{ok}, sent: 1, status: -1},
		"second":             {responses: []response{busy, ok}, sent: 2, status: -1, pauses: []time.Duration{time.Second}},
		"last":               {responses: []response{busy, {err: syscall.ECONNRESET}, {status: 500}, ok}, sent: 4, status: -1, pauses: []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		"never":              {responses: []response{busy, busy, busy, {status: 500}, ok}, sent: 4, status: 500, pauses: []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		"not temporary":      {responses: []response{{status: 400}, ok}, sent: 1, status: 400},
		"then not temporary": {responses: []response{busy, {status: 404}, ok}, sent: 2, status: 404, pauses: []time.Duration{time.Second}},
		"not repeatable":     {responses: []response{busy, ok}, once: true, sent: 1, status: 503},
		"asked to wait":      {responses: []response{after("20"), ok}, sent: 2, status: -1, pauses: []time.Duration{20 * time.Second}},
		"asked to wait less": {responses: []response{after("0"), ok}, sent: 2, status: -1, pauses: []time.Duration{time.Second}},
		"asked for too long": {responses: []response{after("61"), ok}, sent: 1, status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &amazon{responses: test.responses}
				_, err := a.client().Do(t.Context(), rest.Request{Method: http.MethodPut, Path: target, Body: 1, Repeatable: !test.once})
				if test.status < 0 {
					require.NoError(t, err)
				} else {
					var got *alexaevents.Error
					require.ErrorAs(t, err, &got)
					require.Equal(t, test.status, got.Status)
				}
				require.Len(t, a.requests, test.sent)
				for i, pause := range test.pauses {
					require.Equal(t, "1", a.bodies[i+1])
					slept := a.times[i+1].Sub(a.times[i])
					require.GreaterOrEqual(t, slept, pause)
					require.LessOrEqual(t, slept, pause*3/2)
				}
			})
		})
	}
}

func TestRetryEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		a := &amazon{responses: []response{{status: 503}}}
		_, err := a.client().Do(ctx, rest.Request{Method: http.MethodGet, Path: target, Repeatable: true})
		require.EqualError(t, err, "things: 503 Service Unavailable")
		require.Len(t, a.requests, 2)
	})
}

func TestACancelledContextIsNotTemporary(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := &amazon{responses: []response{{status: 200}}}
	_, err := a.client().Do(ctx, rest.Request{Method: http.MethodGet, Path: target, Repeatable: true})
	require.ErrorIs(t, err, context.Canceled)
	var got *alexaevents.Error
	require.ErrorAs(t, err, &got)
	require.NotErrorIs(t, err, alexaevents.ErrTemporary)
}

func TestNilClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing leaves the machine
	_, err := rest.Client{}.Do(ctx, rest.Request{Method: http.MethodGet, Path: target})
	require.ErrorIs(t, err, context.Canceled)
}

func TestDoDoesNotChangeTheHTTPClient(t *testing.T) {
	a := &amazon{responses: []response{{status: 200}}}
	client := a.client()
	_, err := client.Do(t.Context(), rest.Request{Method: http.MethodGet, Path: target})
	require.NoError(t, err)
	require.Nil(t, client.HTTP.CheckRedirect)
}

func TestCreate(t *testing.T) {
	for location, want := range map[string]string{
		"/v0/things/amzn1.1": "amzn1.1", "/v0/things/amzn1.1/": "amzn1.1", "amzn1.1": "amzn1.1", "https://api.example/v0/things/amzn1.1?x=y#z": "amzn1.1",
		"": "", "/": "", "https://api.example": "", "https://api.example/": "", "?x": "", "%zz": "", "a:b": "",
	} {
		a := &amazon{responses: []response{{status: 201, header: http.Header{"Location": {location}}}, {status: 201}, {status: 201, body: `{"id":"in.body"}`, header: http.Header{"Location": {location}}}}}
		got, err := a.client().Create(t.Context(), target, nil, false)
		require.Equal(t, want, got, location)
		if want == "" {
			require.EqualError(t, err, "things: 201 Created: the response has no ID")
		} else {
			require.NoError(t, err)
		}
		_, err = a.client().Create(t.Context(), target, nil, false)
		require.EqualError(t, err, "things: 201 Created: the response has no ID", "without a Location")
		got, err = a.client().Create(t.Context(), target, nil, false)
		require.NoError(t, err)
		require.Equal(t, "in.body", got)
	}
}

func TestSegment(t *testing.T) {
	for id, want := range map[string]string{
		"amzn1.ask-subscriber.1": "amzn1.ask-subscriber.1", "a/b": "a%2Fb", "../x": "..%2Fx", "a?b#c": "a%3Fb%23c", "...": "...", "%2e": "%252e",
	} {
		got, ok := rest.Segment(id)
		require.True(t, ok, id)
		require.Equal(t, want, got)
	}
	for _, id := range []string{"", ".", ".."} {
		_, ok := rest.Segment(id)
		require.False(t, ok, id)
	}
}
