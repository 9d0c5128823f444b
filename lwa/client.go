package lwa

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
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
// [Source.Accept] does this and stores the grant.
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
