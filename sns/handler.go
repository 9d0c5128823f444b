package sns

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"unicode/utf8"
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
// endpoint to the topics that its verifier lists, and never subscribes again
// where one has ended.
//
// The answers have no body and are
//
//   - 200 after Receive returned nil, or the subscription was confirmed;
//   - 500 if Receive failed, so that SNS delivers the message again;
//   - 503 if the certificate could not be fetched or the subscription not be
//     confirmed, for the same reason;
//   - 400 for everything else, which makes SNS give up the message.
//
// SNS waits 15 seconds for an answer.
type Handler struct {
	// Verifier verifies the messages and confirms subscriptions. Nil accepts
	// nothing.
	Verifier *Verifier

	// Receive is called for each notification, by several goroutines at once.
	// The notification is acknowledged once it has returned nil. Nil fails for
	// every notification.
	Receive func(context.Context, *Message) error

	// UnverifiedRaw decides about the messages of subscriptions with raw
	// message delivery. Those have no signature: all that tells them from
	// forgeries is what this function finds in the request, such as a secret in
	// its URL. It must not read the body. An error refuses the message; after
	// nil, Receive gets one whose ID and TopicArn are as the headers claim, the
	// topic being a listed one, and whose Timestamp is zero. Nil refuses every
	// raw message.
	UnverifiedRaw func(*http.Request) error

	// MaxBody is the size of the largest request body in bytes. Zero is 1 MiB,
	// four times the size of the largest message.
	MaxBody int64

	// Logger hears of each request that is not answered with 200, and of
	// subscriptions that begin and end. Nil discards.
	Logger *slog.Logger
}

// ServeHTTP answers one request of SNS.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := h.Verifier
	if v == nil {
		v = new(Verifier)
	}
	m, err := h.read(w, r, v)
	if err != nil {
		h.fail(w, r, status(err), "refused a message", err)
		return
	}
	if err := deliver(r.Context(), v, m, h.Receive); err != nil {
		code := http.StatusInternalServerError
		if m.Type != Notification {
			code = status(err)
		}
		h.fail(w, r, code, "could not receive a message", err)
		return
	}
	switch m.Type {
	case SubscriptionConfirmation:
		logger(h.Logger).InfoContext(r.Context(), "confirmed a subscription", slog.Any("sns.message", m))
	case UnsubscribeConfirmation:
		logger(h.Logger).WarnContext(r.Context(), "a subscription has ended", slog.Any("sns.message", m))
	}
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, code int, text string, err error) {
	level := slog.LevelWarn
	if code == http.StatusBadRequest {
		level = slog.LevelInfo // strangers can cause these at will
	}
	logger(h.Logger).Log(r.Context(), level, text,
		slog.String("alexa.outcome", "refused"), slog.Int("http.status", code), slog.Any("error", err))
	w.WriteHeader(code)
}

// read reads and checks the message that the request carries.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, v *Verifier) (*Message, error) {
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
		return rawMessage(v.Topics, r.Header, data)
	}
	m, err := v.Verify(r.Context(), data)
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
		return nil, fmt.Errorf("%w: nor a raw one", ErrMessage)
	}
	return m, nil
}
