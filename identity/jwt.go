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
	// lateness is how long after its expiry a token still names an account:
	// Alexa redelivers an event for an hour with the token that it began with.
	lateness = 65 * time.Minute

	// clockSkew is how far the issuer's clock may be ahead.
	clockSkew = time.Minute
)

// JWT resolves access tokens that are JSON Web Tokens of the backend's own
// authorization server, such as those of Amazon Cognito. Its [JWT.Account] fits
// [Recorder].
type JWT struct {
	// Keyfunc returns the key that a token must be signed with, as that of a
	// JWKS client does: one key, or a [jwt.VerificationKeySet] where the token
	// does not say which. Required. Its error means that the key is not available
	// now, and says nothing about the token.
	Keyfunc jwt.Keyfunc

	// Issuer is the iss claim of every token. Required.
	Issuer string

	// Audience is what the aud claim of every token names. Where a token has no
	// aud claim, its client_id claim must be the Audience: access tokens of
	// Amazon Cognito have only that, the ID of the app client. Required.
	Audience string

	// Claim names the claim that is the account ID: a string, or an integer,
	// which becomes its decimal digits. Empty is "sub".
	Claim string

	// Methods lists the accepted alg headers, never "none". Empty is every RS,
	// PS and ES method and EdDSA.
	Methods []string

	// Exists reports whether the account still exists in the backend's own
	// database. Without it a token names its account for as long as it is valid
	// and 65 minutes longer, so a link that Alexa redelivers after an EraseAccount
	// of the [Store] brings the erased account back. Nil takes every account to
	// exist.
	Exists func(ctx context.Context, accountID string) (bool, error)

	// Now is the clock. Nil is time.Now.
	Now func() time.Time
}

// Account returns the account that the token names. A token that expired up to
// 65 minutes ago is as good as a fresh one, since an event may come an hour
// late; one without expiry is refused.
//
// The error is [ErrNoAccount] only for what no setting can change:
//
//   - the text is not a JWT, or one of an unknown method or of the method none;
//   - its signature does not fit the single key that Keyfunc returned;
//   - it expired more than 65 minutes ago;
//   - Exists reported false.
//
// The error is [ErrMisconfigured], and names the field or the claim, for a JWT
// without Keyfunc, Issuer or Audience, for a method that Methods lacks, for a key
// of the wrong type, and for a genuine token whose claims do not fit: iss, aud or
// client_id, exp, nbf and the account.
//
// Any other error means that a later attempt may succeed: Keyfunc or Exists
// failed, or no key of a set fits the signature, as when the authorization server
// has just changed its keys. No error contains the token.
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
		return "", fmt.Errorf("%w: the account that the access token names does not exist", ErrNoAccount)
	}
	return accountID, nil
}

func (j *JWT) check() error {
	switch {
	case j.Keyfunc == nil:
		return fmt.Errorf("%w: JWT without Keyfunc", ErrMisconfigured)
	case j.Issuer == "":
		return fmt.Errorf("%w: JWT without Issuer", ErrMisconfigured)
	case j.Audience == "":
		return fmt.Errorf("%w: JWT without Audience", ErrMisconfigured)
	case slices.Contains(j.Methods, "none"):
		return fmt.Errorf("%w: JWT with the method none in Methods", ErrMisconfigured)
	}
	return nil
}

// claims returns the claims of a genuine token that fit the settings.
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
		return nil, fmt.Errorf("%w: exp claim of the access token: later than every time", ErrMisconfigured)
	case !keyed && !errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenExpired):
		return nil, fmt.Errorf("%w: %w", ErrNoAccount, err)
	case !keyed: // a method that is not accepted
		if token.Method == jwt.SigningMethodNone {
			return nil, fmt.Errorf("%w: %w", ErrNoAccount, err)
		}
		return nil, fmt.Errorf("%w: the method of the access token is not in JWT.Methods: %w", ErrMisconfigured, err)
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return nil, fmt.Errorf("%w: JWT.Issuer is not the iss claim of the access token: %w", ErrMisconfigured, err)
	case errors.Is(err, jwt.ErrTokenInvalidClaims):
		return nil, fmt.Errorf("%w: claims of the access token: %w", ErrMisconfigured, err)
	case several:
		return nil, fmt.Errorf("identity: no key of JWT.Keyfunc fits the access token: %w", err)
	case isMismatch(err):
		return nil, fmt.Errorf("%w: %w", ErrNoAccount, err)
	}
	return nil, fmt.Errorf("%w: JWT.Keyfunc returned an unusable key: %w", ErrMisconfigured, err)
}

// isMismatch reports whether a key of the right type was tried and does not fit
// the signature.
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
		return fmt.Errorf("%w: JWT.Audience is not in the aud claim of the access token, and not its client_id claim where it has no aud: %w",
			ErrMisconfigured, cmp.Or(err, jwt.ErrTokenInvalidAudience))
	}
	notBefore, err := claims.GetNotBefore()
	if err != nil {
		return fmt.Errorf("%w: claims of the access token: %w", ErrMisconfigured, err)
	}
	if notBefore != nil && (notBefore.After(j.now().Add(clockSkew)) || isBeyondTime(claims["nbf"])) {
		return fmt.Errorf("%w: nbf claim of the access token, or the clock: %w", ErrMisconfigured, jwt.ErrTokenNotValidYet)
	}
	return nil
}

// isBeyondTime reports whether a claim is so many seconds that package jwt, whose
// arithmetic overflows, takes it for a time in the past.
func isBeyondTime(claim any) bool {
	number, _ := claim.(json.Number)
	seconds, _ := number.Float64() // infinity if it is larger than a float64
	return seconds > 1<<62
}

// accountID returns the claim that is the account ID.
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
	return "", fmt.Errorf("%w: claim %q of the access token, which JWT.Claim names, is not a text or an integer", ErrMisconfigured, name)
}

func (j *JWT) now() time.Time {
	if j.Now == nil {
		return time.Now()
	}
	return j.Now()
}
