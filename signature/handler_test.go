package signature_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/body"
	"github.com/alexaevents/alexaevents/signature"
)

// post is a signed request as a server would see it.
func post(data []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/alexa", bytes.NewReader(data))
	r.Header = signed(data)
	return r
}

// 39, the verifier's half: 400 for what is refused, else the next handler.
func TestHandler(t *testing.T) {
	b := newBench(t)
	var got, verified []byte
	handler := b.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		verified, _ = body.From(r.Context())
		w.WriteHeader(http.StatusTeapot)
	}))
	serve := func(r *http.Request) *httptest.ResponseRecorder {
		got, verified = nil, nil
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}

	require.Equal(t, http.StatusTeapot, serve(post(intent())).Code)
	require.Equal(t, intent(), got)
	require.Equal(t, intent(), verified)

	chunked := post(intent())
	chunked.ContentLength = -1
	require.Equal(t, http.StatusTeapot, serve(chunked).Code)

	refuse := func(name string, code int, r *http.Request) {
		w := serve(r)
		require.Equal(t, code, w.Code, name)
		require.Empty(t, w.Body.Bytes(), name)
		require.Nil(t, got, name)
	}
	refuse("another skill", 400, post(otherSkill()))
	unsigned := post(intent())
	unsigned.Header = http.Header{}
	refuse("unsigned", 400, unsigned)
	refuse("no body", 400, post(nil))
	lost := post(intent())
	_, err := io.Copy(io.Discard, lost.Body)
	require.NoError(t, err)
	refuse("40 body read before", 400, lost)
	broken := post(intent())
	broken.Body = io.NopCloser(failing{})
	refuse("broken body", 400, broken)

	fresh := newBench(t)
	fresh.host.answer = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	handler = fresh.Handler(http.NotFoundHandler())
	refuse("certificate not fetched", 503, post(intent()))
	refuse("certificate not fetched, forged body", 503, func() *http.Request {
		r := post(intent())
		r.Header = signed([]byte("another"))
		return r
	}())
	refuse("certificate not fetched, another skill", 400, post(otherSkill()))
}

func TestReadLimitsTheBody(t *testing.T) {
	b := newBench(t)
	data := intent()
	b.MaxBody = int64(len(data))
	got, err := b.Read(post(data))
	require.NoError(t, err)
	require.Equal(t, data, got)

	b.MaxBody--
	_, err = b.Read(post(data))
	require.ErrorIs(t, err, signature.ErrBody)
	var tooLarge *http.MaxBytesError
	require.ErrorAs(t, err, &tooLarge)

	for _, unset := range []int64{0, -1, math.MinInt64} {
		b.MaxBody = unset
		padded := func(length int) *http.Request {
			return post(append(bytes.Clone(data), bytes.Repeat([]byte(" "), length-len(data))...))
		}
		_, err = b.Read(padded(1 << 20))
		require.NoError(t, err, "a megabyte if nothing is said")
		_, err = b.Read(padded(1<<20 + 1))
		require.ErrorIs(t, err, signature.ErrBody)
	}

	r := post(data)
	_, _ = io.Copy(io.Discard, r.Body)
	_, err = b.Read(r)
	require.ErrorIs(t, err, signature.ErrBody)

	r.Body, r.ContentLength = nil, 0
	_, err = b.Read(r)
	require.ErrorIs(t, err, signature.ErrRequest)
}

// The log says which check failed, and nothing that was sent.
func TestLog(t *testing.T) {
	b := newBench(t)
	var log bytes.Buffer
	b.Logger = slog.New(slog.NewTextHandler(&log, nil))
	r := post(otherSkill())
	b.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	require.Contains(t, log.String(), signature.ErrSkill.Error())
	require.NotContains(t, log.String(), "amzn1.")
	require.NotContains(t, log.String(), r.Header.Get("Signature-256"))
	require.Contains(t, log.String(), "level=INFO", "strangers can cause it")

	log.Reset()
	b.host.answer = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	b.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), post(intent()))
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "no route")
}
