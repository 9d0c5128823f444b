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
	attemptTime = 10 * time.Second // for one request
	maxAnswer   = 64 << 10         // bytes of a response; what lies behind is not read
)

// delivery is the sending of one message to one grant.
type delivery struct {
	sender  *Sender
	grant   lwa.Grant
	message *message

	id       string             // of the message, at all attempts; empty before the first
	once     bool               // whoever calls retries
	token    alexaevents.Secret // for the next attempt; empty if it has to be got
	refused  alexaevents.Secret // the token that Alexa refused; empty before it did
	attempts int
	status   int // of the last response; zero without one

	retryAfter time.Duration // how long the last response asks to wait
}

// run makes attempts until Alexa accepts the message or there is no point in
// another.
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
	for resent := 1; ; resent++ {
		err := d.try(ctx, client)
		if err == nil || d.once || !d.mayResend(err) || !rest.Pause(ctx, resent, d.retryAfter) {
			return err
		}
	}
}

// try makes an attempt, and another one if Alexa refuses the access token of the
// first.
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
		return failure // there is no other
	}
	return d.try(ctx, client)
}

// authorize gets an access token if there is none, another one than Alexa
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

// mayResend tells whether what failed may pass, and Alexa may get the message
// again if it got it.
func (d *delivery) mayResend(err error) bool {
	var failure *Error
	switch {
	case !errors.As(err, &failure):
	case failure.Status == http.StatusUnauthorized: // there is no other token for a minute
		return false
	case !d.message.repeatable && !d.sender.ResendMomentary && !failure.unaccepted():
		return false
	}
	return errors.Is(err, ErrTemporary)
}

// attempt makes one request. It returns why Alexa did not accept the message, nil
// if it did.
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
		_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // the connection is then fit for the next request
		return nil
	}
	var answer struct {
		Payload struct{ Code, Description string }
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	_ = json.Unmarshal(body, &answer) // it may be a proxy's HTML, or cut off
	d.retryAfter = rest.RetryAfter(response.Header)
	return &Error{
		Status:      d.status,
		Code:        redact.Text(answer.Payload.Code, string(d.token)),
		Description: redact.Text(answer.Payload.Description, string(d.token)),
		RequestID:   redact.Text(response.Header.Get("X-Amzn-Requestid"), string(d.token)),
		RetryAfter:  d.retryAfter,
		unconfirmed: d.grant.ConfirmedAt.IsZero(),
		young:       d.young(),
	}
}

// settleTime is how long the gateway may take to know a new grant. That it takes
// a moment was seen, Amazon does not document it.
const settleTime = time.Minute

// young tells whether the grant is new: no event of it was ever accepted, and its
// tokens were issued a moment ago.
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

// client is the Sender's with the redirects switched off: the token goes to
// Amazon's own host only.
func (s *Sender) client() *http.Client { return rest.HTTPClient(s.HTTPClient) }
