package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// patience is how long a call tries to get past others.
const patience = 10 * time.Second

// retry runs try until it succeeds, and gives up when ctx ends, when the call has
// begun longer ago than patience, or after an error that is not busy. Once ctx has
// ended its error is part of any: drivers then give errors of all kinds.
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

// backoff is how long a call waits for others before it tries again: a random
// time, longer after each try, and never longer than most.
type backoff struct{ longest, most time.Duration }

// wait returns the context's error once that has ended.
func (b *backoff) wait(ctx context.Context) error {
	b.longest = min(max(2*b.longest, 2*time.Millisecond), b.most)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(b.longest)): //nolint:gosec // jitter keeps no secret
		return nil
	}
}
