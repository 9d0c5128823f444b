package skillevents

import (
	"context"
	"errors"
	"net/http"

	"github.com/alexaevents/alexaevents/internal/body"
)

// answer acknowledges an event. Alexa ignores what it says.
const answer = `{"version":"1.0","response":{}}`

// Handler calls receive for each event and acknowledges the event once receive
// has returned nil. Mount it behind the Handler method of signature.Verifier,
// which hands it the verified bytes.
//
// The answers are
//
//   - 200 with an empty Alexa response after receive returned nil;
//   - 500 if receive failed, so that Alexa delivers the event again;
//   - 400 if the bytes are not an event, see [Parse];
//   - 500, whatever the bytes, if no verifier has checked the request.
//
// Receive is called for events of every type, [*Unknown] too, and by several
// goroutines at once. Its errors go no further: it logs them itself, as
// identity.Recorder does with its Logger. A nil receive fails for every event.
func Handler(receive func(context.Context, Event) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verified, ok := body.From(r.Context())
		if !ok {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		event, err := Parse(verified)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if err := deliver(r.Context(), event, receive); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answer)) // a client that is gone gets the event again
	})
}

var errNoReceive = errors.New("skillevents: no function to receive events")

func deliver(ctx context.Context, event Event, receive func(context.Context, Event) error) error {
	if receive == nil {
		return errNoReceive
	}
	return receive(ctx, event)
}
