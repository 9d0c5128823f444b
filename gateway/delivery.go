package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	attemptTime = 10 * time.Second // limit for one request
	maxResponse = 64 << 10         // bytes of a response that are read
)

// delivery sends one message to one grant.
type delivery struct {
	sender  *Sender
	grant   lwa.Grant
	message *message

	id       string             // message ID of all attempts; empty before the first
	once     bool               // the caller retries
	token    alexaevents.Secret // access token for the next attempt; empty if authorize must get one
	refused  alexaevents.Secret // access token that Alexa refused; empty without one
	attempts int                // requests to the gateway
	status   int                // HTTP status of the last response; zero without one

	retryAfter time.Duration // Retry-After of the last response
}

// run makes attempts until Alexa accepts the message or a retry cannot help.
func (d *delivery) run(ctx context.Context) error {
	if d.grant.Region.APIEndpoint() == "" {
		return fmt.Errorf("%w: the grant has no region", ErrMisconfigured)
	}
	if d.id == "" {
		id, err := newMessageID()
		if err != nil {
			return err
		}
		d.id = id
	}
	client := d.sender.client()
	for retry := 1; ; retry++ {
		err := d.try(ctx, client)
		if err == nil || d.once || !d.mayRetry(err) || !rest.Pause(ctx, retry, d.retryAfter) {
			return err
		}
	}
}

// try makes an attempt, and another one with a new access token if Alexa refuses the
// token of the first.
func (d *delivery) try(ctx context.Context, client *http.Client) error {
	if err := d.authorize(ctx); err != nil {
		return tokenError(err)
	}
	failure := d.attempt(ctx, client)
	switch {
	case failure == nil:
		return nil
	case failure.Status != http.StatusUnauthorized || d.refused != "":
		return failure
	}
	d.refused, d.token = d.token, ""
	if err := d.authorize(ctx); err != nil {
		return tokenError(err)
	}
	if d.token == d.refused {
		return failure // there is no other token
	}
	return d.try(ctx, client)
}

// authorize gets an access token if there is none. It renews a token that Alexa
// refused.
func (d *delivery) authorize(ctx context.Context) (err error) {
	d.retryAfter = 0
	switch {
	case d.token != "":
	case d.refused != "":
		d.token, err = d.sender.Tokens.Renew(ctx, d.grant.Key, d.refused)
	default:
		d.token, err = d.sender.Tokens.GrantToken(ctx, d.grant)
	}
	if failure, ok := errors.AsType[*lwa.Error](err); ok {
		d.retryAfter = failure.RetryAfter
	}
	return err
}

// mayRetry reports whether the failure is temporary and a duplicate of the message
// would do no harm.
func (d *delivery) mayRetry(err error) bool {
	failure, sent := errors.AsType[*Error](err)
	if sent && failure.Status == http.StatusUnauthorized { // there is no other token for a minute
		return false
	}
	return errors.Is(err, ErrTemporary) && d.sender.mayRepeat(d.message, err)
}

// mayRepeat reports whether Alexa cannot have got the message, or may get it twice.
func (s *Sender) mayRepeat(m *message, err error) bool {
	failure, sent := errors.AsType[*Error](err)
	return !sent || m.repeatable || s.RetryMomentary || failure.unaccepted()
}

// attempt makes one request. It returns nil if Alexa accepted the message.
func (d *delivery) attempt(ctx context.Context, client *http.Client) *Error {
	d.attempts++
	attemptCtx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	response, err := d.post(attemptCtx, client)
	if err != nil {
		failure := &Error{cause: redact.Error(err, string(d.token))}
		if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errShare) {
			failure.ended = ctx.Err()
		}
		return failure
	}
	defer response.Body.Close()
	d.status = response.StatusCode
	if d.status >= 200 && d.status <= 299 {
		_, _ = io.CopyN(io.Discard, response.Body, maxResponse) // so that the connection can be reused
		return nil
	}
	var exception struct {
		Payload struct{ Code, Description string }
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	_ = json.Unmarshal(body, &exception) // it may be truncated, or HTML of a proxy
	d.retryAfter = rest.RetryAfter(response.Header)
	return &Error{
		Status:      d.status,
		Code:        redact.Text(exception.Payload.Code, string(d.token)),
		Description: redact.Text(exception.Payload.Description, string(d.token)),
		RequestID:   redact.Text(response.Header.Get("X-Amzn-Requestid"), string(d.token)),
		RetryAfter:  d.retryAfter,
		unconfirmed: d.grant.ConfirmedAt.IsZero(),
		young:       d.young(),
	}
}

// settleTime is the time until the gateway knows a new grant. Amazon does not
// document that it takes time, but it was observed.
const settleTime = time.Minute

// young reports whether the gateway may not know the grant yet: its tokens are new
// and it has no accepted event.
func (d *delivery) young() bool {
	return d.grant.ConfirmedAt.IsZero() && d.grant.CodeHash != "" && d.sender.now().Sub(d.grant.IssuedAt) < settleTime
}

func (d *delivery) post(ctx context.Context, client *http.Client) (*http.Response, error) {
	body, err := d.message.encode(d.id, string(d.token))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.grant.Region.APIEndpoint()+"/v3/events", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	rest.Fence(request)
	request.Header.Set("Authorization", "Bearer "+string(d.token))
	request.Header.Set("Content-Type", "application/json")
	return client.Do(request)
}

// client returns a client that follows no redirect, so that the token goes to
// Amazon's host only.
func (s *Sender) client() *http.Client { return rest.HTTPClient(s.HTTPClient) }
