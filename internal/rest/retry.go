package rest

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Amazon's rule for the event gateway: three retries, at least a second apart.
const (
	maxRetries = 3
	firstPause = time.Second
)

// maxPause is the longest pause. Callers that can wait longer store the request.
const maxPause = time.Minute

// reserve is the time that the caller keeps before its deadline, to respond. AWS
// Lambda ends a function at its deadline.
const reserve = 100 * time.Millisecond

// Deadline returns the time at which requests must end: 100 milliseconds before
// the deadline of ctx, but at most half of the remaining time before it.
func Deadline(ctx context.Context) (at time.Time, ok bool) {
	at, ok = ctx.Deadline()
	if !ok {
		return at, false
	}
	return at.Add(-max(0, min(reserve, time.Until(at)/2))), true
}

// Pause waits before the nth retry of a request: 1, 2 or 4 seconds, or the time of
// [RetryAfter] if that is longer, and a jitter of up to half of those seconds, so
// that requests do not retry together.
//
// It returns false at once if there must be no retry: after three retries, if the
// pause is longer than a minute, or if it does not end before the deadline of ctx.
// It also returns false when ctx ends.
func Pause(ctx context.Context, n int, after time.Duration) bool {
	if n > maxRetries || after > maxPause {
		return false
	}
	wait := firstPause << (n - 1)
	jitter := rand.N(wait / 2) //nolint:gosec // it spreads load and keeps no secret
	wait = max(wait, after) + jitter
	if deadline, ok := Deadline(ctx); wait > maxPause || ok && time.Until(deadline) <= wait {
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

// RetryAfter returns the time in the header Retry-After of a response, seconds or a
// date. It is zero if the header is missing, invalid or in the past.
func RetryAfter(header http.Header) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if strings.Trim(text, "0123456789") == "" && text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return math.MaxInt64
		}
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// Unsent reports whether a request failed before a connection was made, so that the
// server cannot have received it.
func Unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
