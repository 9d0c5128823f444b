package signature

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/alexaevents/alexaevents/internal/verified"
)

const (
	maxBody   = 1 << 20
	firstRead = 16 << 10 // most bytes that a Content-Length alone allocates
)

// Read reads the body of a request and verifies the request. It returns the
// verified bytes, or one of the errors of this package.
func (v *Verifier) Read(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, v.observe(r.Context(), Observation{Err: ErrMethod})
	}
	signed, err := readHeader(r.Header)
	if err != nil {
		return nil, v.observe(r.Context(), Observation{Err: err})
	}
	data, err := v.readBody(r)
	if err != nil {
		return nil, v.observe(r.Context(), Observation{Err: err})
	}
	if err := v.verify(r.Context(), signed, data); err != nil {
		return nil, err
	}
	return data, nil
}

func (v *Verifier) readBody(r *http.Request) ([]byte, error) {
	limit := v.MaxBody
	if limit <= 0 {
		limit = maxBody
	}
	var buffer bytes.Buffer
	if r.ContentLength > 0 {
		buffer.Grow(int(min(r.ContentLength, limit, firstRead)) + bytes.MinRead)
	}
	if r.Body != nil {
		if _, err := buffer.ReadFrom(http.MaxBytesReader(nil, r.Body, limit)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBody, err)
		}
	}
	if buffer.Len() == 0 && r.ContentLength > 0 {
		return nil, fmt.Errorf("%w: another handler has read it", ErrBody)
	}
	return buffer.Bytes(), nil
}

// Handler returns a handler that passes verified requests to next, with their
// body as it was. The response to other requests has an empty body and the status
//
//   - 405 if the method is not POST;
//   - 503 if the certificate could not be fetched, so that Alexa redelivers the event;
//   - 500 if Skills is empty, for the same reason;
//   - 400 for everything else.
//
// Use it for the endpoint of the events and for the endpoint of the skill: Amazon
// requires the check on both.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := v.Read(r)
		if err != nil {
			code := status(err)
			v.log(r, code, err)
			if code == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", http.MethodPost)
			}
			w.WriteHeader(code)
			return
		}
		r = r.WithContext(verified.With(r.Context(), body))
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func (v *Verifier) log(r *http.Request, code int, err error) {
	if v.Logger == nil {
		return
	}
	level := slog.LevelInfo // anyone can cause these
	switch {
	case errors.Is(err, errNoSkills):
		level = v.misuse.Level()
	case errors.Is(err, ErrFetch):
		level = slog.LevelWarn
	}
	v.Logger.Log(r.Context(), level, "refused a request",
		slog.String("alexa.outcome", "refused"), slog.Int("http.status", code), slog.Any("error", err))
}
