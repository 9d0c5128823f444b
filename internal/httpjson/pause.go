package httpjson

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"
)

const (
	maxSent      = 4 // how often a request is sent at most
	longestPause = time.Minute
)

// pause waits until a request that was sent so many times may be sent again: 1,
// 2, then 4 seconds and up to half as much more, or the time that the answer
// asks for. It returns false if the request must not be sent again, or not soon.
func pause(ctx context.Context, sent int, failure *Error) bool {
	if sent >= maxSent {
		return false
	}
	wait := time.Second << (sent - 1)
	wait += rand.N(wait / 2) //nolint:gosec // it spreads load and keeps no secret
	if seconds, err := strconv.Atoi(failure.retryAfter); err == nil {
		wait = max(wait, time.Duration(seconds)*time.Second)
	}
	if wait > longestPause {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		if failure.cause == nil {
			failure.cause = context.Cause(ctx)
		}
		return false
	}
}
