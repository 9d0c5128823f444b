package lwa

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/rest"
)

const (
	requestTime = 10 * time.Second // for one request to LWA
	maxAnswer   = 64 << 10         // bytes of a response body; tokens have at most 2 KiB each
	maxToken    = 4096             // bytes that every Store keeps
)

var errUnusable = errors.New("the answer is not what was asked for")

// usable is the body of a response that may turn out to be of no use.
type usable interface{ usable() bool }

// call makes a request and reads the body of a success, whatever its
// Content-Type, into answer. Its errors are *[Error], in whose text is neither
// the client's secret nor the one that the request sends.
func (c *Client) call(request *http.Request, answer usable, secret alexaevents.Secret) error {
	ctx, cancel := context.WithTimeout(request.Context(), requestTime)
	defer cancel()
	var failure *Error
	err := rest.Catch(func() error {
		failure = c.do(request.WithContext(ctx), answer)
		return nil
	})
	if err != nil { // of the HTTPClient
		failure = &Error{cause: err}
	}
	if failure != nil {
		return failure.clean(c.Secret, string(secret))
	}
	return nil
}

func (c *Client) do(request *http.Request, answer usable) *Error {
	response, err := rest.HTTPClient(c.HTTPClient).Do(request)
	if err != nil {
		if urlErr, ok := errors.AsType[*url.Error](err); ok {
			err = urlErr.Err // without the URL, whose query may hold a token
		}
		return &Error{cause: err}
	}
	defer response.Body.Close()
	failure := &Error{
		Status:     response.StatusCode,
		RequestID:  response.Header.Get("x-amzn-RequestId"),
		RetryAfter: rest.RetryAfter(response.Header),
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		failure.cause = err
	case len(body) > maxAnswer:
		failure.cause = errUnusable
	case failure.read(body) || failure.Status < 200 || failure.Status > 299:
	case json.Unmarshal(body, answer) != nil || !answer.usable(): // the error of Unmarshal may have a token
		failure.cause = errUnusable
	default:
		return nil
	}
	return failure
}

// read reads an OAuth error out of a body, if it has one. The member "error"
// decides, whatever the status: Amazon's documents disagree on the statuses.
func (e *Error) read(body []byte) bool {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // what is not a JSON object has no members
	text := func(name string) (text string) {
		_ = json.Unmarshal(members[name], &text) // what is not text is ""
		return text
	}
	e.Code, e.Description = text("error"), text("error_description")
	if id := text("request_id"); id != "" {
		e.RequestID = id
	}
	return e.Code != ""
}

// tokenAnswer is the body of a response to a token request.
type tokenAnswer struct {
	AccessToken  alexaevents.Secret `json:"access_token"`
	RefreshToken alexaevents.Secret `json:"refresh_token"`
	ExpiresIn    json.RawMessage    `json:"expires_in"`
}

func (a *tokenAnswer) usable() bool {
	return isToken(a.AccessToken) && (isBlank(a.RefreshToken) || isToken(a.RefreshToken))
}

func (a *tokenAnswer) token() Token {
	if isBlank(a.RefreshToken) {
		a.RefreshToken = ""
	}
	return Token{a.AccessToken, a.RefreshToken, seconds(a.ExpiresIn)}
}

func isBlank(token alexaevents.Secret) bool { return strings.TrimSpace(string(token)) == "" }

// isToken tells whether a text can be sent in a header and stored.
func isToken(token alexaevents.Secret) bool {
	return !isBlank(token) && len(token) <= maxToken && redact.Storable(string(token)) &&
		!strings.ContainsFunc(string(token), unicode.IsControl)
}

// seconds reads a lifetime: a JSON number or the text of one. What is neither,
// not positive or longer than 68 years is unknown, which is zero.
func seconds(value json.RawMessage) time.Duration {
	n, err := strconv.ParseFloat(strings.Trim(string(value), `" `), 64)
	if err != nil || !(n > 0 && n <= math.MaxInt32) {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
