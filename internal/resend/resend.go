// Package resend decides when a request to Amazon that failed may be sent again.
package resend

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Amazon's own rule for the event gateway: three resends, a second or more apart.
const (
	most  = 3
	first = time.Second
)

// longest is the pause for which nobody waits: whoever has to wait longer does
// better to keep the request elsewhere meanwhile.
const longest = time.Minute

// Pause waits until a request may be sent again, for the nth time. That is after
// 1, 2 and 4 seconds, or as long as the header Retry-After of the answer asks
// for, and up to half as much as the former more, so that not all come back at
// once. A nil header asks for nothing.
//
// It returns false, at once, if the request must not be sent again: for the
// fourth time, not within a minute, or not before the deadline of ctx; and when
// ctx ends.
func Pause(ctx context.Context, n int, answer http.Header) bool {
	if n > most {
		return false
	}
	wait := first << (n - 1)
	jitter := rand.N(wait / 2) //nolint:gosec // it spreads load and keeps no secret
	wait = max(wait, retryAfter(answer)) + jitter
	if deadline, ok := ctx.Deadline(); wait > longest || ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryAfter reads the header of that name, seconds or a date. What is neither
// is nothing.
func retryAfter(answer http.Header) time.Duration {
	text := answer.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at)
	}
	return 0
}
