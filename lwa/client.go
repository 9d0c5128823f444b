package lwa

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/alexaevents/alexaevents"
)

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

// Token is what LWA answers.
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
	return c.exchange(ctx, c.config(), code)
}

// Refresh trades a refresh token for a new access token. Its errors are
// *[Error]; [ErrInvalidGrant] alone proves that the refresh token is dead.
//
// [Source.Token] does this when it is due, and stores the outcome.
func (c *Client) Refresh(ctx context.Context, refreshToken alexaevents.Secret) (Token, error) {
	return c.token(ctx, refreshToken, func(ctx context.Context) (*oauth2.Token, error) {
		return c.config().TokenSource(ctx, &oauth2.Token{RefreshToken: string(refreshToken)}).Token()
	})
}

// ClientCredentials gets an access token of the skill itself for one scope. Its
// errors are *[Error].
//
// [ClientCredentials.Token] does this when it is due.
func (c *Client) ClientCredentials(ctx context.Context, scope string) (Token, error) {
	if scope == "" {
		return Token{}, errors.New("lwa: client credentials without a scope")
	}
	return c.token(ctx, alexaevents.Secret(c.Secret), func(ctx context.Context) (*oauth2.Token, error) {
		config := c.config()
		credentials := clientcredentials.Config{
			ClientID:     config.ClientID,
			ClientSecret: config.ClientSecret,
			TokenURL:     config.Endpoint.TokenURL,
			AuthStyle:    config.Endpoint.AuthStyle,
			Scopes:       []string{scope},
		}
		token, err := credentials.Token(ctx)
		if err == nil && !token.Expiry.IsZero() { // the package leaves ExpiresIn out
			token.ExpiresIn = int64(time.Until(token.Expiry).Round(time.Second) / time.Second)
		}
		return token, err
	})
}

func (c *Client) exchange(ctx context.Context, config *oauth2.Config, code alexaevents.Secret, options ...oauth2.AuthCodeOption) (Token, error) {
	return c.token(ctx, code, func(ctx context.Context) (*oauth2.Token, error) {
		token, err := config.Exchange(ctx, string(code), options...)
		if err == nil && token.RefreshToken == "" {
			err = errUnusable
		}
		return token, err
	})
}

// config is the client as package oauth2 sees it: credentials in the body, never
// in a header, and never tried both ways.
func (c *Client) config() *oauth2.Config {
	return &oauth2.Config{
		ClientID:     c.ID,
		ClientSecret: c.Secret,
		Endpoint: oauth2.Endpoint{
			AuthURL:   c.authURL(),
			TokenURL:  c.apiURL() + "/auth/o2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// token runs one token request of package oauth2. The secret is the one that the
// request sends beside the client's.
func (c *Client) token(ctx context.Context, secret alexaevents.Secret, ask func(context.Context) (*oauth2.Token, error)) (Token, error) {
	if err := c.check(); err != nil {
		return Token{}, err
	}
	if secret == "" {
		return Token{}, fmt.Errorf("%w: it is empty", ErrInvalidGrant)
	}
	var token *oauth2.Token
	err := c.call(ctx, string(secret), func(ctx context.Context, client *http.Client) (err error) {
		token, err = ask(context.WithValue(ctx, oauth2.HTTPClient, client))
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return Token{
		AccessToken:  alexaevents.Secret(token.AccessToken),
		RefreshToken: alexaevents.Secret(token.RefreshToken),
		ExpiresIn:    seconds(token.ExpiresIn),
	}, nil
}

// seconds is a lifetime; what cannot be one is unknown.
func seconds(n int64) time.Duration {
	if n < 0 || n > math.MaxInt32 {
		return 0
	}
	return time.Duration(n) * time.Second
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
