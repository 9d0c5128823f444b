package identity

import (
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// lateness is how long an expired token is accepted: Alexa redelivers an event
	// for an hour, with the same token.
	lateness = 65 * time.Minute

	// clockSkew is how far the issuer's clock may be ahead.
	clockSkew = time.Minute
)

// JWT resolves access tokens that are JSON Web Tokens of the backend's own
// authorization server, such as those of Amazon Cognito. Its [JWT.Account] fits
// [Recorder].
type JWT struct {
	// Keyfunc returns the key that a token must be signed with, like that of a JWKS
	// client: one key, or a [jwt.VerificationKeySet] if the token does not name its
	// key. Its error means that the key is not available now, not that the token is
	// invalid. Required.
	Keyfunc jwt.Keyfunc

	// Issuer is the iss claim of every token. Required.
	Issuer string

	// Audience is a value of the aud claim of every token. If a token has no aud
	// claim, its client_id claim must be the Audience: access tokens of Amazon
	// Cognito have only the ID of the app client there. Required.
	Audience string

	// Claim is the name of the claim that contains the account ID: a string, or an
	// integer, which is used in decimal digits. Empty means "sub".
	Claim string

	// Methods lists the accepted alg headers, never "none". Empty means every RS, PS
	// and ES method and EdDSA.
	Methods []string

	// Exists reports whether the account still exists in the backend's own
	// database. Without it a token is accepted until 65 minutes after its expiry, so
	// an event that Alexa redelivers after EraseAccount of the [Store] stores the
	// erased account again. Nil means that every account exists.
	Exists func(ctx context.Context, accountID string) (bool, error)

	// Now is the clock. Nil is time.Now.
	Now func() time.Time
}

// Account returns the account that the token belongs to. It accepts a token that
// expired up to 65 minutes ago, since an event may come an hour late, and refuses one
// without expiry.
//
// The error is [ErrNoAccount] only where no setting can help:
//
//   - the text is not a JWT, or its method is unknown or none;
//   - its signature does not match the single key that Keyfunc returned;
//   - it expired more than 65 minutes ago;
//   - Exists reported false.
//
// The error is [ErrMisconfigured], and names the field or the claim, if Keyfunc,
// Issuer or Audience is missing, if Methods lacks the method, if the key has the
// wrong type, and if the claims of a genuine token do not match: iss, aud or
// client_id, exp, nbf and the account.
//
// Any other error means that a later attempt may succeed: Keyfunc or Exists failed,
// or no key of a set matches the signature, for example because the authorization
// server has just changed its keys. No error contains the token.
func (j *JWT) Account(ctx context.Context, accessToken string) (accountID string, err error) {
	if err := j.check(); err != nil {
		return "", err
	}
	claims, err := j.claims(accessToken)
	if err != nil {
		return "", err
	}
	accountID, err = j.accountID(claims)
	if err != nil || j.Exists == nil {
		return accountID, err
	}
	exists, err := j.Exists(ctx, accountID)
	switch {
	case err != nil:
		return "", fmt.Errorf("identity: JWT.Exists: %w", err)
	case !exists:
		return "", fmt.Errorf("%w: the account of the access token does not exist", ErrNoAccount)
	}
	return accountID, nil
}

func (j *JWT) check() error {
	switch {
	case j.Keyfunc == nil:
		return fmt.Errorf("%w: JWT.Keyfunc is nil", ErrMisconfigured)
	case j.Issuer == "":
		return fmt.Errorf("%w: JWT.Issuer is empty", ErrMisconfigured)
	case j.Audience == "":
		return fmt.Errorf("%w: JWT.Audience is empty", ErrMisconfigured)
	case slices.Contains(j.Methods, "none"):
		return fmt.Errorf("%w: JWT.Methods contains none", ErrMisconfigured)
	}
	return nil
}

// claims returns the claims of a genuine token that matches the settings.
func (j *JWT) claims(accessToken string) (jwt.MapClaims, error) {
	var keyErr error
	keyed, several := false, false
	keyfunc := func(token *jwt.Token) (key any, err error) {
		key, err = j.Keyfunc(token)
		keyed, keyErr = true, err
		_, several = key.(jwt.VerificationKeySet)
		return key, err
	}
	claims := jwt.MapClaims{}
	token, err := j.parser().ParseWithClaims(accessToken, claims, keyfunc)
	switch {
	case err == nil:
		return claims, j.checkClaims(claims)
	case keyErr != nil:
		return nil, fmt.Errorf("identity: key of the access token: %w", err)
	case errors.Is(err, jwt.ErrTokenExpired) && isBeyondTime(claims["exp"]):
		return nil, fmt.Errorf("%w: exp claim of the access token is out of range", ErrMisconfigured)
	case !keyed && !errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenExpired):
		return nil, fmt.Errorf("%w: %w", ErrNoAccount, err)
	case !keyed: // a method that is not accepted
		if token.Method == jwt.SigningMethodNone {
			return nil, fmt.Errorf("%w: %w", ErrNoAccount, err)
		}
		return nil, fmt.Errorf("%w: the method of the access token is not in JWT.Methods: %w", ErrMisconfigured, err)
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return nil, fmt.Errorf("%w: iss claim of the access token is not JWT.Issuer: %w", ErrMisconfigured, err)
	case errors.Is(err, jwt.ErrTokenInvalidClaims):
		return nil, fmt.Errorf("%w: claims of the access token: %w", ErrMisconfigured, err)
	case several:
		return nil, fmt.Errorf("identity: no key of JWT.Keyfunc matches the access token: %w", err)
	case isMismatch(err):
		return nil, fmt.Errorf("%w: %w", ErrNoAccount, err)
	}
	return nil, fmt.Errorf("%w: JWT.Keyfunc returned an unusable key: %w", ErrMisconfigured, err)
}

// isMismatch reports whether the key has the right type and does not match the
// signature.
func isMismatch(err error) bool {
	return errors.Is(err, rsa.ErrVerification) || errors.Is(err, jwt.ErrECDSAVerification) ||
		errors.Is(err, jwt.ErrEd25519Verification) || errors.Is(err, jwt.ErrSignatureInvalid)
}

func (j *JWT) parser() *jwt.Parser {
	methods := j.Methods
	if len(methods) == 0 {
		methods = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	}
	return jwt.NewParser(
		jwt.WithJSONNumber(), // account IDs have more digits than a float64
		jwt.WithValidMethods(methods),
		jwt.WithIssuer(j.Issuer),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(lateness),
		jwt.WithTimeFunc(j.now),
	)
}

// checkClaims checks what the parser does not: the audience, and that the token
// is valid already, since the parser's leeway is the same for nbf as for exp.
func (j *JWT) checkClaims(claims jwt.MapClaims) error {
	audience, err := claims.GetAudience()
	if _, ok := claims["aud"]; !ok {
		if clientID, ok := claims["client_id"].(string); ok {
			audience = jwt.ClaimStrings{clientID}
		}
	}
	if err != nil || !slices.Contains(audience, j.Audience) {
		return fmt.Errorf("%w: neither the aud claim nor, without aud, the client_id claim of the access token is JWT.Audience: %w",
			ErrMisconfigured, cmp.Or(err, jwt.ErrTokenInvalidAudience))
	}
	notBefore, err := claims.GetNotBefore()
	if err != nil {
		return fmt.Errorf("%w: claims of the access token: %w", ErrMisconfigured, err)
	}
	if notBefore != nil && (notBefore.After(j.now().Add(clockSkew)) || isBeyondTime(claims["nbf"])) {
		return fmt.Errorf("%w: nbf claim of the access token is in the future: check the clock: %w", ErrMisconfigured, jwt.ErrTokenNotValidYet)
	}
	return nil
}

// isBeyondTime reports whether a time claim is so large that it overflows in package
// jwt and becomes a time in the past.
func isBeyondTime(claim any) bool {
	number, _ := claim.(json.Number)
	seconds, _ := number.Float64() // infinity if it is larger than a float64
	return seconds > 1<<62
}

// accountID returns the claim that contains the account ID.
func (j *JWT) accountID(claims jwt.MapClaims) (string, error) {
	name := cmp.Or(j.Claim, "sub")
	switch value := claims[name].(type) {
	case string:
		if value != "" {
			return value, nil
		}
	case json.Number:
		if !strings.ContainsAny(value.String(), ".eE") {
			return value.String(), nil
		}
	}
	return "", fmt.Errorf("%w: claim %q of the access token, the JWT.Claim, is neither a string nor an integer", ErrMisconfigured, name)
}

func (j *JWT) now() time.Time {
	if j.Now == nil {
		return time.Now()
	}
	return j.Now()
}
