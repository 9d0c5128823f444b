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
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/internal/text"
)

const tokenPath = "/auth/o2/token" //nolint:gosec // a path, and no token

// Client makes the requests of one LWA client. It keeps nothing between them and
// is safe for concurrent use; its fields must not change once it is in use. It
// prints without its secret.
//
// For the event gateway, ID and Secret are those under "Alexa Skill Messaging"
// on the skill's Permissions page, not those of account linking. A prefix such
// as "amzn1.oa2-cs.v1." is a part of the secret.
type Client struct {
	ID     string // client ID; required
	Secret string // client secret; required

	// HTTPClient makes the requests, and those of [Source.HTTPClient]. A
	// request to LWA follows no redirect and takes no longer than 10 seconds
	// whatever its settings. Nil is a client that uses no proxy and gives up
	// after 30 seconds.
	HTTPClient *http.Client

	// APIURL is the base URL of the token endpoint and the profile. Alexa uses
	// one for all its regions, so do not derive it from a customer's. Empty is
	// https://api.amazon.com.
	APIURL string

	// AuthURL is the page on which people consent. Empty is
	// https://www.amazon.com/ap/oa.
	AuthURL string
}

// Token is what a token request returns.
type Token struct {
	AccessToken alexaevents.Secret

	// RefreshToken is the one to keep from now on: the new one, or where Amazon
	// gives none to a refresh, the one that was sent. Client credentials need none.
	RefreshToken alexaevents.Secret

	// ExpiresIn is how long the access token lasts, counted from before the
	// request. Zero means that Amazon did not say.
	ExpiresIn time.Duration
}

// Exchange trades the code of an AcceptGrant directive for tokens. A code works
// once, within about five minutes; a failed try may burn it. Its errors are
// *[Error]; [ErrInvalidGrant] is the one for a code that does not work.
//
// [Source.Exchange] does this and stores the grant.
func (c *Client) Exchange(ctx context.Context, code alexaevents.Secret) (Token, error) {
	return c.exchange(ctx, url.Values{"code": {string(code)}})
}

// Refresh trades a refresh token for a new access token. Its errors are
// *[Error]; [ErrInvalidGrant] alone proves that the refresh token is dead.
//
// [Source.Token] does this when it is due, and stores the outcome.
func (c *Client) Refresh(ctx context.Context, refreshToken alexaevents.Secret) (Token, error) {
	token, err := c.token(ctx, "refresh_token", url.Values{"refresh_token": {string(refreshToken)}}, refreshToken)
	if err == nil && token.RefreshToken == "" {
		token.RefreshToken = refreshToken
	}
	return token, err
}

// ClientCredentials gets an access token of the skill itself for one scope. Its
// errors are *[Error].
//
// [ClientCredentials.Token] does this when it is due.
func (c *Client) ClientCredentials(ctx context.Context, scope string) (Token, error) {
	if scope == "" {
		return Token{}, errors.New("lwa: client credentials without a scope")
	}
	return c.token(ctx, "client_credentials", url.Values{"scope": {scope}}, alexaevents.Secret(c.Secret))
}

// exchange trades the code of the form for tokens.
func (c *Client) exchange(ctx context.Context, form url.Values) (Token, error) {
	token, err := c.token(ctx, "authorization_code", form, alexaevents.Secret(form.Get("code")))
	if err == nil && token.RefreshToken == "" {
		return Token{}, &Error{Status: http.StatusOK, cause: errUnusable, words: errUnusable.Error()}
	}
	return token, err
}

// token makes a token request. The secret is the one that the form has beside
// the client's.
func (c *Client) token(ctx context.Context, grantType string, form url.Values, secret alexaevents.Secret) (Token, error) {
	if err := c.check(); err != nil {
		return Token{}, err
	}
	if secret == "" {
		return Token{}, fmt.Errorf("%w: it is empty", ErrInvalidGrant)
	}
	form.Set("grant_type", grantType)
	form.Set("client_id", c.ID)
	form.Set("client_secret", c.Secret) // in the body, as in all of Amazon's examples, and not in a header
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.apiURL()+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return Token{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer tokenAnswer
	if err := c.call(request, &answer, secret); err != nil {
		return Token{}, err
	}
	return answer.token(), nil
}

func (c *Client) check() error {
	switch {
	case c.ID == "":
		return errors.New("lwa: Client without ID")
	case c.Secret == "":
		return errors.New("lwa: Client without Secret")
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

// redacted is what of a Client may be printed.
type redacted struct {
	ID     string
	Secret alexaevents.Secret
}

func (c Client) redacted() redacted { return redacted{c.ID, alexaevents.Secret(c.Secret)} }

// Format prints the client ID, and [redacted] for the secret.
func (c Client) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), c.redacted())
}

// LogValue is the redacted form for log/slog.
func (c Client) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.Any("secret", alexaevents.Secret(c.Secret)))
}

// MarshalText is the redacted form for encoding/json and its kin.
func (c Client) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }

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
	return !isBlank(token) && len(token) <= maxToken && text.Storable(string(token)) &&
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
