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

// retry runs try until it succeeds, and gives up when ctx ends, when patience
// does, or after an error that is not busy. Once ctx has ended its error is part
// of any: drivers then give errors of all kinds.
func retry(ctx context.Context, busy func(error) bool, try func() error) error {
	begun := time.Now()
	for wait := time.Millisecond; ; wait = min(2*wait, patience/100) {
		err := try()
		if err == nil {
			return nil
		}
		if busy(err) && time.Since(begun) < patience {
			select {
			case <-ctx.Done():
			case <-time.After(wait/2 + rand.N(wait)): //nolint:gosec // jitter keeps no secret
				continue
			}
		}
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
			err = fmt.Errorf("%w: %w", ended, err)
		}
		return err
	}
}
