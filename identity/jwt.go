package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// lateness is how long after its expiry a token still names an account:
	// Alexa redelivers an event for an hour with the token that it began with.
	lateness = 65 * time.Minute

	// clockSkew is how far the issuer's clock may be ahead.
	clockSkew = time.Minute
)

// JWT resolves access tokens that are JSON Web Tokens of the backend's own
// authorization server. Its [JWT.Account] fits [Recorder].
type JWT struct {
	// Keyfunc returns the key that a token must be signed with, as that of a
	// JWKS client does. It is required. Its error means that the key could not
	// be had now, and says nothing about the token.
	Keyfunc jwt.Keyfunc

	Issuer   string // the iss claim of every token; required
	Audience string // what the aud claim must name; required

	Claim   string   // the claim that is the account ID, a string; empty is "sub"
	Methods []string // the accepted alg headers, never "none"; empty is every RS, PS and ES method and EdDSA

	Now func() time.Time // the clock; nil is time.Now
}

// Account returns the account that the token names. A token that expired up to
// 65 minutes ago is as good as a fresh one, since an event may come an hour
// late; one without expiry is refused.
//
// The error is [ErrNoAccount] for whatever is wrong with the token, and wraps
// what package jwt says about it. A Keyfunc that fails and a JWT without
// Keyfunc, Issuer or Audience are not the token's fault and give other errors.
// No error holds the token.
func (j *JWT) Account(_ context.Context, accessToken string) (accountID string, err error) {
	if err := j.check(); err != nil {
		return "", err
	}
	keyed := false
	keyfunc := func(token *jwt.Token) (any, error) {
		keyed = true
		return j.Keyfunc(token)
	}
	claims := jwt.MapClaims{}
	_, err = j.parser().ParseWithClaims(accessToken, claims, keyfunc)
	if keyed && errors.Is(err, jwt.ErrTokenUnverifiable) {
		return "", fmt.Errorf("identity: key of the access token: %w", err)
	}
	if err == nil {
		err = j.checkNotBefore(claims)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoAccount, err)
	}
	name := j.Claim
	if name == "" {
		name = "sub"
	}
	accountID, ok := claims[name].(string)
	if !ok || accountID == "" {
		return "", fmt.Errorf("%w: claim %q is not a text", ErrNoAccount, name)
	}
	return accountID, nil
}

func (j *JWT) check() error {
	switch {
	case j.Keyfunc == nil:
		return errors.New("identity: JWT without Keyfunc")
	case j.Issuer == "":
		return errors.New("identity: JWT without Issuer")
	case j.Audience == "":
		return errors.New("identity: JWT without Audience")
	case slices.Contains(j.Methods, "none"):
		return errors.New("identity: JWT with the method none")
	}
	return nil
}

func (j *JWT) parser() *jwt.Parser {
	methods := j.Methods
	if len(methods) == 0 {
		methods = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	}
	return jwt.NewParser(
		jwt.WithValidMethods(methods),
		jwt.WithIssuer(j.Issuer),
		jwt.WithAudience(j.Audience),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(lateness),
		jwt.WithTimeFunc(j.now),
	)
}

// checkNotBefore is stricter than the parser, whose leeway is the same for nbf
// as for exp.
func (j *JWT) checkNotBefore(claims jwt.MapClaims) error {
	notBefore, err := claims.GetNotBefore()
	if err != nil {
		return err
	}
	if notBefore != nil && notBefore.After(j.now().Add(clockSkew)) {
		return jwt.ErrTokenNotValidYet
	}
	return nil
}

func (j *JWT) now() time.Time {
	if j.Now == nil {
		return time.Now()
	}
	return j.Now()
}
