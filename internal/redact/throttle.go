package redact

import (
	"sync/atomic"
	"time"
)

// interval is the shortest time between two records.
const interval = time.Minute

// Throttle allows one log record a minute, the first one at once. It is safe for
// concurrent use and must not be copied.
type Throttle struct {
	last atomic.Pointer[time.Time] // time of the last record; nil before the first
}

// Allow reports whether a record may be logged now.
func (t *Throttle) Allow() bool {
	now := time.Now()
	last := t.last.Load()
	if last != nil && now.Sub(*last) < interval {
		return false
	}
	return t.last.CompareAndSwap(last, &now)
}
