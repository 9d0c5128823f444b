package lwa

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"

	"golang.org/x/oauth2"
)

// AuthCodeURL returns the URL of the page on which a developer consents to the
// scopes. Amazon redirects the browser to redirectURI, an https URL that the
// security profile allows.
//
// The verifier is a secret, different in each call. Keep it in the session of the
// browser, and only there, for [Client.ExchangeCallback]. The state and the PKCE
// challenge (S256) in the URL are derived from it.
func (c *Client) AuthCodeURL(redirectURI string, scopes ...string) (consentURL, verifier string) {
	verifier = oauth2.GenerateVerifier()
	config := oauth2.Config{
		ClientID:    c.ID,
		Endpoint:    oauth2.Endpoint{AuthURL: c.authURL()},
		RedirectURL: redirectURI,
		Scopes:      scopes,
	}
	return config.AuthCodeURL(state(verifier), oauth2.S256ChallengeOption(verifier)), verifier
}

// ExchangeCallback exchanges the code in the query of a callback for tokens. The
// verifier and redirectURI are those of [Client.AuthCodeURL]. The errors are
// [ErrCallback] if the callback belongs to another URL, an *[Error] with the code
// "access_denied" if the person did not consent, and those of [Client.Exchange].
//
// A public client, without a Secret, relies on PKCE alone. Amazon documents that it
// gets no refresh token (for the Data Portability API; not known for others).
//
// [Source.Import] stores the refresh token.
func (c *Client) ExchangeCallback(ctx context.Context, redirectURI, verifier string, callback url.Values) (Token, error) {
	if verifier == "" || subtle.ConstantTimeCompare([]byte(callback.Get("state")), []byte(state(verifier))) != 1 {
		return Token{}, ErrCallback
	}
	if code := callback.Get("error"); code != "" {
		return Token{}, (&Error{Code: code, Description: callback.Get("error_description")}).clean(c.Secret, verifier)
	}
	code := callback.Get("code")
	if code == "" {
		return Token{}, fmt.Errorf("%w: the code is missing", ErrCallback)
	}
	return c.exchange(ctx, url.Values{"code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}})
}

// state can be computed only with the verifier, and does not reveal it.
func state(verifier string) string {
	sum := sha256.Sum256([]byte("state:" + verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// The scopes of skills, for [ClientCredentials].
const (
	ScopeProactiveEvents = "alexa::proactive_events"
	ScopeSkillMessaging  = "alexa:skill_messaging" // with a single colon
	ScopeDataStore       = "alexa::datastore"
)

// The scopes of developers, for [Client.AuthCodeURL].
const (
	ScopeSkillsReadWrite      = "alexa::ask:skills:readwrite"
	ScopeModelsReadWrite      = "alexa::ask:models:readwrite"
	ScopeSkillsTest           = "alexa::ask:skills:test"
	ScopeSkillsDebug          = "alexa::ask:skills:debug"
	ScopeCatalogsRead         = "alexa::ask:catalogs:read"
	ScopeCatalogsReadWrite    = "alexa::ask:catalogs:readwrite"
	ScopeSubscriptions        = "alexa::ask:subscriptions"     // skill development notifications
	ScopeEnterpriseManagement = "alexa::enterprise:management" // Smart Properties
	ScopeProfile              = "profile"                      // name, email address and user ID
	ScopeProfileUserID        = "profile:user_id"
	ScopePostalCode           = "postal_code"
)
