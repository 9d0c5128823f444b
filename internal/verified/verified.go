// Package verified passes the bytes that a verifier checked from one HTTP handler to
// the next. Their presence in the context proves that a verifier checked them.
package verified

import "context"

type key struct{}

// With returns a context that carries the verified bytes.
func With(ctx context.Context, verified []byte) context.Context {
	return context.WithValue(ctx, key{}, verified)
}

// From returns the verified bytes, and false if nothing was verified.
func From(ctx context.Context) (verified []byte, ok bool) {
	verified, ok = ctx.Value(key{}).([]byte)
	return verified, ok
}
