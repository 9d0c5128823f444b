package signature

import (
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

const (
	// tolerance is how far the time of a request may differ from ours: Amazon's
	// limit.
	tolerance = 150 * time.Second

	// redelivery is how old an event may be: Alexa redelivers events for an
	// hour without a new timestamp.
	redelivery = time.Hour
)

// checkTime refuses a request that is too old, too far in the future, or without
// a time. Both limits are inclusive.
func checkTime(found *envelope.Envelope, requestType string, now time.Time) error {
	at, err := found.SentAt()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTime, err)
	}
	if at.IsZero() {
		return fmt.Errorf("%w: it is missing", ErrTime)
	}
	oldest := redelivery
	if found.HasSession() || envelope.IsImmediate(requestType) {
		oldest = tolerance
	}
	switch age, ahead := now.Sub(at), at.Sub(now); {
	case age > oldest:
		return fmt.Errorf("%w: %v old, at most %v is accepted", ErrTime, age, oldest)
	case ahead > tolerance:
		return fmt.Errorf("%w: %v in the future, at most %v is accepted", ErrTime, ahead, tolerance)
	}
	return nil
}
