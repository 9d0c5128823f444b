package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sync/errgroup"
)

// journal records the calls of a check, and its violation.
type journal struct {
	ctx   context.Context
	steps []string // calls so far, for reports
	err   error    // the first violation
}

// fail reports a violation together with the last steps before it, and ends the
// check as [testing.T.FailNow] ends a test.
func (j *journal) fail(format string, args ...any) {
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
	runtime.Goexit()
}

// did records a step and fails if it gave an error.
func (j *journal) did(err error, format string, args ...any) {
	step := fmt.Sprintf(format, args...)
	if err != nil {
		j.fail("%s gave an error: %v", step, err)
	}
	j.steps = append(j.steps, step)
}

// goroutines is the number of concurrent users of a store.
const goroutines = 8

// atOnce runs fn for every round in each of several goroutines, and fails with the first
// error.
func (j *journal) atOnce(what string, rounds int, fn func(goroutine, round int) error) {
	var group errgroup.Group
	for goroutine := range goroutines {
		group.Go(func() error {
			return caught(func() error {
				for round := range rounds {
					if err := fn(goroutine, round); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	if err := group.Wait(); err != nil {
		j.fail("with %d goroutines at once: %v", goroutines, err)
	}
	j.steps = append(j.steps, fmt.Sprintf("%s by %d goroutines at once", what, goroutines))
}

// caught returns a panic as an error, so that the other checks go on.
func caught(fn func() error) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("a call of the store panicked: %v\n%s", panicked, debug.Stack())
		}
	}()
	return fn()
}

// run returns the violation that a check finds. A store that keeps a lock makes the check
// hang, which is a violation as well.
func run(ctx context.Context, check func(*journal)) error {
	j := &journal{ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := caught(func() error { check(j); return nil }); err != nil {
			j.err = err
		}
	}()
	select {
	case <-done:
		return j.err
	case <-ctx.Done():
		return errors.New("the store hangs: does it keep a lock or a connection while a loop runs, or after one that stopped early?")
	}
}

// apart returns where two lists begin to differ, and the first elements from there on.
func apart[T comparable](want, got []T) (from int, wanted, given []T) {
	for from < min(len(want), len(got)) && want[from] == got[from] {
		from++
	}
	const shown = 8
	cut := func(list []T) []T { return list[from:min(from+shown, len(list))] }
	return from, cut(want), cut(got)
}
