package sns

import (
	"context"
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
// A response has no body. Its status is
//
//   - 200 after Receive returned nil, or the subscription was confirmed;
//   - 500 if Receive failed, or a field of the Handler is not set, so that SNS
//     retries;
//   - 503 if the certificate could not be fetched or the subscription could not
//     be confirmed, for the same reason;
//   - 401 if UnverifiedRaw returned [ErrUnauthorized];
//   - 405 if the method is not POST;
//   - 400 otherwise, which makes SNS give up the message.
//
// SNS waits 15 seconds for a response.
type Handler struct {
	// Verifier verifies the messages and confirms subscriptions. Nil receives
	// nothing.
	Verifier *Verifier

	// Receive is called for each notification, by several goroutines at once.
	// The notification is acknowledged once it has returned nil. Nil receives
	// nothing.
	Receive func(context.Context, *Message) error

	// UnverifiedRaw decides about the messages of subscriptions with raw message
	// delivery. They have no signature, so only what this function finds in the
	// request tells them from forgeries: credentials, or a secret in the URL. It
	// must not read the body. An error refuses the message. After nil, Receive
	// gets a message whose ID and TopicArn are what the headers claim, the topic
	// being a listed one, and whose Timestamp is zero.
	//
	// SNS sends the credentials of an endpoint such as
	// https://user:password@backend.example/sns only after a response of 401.
	// Return [ErrUnauthorized] for a request that lacks them. Nil refuses every
	// raw message.
	UnverifiedRaw func(*http.Request) error

	// MaxBody is the size of the largest request body in bytes. Zero is 1 MiB,
	// four times the size of the largest message.
	MaxBody int64

	// Logger receives one record for each message that is not acknowledged, and
	// for each subscription that begins or ends. A field that is not set is
	// logged at Error, at most once a minute, and otherwise at Debug. Nil disables
	// logging.
	Logger *slog.Logger

	// Observe is called after each message, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	misused redact.Throttle
}

func (h *Handler) misuse() error {
	switch {
	case h.Verifier == nil:
		return misuse("Handler.Verifier", "set it to a Verifier that lists the topics")
	case len(h.Verifier.Topics) == 0:
		return misuse("Handler.Verifier.Topics", "list the ARNs of the topics")
	case h.Receive == nil:
		return misuse("Handler.Receive", "set it to the function that receives messages")
	}
	return nil
}

// ServeHTTP handles one request of SNS.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	ctx, start := r.Context(), time.Now()
	receiver := &receiver{verifier: h.Verifier, confirm: h.Verifier, receive: h.Receive, logger: h.Logger, observe: h.Observe, misused: &h.misused}
	code := http.StatusOK
	m, err := h.read(w, r)
	if err != nil {
		code = status(err)
	} else if err = receiver.deliver(ctx, m); err != nil {
		code = http.StatusInternalServerError // whatever the error of Receive is
		if m.Type != Notification {
			code = status(err)
		}
	}
	receiver.report(ctx, m, start, err)
	if err != nil {
		receiver.logFailure(ctx, levelOf(code, r), m, err, slog.Int("http.status", code))
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="sns"`)
	}
	w.WriteHeader(code)
}

// levelOf returns the level to log a failure at.
func levelOf(code int, r *http.Request) slog.Level {
	switch {
	case code == http.StatusUnauthorized && r.Header.Get("Authorization") == "":
		return slog.LevelDebug // how SNS begins each delivery
	case code < 500:
		return slog.LevelInfo // strangers can cause these at will
	}
	return slog.LevelWarn
}

// read reads and checks the message that the request carries.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (*Message, error) {
	if err := h.misuse(); err != nil {
		return nil, err
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
	if limit == 0 {
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
		return nil, fmt.Errorf("%w: about the type", ErrHeader)
	}
	return m, nil
}

// rawMessage returns a message without envelope.
func rawMessage(topics []string, header http.Header, data []byte) (*Message, error) {
	m := &Message{Type: header.Get(typeHeader), ID: header.Get(idHeader), TopicArn: header.Get(topicHeader), Message: string(data)}
	if _, err := findTopic(topics, m.TopicArn); err != nil {
		return nil, err
	}
	if m.Type != Notification || !isUUID(m.ID) || !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: a raw message has the type and ID of a notification in its headers, and text in UTF-8", ErrMessage)
	}
	return m, nil
}
