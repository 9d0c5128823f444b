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
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// amazon answers requests in turn and remembers them; the last answer repeats.
type amazon struct {
	answers  []answer
	requests []*http.Request
	bodies   []string
	times    []time.Time
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error // instead of an answer
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
	next := a.answers[min(len(a.requests), len(a.answers)-1)]
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

func (a *amazon) client() *http.Client { return &http.Client{Transport: a} }

const target = "https://api.example/v1/things"

func TestRequest(t *testing.T) {
	for name, test := range map[string]struct {
		request rest.Request
		url     string
		body    string
		header  http.Header
	}{
		"get": {
			request: rest.Request{Method: http.MethodGet, URL: target},
			url:     target,
			header:  http.Header{"Accept": {"application/json"}},
		},
		"query": {
			request: rest.Request{Method: http.MethodGet, URL: target, Query: url.Values{"owner": {"~caller"}, "a.b": {"x&y z"}}},
			url:     target + "?a.b=x%26y+z&owner=~caller",
			header:  http.Header{"Accept": {"application/json"}},
		},
		"body": {
			request: rest.Request{Method: http.MethodPost, URL: target, Body: map[string]any{"a": []int{1}}},
			url:     target, body: `{"a":[1]}`,
			header: http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &amazon{answers: []answer{{status: 200}}}
			_, err := rest.Do(t.Context(), a.client(), test.request)
			require.NoError(t, err)
			sent := a.requests[0]
			require.Equal(t, test.request.Method, sent.Method)
			require.Equal(t, test.url, sent.URL.String())
			require.Equal(t, test.body, a.bodies[0])
			require.Empty(t, cmp.Diff(test.header, sent.Header))
			require.Equal(t, test.body != "", sent.GetBody != nil, "a transport must be able to send the body again")
		})
	}
}

func TestAnswer(t *testing.T) {
	a := &amazon{answers: []answer{{status: 201, header: http.Header{"Location": {"/x"}}, body: `{"id":"1"}`}}}
	got, err := rest.Do(t.Context(), a.client(), rest.Request{Method: http.MethodPost, URL: target})
	require.NoError(t, err)
	require.Equal(t, 201, got.Status)
	require.Equal(t, "/x", got.Header.Get("Location"))
	var body struct{ ID string }
	require.NoError(t, got.Decode(&body))
	require.Equal(t, "1", body.ID)
}

func TestDecodeSurvivesWhatIsNotJSON(t *testing.T) {
	for _, body := range []string{"", " ", "<html></html>", `{"id":`, `{"id":5}`, `[]`} {
		a := &amazon{answers: []answer{{status: 200, body: body, header: http.Header{"X-Amzn-Requestid": {"r-1"}}}}}
		got, err := rest.Do(t.Context(), a.client(), rest.Request{Method: http.MethodGet, URL: target})
		require.NoError(t, err)
		require.Equal(t, body, string(got.Body))
		var value struct{ ID string }
		err = got.Decode(&value)
		var failure *rest.Error
		require.ErrorAs(t, err, &failure, body)
		require.Equal(t, 200, failure.Status)
		require.True(t, failure.Temporary)
		require.Equal(t, "200 OK: the body of the answer is not the JSON that was asked for (request r-1)", err.Error())
	}
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for name, test := range map[string]struct {
		answer answer
		want   rest.Error
		text   string
	}{
		"violations": {
			answer: answer{status: 400, body: `{"message":"Not valid.","violations":[{"code":"A","message":"one"},{"message":"two"},{}]}`, header: http.Header{"X-Amzn-Requestid": {"r-1"}}},
			want:   rest.Error{Status: 400, Message: "Not valid.", Violations: []rest.Violation{{Code: "A", Message: "one"}, {Message: "two"}, {}}, RequestID: "r-1"},
			text:   "400 Bad Request: Not valid.: A: one: two (request r-1)",
		},
		"code": {
			answer: answer{status: 404, body: `{"code":"NO_SUCH","message":"gone"}`},
			want:   rest.Error{Status: 404, Code: "NO_SUCH", Message: "gone"},
			text:   "404 Not Found: NO_SUCH: gone",
		},
		"code of another type": {
			answer: answer{status: 403, body: `{"code":17,"message":{"a":1},"violations":[{"code":[],"message":null}]}`},
			want:   rest.Error{Status: 403, Code: "17", Violations: []rest.Violation{{}}},
			text:   "403 Forbidden: 17",
		},
		"violations of another type": {
			answer: answer{status: 400, body: `{"violations":"many","message":"m"}`},
			want:   rest.Error{Status: 400, Message: "m"},
			text:   "400 Bad Request: m",
		},
		"empty":     {answer: answer{status: 401}, want: rest.Error{Status: 401}, text: "401 Unauthorized"},
		"HTML":      {answer: answer{status: 503, body: "<html>"}, want: rest.Error{Status: 503, Temporary: true}, text: "503 Service Unavailable"},
		"throttled": {answer: answer{status: 429, body: `{"message":"slow"}`}, want: rest.Error{Status: 429, Message: "slow", Temporary: true}, text: "429 Too Many Requests: slow"},
		"500":       {answer: answer{status: 500}, want: rest.Error{Status: 500, Temporary: true}, text: "500 Internal Server Error"},
		"502":       {answer: answer{status: 502}, want: rest.Error{Status: 502, Temporary: true}, text: "502 Bad Gateway"},
		"504":       {answer: answer{status: 504}, want: rest.Error{Status: 504, Temporary: true}, text: "504 Gateway Timeout"},
		"501":       {answer: answer{status: 501}, want: rest.Error{Status: 501}, text: "501 Not Implemented"},
		"broken": {
			answer: answer{status: 400, body: `{"message":"m"}`, broken: io.ErrUnexpectedEOF},
			want:   rest.Error{Status: 400, Message: "m"},
			text:   "400 Bad Request: m",
		},
		"redirect": {
			answer: answer{status: 302, header: http.Header{"Location": {"https://other.example/"}}},
			want:   rest.Error{Status: 302},
			text:   "302 Found",
		},
		"words on many lines": {
			answer: answer{status: 400, body: `{"message":"a\nb\u0000` + long + `"}`},
			want:   rest.Error{Status: 400, Message: "a b " + strings.Repeat("é", 296)},
			text:   "400 Bad Request: a b " + strings.Repeat("é", 296),
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &amazon{answers: []answer{test.answer}}
			_, err := rest.Do(t.Context(), a.client(), rest.Request{Method: http.MethodPost, URL: target})
			var got *rest.Error
			require.ErrorAs(t, err, &got)
			require.Empty(t, cmp.Diff(test.want, *got, cmpopts.IgnoreUnexported(rest.Error{})))
			require.EqualError(t, err, test.text)
			require.NoError(t, got.Unwrap())
			require.Len(t, a.requests, 1, "followed a redirect, or sent again")
		})
	}
}

func TestAnswersHaveALimit(t *testing.T) {
	for size, ok := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		a := &amazon{answers: []answer{{status: 200, body: strings.Repeat(" ", size)}}}
		_, err := rest.Do(t.Context(), a.client(), rest.Request{Method: http.MethodGet, URL: target, Repeatable: true})
		if ok {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, "200 OK: the answer is too long")
	}
	violations := strings.Repeat(`{"code":"A"},`, 1000) + "{}"
	a := &amazon{answers: []answer{{status: 400, body: `{"violations":[` + violations + `]}`}}}
	_, err := rest.Do(t.Context(), a.client(), rest.Request{Method: http.MethodGet, URL: target})
	var got *rest.Error
	require.ErrorAs(t, err, &got)
	require.Len(t, got.Violations, 20)
}

func TestNoAnswer(t *testing.T) {
	decided := errors.New("no access token")
	for name, test := range map[string]struct {
		answer    answer
		temporary bool
		is        error
	}{
		"reset":           {answer{err: syscall.ECONNRESET}, true, syscall.ECONNRESET},
		"closed":          {answer{err: io.EOF}, true, io.EOF},
		"cut":             {answer{status: 200, broken: io.ErrUnexpectedEOF}, true, io.ErrUnexpectedEOF},
		"a decision":      {answer{err: decided}, false, decided},
		"a broken answer": {answer{status: 200, broken: syscall.ECONNRESET}, true, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			a := &amazon{answers: []answer{test.answer}}
			_, err := rest.Do(t.Context(), a.client(), rest.Request{Method: http.MethodGet, URL: target, Query: url.Values{"nextToken": {"canary"}}})
			var got *rest.Error
			require.ErrorAs(t, err, &got)
			require.Zero(t, got.Status)
			require.Equal(t, test.temporary, got.Temporary)
			require.ErrorIs(t, err, test.is)
			require.Equal(t, "no answer: "+test.is.Error(), err.Error(), "and nothing of the URL")
		})
	}
}

func TestRequestsThatCannotBeMade(t *testing.T) {
	a := &amazon{answers: []answer{{status: 200}}}
	for name, request := range map[string]rest.Request{
		"body": {Method: http.MethodPost, URL: target, Body: func() {}},
		"URL":  {Method: http.MethodGet, URL: "https://api.example/\x7f"},
	} {
		request.Repeatable = true
		_, err := rest.Do(t.Context(), a.client(), request)
		var got *rest.Error
		require.ErrorAs(t, err, &got, name)
		require.False(t, got.Temporary)
	}
	require.Empty(t, a.requests)
}

func TestRepeat(t *testing.T) {
	busy, ok := answer{status: 503}, answer{status: 200}
	after := func(seconds string) answer {
		return answer{status: 429, header: http.Header{"Retry-After": {seconds}}}
	}
	for name, test := range map[string]struct {
		answers []answer
		once    bool // not Repeatable
		sent    int
		status  int             // of the error; -1 is none
		pauses  []time.Duration // at least; at most half as much more
	}{
		"first":              {answers: []answer{ok}, sent: 1, status: -1},
		"second":             {answers: []answer{busy, ok}, sent: 2, status: -1, pauses: []time.Duration{time.Second}},
		"last":               {answers: []answer{busy, {err: syscall.ECONNRESET}, {status: 500}, ok}, sent: 4, status: -1, pauses: []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		"never":              {answers: []answer{busy, busy, busy, {status: 500}, ok}, sent: 4, status: 500, pauses: []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		"not temporary":      {answers: []answer{{status: 400}, ok}, sent: 1, status: 400},
		"then not temporary": {answers: []answer{busy, {status: 404}, ok}, sent: 2, status: 404, pauses: []time.Duration{time.Second}},
		"not repeatable":     {answers: []answer{busy, ok}, once: true, sent: 1, status: 503},
		"asked to wait":      {answers: []answer{after("20"), ok}, sent: 2, status: -1, pauses: []time.Duration{20 * time.Second}},
		"asked to wait less": {answers: []answer{after("0"), ok}, sent: 2, status: -1, pauses: []time.Duration{time.Second}},
		"asked for too long": {answers: []answer{after("61"), ok}, sent: 1, status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &amazon{answers: test.answers}
				_, err := rest.Do(t.Context(), a.client(), rest.Request{Method: http.MethodPut, URL: target, Body: 1, Repeatable: !test.once})
				if test.status < 0 {
					require.NoError(t, err)
				} else {
					var got *rest.Error
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

func TestRepeatEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		a := &amazon{answers: []answer{{status: 503}}}
		_, err := rest.Do(ctx, a.client(), rest.Request{Method: http.MethodGet, URL: target, Repeatable: true})
		require.EqualError(t, err, "503 Service Unavailable")
		require.Len(t, a.requests, 2)
	})
}

func TestTheEndOfAContextIsNotTemporary(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := &amazon{answers: []answer{{status: 200}}}
	_, err := rest.Do(ctx, a.client(), rest.Request{Method: http.MethodGet, URL: target, Repeatable: true})
	require.ErrorIs(t, err, context.Canceled)
	var got *rest.Error
	require.ErrorAs(t, err, &got)
	require.False(t, got.Temporary)
}

func TestNilClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing leaves the machine
	_, err := rest.Do(ctx, nil, rest.Request{Method: http.MethodGet, URL: target})
	require.ErrorIs(t, err, context.Canceled)
}

// The caller's client is left as it was, with its own rule for redirects.
func TestDoLeavesTheClientAlone(t *testing.T) {
	a := &amazon{answers: []answer{{status: 200}}}
	client := a.client()
	_, err := rest.Do(t.Context(), client, rest.Request{Method: http.MethodGet, URL: target})
	require.NoError(t, err)
	require.Nil(t, client.CheckRedirect)
}
