package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// journal is what a check did to a store, and what was wrong with it.
type journal struct {
	ctx   context.Context
	steps []string // what was done, for reports
	err   error    // the first violation
}

// fail reports a violation together with the last steps before it.
func (j *journal) fail(format string, args ...any) {
	if j.err != nil {
		return
	}
	var report strings.Builder
	const shown = 12
	steps := j.steps
	if hidden := len(steps) - shown; hidden > 0 {
		steps = steps[hidden:]
		fmt.Fprintf(&report, "after %d other steps and\n", hidden)
	} else if len(steps) > 0 {
		report.WriteString("after\n")
	}
	for _, step := range steps {
		report.WriteString("  " + step + "\n")
	}
	fmt.Fprintf(&report, format, args...)
	j.err = errors.New(report.String())
}

// did records a step and fails if it gave an error.
func (j *journal) did(err error, format string, args ...any) {
	step := fmt.Sprintf(format, args...)
	if err != nil {
		j.fail("%s gave an error: %v", step, err)
	}
	j.steps = append(j.steps, step)
}

// run returns the first violation that a check finds. A store that keeps a lock
// hangs, which is a violation as well.
func run(ctx context.Context, check func() error) error {
	done := make(chan error, 1)
	go func() { done <- check() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("the store hangs: does it keep a lock or a connection while a loop runs, or after one that stopped early?")
	}
}
