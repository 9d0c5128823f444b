package signature_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/verified"
	"github.com/alexaevents/alexaevents/signature"
)

// post is a signed request as a server would see it.
func post(data []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/alexa", bytes.NewReader(data))
	r.Header = signed(data)
	return r
}

// 39, the verifier's part: 400 for a refused request, otherwise the next handler.
func TestHandler(t *testing.T) {
	b := newBench()
	var got, handed []byte
	handler := b.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		handed, _ = verified.From(r.Context())
		w.WriteHeader(http.StatusTeapot)
	}))
	serve := func(r *http.Request) *httptest.ResponseRecorder {
		got, handed = nil, nil
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}

	require.Equal(t, http.StatusTeapot, serve(post(intent())).Code)
	require.Equal(t, intent(), got)
	require.Equal(t, intent(), handed)

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
	broken.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	refuse("broken body", 400, broken)

	fresh := newBench()
	fresh.host.Respond = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	handler = fresh.Handler(http.NotFoundHandler())
	refuse("certificate not fetched", 503, post(intent()))
	refuse("certificate not fetched, forged body", 503, func() *http.Request {
		r := post(intent())
		r.Header = signed([]byte("another"))
		return r
	}())
	refuse("certificate not fetched, another skill", 400, post(otherSkill()))
}

// A caller who leaves ends the wait for a certificate.
func TestHandlerWhenTheCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		slow(b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		w := httptest.NewRecorder()
		b.Handler(http.NotFoundHandler()).ServeHTTP(w, post(intent()).WithContext(ctx))
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, time.Second, time.Since(start))
		time.Sleep(4 * time.Second) // until the fetch ends
	})
}

func TestReadLimitsTheBody(t *testing.T) {
	b := newBench()
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
		require.NoError(t, err, "a megabyte by default")
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

// The log says which check failed, and contains nothing of the request.
func TestLog(t *testing.T) {
	b := newBench()
	var log bytes.Buffer
	b.Logger = slog.New(slog.NewTextHandler(&log, nil))
	r := post(otherSkill())
	b.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	require.Contains(t, log.String(), signature.ErrSkill.Error()+": amzn1.ask.skill.other is not in Verifier.Skills, which lists 1")
	require.NotContains(t, log.String(), "amzn1.ask.account")
	require.NotContains(t, log.String(), r.Header.Get("Signature-256"))
	require.Contains(t, log.String(), "level=INFO", "anyone can cause it")

	log.Reset()
	b.host.Respond = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	b.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), post(intent()))
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "no route")
}

// A skill ID is shown only if it has the form of one.
func TestSkillIDsThatAreNotShown(t *testing.T) {
	b := newBench()
	for id, shown := range map[string]bool{
		"amzn1.ask.skill.0f1e2d3c-4b5a-4978-8877-665544332211":        true,
		"amzn1.echo-sdk-ams.app.0f1e2d3c-4b5a-4978-8877-665544332211": true,
		"amzn1.ask.skill.a\u000ab":                                    false,
		"amzn1.ask.skill.A":                                           false,
		"Atza|token":                                                  false,
		"amzn1." + strings.Repeat("a", 95):                            false,
		"amzn1." + strings.Repeat("a", 2000):                          false,
		"":                                                            false,
	} {
		err := b.verify(bytes.Replace(intent(), []byte(skillID), []byte(id), 1))
		require.Error(t, err)
		require.Equal(t, shown, id != "" && strings.Contains(err.Error(), id), err)
	}
}

func TestHandlerAcceptsPOSTOnly(t *testing.T) {
	b := newBench()
	var seen []error
	b.Observe = func(_ context.Context, o signature.Observation) { seen = append(seen, o.Err) }
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodOptions, http.MethodDelete} {
		r := post(intent())
		r.Method = method
		w := httptest.NewRecorder()
		b.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") })).ServeHTTP(w, r)
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
		require.ErrorIs(t, seen[len(seen)-1], signature.ErrMethod)
	}
	require.Len(t, seen, 5)
}

// Without skills every request is refused, in a way that makes Alexa deliver
// again and that shows in the log, but does not fill it.
func TestHandlerWithoutSkills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.Skills = nil
		var log bytes.Buffer
		b.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		serve := func() int {
			w := httptest.NewRecorder()
			b.Handler(http.NotFoundHandler()).ServeHTTP(w, post(intent()))
			return w.Code
		}
		for range 3 {
			require.Equal(t, http.StatusInternalServerError, serve())
		}
		require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
		require.Equal(t, 2, strings.Count(log.String(), "level=DEBUG"), "a record for each request")
		require.Equal(t, 3, strings.Count(log.String(), "Verifier.Skills is not set"))
		time.Sleep(time.Minute)
		require.Equal(t, http.StatusInternalServerError, serve())
		require.Equal(t, 2, strings.Count(log.String(), "level=ERROR"))
		require.Empty(t, b.host.Calls())
	})
}

// An attacker who announces a large body and sends none costs little memory.
func TestContentLengthAllocatesLittle(t *testing.T) {
	b := newBench()
	const requests = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests {
		r := &http.Request{Method: http.MethodPost, Header: forged, Body: io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)), ContentLength: 1 << 20}
		_, err := b.Read(r)
		require.ErrorIs(t, err, signature.ErrBody)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/requests, uint64(64<<10))
}

var forged = http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {strings.Repeat("A", 340) + "AA=="}}
