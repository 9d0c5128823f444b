package sqldb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Patience is how long a call retries.
const Patience = 10 * time.Second

// Retry runs try until it succeeds, ctx ends, the error is not busy, or Patience has
// passed since begun. If ctx has ended, the result wraps its error, since drivers
// return various errors then.
func Retry(ctx context.Context, begun time.Time, busy func(error) bool, try func() error) error {
	b := Backoff{Most: Patience / 100}
	for {
		err := try()
		if err == nil {
			return nil
		}
		if busy(err) && time.Since(begun) < Patience && b.Wait(ctx) == nil {
			continue
		}
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
			err = fmt.Errorf("%w: %w", ended, err)
		}
		return err
	}
}

// Backoff is the time before a retry: random, with a limit that doubles with each
// retry up to Most.
type Backoff struct {
	Most    time.Duration
	longest time.Duration
}

// Wait returns the context's error if that ends first.
func (b *Backoff) Wait(ctx context.Context) error {
	b.longest = min(max(2*b.longest, 2*time.Millisecond), b.Most)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(b.longest)): //nolint:gosec // jitter is not secret
		return nil
	}
}
