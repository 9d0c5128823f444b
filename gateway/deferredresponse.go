package gateway

import (
	"math"
	"strconv"
	"time"

	"github.com/alexaevents/alexaevents"
)

// DeferredResponse says that the answer to a directive takes longer than the
// eight seconds that Alexa waits. It can only be returned, see [Answer]; the
// [Response] or [ErrorResponse] is sent later. [Directive.DeferredResponse]
// makes one.
type DeferredResponse struct {
	CorrelationToken alexaevents.Secret // the directive's; the later answer has it too

	// EstimatedDeferral is how long the answer will take, in whole seconds,
	// rounded up. Zero means not to say.
	EstimatedDeferral time.Duration
}

func (e *DeferredResponse) message() (*message, error) {
	w := write("DeferredResponse", header{namespace: "Alexa", name: "DeferredResponse", correlationToken: e.CorrelationToken})
	w.require("CorrelationToken", w.correlated)
	w.raw(`,"payload":{`)
	seconds := roundUp(e.EstimatedDeferral, time.Second)
	if seconds < 0 || seconds > math.MaxInt32 {
		w.fail("EstimatedDeferral", "must be 0 to 2147483647 seconds")
	}
	if seconds != 0 {
		w.raw(`"estimatedDeferralInSeconds":`)
		w.body = strconv.AppendInt(w.body, seconds, 10)
	}
	w.raw(`}`)
	return w.finish(nil, nil)
}
