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

// Profile is what a person who consented to [ScopeProfile] or its like lets a
// client know. What the scope does not cover is empty.
type Profile struct {
	UserID     string `json:"user_id"` // such as amzn1.account.…; another one for each security profile
	Name       string `json:"name"`
	Email      string `json:"email"`
	PostalCode string `json:"postal_code"`
}

// Profile returns the profile of whom the access token stands for. Its errors
// are *[Error]. The tokens of the event gateway have no profile.
func (c *Client) Profile(ctx context.Context, accessToken alexaevents.Secret) (Profile, error) {
	var answer profileAnswer
	err := c.get(ctx, "/user/profile", accessToken, &answer, func(request *http.Request) {
		request.Header.Set("Authorization", "Bearer "+string(accessToken))
	})
	if err != nil {
		return Profile{}, err
	}
	return Profile(answer), nil
}

type profileAnswer Profile

func (a *profileAnswer) usable() bool { return a.UserID != "" }

// TokenInfo is what LWA knows about an access token.
type TokenInfo struct {
	UserID    string
	AppID     string        // the security profile, such as amzn1.application.…
	ExpiresIn time.Duration // zero if Amazon did not say
}

// TokenInfo returns what LWA knows about an access token that somebody
// presented, after it made sure that the token was made for this client:
// [ErrAudience] says that it was not. Its other errors are *[Error].
func (c *Client) TokenInfo(ctx context.Context, accessToken alexaevents.Secret) (TokenInfo, error) {
	var info infoAnswer
	err := c.get(ctx, "/auth/o2/tokeninfo", accessToken, &info, func(request *http.Request) {
		request.URL.RawQuery = url.Values{"access_token": {string(accessToken)}}.Encode()
	})
	if err != nil {
		return TokenInfo{}, err
	}
	if info.Audience != c.ID {
		return TokenInfo{}, ErrAudience
	}
	return TokenInfo{UserID: info.UserID, AppID: info.AppID, ExpiresIn: seconds(info.ExpiresIn)}, nil
}

type infoAnswer struct {
	Audience  string          `json:"aud"`
	UserID    string          `json:"user_id"`
	AppID     string          `json:"app_id"`
	ExpiresIn json.RawMessage `json:"exp"` // seconds left, not an instant
}

func (a *infoAnswer) usable() bool { return true } // ErrAudience refuses one without audience

func (c *Client) get(ctx context.Context, path string, accessToken alexaevents.Secret, answer usable, authorize func(*http.Request)) error {
	if err := c.check(); err != nil {
		return err
	}
	if accessToken == "" {
		return errors.New("lwa: no access token")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.apiURL()+path, nil)
	if err != nil {
		return err
	}
	authorize(request)
	return c.call(request, answer, accessToken)
}
