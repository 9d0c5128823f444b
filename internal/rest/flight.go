package rest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// Group shares one run of a function among concurrent callers. The zero value has
// no runs in progress.
//
// Unlike in golang.org/x/sync/singleflight, a panic of the function is an error and
// does not end the process, and a run needs no waiting caller.
type Group[T any] struct {
	mu   sync.Mutex
	runs map[[sha256.Size]byte]*Run[T] // runs in progress by the hash of their name, which may be a secret
}

// Run is one run of a function.
type Run[T any] struct {
	done  chan struct{} // closed when value and err are set
	value T
	err   error
}

// Start runs fn in a goroutine. If a run with the same name is in progress, it
// returns that run and false instead. The context of fn has the values of ctx and
// the time limit; it does not end with ctx.
func (g *Group[T]) Start(ctx context.Context, name string, limit time.Duration, fn func(context.Context) (T, error)) (run *Run[T], started bool) {
	key := sha256.Sum256([]byte(name))
	g.mu.Lock()
	defer g.mu.Unlock()
	if run := g.runs[key]; run != nil {
		return run, false
	}
	run = &Run[T]{done: make(chan struct{})}
	if g.runs == nil {
		g.runs = make(map[[sha256.Size]byte]*Run[T])
	}
	g.runs[key] = run
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	go func() {
		run.err = errExited
		defer func() {
			cancel()
			g.mu.Lock()
			delete(g.runs, key)
			g.mu.Unlock()
			close(run.done)
		}()
		run.err = Catch(func() (err error) {
			run.value, err = fn(ctx)
			return err
		})
	}()
	return run, true
}

// Catch returns the error of fn, or its panic as a [*PanicError].
func Catch(fn func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = &PanicError{reason, debug.Stack()}
		}
	}()
	return fn()
}

// Idle waits until no run is in progress. If ctx ends first, it returns the cause
// of ctx.
func (g *Group[T]) Idle(ctx context.Context) error {
	for {
		g.mu.Lock()
		var some *Run[T]
		for _, some = range g.runs {
			break
		}
		g.mu.Unlock()
		if some == nil {
			return nil
		}
		select {
		case <-some.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Wait returns the result of the run. If ctx ends first, it returns the error and
// cause of ctx, and the run continues.
func (r *Run[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case <-r.done: // both happened
		return r.value, r.err
	default:
		var none T
		err, cause := ctx.Err(), context.Cause(ctx)
		if !errors.Is(cause, err) {
			err = fmt.Errorf("%w: %w", err, cause)
		}
		return none, err
	}
}

// PanicError is the panic of a function.
type PanicError struct {
	Reason any    // argument of panic; its text may have secrets of a request
	Stack  []byte // stack trace of the panic
}

// Error names the type of the panic's argument. It shows the text of errors of the Go
// runtime only, which have no data of the program.
func (e *PanicError) Error() string {
	if reason, ok := e.Reason.(runtime.Error); ok {
		return "panic: " + reason.Error()
	}
	return fmt.Sprintf("panic with a %T", e.Reason)
}

var errExited = errors.New("the goroutine was ended by runtime.Goexit")
