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

// Handler receives events over HTTP. Mount it behind the Handler method of
// signature.Verifier, which passes it the verified bytes.
//
// The status of the response is
//
//   - 200 after Receive returned nil, with an empty Alexa response;
//   - 500 if Receive failed or for [ErrMisconfigured], so that Alexa redelivers
//     the event;
//   - 400 if the bytes are not an event, see [Parse];
//   - 405 if the method is not POST.
//
// A Handler is safe for concurrent use; its fields must not change once it is in
// use.
type Handler struct {
	// Receive is called for each event, [*Unknown] too, by several goroutines at
	// once. The event is acknowledged after it returned nil. Required: nil is
	// [ErrMisconfigured] for every event.
	Receive func(context.Context, Event) error

	// Logger receives one record for each event that is not acknowledged.
	// [ErrMisconfigured] is logged at Error, at most once a minute, and otherwise
	// at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called at the end of each request, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	misuse redact.Throttle
}

// ServeHTTP handles one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	event, outcome, err := h.receive(r)
	switch {
	case outcome == Received:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(response)) // Alexa redelivers the event if the response is lost
	case errors.Is(err, errMethod):
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
	case outcome == Refused:
		w.WriteHeader(http.StatusBadRequest)
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
	report{h.Logger, h.Observe, &h.misuse}.end(r.Context(), event, start, outcome, err)
}

func (h *Handler) receive(r *http.Request) (Event, Outcome, error) {
	if r.Method != http.MethodPost {
		return nil, Refused, errMethod
	}
	body, ok := verified.From(r.Context())
	switch {
	case !ok:
		return nil, Misconfigured, errNoVerifier
	case h.Receive == nil:
		return nil, Misconfigured, notSet("Handler.Receive", "set it, for example to the Record method of identity.Recorder")
	}
	event, err := Parse(body)
	if err != nil {
		return nil, Refused, err
	}
	if err := h.Receive(r.Context(), event); err != nil {
		return event, Failed, err
	}
	return event, Received, nil
}
