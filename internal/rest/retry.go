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

// Amazon's own rule for the event gateway: three resends, a second or more apart.
const (
	most  = 3
	first = time.Second
)

// longest is the pause for which nobody waits: whoever has to wait longer does
// better to keep the request elsewhere meanwhile.
const longest = time.Minute

// reserve is the time before a caller's deadline in which nothing is sent any
// more, so that the caller can still respond. AWS Lambda ends a function at its
// deadline.
const reserve = 100 * time.Millisecond

// Deadline returns the time until which requests may take: 100 milliseconds
// before the deadline of ctx, but never more than half of the time that remains.
func Deadline(ctx context.Context) (at time.Time, ok bool) {
	at, ok = ctx.Deadline()
	if !ok {
		return at, false
	}
	return at.Add(-max(0, min(reserve, time.Until(at)/2))), true
}

// Pause waits until a request may be sent again, for the nth time. That is after
// 1, 2 and 4 seconds, or as long as the response asks for, see [RetryAfter], and up to
// half as much as the former more, so that not all come back at once.
//
// It returns false, at once, if the request must not be sent again: for the
// fourth time, not within a minute, or not before the deadline of ctx; and when
// ctx ends.
func Pause(ctx context.Context, n int, after time.Duration) bool {
	if n > most {
		return false
	}
	wait := first << (n - 1)
	jitter := rand.N(wait / 2) //nolint:gosec // it spreads load and keeps no secret
	if after > longest {
		return false
	}
	wait = max(wait, after) + jitter
	if deadline, ok := Deadline(ctx); wait > longest || ok && time.Until(deadline) <= wait {
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

// RetryAfter reads the header Retry-After of a response, seconds or a date. What is
// neither, or lies in the past, is zero.
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

// Unsent tells whether a request failed because no connection was made, so that
// nobody can have got it.
func Unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
