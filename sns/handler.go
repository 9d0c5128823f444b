package sns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/alexaevents/alexaevents/internal/redact"
)

const maxBody = 1 << 20

// The headers of SNS. They are not signed.
const (
	typeHeader  = "X-Amz-Sns-Message-Type"
	idHeader    = "X-Amz-Sns-Message-Id"
	topicHeader = "X-Amz-Sns-Topic-Arn"
	rawHeader   = "X-Amz-Sns-Rawdelivery"
)

// Handler receives messages over HTTP. It confirms the subscriptions of its
// endpoint to the topics that its verifier lists. It never renews a subscription
// that has ended.
//
// The response has no body. Its status is
//
//   - 200 after Receive returned nil, or the subscription was confirmed;
//   - 500 if Receive failed or for [ErrMisconfigured], so that SNS retries;
//   - 503 if the certificate could not be fetched or the subscription could not
//     be confirmed, for the same reason;
//   - 401 if UnverifiedRaw returned [ErrUnauthorized];
//   - 405 if the method is not POST;
//   - 400 otherwise, after which SNS gives up.
//
// SNS waits 15 seconds for a response.
//
// A Handler is safe for concurrent use; its fields must not change once it is in
// use.
type Handler struct {
	// Verifier verifies the messages and confirms subscriptions. Required: nil,
	// and one without Topics, is [ErrMisconfigured] for every message.
	Verifier *Verifier

	// UnverifiedRaw accepts or refuses the messages of subscriptions with raw
	// message delivery. They have no signature, so it must find the proof in the
	// request: credentials, or a secret in the URL. It must not read the body. An
	// error refuses the message. After nil, Receive gets a message with the ID and
	// the TopicArn of the unsigned headers, if that topic is listed, and with a
	// zero Timestamp.
	//
	// SNS sends the credentials of an endpoint such as
	// https://user:password@backend.example/sns only after a response of 401.
	// Return [ErrUnauthorized] for a request without them. Nil refuses every raw
	// message.
	UnverifiedRaw func(*http.Request) error

	// MaxBody is the size of the largest request body in bytes. Zero or less is
	// 1 MiB, four times the size of the largest message.
	MaxBody int64

	// Receive is called for each notification, by several goroutines at once. The
	// notification is acknowledged after it returned nil. Required: nil is
	// [ErrMisconfigured] for every message.
	Receive func(context.Context, *Message) error

	// Logger receives one record for each message that is not acknowledged, and
	// for each subscription that begins or ends. [ErrMisconfigured] is logged at
	// Error, at most once a minute, and otherwise at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called at the end of each request, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	misuse redact.Throttle
}

// ServeHTTP handles one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, start := r.Context(), time.Now()
	receiver := &receiver{h.Verifier, h.Verifier, h.Receive, report{h.Logger, h.Observe, &h.misuse}}
	m, err := h.read(w, r)
	if err == nil {
		err = receiver.deliver(ctx, m)
	}
	code := status(m, err)
	switch code {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="sns"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(code)
	level := slog.LevelInfo // anyone can cause these
	if code == http.StatusUnauthorized && r.Header.Get("Authorization") == "" {
		level = slog.LevelDebug // how SNS begins each delivery
	}
	receiver.end(ctx, m, start, level, err, slog.Int("http.status", code))
}

// status is the status of the response: an error of the caller, unless Receive, a
// request to SNS or the configuration failed. The message is nil if it was not
// accepted.
func status(m *Message, err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case m != nil && m.Type == Notification: // with any error of Receive
		return http.StatusInternalServerError
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed
	case errors.Is(err, ErrMisconfigured):
		return http.StatusInternalServerError
	case errors.Is(err, ErrFetch), errors.Is(err, ErrConfirm):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrUnauthorized):
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

// read reads and verifies the message of a request.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (*Message, error) {
	switch {
	case r.Method != http.MethodPost:
		return nil, errMethod
	case h.Verifier == nil:
		return nil, notSet("Handler.Verifier", "set it to a Verifier that lists the topics")
	case len(h.Verifier.Topics) == 0:
		return nil, notSet("Handler.Verifier.Topics", "list the ARNs of the topics")
	case h.Receive == nil:
		return nil, notSet("Handler.Receive", "set it to the function that receives messages")
	}
	raw := r.Header.Get(rawHeader) == "true"
	if raw {
		if h.UnverifiedRaw == nil {
			return nil, ErrRaw
		}
		if err := h.UnverifiedRaw(r); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRaw, err)
		}
	}
	limit := h.MaxBody
	if limit <= 0 {
		limit = maxBody
	}
	var data []byte
	if r.Body != nil {
		var err error
		if data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBody, err)
		}
	}
	if raw {
		return rawMessage(h.Verifier.Topics, r.Header, data)
	}
	m, err := h.Verifier.Verify(r.Context(), data)
	if err != nil {
		return nil, err
	}
	if claimed := r.Header.Get(typeHeader); claimed != "" && claimed != m.Type {
		return nil, fmt.Errorf("%w in the type", ErrHeader)
	}
	return m, nil
}

// rawMessage returns a message without an envelope.
func rawMessage(topics []string, header http.Header, data []byte) (*Message, error) {
	m := &Message{Type: header.Get(typeHeader), ID: header.Get(idHeader), TopicArn: header.Get(topicHeader), Message: string(data)}
	if _, err := findTopic(topics, m.TopicArn); err != nil {
		return nil, err
	}
	if m.Type != Notification || !isUUID(m.ID) || !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: a raw message needs the type and ID of a notification in its headers, and a text in UTF-8", ErrMessage)
	}
	return m, nil
}
