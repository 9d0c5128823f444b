package storetest

import (
	"context"
	"errors"
	"iter"
)

// loop is a call that returns an iterator. A zero value is yielded as nil.
type loop struct {
	call   string
	values func(context.Context) iter.Seq2[any, error]
}

func newLoop[T comparable](call string, values func(context.Context) iter.Seq2[T, error]) loop {
	return loop{call, func(ctx context.Context) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			values(ctx)(func(value T, err error) bool {
				if value == *new(T) {
					return yield(nil, err)
				}
				return yield(value, err)
			})
		}
	}}
}

// stopsAt checks that the body of a loop is not called again after it has stopped
// at its nth value.
func (j *journal) stopsAt(l loop, nth int) {
	calls := 0
	l.values(j.ctx)(func(_ any, err error) bool {
		if err != nil {
			j.fail("%s gave an error: %v", l.call, err)
		}
		calls++
		return calls < nth
	})
	if calls != nth {
		j.fail("%s called the body of a loop that stopped at value %d %d times", l.call, nth, calls)
	}
}

// failsCancelled checks that a loop with a cancelled context is given its error
// and nothing else.
func (j *journal) failsCancelled(l loop) {
	ctx, cancel := context.WithCancel(j.ctx)
	cancel()
	calls := 0
	for value, err := range l.values(ctx) {
		calls++
		if !errors.Is(err, context.Canceled) || value != nil {
			j.fail("%s with a cancelled context must yield nothing but context.Canceled, and yielded the value %+v and the error %v", l.call, value, err)
		}
	}
	if calls != 1 {
		j.fail("%s with a cancelled context must yield its error once and yielded %d times", l.call, calls)
	}
}

// endsCancelled cancels the context at the first value of a loop. All that
// follows may still come, but it must not be left out without an error.
func (j *journal) endsCancelled(l loop) {
	all := 0
	for _, err := range l.values(j.ctx) {
		if err != nil {
			j.fail("%s gave an error: %v", l.call, err)
		}
		all++
	}
	ctx, cancel := context.WithCancel(j.ctx)
	defer cancel()
	given, failed := 0, false
	for value, err := range l.values(ctx) {
		cancel()
		switch {
		case failed:
			j.fail("%s went on after it had yielded the error of its context", l.call)
		case err == nil:
			given++
		case !errors.Is(err, context.Canceled) || value != nil:
			j.fail("%s whose context is cancelled during the loop must yield nothing but context.Canceled, and yielded the value %+v and the error %v", l.call, value, err)
		default:
			failed = true
		}
	}
	if !failed && given != all {
		j.fail("%s whose context is cancelled during the loop ended without an error after %d of %d values", l.call, given, all)
	}
}
