package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// patience is how long a call retries.
const patience = 10 * time.Second

// retry runs try until it succeeds, ctx ends, the error is not busy, or patience has
// passed since begun. If ctx has ended, the result wraps its error, since drivers
// return various errors then.
func retry(ctx context.Context, begun time.Time, busy func(error) bool, try func() error) error {
	b := backoff{most: patience / 100}
	for {
		err := try()
		if err == nil {
			return nil
		}
		if busy(err) && time.Since(begun) < patience && b.wait(ctx) == nil {
			continue
		}
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
			err = fmt.Errorf("%w: %w", ended, err)
		}
		return err
	}
}

// backoff is the time before a retry: random, with a limit that doubles with each
// retry up to most.
type backoff struct{ longest, most time.Duration }

// wait returns the context's error if that ends first.
func (b *backoff) wait(ctx context.Context) error {
	b.longest = min(max(2*b.longest, 2*time.Millisecond), b.most)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(b.longest)): //nolint:gosec // jitter is not secret
		return nil
	}
}
