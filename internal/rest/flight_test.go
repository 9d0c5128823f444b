package rest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/rest"
)

func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group rest.Group[int]
		var runs atomic.Int64
		fn := func(context.Context) (int, error) {
			time.Sleep(time.Second)
			return int(runs.Add(1)), nil
		}
		first, started := group.Start(t.Context(), "a", time.Minute, fn)
		require.True(t, started)
		second, started := group.Start(t.Context(), "a", time.Minute, fn)
		require.False(t, started)
		require.Same(t, first, second)
		_, started = group.Start(t.Context(), "b", time.Minute, fn)
		require.True(t, started)

		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := first.Wait(impatient)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, group.Idle(impatient), context.DeadlineExceeded)

		require.NoError(t, group.Idle(t.Context()))
		require.EqualValues(t, 2, runs.Load())
		for range 50 {
			value, err := first.Wait(impatient)
			require.NoError(t, err, "a result that is there counts more than the end of the context")
			require.Positive(t, value)
		}
		_, started = group.Start(t.Context(), "a", time.Minute, fn)
		require.True(t, started)
		require.NoError(t, group.Idle(t.Context()))
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group rest.Group[int]
		run, _ := group.Start(t.Context(), "a", time.Minute, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		cause := errors.New("shutdown")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		_, err := run.Wait(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, cause)
		cancelled, cancelIt := context.WithCancel(t.Context())
		cancelIt()
		_, err = run.Wait(cancelled)
		require.Equal(t, context.Canceled, err)
		require.NoError(t, group.Idle(t.Context()))
	})
}

// The name may be a token.
func TestGroupDoesNotPrintNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group rest.Group[int]
		printed := make(chan struct{})
		group.Start(t.Context(), "canary", time.Minute, func(context.Context) (int, error) {
			<-printed
			return 0, nil
		})
		synctest.Wait()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			require.NotContains(t, fmt.Sprintf(verb, &group), "canary")
		}
		close(printed)
		require.NoError(t, group.Idle(t.Context()))
	})
}

func TestContextOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		var group rest.Group[any]
		begin := time.Now()
		run, _ := group.Start(ctx, "a", time.Minute, func(ctx context.Context) (any, error) {
			<-ctx.Done()
			return ctx.Value(key{}), ctx.Err()
		})
		cancel()
		value, err := run.Wait(t.Context())
		require.Equal(t, "value", value)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(begin))
	})
}

func TestPanic(t *testing.T) {
	var group rest.Group[int]
	for want, fn := range map[string]func(){
		"panic: runtime error: index out of range [3] with length 0": func() { _ = []int{}[len("abc")] },
		"panic with a string":                       func() { panic("Atza|secret") },
		"panic with a *errors.errorString":          func() { panic(errors.New("Atza|secret")) },
		"the goroutine was ended by runtime.Goexit": runtime.Goexit,
	} {
		run, _ := group.Start(t.Context(), "a", time.Minute, func(context.Context) (int, error) {
			fn()
			return 1, nil
		})
		value, err := run.Wait(t.Context())
		require.EqualError(t, err, want)
		require.Zero(t, value)
		require.NoError(t, group.Idle(t.Context()))
		if failure, ok := errors.AsType[*rest.PanicError](err); ok {
			require.Contains(t, string(failure.Stack), "flight_test.go")
		}
	}
}
