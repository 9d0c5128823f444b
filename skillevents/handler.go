package skillevents

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/verified"
)

// response acknowledges an event. Alexa ignores its content.
const response = `{"version":"1.0","response":{}}`

var (
	errMethod     = errors.New("skillevents: the method is not POST")
	errNoVerifier = errors.New("skillevents: no verifier has checked the request: mount the Handler behind the Handler method of signature.Verifier")
	errNoReceive  = errors.New("skillevents: Receive is nil: set it, for example to the Record method of identity.Recorder")
)

// Handler receives events over HTTP. Mount it behind the Handler method of
// signature.Verifier, which passes it the verified bytes. It acknowledges an
// event after Receive returned nil.
//
// The responses are
//
//   - 200 with an empty Alexa response after Receive returned nil;
//   - 500 if Receive failed, so that Alexa redelivers the event;
//   - 400 if the bytes are not an event, see [Parse];
//   - 405 if the method is not POST;
//   - 500, whatever the bytes, if no verifier has checked the request, or if
//     Receive is nil.
//
// A Handler is safe for concurrent use; its fields must not change once it is in
// use.
type Handler struct {
	// Receive is called for each event, [*Unknown] too, by several goroutines at
	// once. Required: nil fails for every event.
	Receive func(context.Context, Event) error

	// Logger receives one record for each request that is not acknowledged. A
	// missing verifier and a nil Receive are logged at Error, at most once a
	// minute, and otherwise at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called at the end of each request, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	misuse redact.Throttle
}

// ServeHTTP handles one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	event, code, outcome, err := h.receive(r)
	switch code {
	case http.StatusOK:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(response)) // Alexa redelivers the event if the response is lost
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(code)
	default:
		w.WriteHeader(code)
	}
	report{h.Logger, h.Observe, &h.misuse}.end(r.Context(), event, start, outcome, err)
}

// receive returns the status of the response, and the event if there is one.
func (h *Handler) receive(r *http.Request) (event Event, code int, outcome Outcome, err error) {
	if r.Method != http.MethodPost {
		return nil, http.StatusMethodNotAllowed, Refused, errMethod
	}
	body, ok := verified.From(r.Context())
	switch {
	case !ok:
		return nil, http.StatusInternalServerError, Misconfigured, errNoVerifier
	case h.Receive == nil:
		return nil, http.StatusInternalServerError, Misconfigured, errNoReceive
	}
	event, err = Parse(body)
	if err != nil {
		return nil, http.StatusBadRequest, Refused, err
	}
	if err := h.Receive(r.Context(), event); err != nil {
		return event, http.StatusInternalServerError, Failed, err
	}
	return event, http.StatusOK, Received, nil
}
