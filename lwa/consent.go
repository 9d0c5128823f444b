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
// scopes. Amazon sends the browser back to redirectURI, an https URL that the
// security profile allows.
//
// The verifier is a secret, new with each call: keep it in the session of the
// browser, and nowhere else, for [Client.ExchangeCallback]. Both the state and
// the PKCE challenge (S256) of the URL derive from it.
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

// ExchangeCallback trades the code in the query of a callback for tokens. The
// verifier and redirectURI are those of [Client.AuthCodeURL]. It returns
// [ErrCallback] if the callback answers something else, an *[Error] with the
// code "access_denied" if consent was not given, and else the errors of
// [Client.Exchange].
//
// [Source.Import] takes the refresh token.
func (c *Client) ExchangeCallback(ctx context.Context, redirectURI, verifier string, callback url.Values) (Token, error) {
	if verifier == "" || subtle.ConstantTimeCompare([]byte(callback.Get("state")), []byte(state(verifier))) != 1 {
		return Token{}, ErrCallback
	}
	if code := callback.Get("error"); code != "" {
		return Token{}, (&Error{Code: code, Description: callback.Get("error_description")}).clean(c.Secret, verifier)
	}
	code := callback.Get("code")
	if code == "" {
		return Token{}, fmt.Errorf("%w: it has no code", ErrCallback)
	}
	return c.exchange(ctx, url.Values{"code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}})
}

// state is a value that only who knows the verifier can tell, and from which
// nobody can tell the verifier.
func state(verifier string) string {
	sum := sha256.Sum256([]byte("state:" + verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Scopes of skills, for [ClientCredentials].
const (
	ScopeProactiveEvents = "alexa::proactive_events"
	ScopeSkillMessaging  = "alexa:skill_messaging" // with a single colon
	ScopeDataStore       = "alexa::datastore"
)

// Scopes of developers, for [Client.AuthCodeURL].
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
