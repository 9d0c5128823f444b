package identity_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	errKeys = errors.New("the key server is down")
)

func ecKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// keyOf returns a Keyfunc of a single key.
func keyOf(key any) jwt.Keyfunc {
	return func(*jwt.Token) (any, error) { return key, nil }
}

// goodClaims returns the claims that the tests' resolver accepts, changed: a nil value removes one.
func goodClaims(changes jwt.MapClaims) jwt.MapClaims {
	claims := jwt.MapClaims{
		"iss": "https://auth.example", "aud": "skill", "sub": "account-1",
		"iat": noon.Add(-time.Hour).Unix(), "nbf": noon.Add(-time.Hour).Unix(), "exp": noon.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

func signed(t testing.TB, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(t, err)
	return token
}

func TestJWTClaims(t *testing.T) {
	key := ecKey()
	tests := []struct {
		name   string
		change jwt.MapClaims
		claim  string
		want   string
		err    error // beside ErrNoAccount
	}{
		{name: "good", want: "account-1"},
		{name: "another claim", claim: "account", change: jwt.MapClaims{"account": "account-2"}, want: "account-2"},
		{name: "several audiences", change: jwt.MapClaims{"aud": []string{"other", "skill"}}, want: "account-1"},
		{name: "another issuer", change: jwt.MapClaims{"iss": "https://auth.example/"}, err: jwt.ErrTokenInvalidIssuer},
		{name: "no issuer", change: jwt.MapClaims{"iss": nil}, err: jwt.ErrTokenRequiredClaimMissing},
		{name: "another audience", change: jwt.MapClaims{"aud": []string{"other"}}, err: jwt.ErrTokenInvalidAudience},
		{name: "no audience", change: jwt.MapClaims{"aud": nil}, err: jwt.ErrTokenInvalidClaims},
		{name: "no expiry", change: jwt.MapClaims{"exp": nil}, err: jwt.ErrTokenRequiredClaimMissing},
		{name: "an expiry that is no time", change: jwt.MapClaims{"exp": "tomorrow"}, err: jwt.ErrTokenInvalidClaims},
		{name: "expired within the hour of redelivery", change: jwt.MapClaims{"exp": noon.Add(-65*time.Minute + time.Second).Unix()}, want: "account-1"},
		{name: "expired before", change: jwt.MapClaims{"exp": noon.Add(-65*time.Minute - time.Second).Unix()}, err: jwt.ErrTokenExpired},
		{name: "expired in the distant past", change: jwt.MapClaims{"exp": -1e300}, err: jwt.ErrTokenExpired},
		{name: "not valid for a moment yet", change: jwt.MapClaims{"nbf": noon.Add(59 * time.Second).Unix()}, want: "account-1"},
		{name: "not valid yet", change: jwt.MapClaims{"nbf": noon.Add(61 * time.Second).Unix()}, err: jwt.ErrTokenNotValidYet},
		{name: "no nbf and iat", change: jwt.MapClaims{"nbf": nil, "iat": nil}, want: "account-1"},
		{name: "an nbf that is no time", change: jwt.MapClaims{"nbf": true}, err: jwt.ErrTokenInvalidClaims},
		{name: "no sub", change: jwt.MapClaims{"sub": nil}, err: identity.ErrNoAccount},
		{name: "an empty sub", change: jwt.MapClaims{"sub": ""}, err: identity.ErrNoAccount},
		{name: "a sub that is a number", change: jwt.MapClaims{"sub": 12345678901234567890.0}, err: identity.ErrNoAccount},
		{name: "no such claim", claim: "account", err: identity.ErrNoAccount},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver := &identity.JWT{
				Keyfunc: keyOf(&key.PublicKey), Issuer: "https://auth.example", Audience: "skill",
				Claim: test.claim, Now: func() time.Time { return noon },
			}
			token := signed(t, jwt.SigningMethodES256, key, goodClaims(test.change))
			account, err := resolver.Account(t.Context(), token)
			require.Equal(t, test.want, account)
			if test.err == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, identity.ErrNoAccount)
			require.ErrorIs(t, err, test.err)
			requireNoToken(t, err, token)
		})
	}
}

func TestJWTSignatures(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, shared := ecKey(), []byte("a secret of the two servers, 32b")
	token := func(method jwt.SigningMethod, key any) string { return signed(t, method, key, goodClaims(nil)) }
	good := token(jwt.SigningMethodES256, key)
	claims := strings.Split(good, ".")[1]

	tests := []struct {
		name    string
		token   string
		keyfunc jwt.Keyfunc
		methods []string
		err     error // nil if the account comes out, else what the error is beside ErrNoAccount
	}{
		{name: "RS256", token: token(jwt.SigningMethodRS256, rsaKey), keyfunc: keyOf(&rsaKey.PublicKey)},
		{name: "PS512", token: token(jwt.SigningMethodPS512, rsaKey), keyfunc: keyOf(&rsaKey.PublicKey)},
		{name: "ES256", token: good, keyfunc: keyOf(&key.PublicKey)},
		{name: "EdDSA", token: token(jwt.SigningMethodEdDSA, edKey), keyfunc: keyOf(edKey.Public())},
		{name: "one key of several", token: good, keyfunc: keyOf(jwt.VerificationKeySet{Keys: []jwt.VerificationKey{&ecKey().PublicKey, &key.PublicKey}})},
		{name: "HS256, asked for", token: token(jwt.SigningMethodHS256, shared), keyfunc: keyOf(shared), methods: []string{"HS256"}},
		{name: "HS256, not asked for", token: token(jwt.SigningMethodHS256, shared), keyfunc: keyOf(shared), err: jwt.ErrTokenSignatureInvalid},
		{name: "a method not asked for", token: good, keyfunc: keyOf(&key.PublicKey), methods: []string{"RS256"}, err: jwt.ErrTokenSignatureInvalid},
		{name: "none", token: token(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), keyfunc: keyOf(jwt.UnsafeAllowNoneSignatureType), err: jwt.ErrTokenSignatureInvalid},
		{name: "a key of another kind", token: good, keyfunc: keyOf(&rsaKey.PublicKey), err: jwt.ErrTokenSignatureInvalid},
		{name: "another key", token: good, keyfunc: keyOf(&ecKey().PublicKey), err: jwt.ErrTokenSignatureInvalid},
		{name: "other claims", token: strings.Replace(good, claims, claims[:len(claims)-4]+"AAAA", 1), keyfunc: keyOf(&key.PublicKey), err: identity.ErrNoAccount},
		{name: "no signature", token: good[:strings.LastIndex(good, ".")+1], keyfunc: keyOf(&key.PublicKey), err: jwt.ErrTokenSignatureInvalid},
		{name: "a method that does not exist", token: "eyJhbGciOiJYWDI1NiJ9." + claims + ".AAAA", keyfunc: keyOf(&key.PublicKey), err: jwt.ErrTokenUnverifiable},
		{name: "no method", token: "e30." + claims + ".AAAA", keyfunc: keyOf(&key.PublicKey), err: jwt.ErrTokenUnverifiable},
		{name: "empty", token: "", keyfunc: keyOf(&key.PublicKey), err: jwt.ErrTokenMalformed},
		{name: "opaque", token: "Atza|IwEBIJ", keyfunc: keyOf(&key.PublicKey), err: jwt.ErrTokenMalformed},
		{name: "null", token: "bnVsbA.bnVsbA.bnVsbA", keyfunc: keyOf(&key.PublicKey), err: jwt.ErrTokenUnverifiable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver := &identity.JWT{
				Keyfunc: test.keyfunc, Issuer: "https://auth.example", Audience: "skill",
				Methods: test.methods, Now: func() time.Time { return noon },
			}
			account, err := resolver.Account(t.Context(), test.token)
			if test.err == nil {
				require.NoError(t, err)
				require.Equal(t, "account-1", account)
				return
			}
			require.Empty(t, account)
			require.ErrorIs(t, err, identity.ErrNoAccount)
			require.ErrorIs(t, err, test.err)
			requireNoToken(t, err, test.token)
		})
	}
}

// What is not the token's fault must not be taken for the last word on it.
func TestJWTFailures(t *testing.T) {
	key := ecKey()
	good := identity.JWT{Keyfunc: keyOf(&key.PublicKey), Issuer: "https://auth.example", Audience: "skill"}
	tests := []struct {
		name   string
		change func(*identity.JWT)
		is     error
		words  string
	}{
		{"no Keyfunc", func(j *identity.JWT) { j.Keyfunc = nil }, nil, "Keyfunc"},
		{"no Issuer", func(j *identity.JWT) { j.Issuer = "" }, nil, "Issuer"},
		{"no Audience", func(j *identity.JWT) { j.Audience = "" }, nil, "Audience"},
		{"the method none", func(j *identity.JWT) { j.Methods = []string{"RS256", "none"} }, nil, "none"},
		{"a Keyfunc that fails", func(j *identity.JWT) { j.Keyfunc = func(*jwt.Token) (any, error) { return nil, errKeys } }, errKeys, "key server"},
		{"a Keyfunc without keys", func(j *identity.JWT) { j.Keyfunc = keyOf(jwt.VerificationKeySet{}) }, jwt.ErrTokenUnverifiable, "key"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver := good
			test.change(&resolver)
			token := signed(t, jwt.SigningMethodES256, key, goodClaims(nil))
			account, err := resolver.Account(t.Context(), token)
			require.Empty(t, account)
			require.ErrorContains(t, err, test.words)
			require.NotErrorIs(t, err, identity.ErrNoAccount)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			requireNoToken(t, err, token)
		})
	}
}

func TestJWTUsesTheClock(t *testing.T) {
	key := ecKey()
	resolver := &identity.JWT{Keyfunc: keyOf(&key.PublicKey), Issuer: "https://auth.example", Audience: "skill"}
	token := signed(t, jwt.SigningMethodES256, key, goodClaims(jwt.MapClaims{"nbf": nil, "exp": time.Now().Add(-time.Hour).Unix()}))
	account, err := resolver.Account(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "account-1", account)

	token = signed(t, jwt.SigningMethodES256, key, goodClaims(jwt.MapClaims{"nbf": nil, "exp": time.Now().Add(-2 * time.Hour).Unix()}))
	_, err = resolver.Account(t.Context(), token)
	require.ErrorIs(t, err, jwt.ErrTokenExpired)
}

// requireNoToken looks for the token and for its parts.
func requireNoToken(t testing.TB, err error, token string) {
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 16 && !strings.Contains(part, " ") {
			require.NotContains(t, err.Error(), part)
		}
	}
}
