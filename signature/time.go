package signature

import (
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

const (
	// tolerance is how far the time of a request may lie from ours, Amazon's
	// own limit.
	tolerance = 150 * time.Second

	// redelivery is how old a request without a session may be: Alexa
	// redelivers those for an hour without a new timestamp.
	redelivery = time.Hour
)

// checkTime refuses a request that is too old, or too far in the future, or
// does not say when it was made. Both limits are inclusive.
func checkTime(timestamp envelope.Raw, requestType string, now time.Time) error {
	if timestamp == nil {
		return fmt.Errorf("%w: no timestamp", ErrTime)
	}
	at, err := timestamp.Time()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTime, err)
	}
	oldest := tolerance
	if envelope.IsSessionless(requestType) {
		oldest = redelivery
	}
	switch age, ahead := now.Sub(at), at.Sub(now); {
	case age > oldest:
		return fmt.Errorf("%w: %v old", ErrTime, age)
	case ahead > tolerance:
		return fmt.Errorf("%w: %v in the future", ErrTime, ahead)
	}
	return nil
}
