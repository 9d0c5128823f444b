package skillevents_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/skillevents"
)

// receiver is a Handler or a Lambda with its reports.
type receiver struct {
	serve    func(payload []byte)
	log      bytes.Buffer
	observed []skillevents.Observation
}

func (r *receiver) observe(_ context.Context, o skillevents.Observation) {
	r.observed = append(r.observed, o)
}

func (r *receiver) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func newHandler(t *testing.T, receive func(context.Context, skillevents.Event) error, verified bool) *receiver {
	r := new(receiver)
	handler := &skillevents.Handler{Receive: receive, Logger: r.logger(), Observe: r.observe}
	r.serve = func(payload []byte) {
		request := verifiedPost(payload)
		if !verified {
			request = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(payload))
		}
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}
	return r
}

func newLambda(t *testing.T, receive func(context.Context, skillevents.Event) error, skills ...string) *receiver {
	r := new(receiver)
	lambda := &skillevents.Lambda{Skills: skills, Receive: receive, Logger: r.logger(), Observe: r.observe}
	r.serve = func(payload []byte) { _, _ = lambda.Invoke(t.Context(), payload) }
	return r
}

// Every event is observed, and every one that is not acknowledged is logged, with a
// Handler and with a Lambda.
func TestReports(t *testing.T) {
	const skill, eventType = "amzn1.ask.skill.s", "AlexaSkillEvent.SkillAccountLinked"
	linked := document(eventType, `"body": {"accessToken": "canary of the body"}`)
	kept := func(context.Context, skillevents.Event) error { time.Sleep(time.Second); return nil }
	failed := func(context.Context, skillevents.Event) error {
		return &url.Error{Op: "Get", URL: "https://auth.example/?token=" + url.QueryEscape("canary of the body"), Err: errors.New("refused to connect")}
	}
	tests := map[string]struct {
		start   func(t *testing.T) *receiver
		payload []byte
		want    skillevents.Observation
		text    string // of the error
		level   string // empty: not logged
		isEvent bool
	}{
		"handler": {
			start: func(t *testing.T) *receiver { return newHandler(t, kept, true) }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Received, Duration: time.Second}, isEvent: true,
		},
		"handler, Receive fails": {
			start: func(t *testing.T) *receiver { return newHandler(t, failed, true) }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Failed}, text: "refused to connect", level: "WARN", isEvent: true,
		},
		"handler, not an event": {
			start: func(t *testing.T) *receiver { return newHandler(t, kept, true) }, payload: []byte(`{}`),
			want: skillevents.Observation{Outcome: skillevents.Refused}, text: skillevents.ErrMalformed.Error(), level: "WARN",
		},
		"handler without verifier": {
			start: func(t *testing.T) *receiver { return newHandler(t, kept, false) }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Misconfigured}, text: "signature.Verifier", level: "ERROR",
		},
		"handler without Receive": {
			start: func(t *testing.T) *receiver { return newHandler(t, nil, true) }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Misconfigured}, text: "Handler.Receive is not set", level: "ERROR",
		},
		"lambda": {
			start: func(t *testing.T) *receiver { return newLambda(t, kept, skill) }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Received, Duration: time.Second}, isEvent: true,
		},
		"lambda, Receive fails": {
			start: func(t *testing.T) *receiver { return newLambda(t, failed, skill) }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Failed}, text: "refused to connect", level: "WARN", isEvent: true,
		},
		"lambda, not an event": {
			start: func(t *testing.T) *receiver { return newLambda(t, kept, skill) }, payload: []byte(`{}`),
			want: skillevents.Observation{Outcome: skillevents.Refused}, text: skillevents.ErrMalformed.Error(), level: "WARN",
		},
		"lambda, another skill": {
			start: func(t *testing.T) *receiver { return newLambda(t, kept, "amzn1.ask.skill.t", "amzn1.ask.skill.u") }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Refused}, text: "amzn1.ask.skill.s is not in Lambda.Skills, which lists 2", level: "WARN", isEvent: true,
		},
		"lambda without Skills": {
			start: func(t *testing.T) *receiver { return newLambda(t, kept) }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Misconfigured}, text: "Lambda.Skills is not set", level: "ERROR",
		},
		"lambda without Receive": {
			start: func(t *testing.T) *receiver { return newLambda(t, nil, skill) }, payload: linked,
			want: skillevents.Observation{Outcome: skillevents.Misconfigured}, text: "Lambda.Receive is not set", level: "ERROR",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := test.start(t)
				r.serve(test.payload)
				require.Len(t, r.observed, 1)
				got := r.observed[0]
				if test.text == "" {
					require.NoError(t, got.Err)
				} else {
					require.ErrorContains(t, got.Err, test.text)
				}
				require.Equal(t, got.Outcome == skillevents.Misconfigured, errors.Is(got.Err, skillevents.ErrMisconfigured))
				got.Err = nil
				if test.isEvent {
					test.want.EventType, test.want.SkillID = eventType, skill
				}
				require.Equal(t, test.want, got)
				if test.level == "" {
					require.Empty(t, r.log.String())
					return
				}
				require.Equal(t, 1, strings.Count(r.log.String(), "\n"))
				require.Contains(t, r.log.String(), "level="+test.level)
				require.Contains(t, r.log.String(), "alexa.outcome="+string(test.want.Outcome))
				require.Contains(t, r.log.String(), test.text)
				require.NotContains(t, r.log.String(), "canary")
				require.NotContains(t, r.log.String(), "amzn1.ask.account")
			})
		})
	}
}

// A mistake in the set-up that concerns every request does not fill the log.
func TestMisuseIsLoggedOnceAMinute(t *testing.T) {
	payload := document("AlexaSkillEvent.SkillEnabled", "")
	for name, start := range map[string]func(t *testing.T) *receiver{
		"handler": func(t *testing.T) *receiver { return newHandler(t, nil, true) },
		"lambda":  func(t *testing.T) *receiver { return newLambda(t, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t)
				for range 50 {
					r.serve(payload)
				}
				require.Equal(t, 1, strings.Count(r.log.String(), "level=ERROR"))
				require.Equal(t, 49, strings.Count(r.log.String(), "level=DEBUG"))
				time.Sleep(time.Minute)
				r.serve(payload)
				require.Equal(t, 2, strings.Count(r.log.String(), "level=ERROR"))
				require.Len(t, r.observed, 51)
			})
		})
	}
}

// Neither Logger nor Observe is needed.
func TestNeitherLoggerNorObserve(t *testing.T) {
	response := httptest.NewRecorder()
	new(skillevents.Handler).ServeHTTP(response, verifiedPost(document("AlexaSkillEvent.SkillEnabled", "")))
	require.Equal(t, http.StatusInternalServerError, response.Code)
	_, err := new(skillevents.Lambda).Invoke(t.Context(), document("AlexaSkillEvent.SkillEnabled", ""))
	require.ErrorIs(t, err, skillevents.ErrMisconfigured)
}
