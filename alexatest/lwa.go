package alexatest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents"
)

const (
	loginURL     = "https://api.amazon.com"
	authorizeURL = "https://www.amazon.com/ap/oa"

	codeLifetime  = 5 * time.Minute // "a few minutes", says Amazon
	tokenLifetime = time.Hour
)

// login is Login with Amazon. It learns a client's secret from the first
// request of that client, and insists on it from then on.
type login struct {
	secrets map[string]string         // by client ID
	codes   map[string]*code          // unused and used ones
	refresh map[string]*authorization // by refresh token, valid ones
	access  map[string]*access        // by access token
	rotate  bool

	authorizations []*authorization // all
}

func newLogin() login {
	return login{
		secrets: make(map[string]string),
		codes:   make(map[string]*code),
		refresh: make(map[string]*authorization),
		access:  make(map[string]*access),
	}
}

// authorization is what a customer consented to.
type authorization struct {
	customer string
	region   alexaevents.Region // of an authorization for the event gateway
	client   string             // empty until the code is exchanged
	scopes   []string
	revoked  bool
}

type code struct {
	*authorization
	until       time.Time
	redirectURI string
	challenge   string
	used        bool
}

type access struct {
	*authorization
	until time.Time
}

// Grant is a customer of a smart home skill consenting to events: the result is
// the code of an AcceptGrant directive, valid for five minutes and once. A
// customer who was disabled is enabled again.
func (c *Cloud) Grant(region alexaevents.Region, customer string) (authorizationCode string) {
	if region.APIEndpoint() == "" {
		panic("alexatest: no such region: " + string(region))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.login.newCode(&code{authorization: &authorization{customer: customer, region: region}})
}

// DisableSkill is a customer disabling the skill: the customer's codes and
// tokens for the event gateway end.
func (c *Cloud) DisableSkill(customer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.login.authorizations {
		if a.customer == customer && a.region != "" {
			a.revoked = true
		}
	}
}

// ExpireTokens ends the time of every access token that was handed out.
func (c *Cloud) ExpireTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, token := range c.login.access {
		token.until = time.Time{}
	}
}

// RotateRefreshTokens decides whether each refresh ends the refresh token that
// was used and hands out a new one, or leaves it. Amazon documents new tokens,
// and has been seen to send none.
func (c *Cloud) RotateRefreshTokens(rotate bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.login.rotate = rotate
}

// AccessToken returns a token of a developer for the scopes, as the ASK CLI
// would get one.
func (c *Cloud) AccessToken(scopes ...string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.login.newAccess(&authorization{customer: "amzn1.account.DEVELOPER", client: "amzn1.application-oa2-client.developer", scopes: scopes})
}

// Consent is a customer who follows an authorization URL and agrees. The result
// is the URL that Amazon would redirect the browser to, with code and state. It
// panics if Amazon would refuse the request.
func (c *Cloud) Consent(rawURL, customer string) (redirectURL string) {
	u, err := url.Parse(rawURL)
	must(err)
	query := u.Query()
	redirect, err := url.Parse(query.Get("redirect_uri"))
	must(err)
	loopback := redirect.Hostname() == "localhost" || redirect.Hostname() == "127.0.0.1"
	challenge := query.Get("code_challenge")
	switch {
	case u.Scheme+"://"+u.Host+u.Path != authorizeURL:
		panic("alexatest: not Amazon's authorization URL: " + rawURL)
	case query.Get("response_type") != "code" || query.Get("client_id") == "" || query.Get("scope") == "":
		panic("alexatest: an authorization URL needs response_type=code, client_id and scope")
	case redirect.Scheme != "https" && !loopback:
		panic("alexatest: redirect_uri must be https")
	case challenge != "" && query.Get("code_challenge_method") != "S256":
		panic("alexatest: code_challenge_method must be S256")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := redirect.Query()
	answer.Set("code", c.login.newCode(&code{
		authorization: &authorization{customer: customer, client: query.Get("client_id"), scopes: strings.Fields(query.Get("scope"))},
		redirectURI:   query.Get("redirect_uri"), challenge: challenge,
	}))
	if state := query.Get("state"); state != "" {
		answer.Set("state", state)
	}
	redirect.RawQuery = answer.Encode()
	return redirect.String()
}

func (l *login) newCode(issued *code) string {
	text := "ANalexatest" + rand.Text()
	issued.until = time.Now().Add(codeLifetime)
	l.codes[text] = issued
	l.authorizations = append(l.authorizations, issued.authorization)
	return text
}

func (l *login) newAccess(a *authorization) string {
	text := "Atza|alexatest" + rand.Text()
	l.access[text] = &access{a, time.Now().Add(tokenLifetime)}
	return text
}

// authorized returns what an access token stands for, nil if nothing.
func (l *login) authorized(token string) *authorization {
	found := l.access[token]
	if found == nil || !time.Now().Before(found.until) {
		return nil
	}
	return found.authorization
}

func (l *login) answer(r *http.Request, body []byte) *http.Response {
	switch path := r.Method + " " + r.URL.Path; path {
	case "POST /auth/o2/token", "POST /auth/O2/token":
		return l.token(r, body)
	case "GET /user/profile":
		return l.profile(r)
	case "GET /auth/o2/tokeninfo", "GET /auth/O2/tokeninfo":
		return l.tokenInfo(r)
	default:
		return respond(r, http.StatusNotFound, "text/plain", []byte("alexatest: nothing answers "+path+" at "+loginURL+"\n"))
	}
}

func loginError(r *http.Request, status int, code, description string) *http.Response {
	requestID := uuid.NewString()
	response := respondJSON(r, status, members{"error": code, "error_description": description, "request_id": requestID})
	response.Header.Set("X-Amzn-Requestid", requestID)
	return response
}

func (l *login) token(r *http.Request, body []byte) *http.Response {
	refuse := func(code, format string, values ...any) *http.Response {
		return loginError(r, http.StatusBadRequest, code, fmt.Sprintf(format, values...))
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return refuse("invalid_request", "The content type must be application/x-www-form-urlencoded")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return refuse("invalid_request", "The body is not a form")
	}
	for name, values := range form {
		if len(values) != 1 {
			return refuse("invalid_request", "The parameter %s occurs more than once", name)
		}
	}
	grantType := form.Get("grant_type")
	required := map[string]string{"authorization_code": "code", "refresh_token": "refresh_token", "client_credentials": "scope"}[grantType]
	for _, name := range []string{"grant_type", "client_id", "client_secret", required} {
		if name != "" && form.Get(name) == "" {
			return refuse("invalid_request", "The request is missing a required parameter : %s", name)
		}
	}
	client, secret := form.Get("client_id"), form.Get("client_secret")
	if known, ok := l.secrets[client]; ok && known != secret {
		return loginError(r, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	l.secrets[client] = secret

	switch grantType {
	case "authorization_code":
		a := l.exchange(form, client)
		if a == nil {
			return refuse("invalid_grant", "The request has an invalid grant parameter : code")
		}
		return l.tokens(r, a, "")
	case "refresh_token":
		old := form.Get("refresh_token")
		a := l.refresh[old]
		if a == nil || a.revoked || a.client != client {
			return refuse("invalid_grant", "The request has an invalid grant parameter : refresh_token")
		}
		return l.tokens(r, a, old)
	case "client_credentials":
		scope := form.Get("scope")
		return respondJSON(r, http.StatusOK, members{
			"access_token": l.newAccess(&authorization{client: client, scopes: []string{scope}}),
			"scope":        scope, "token_type": "bearer", "expires_in": int(tokenLifetime.Seconds()),
		})
	default:
		return refuse("unsupported_grant_type", "The grant type %s is not supported", grantType)
	}
}

// exchange redeems a code. Any attempt uses it up.
func (l *login) exchange(form url.Values, client string) *authorization {
	code := l.codes[form.Get("code")]
	if code == nil || code.used {
		return nil
	}
	code.used = true
	challenge := ""
	if verifier := form.Get("code_verifier"); verifier != "" {
		sum := sha256.Sum256([]byte(verifier))
		challenge = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	switch {
	case code.revoked,
		!time.Now().Before(code.until),
		code.client != "" && code.client != client,
		form.Get("redirect_uri") != code.redirectURI,
		challenge != code.challenge:
		return nil
	}
	code.client = client
	return code.authorization
}

// tokens answers with new tokens; old is the refresh token that was used, empty
// if it was a code.
func (l *login) tokens(r *http.Request, a *authorization, old string) *http.Response {
	reply := members{"access_token": l.newAccess(a), "token_type": "bearer", "expires_in": int(tokenLifetime.Seconds())}
	if old == "" || l.rotate {
		delete(l.refresh, old)
		next := "Atzr|alexatest" + rand.Text()
		l.refresh[next] = a
		reply["refresh_token"] = next
	}
	return respondJSON(r, http.StatusOK, reply)
}

func (l *login) profile(r *http.Request) *http.Response {
	a := l.authorized(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	switch {
	case a == nil:
		return loginError(r, http.StatusBadRequest, "invalid_token", "The access token is not valid")
	case !slices.Contains(a.scopes, "profile") && !slices.Contains(a.scopes, "profile:user_id"):
		return loginError(r, http.StatusForbidden, "insufficient_scope", "The access token has no profile scope")
	}
	reply := members{"user_id": a.customer}
	if slices.Contains(a.scopes, "profile") {
		reply["name"], reply["email"] = "Example Person", "someone@example.com"
	}
	return respondJSON(r, http.StatusOK, reply)
}

func (l *login) tokenInfo(r *http.Request) *http.Response {
	token := r.URL.Query().Get("access_token")
	a := l.authorized(token)
	if a == nil {
		return loginError(r, http.StatusBadRequest, "invalid_token", "The access token is not valid")
	}
	until := l.access[token].until
	return respondJSON(r, http.StatusOK, members{
		"iss": "https://www.amazon.com", "user_id": a.customer, "aud": a.client, "app_id": "amzn1.application.alexatest",
		"exp": int(time.Until(until).Seconds()), "iat": until.Add(-tokenLifetime).Unix(),
	})
}
