package alexatest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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

	codeLifetime  = 5 * time.Minute // "a few minutes" in Amazon's documents
	tokenLifetime = time.Hour
)

// login is Login with Amazon. The first request of a client with a secret sets it. A
// public client, without one, may exchange a code with PKCE, and gets no refresh token.
type login struct {
	secrets map[string]string         // by client ID
	codes   map[string]*code          // unused and used codes
	refresh map[string]*authorization // by valid refresh token
	access  map[string]*access        // by access token
	rotate  bool

	authorizations []*authorization // all of them
}

func newLogin() login {
	return login{
		secrets: make(map[string]string),
		codes:   make(map[string]*code),
		refresh: make(map[string]*authorization),
		access:  make(map[string]*access),
	}
}

// authorization is the consent of a customer.
type authorization struct {
	customer string
	region   alexaevents.Region // for the event gateway; empty for other APIs
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

// Grant simulates a customer of a smart home skill who consents to events. It returns
// the code for an AcceptGrant directive, which works once and for five minutes. A
// customer who disabled the skill has it enabled again.
func (c *Cloud) Grant(region alexaevents.Region, customer string) (authorizationCode string) {
	if region.APIEndpoint() == "" {
		panic(invalid("unknown region: %s", string(region)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.login.newCode(&code{authorization: &authorization{customer: customer, region: region}})
}

// Grant is the consent of a customer: to the events of a smart home skill, or to the
// scopes of an API.
type Grant struct {
	Customer string             `json:"customer"`
	Region   alexaevents.Region `json:"region,omitempty"`    // region of the event gateway; empty for other APIs
	ClientID string             `json:"client_id,omitempty"` // client that exchanged the code; empty before that
	Scopes   []string           `json:"scopes,omitempty"`    // scopes of an API; empty for the event gateway
	Revoked  bool               `json:"revoked,omitempty"`   // whether the customer disabled the skill
}

// Grants returns what customers consented to, in order.
func (c *Cloud) Grants() (grants []Grant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.login.authorizations {
		grants = append(grants, a.saved())
	}
	return grants
}

func (a *authorization) saved() Grant {
	return Grant{a.customer, a.region, a.client, slices.Clone(a.scopes), a.revoked}
}

// DisableSkill simulates a customer who disables the skill: the customer's codes and
// tokens for the event gateway become invalid. Call gateway.Sender.Flush first: until
// the store has the time of an accepted event, the error of sending is
// gateway.ErrMisconfigured instead of gateway.ErrSkillDisabled.
func (c *Cloud) DisableSkill(customer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.login.authorizations {
		if a.customer == customer && a.region != "" {
			a.revoked = true
		}
	}
}

// ExpireTokens makes every access token expire that was issued so far.
func (c *Cloud) ExpireTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, token := range c.login.access {
		token.until = time.Time{}
	}
}

// ValidToken reports whether Login with Amazon accepts an access token or refresh
// token now: for a test that no valid token was lost.
func (c *Cloud) ValidToken(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.login.refresh[token]
	if a == nil {
		a = c.login.authorized(token)
	}
	return a != nil && !a.revoked
}

// RotateRefreshTokens sets whether each refresh issues a new refresh token and ends
// the old one. By default the old one stays valid. Amazon documents new tokens, but
// has been seen to send none.
func (c *Cloud) RotateRefreshTokens(rotate bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.login.rotate = rotate
}

// AccessToken returns a developer's access token for the scopes, as the ASK CLI
// does. The developer's user ID is amzn1.account.DEVELOPER.
func (c *Cloud) AccessToken(scopes ...string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.login.newAccess(&authorization{customer: "amzn1.account.DEVELOPER", client: "amzn1.application-oa2-client.developer", scopes: scopes})
}

// Consent simulates a customer who opens an authorization URL and consents. It
// returns the URL to which Amazon redirects the browser, with code and state. It
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
		panic(invalid("not Amazon's authorization URL: %s", rawURL))
	case query.Get("response_type") != "code" || query.Get("client_id") == "" || query.Get("scope") == "":
		panic(invalid("an authorization URL needs response_type=code, client_id and scope"))
	case redirect.Scheme != "https" && !loopback:
		panic(invalid("redirect_uri must be https"))
	case challenge != "" && query.Get("code_challenge_method") != "S256":
		panic(invalid("code_challenge_method must be S256"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	callback := redirect.Query()
	callback.Set("code", c.login.newCode(&code{
		authorization: &authorization{customer: customer, client: query.Get("client_id"), scopes: strings.Fields(query.Get("scope"))},
		redirectURI:   query.Get("redirect_uri"), challenge: challenge,
	}))
	if state := query.Get("state"); state != "" {
		callback.Set("state", state)
	}
	redirect.RawQuery = callback.Encode()
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

// authorized returns the authorization of a valid access token, otherwise nil.
func (l *login) authorized(token string) *authorization {
	found := l.access[token]
	if found == nil || !time.Now().Before(found.until) {
		return nil
	}
	return found.authorization
}

func (l *login) respond(r *http.Request, body []byte) *http.Response {
	switch path := r.Method + " " + r.URL.Path; path {
	case "POST /auth/o2/token", "POST /auth/O2/token":
		return l.token(r, body)
	case "GET /user/profile":
		return l.profile(r)
	case "GET /auth/o2/tokeninfo", "GET /auth/O2/tokeninfo":
		return l.tokenInfo(r)
	default:
		return respond(r, http.StatusNotFound, "text/plain", []byte("alexatest: unknown request "+path+" at "+loginURL+"\n"))
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
	form, problem := readForm(r.Header.Get("Content-Type"), body)
	if problem != "" {
		return refuse("invalid_request", "%s", problem)
	}
	for name, values := range form {
		if len(values) != 1 {
			return refuse("invalid_request", "The parameter %s occurs more than once", name)
		}
	}
	grantType := form.Get("grant_type")
	required := map[string]string{"authorization_code": "code", "refresh_token": "refresh_token", "client_credentials": "scope"}[grantType]
	public := grantType == "authorization_code" && form.Get("code_verifier") != "" && form.Get("client_secret") == ""
	for _, name := range []string{"grant_type", "client_id", "client_secret", required} {
		if name == "client_secret" && public {
			continue
		}
		if name != "" && form.Get(name) == "" {
			return refuse("invalid_request", "The request is missing a required parameter : %s", name)
		}
	}
	client, secret := form.Get("client_id"), form.Get("client_secret")
	if known, ok := l.secrets[client]; ok && known != secret {
		return loginError(r, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	if !public {
		l.secrets[client] = secret
	}

	switch grantType {
	case "authorization_code":
		a := l.exchange(form, client)
		if a == nil {
			return refuse("invalid_grant", "The request has an invalid grant parameter : code")
		}
		return l.tokens(r, a, "", public)
	case "refresh_token":
		old := form.Get("refresh_token")
		a := l.refresh[old]
		if a == nil || a.revoked || a.client != client {
			return refuse("invalid_grant", "The request has an invalid grant parameter : refresh_token")
		}
		return l.tokens(r, a, old, false)
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

// readForm reads a form, or a JSON object of strings, as the ASK CLI sends it. The
// problem is empty without one.
func readForm(contentType string, body []byte) (form url.Values, problem string) {
	mediaType, _, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && mediaType == "application/x-www-form-urlencoded":
		form, err = url.ParseQuery(string(body))
		if err != nil {
			return nil, "The body is not a form"
		}
		return form, ""
	case err == nil && mediaType == "application/json":
		var texts map[string]string
		if json.Unmarshal(body, &texts) != nil {
			return nil, "The body is not a JSON object of strings"
		}
		form = make(url.Values, len(texts))
		for name, text := range texts {
			form.Set(name, text)
		}
		return form, ""
	}
	return nil, "The content type must be application/x-www-form-urlencoded"
}

// exchange redeems a code, or returns nil. Any attempt uses the code up.
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

// tokens responds with new tokens; old is the refresh token that was used, empty for
// a code.
func (l *login) tokens(r *http.Request, a *authorization, old string, public bool) *http.Response {
	body := members{"access_token": l.newAccess(a), "token_type": "bearer", "expires_in": int(tokenLifetime.Seconds())}
	if !public && (old == "" || l.rotate) {
		delete(l.refresh, old)
		next := "Atzr|alexatest" + rand.Text()
		l.refresh[next] = a
		body["refresh_token"] = next
	}
	return respondJSON(r, http.StatusOK, body)
}

func (l *login) profile(r *http.Request) *http.Response {
	a := l.authorized(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	switch {
	case a == nil:
		return loginError(r, http.StatusBadRequest, "invalid_token", "The access token is not valid")
	case !slices.Contains(a.scopes, "profile") && !slices.Contains(a.scopes, "profile:user_id"):
		return loginError(r, http.StatusForbidden, "insufficient_scope", "The access token has no profile scope")
	}
	body := members{"user_id": a.customer}
	if slices.Contains(a.scopes, "profile") {
		body["name"], body["email"] = "Example Person", "someone@example.com"
	}
	return respondJSON(r, http.StatusOK, body)
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
