package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/resend"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	attemptTime = 10 * time.Second // for one request
	maxAnswer   = 64 << 10         // bytes of an answer; what lies behind is not read
)

// defaultClient follows no environment variable to a proxy.
var defaultClient = &http.Client{Transport: func() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxIdleConnsPerHost = transport.MaxIdleConns // three hosts in all
	return transport
}()}

// delivery is the sending of one message to one grant.
type delivery struct {
	sender   *Sender
	grant    lwa.Grant
	message  *message
	attempts int
}

// run makes attempts until Alexa accepts the message or there is no point in
// another. All have the same message ID.
func (d *delivery) run(ctx context.Context) error {
	if d.grant.Region.APIEndpoint() == "" {
		return fmt.Errorf("%w: the grant has no region", ErrMisconfigured)
	}
	token, err := d.sender.Tokens.GrantToken(ctx, d.grant)
	if err != nil {
		return tokenError(err)
	}
	id, err := newMessageID()
	if err != nil {
		return err
	}
	client := d.sender.client()
	renewed := false
	for resent := 0; ; {
		failure, header := d.attempt(ctx, client, id, token)
		switch {
		case failure == nil:
			return nil
		case failure.Status == http.StatusUnauthorized && !renewed:
			renewed = true
			if token, err = d.sender.Tokens.Renew(ctx, d.grant.Key, token); err != nil {
				return tokenError(err)
			}
		default:
			resent++
			if !d.mayResend(failure) || !resend.Pause(ctx, resent, header) {
				return failure
			}
		}
	}
}

// mayResend tells whether the failure may pass and Alexa may get the message
// again, if it did get it.
func (d *delivery) mayResend(failure *Error) bool {
	switch failure.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true // Alexa says that it did not accept it
	}
	return failure.Is(ErrUnavailable) && (d.message.repeatable || d.sender.ResendMomentary)
}

// attempt makes one request. If Alexa does not accept the message, it returns
// the failure, and the header of the answer if there was one.
func (d *delivery) attempt(ctx context.Context, client *http.Client, id string, token alexaevents.Secret) (*Error, http.Header) {
	d.attempts++
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	response, err := d.post(ctx, client, id, token)
	if err != nil {
		return &Error{cause: err, words: redact.Text(err.Error(), string(token))}, nil
	}
	defer response.Body.Close()
	if response.StatusCode >= 200 && response.StatusCode <= 299 {
		_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // the connection is then fit for the next request
		return nil, nil
	}
	var answer struct {
		Payload struct{ Code, Description string }
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	_ = json.Unmarshal(body, &answer) // it may be a proxy's HTML, or cut off
	return &Error{
		Status:      response.StatusCode,
		Code:        redact.Text(answer.Payload.Code, string(token)),
		Description: redact.Text(answer.Payload.Description, string(token)),
		RequestID:   redact.Text(response.Header.Get("X-Amzn-Requestid"), string(token)),
		unconfirmed: d.grant.ConfirmedAt.IsZero(),
	}, response.Header
}

func (d *delivery) post(ctx context.Context, client *http.Client, id string, token alexaevents.Secret) (*http.Response, error) {
	body, err := d.message.encode(id, string(token))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.grant.Region.APIEndpoint()+"/v3/events", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	request.Header.Set("Content-Type", "application/json")
	return client.Do(request)
}

// client is the Sender's with the redirects switched off: the token goes to
// Amazon's own host only.
func (s *Sender) client() *http.Client {
	client := *defaultClient
	if s.HTTPClient != nil {
		client = *s.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}
