package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// errFenced ends a request whose sender has lost the right to send it.
var errFenced = errors.New("the lease of this message ended before the request was sent")

type fence struct{}

// WithFence returns a context for requests whose body is sent only while allowed
// returns true. A process may pause for longer than a lease lasts, at any point between
// a check and the request.
func WithFence(ctx context.Context, allowed func() bool) context.Context {
	return context.WithValue(ctx, fence{}, allowed)
}

// Fence lets the body of the request leave as its context says.
func Fence(request *http.Request) {
	allowed, ok := request.Context().Value(fence{}).(func() bool)
	if !ok || request.Body == nil {
		return
	}
	request.Body = &fenced{request.Body, allowed}
	if again := request.GetBody; again != nil {
		request.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			return &fenced{body, allowed}, err
		}
	}
}

type fenced struct {
	io.ReadCloser
	allowed func() bool
}

func (f *fenced) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if !f.allowed() {
		return 0, errFenced
	}
	return n, err
}
