package redact

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// interval is the shortest time between two records at Error.
const interval = time.Minute

// Throttle limits the log records at level Error to one a minute. It is safe for
// concurrent use and must not be copied.
type Throttle struct {
	last atomic.Pointer[time.Time] // time of the last record; nil before the first
}

// Level returns the level of a record now: Error once a minute, and Debug in
// between.
func (t *Throttle) Level() slog.Level {
	now := time.Now()
	last := t.last.Load()
	if last != nil && now.Sub(*last) < interval || !t.last.CompareAndSwap(last, &now) {
		return slog.LevelDebug
	}
	return slog.LevelError
}
