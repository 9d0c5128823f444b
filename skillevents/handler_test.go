package skillevents_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/verified"
	"github.com/alexaevents/alexaevents/skillevents"
)

func TestHandler(t *testing.T) {
	enabled := document("AlexaSkillEvent.SkillEnabled", "")
	for name, test := range map[string]struct {
		verified []byte
		marked   bool
		err      error
		status   int
		received bool
	}{
		"an event":                   {verified: enabled, marked: true, status: http.StatusOK, received: true},
		"an unknown event":           {verified: document("AlexaSkillEvent.New", ""), marked: true, status: http.StatusOK, received: true},
		"receive fails":              {verified: enabled, marked: true, err: errors.New("database is down"), status: http.StatusInternalServerError, received: true},
		"not an event":               {verified: []byte(`{"directive": {}}`), marked: true, status: http.StatusBadRequest},
		"nothing":                    {verified: nil, marked: true, status: http.StatusBadRequest},
		"an event without verifier":  {verified: enabled, status: http.StatusInternalServerError},
		"no event, without verifier": {verified: []byte(`{`), status: http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			// The bytes to decode are the verified ones, whatever the request's body.
			request := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
			if test.marked {
				request = request.WithContext(verified.With(request.Context(), test.verified))
			}
			response := httptest.NewRecorder()
			response.Code = 0 // until something is written
			var received skillevents.Event
			handler := &skillevents.Handler{Receive: func(ctx context.Context, event skillevents.Event) error {
				require.Zero(t, response.Code, "responded before the event was received")
				require.Equal(t, request.Context(), ctx)
				received = event
				return test.err
			}}
			handler.ServeHTTP(response, request)

			require.Equal(t, test.status, response.Code)
			require.Equal(t, test.received, received != nil)
			if test.status != http.StatusOK {
				require.Empty(t, response.Body.String())
				return
			}
			require.Equal(t, string(test.verified), string(received.Common().Raw()))
			require.Equal(t, "application/json", response.Header().Get("Content-Type"))
			require.Equal(t, `{"version":"1.0","response":{}}`, response.Body.String())
		})
	}
}

func verifiedPost(data []byte) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	return request.WithContext(verified.With(request.Context(), data))
}

func TestHandlerTakesPostOnly(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, "post", "X"} {
		var log bytes.Buffer
		var observed []skillevents.Observation
		handler := &skillevents.Handler{
			Receive: func(context.Context, skillevents.Event) error { panic("received " + method) },
			Logger:  slog.New(slog.NewTextHandler(&log, nil)),
			Observe: func(_ context.Context, o skillevents.Observation) { observed = append(observed, o) },
		}
		request := verifiedPost(document("AlexaSkillEvent.SkillEnabled", ""))
		request.Method = method
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		require.Equal(t, http.StatusMethodNotAllowed, response.Code, method)
		require.Equal(t, "POST", response.Header().Get("Allow"), method)
		require.Empty(t, response.Body.String(), method)
		require.Len(t, observed, 1)
		require.Equal(t, skillevents.Refused, observed[0].Outcome)
		require.Contains(t, log.String(), "level=INFO", "anyone can cause it")
	}
}
