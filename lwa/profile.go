package lwa

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/alexaevents/alexaevents"
)

// Profile is the profile of a person who consented to [ScopeProfile],
// [ScopeProfileUserID] or [ScopePostalCode]. Fields that the scope does not cover
// are empty.
type Profile struct {
	UserID     string `json:"user_id"` // such as amzn1.account.…; different for each security profile
	Name       string `json:"name"`
	Email      string `json:"email"`
	PostalCode string `json:"postal_code"`
}

// Profile returns the profile of the person whose access token this is. The errors
// are *[Error]. Access tokens for the event gateway have no profile.
func (c *Client) Profile(ctx context.Context, accessToken alexaevents.Secret) (Profile, error) {
	var response profileResponse
	err := c.get(ctx, "/user/profile", accessToken, &response, func(request *http.Request) {
		request.Header.Set("Authorization", "Bearer "+string(accessToken))
	})
	if err != nil {
		return Profile{}, err
	}
	return Profile(response), nil
}

type profileResponse Profile

func (r *profileResponse) usable() bool { return r.UserID != "" }

// TokenInfo describes an access token.
type TokenInfo struct {
	ClientID  string // client that the token was issued to
	UserID    string
	AppID     string        // security profile, such as amzn1.application.…
	ExpiresIn time.Duration // remaining lifetime; zero if Amazon did not say
}

// TokenInfo describes an access token that an app or a browser presents. The error
// is [ErrAudience] if the token was issued to another client: never sign a user in
// with such a token. Then the result has only the ClientID, for a message to the
// operator. The other errors are *[Error].
func (c *Client) TokenInfo(ctx context.Context, accessToken alexaevents.Secret) (TokenInfo, error) {
	var info infoResponse
	err := c.get(ctx, "/auth/o2/tokeninfo", accessToken, &info, func(request *http.Request) {
		request.URL.RawQuery = url.Values{"access_token": {string(accessToken)}}.Encode()
	})
	if err != nil {
		return TokenInfo{}, err
	}
	if info.Audience != c.ID {
		return TokenInfo{ClientID: info.Audience}, ErrAudience
	}
	return TokenInfo{ClientID: info.Audience, UserID: info.UserID, AppID: info.AppID, ExpiresIn: seconds(info.ExpiresIn)}, nil
}

type infoResponse struct {
	Audience  string          `json:"aud"`
	UserID    string          `json:"user_id"`
	AppID     string          `json:"app_id"`
	ExpiresIn json.RawMessage `json:"exp"` // remaining seconds, not a time
}

func (r *infoResponse) usable() bool { return true } // without an audience it is ErrAudience

func (c *Client) get(ctx context.Context, path string, accessToken alexaevents.Secret, into body, authorize func(*http.Request)) error {
	if err := c.check(); err != nil {
		return err
	}
	if accessToken == "" {
		return errors.New("lwa: the access token is empty")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.apiURL()+path, nil)
	if err != nil {
		return err
	}
	authorize(request)
	return c.call(request, into, accessToken)
}
