package lwa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

const tokenPath = "/auth/o2/token" //nolint:gosec // a path, not a token

// Client makes requests to Login with Amazon. It keeps no tokens and is safe for
// concurrent use; its fields must not change once it is in use. It prints without
// its secret.
//
// For the event gateway, ID and Secret are those under "Alexa Skill Messaging" on
// the skill's Permissions page, not those of account linking. A prefix such as
// "amzn1.oa2-cs.v1." is part of the secret.
type Client struct {
	ID     string // client ID; required
	Secret string // client secret; empty for a public client, see [Client.ExchangeCallback]

	// HTTPClient makes the requests of the Client and of [Source.HTTPClient].
	// Whatever its settings, requests to LWA follow no redirect and end after 10
	// seconds. Nil is a client with a timeout of 30 seconds that uses no proxy.
	HTTPClient *http.Client

	// APIURL is the base URL of the token endpoint and of the profile. It is the
	// same for the customers of all regions. Empty is https://api.amazon.com.
	APIURL string

	// AuthURL is the page on which a person consents. Empty is
	// https://www.amazon.com/ap/oa.
	AuthURL string
}

// Token is the result of a token request.
type Token struct {
	AccessToken alexaevents.Secret

	// RefreshToken is the refresh token to store from now on. If Amazon's response
	// to a refresh has none, it is the one that was sent. It is empty for client
	// credentials, and for a public client unless Amazon sends one.
	RefreshToken alexaevents.Secret

	// ExpiresIn is the lifetime of the access token, counted from the start of
	// the request; zero if Amazon did not say.
	ExpiresIn time.Duration
}

// Exchange exchanges the authorization code of an AcceptGrant directive for
// tokens. A code works once, for about five minutes; a failed request may use it
// up. The errors are *[Error], with [ErrInvalidGrant] for an invalid code.
//
// [Source.Exchange] also stores the grant.
func (c *Client) Exchange(ctx context.Context, code alexaevents.Secret) (Token, error) {
	if c.Secret == "" {
		return Token{}, errNoSecret
	}
	return c.exchange(ctx, url.Values{"code": {string(code)}})
}

// Refresh gets a new access token for a refresh token. The errors are *[Error].
// Only [ErrInvalidGrant] proves that the refresh token has ended.
//
// [Source.Token] does this when necessary, and stores the tokens.
func (c *Client) Refresh(ctx context.Context, refreshToken alexaevents.Secret) (Token, error) {
	if c.Secret == "" {
		return Token{}, errNoSecret
	}
	token, err := c.token(ctx, "refresh_token", url.Values{"refresh_token": {string(refreshToken)}}, refreshToken)
	if err == nil && token.RefreshToken == "" {
		token.RefreshToken = refreshToken
	}
	return token, err
}

// ClientCredentials gets an access token of the skill itself for one scope. The
// errors are *[Error].
//
// [ClientCredentials.Token] does this when necessary.
func (c *Client) ClientCredentials(ctx context.Context, scope string) (Token, error) {
	switch {
	case c.Secret == "":
		return Token{}, errNoSecret
	case scope == "":
		return Token{}, errors.New("lwa: client credentials need a scope")
	}
	return c.token(ctx, "client_credentials", url.Values{"scope": {scope}}, alexaevents.Secret(c.Secret))
}

// exchange exchanges the code in the form for tokens.
func (c *Client) exchange(ctx context.Context, form url.Values) (Token, error) {
	token, err := c.token(ctx, "authorization_code", form, alexaevents.Secret(form.Get("code")))
	if err == nil && token.RefreshToken == "" && c.Secret != "" {
		return Token{}, &Error{Status: http.StatusOK, cause: errUnusable, words: errUnusable.Error()}
	}
	return token, err
}

var errNoSecret = errors.New("lwa: Client.Secret is empty")

// token makes a token request. The secret is the one in the form beside the
// client's.
func (c *Client) token(ctx context.Context, grantType string, form url.Values, secret alexaevents.Secret) (Token, error) {
	if err := c.check(); err != nil {
		return Token{}, err
	}
	if secret == "" {
		return Token{}, fmt.Errorf("%w: it is empty", ErrInvalidGrant)
	}
	form.Set("grant_type", grantType)
	form.Set("client_id", c.ID)
	if c.Secret != "" {
		form.Set("client_secret", c.Secret) // in the body, as in Amazon's examples
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.apiURL()+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return Token{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var response tokenResponse
	if err := c.call(request, &response, secret); err != nil {
		return Token{}, err
	}
	return response.token(), nil
}

func (c *Client) check() error {
	if c.ID == "" {
		return errors.New("lwa: Client.ID is empty")
	}
	if u, err := url.Parse(c.apiURL()); err != nil || u.Scheme != "https" || u.Host == "" {
		return errors.New("lwa: Client.APIURL is not an https URL")
	}
	return nil
}

func (c *Client) apiURL() string {
	if c.APIURL == "" {
		return "https://api.amazon.com"
	}
	return strings.TrimSuffix(c.APIURL, "/")
}

func (c *Client) authURL() string {
	if c.AuthURL == "" {
		return "https://www.amazon.com/ap/oa"
	}
	return c.AuthURL
}

// redacted is the printable part of a Client.
type redacted struct {
	ID     string
	Secret alexaevents.Secret
}

func (c Client) redacted() redacted { return redacted{c.ID, alexaevents.Secret(c.Secret)} }

// Format prints the client ID, and [redacted] in place of the secret.
func (c Client) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), c.redacted())
}

// LogValue is the redacted form for log/slog.
func (c Client) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.Any("secret", alexaevents.Secret(c.Secret)))
}

// MarshalText is the redacted form for encoders such as encoding/json.
func (c Client) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }

const (
	requestTime = 10 * time.Second // for one request to LWA
	maxResponse = 64 << 10         // bytes of a response body; tokens have at most 2 KiB each
	maxToken    = 4096             // bytes of a token that every Store keeps
)

var errUnusable = errors.New("the body is too long or lacks the requested members")

// body is the body of a successful response.
type body interface {
	usable() bool // has what was requested
}

// call makes a request and decodes the body of a successful response of any
// Content-Type. The errors are *[Error]; their text contains no secret of the client
// or the request.
func (c *Client) call(request *http.Request, into body, secret alexaevents.Secret) error {
	ctx, cancel := context.WithTimeout(request.Context(), requestTime)
	defer cancel()
	var failure *Error
	err := rest.Catch(func() error {
		failure = c.do(request.WithContext(ctx), into)
		return nil
	})
	if err != nil { // a panic of HTTPClient
		failure = &Error{cause: err}
	}
	if failure != nil {
		return failure.clean(c.Secret, string(secret))
	}
	return nil
}

func (c *Client) do(request *http.Request, into body) *Error {
	response, err := rest.HTTPClient(c.HTTPClient).Do(request)
	if err != nil {
		if urlErr, ok := errors.AsType[*url.Error](err); ok {
			err = urlErr.Err // without the URL, whose query may contain a token
		}
		return &Error{cause: err}
	}
	defer response.Body.Close()
	failure := &Error{
		Status:     response.StatusCode,
		RequestID:  response.Header.Get("x-amzn-RequestId"),
		RetryAfter: rest.RetryAfter(response.Header),
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	switch {
	case err != nil:
		failure.cause = err
	case len(data) > maxResponse:
		failure.cause = errUnusable
	case failure.read(data) || failure.Status < 200 || failure.Status > 299:
	case json.Unmarshal(data, into) != nil || !into.usable(): // the error of Unmarshal may contain a token
		failure.cause = errUnusable
	default:
		return nil
	}
	return failure
}

// read reads the OAuth error in a body and reports whether there is one. The
// member "error" decides, not the status: Amazon's documents disagree on the
// statuses.
func (e *Error) read(data []byte) bool {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members) // a body that is not a JSON object has no members
	text := func(name string) (text string) {
		_ = json.Unmarshal(members[name], &text) // empty if it is not a string
		return text
	}
	e.Code, e.Description = text("error"), text("error_description")
	if id := text("request_id"); id != "" {
		e.RequestID = id
	}
	return e.Code != ""
}

// tokenResponse is the body of the response to a token request.
type tokenResponse struct {
	AccessToken  alexaevents.Secret `json:"access_token"`
	RefreshToken alexaevents.Secret `json:"refresh_token"`
	ExpiresIn    json.RawMessage    `json:"expires_in"`
}

func (r *tokenResponse) usable() bool {
	return isToken(r.AccessToken) && (isBlank(r.RefreshToken) || isToken(r.RefreshToken))
}

func (r *tokenResponse) token() Token {
	if isBlank(r.RefreshToken) {
		r.RefreshToken = ""
	}
	return Token{r.AccessToken, r.RefreshToken, seconds(r.ExpiresIn)}
}

func isBlank(token alexaevents.Secret) bool { return strings.TrimSpace(string(token)) == "" }

// isToken reports whether a text can be sent in a header and stored.
func isToken(token alexaevents.Secret) bool {
	return !isBlank(token) && len(token) <= maxToken && redact.Storable(string(token)) &&
		!strings.ContainsFunc(string(token), unicode.IsControl)
}

// seconds reads a lifetime: a JSON number or a string with one. It returns zero,
// for unknown, if it is neither, not positive or longer than 68 years.
func seconds(value json.RawMessage) time.Duration {
	n, err := strconv.ParseFloat(strings.Trim(string(value), `" `), 64)
	if err != nil || !(n > 0 && n <= math.MaxInt32) {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
