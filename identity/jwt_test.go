package identity_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
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
		class  error // ErrNoAccount or ErrMisconfigured, nil if the account comes out
		err    error // beside the class
	}{
		{name: "good", want: "account-1"},
		{name: "another claim", claim: "account", change: jwt.MapClaims{"account": "account-2"}, want: "account-2"},
		{name: "several audiences", change: jwt.MapClaims{"aud": []string{"other", "skill"}}, want: "account-1"},
		{name: "Amazon Cognito", change: jwt.MapClaims{"aud": nil, "client_id": "skill", "token_use": "access", "scope": "openid"}, want: "account-1"},
		{name: "another client of Amazon Cognito", change: jwt.MapClaims{"aud": nil, "client_id": "other"}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidAudience},
		{name: "a client that is no text", change: jwt.MapClaims{"aud": nil, "client_id": []string{"skill"}}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidAudience},
		{name: "another audience, the client fits", change: jwt.MapClaims{"aud": "other", "client_id": "skill"}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidAudience},
		{name: "an empty audience, the client fits", change: jwt.MapClaims{"aud": []string{}, "client_id": "skill"}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidAudience},
		{name: "an audience of another type", change: jwt.MapClaims{"aud": []any{"skill", 5}}, class: identity.ErrMisconfigured, err: jwt.ErrInvalidType},
		{name: "another audience", change: jwt.MapClaims{"aud": []string{"other"}}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidAudience},
		{name: "no audience", change: jwt.MapClaims{"aud": nil}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidAudience},
		{name: "another issuer", change: jwt.MapClaims{"iss": "https://auth.example/"}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidIssuer},
		{name: "no issuer", change: jwt.MapClaims{"iss": nil}, class: identity.ErrMisconfigured, err: jwt.ErrTokenRequiredClaimMissing},
		{name: "no expiry", change: jwt.MapClaims{"exp": nil}, class: identity.ErrMisconfigured, err: jwt.ErrTokenRequiredClaimMissing},
		{name: "an expiry that is no time", change: jwt.MapClaims{"exp": "tomorrow"}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidClaims},
		{name: "expired within the hour of redelivery", change: jwt.MapClaims{"exp": noon.Add(-65*time.Minute + time.Second).Unix()}, want: "account-1"},
		{name: "expired before", change: jwt.MapClaims{"exp": noon.Add(-65*time.Minute - time.Second).Unix()}, class: identity.ErrNoAccount, err: jwt.ErrTokenExpired},
		{name: "expired in the distant past", change: jwt.MapClaims{"exp": -1e300}, class: identity.ErrNoAccount, err: jwt.ErrTokenExpired},
		{name: "an expiry for never", change: jwt.MapClaims{"exp": int64(math.MaxInt64)}, class: identity.ErrMisconfigured},
		{name: "an expiry that no float64 holds", change: jwt.MapClaims{"exp": json.Number("1e400")}, class: identity.ErrMisconfigured},
		{name: "the last expiry", change: jwt.MapClaims{"exp": int64(1 << 62)}, want: "account-1"},
		{name: "never valid", change: jwt.MapClaims{"nbf": uint64(math.MaxUint64)}, class: identity.ErrMisconfigured, err: jwt.ErrTokenNotValidYet},
		{name: "expired before, and of another audience and issuer", change: jwt.MapClaims{"exp": noon.Add(-2 * time.Hour).Unix(), "aud": "other", "iss": "other"}, class: identity.ErrNoAccount, err: jwt.ErrTokenExpired},
		{name: "not valid for a moment yet", change: jwt.MapClaims{"nbf": noon.Add(time.Minute).Unix()}, want: "account-1"},
		{name: "not valid yet", change: jwt.MapClaims{"nbf": noon.Add(61 * time.Second).Unix()}, class: identity.ErrMisconfigured, err: jwt.ErrTokenNotValidYet},
		{name: "not valid tomorrow yet", change: jwt.MapClaims{"nbf": noon.Add(24 * time.Hour).Unix()}, class: identity.ErrMisconfigured, err: jwt.ErrTokenNotValidYet},
		{name: "no nbf and iat", change: jwt.MapClaims{"nbf": nil, "iat": nil}, want: "account-1"},
		{name: "an nbf that is no time", change: jwt.MapClaims{"nbf": true}, class: identity.ErrMisconfigured, err: jwt.ErrTokenInvalidClaims},
		{name: "no sub", change: jwt.MapClaims{"sub": nil}, class: identity.ErrMisconfigured},
		{name: "an empty sub", change: jwt.MapClaims{"sub": ""}, class: identity.ErrMisconfigured},
		{name: "a sub that is true", change: jwt.MapClaims{"sub": true}, class: identity.ErrMisconfigured},
		{name: "an integer", change: jwt.MapClaims{"sub": 42}, want: "42"},
		{name: "an integer that no float64 holds", change: jwt.MapClaims{"sub": uint64(math.MaxUint64)}, want: "18446744073709551615"},
		{name: "the next integer after the last exact float64", change: jwt.MapClaims{"sub": int64(1<<53 + 1)}, want: "9007199254740993"},
		{name: "a negative integer", change: jwt.MapClaims{"sub": -7}, want: "-7"},
		{name: "a fraction", change: jwt.MapClaims{"sub": json.Number("4.5")}, class: identity.ErrMisconfigured},
		{name: "an exponent", change: jwt.MapClaims{"sub": json.Number("1E3")}, class: identity.ErrMisconfigured},
		{name: "another claim that is an integer", claim: "custom:account", change: jwt.MapClaims{"custom:account": 1234567890123456789}, want: "1234567890123456789"},
		{name: "no such claim", claim: "account", class: identity.ErrMisconfigured},
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
			requireClass(t, err, test.class)
			if err == nil {
				return
			}
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
			}
			requireNoToken(t, err, token)
		})
	}
}

// errLater is the class of errors that a later attempt may not meet.
var errLater = errors.New("later")

// requireClass wants exactly one of no error, ErrNoAccount, ErrMisconfigured and
// any other error.
func requireClass(t *testing.T, err, class error) {
	t.Helper()
	got := errLater
	switch {
	case err == nil:
		got = nil
	case errors.Is(err, identity.ErrNoAccount) && errors.Is(err, identity.ErrMisconfigured):
		got = errors.New("two classes")
	case errors.Is(err, identity.ErrNoAccount):
		got = identity.ErrNoAccount
	case errors.Is(err, identity.ErrMisconfigured):
		got = identity.ErrMisconfigured
	}
	require.Equal(t, class, got, "%v", err)
}

func TestJWTSignatures(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	otherRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	otherEd, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, shared := ecKey(), []byte("a secret of the two servers, 32b")
	token := func(method jwt.SigningMethod, key any) string { return signed(t, method, key, goodClaims(nil)) }
	good := token(jwt.SigningMethodES256, key)
	claims := strings.Split(good, ".")[1]

	public, final := keyOf(&key.PublicKey), identity.ErrNoAccount
	several := func(keys ...jwt.VerificationKey) jwt.Keyfunc { return keyOf(jwt.VerificationKeySet{Keys: keys}) }
	tests := []struct {
		name    string
		token   string
		keyfunc jwt.Keyfunc
		methods []string
		class   error // ErrNoAccount, ErrMisconfigured or errLater, nil if the account comes out
		err     error // beside the class
	}{
		{name: "RS256", token: token(jwt.SigningMethodRS256, rsaKey), keyfunc: keyOf(&rsaKey.PublicKey)},
		{name: "PS512", token: token(jwt.SigningMethodPS512, rsaKey), keyfunc: keyOf(&rsaKey.PublicKey)},
		{name: "ES256", token: good, keyfunc: public},
		{name: "EdDSA", token: token(jwt.SigningMethodEdDSA, edKey), keyfunc: keyOf(edKey.Public())},
		{name: "one key of several", token: good, keyfunc: several(&ecKey().PublicKey, &key.PublicKey, &rsaKey.PublicKey)},
		{name: "HS256, asked for", token: token(jwt.SigningMethodHS256, shared), keyfunc: keyOf(shared), methods: []string{"HS256"}},

		{name: "another key", token: good, keyfunc: keyOf(&ecKey().PublicKey), class: final, err: jwt.ErrTokenSignatureInvalid},
		{name: "another RSA key", token: token(jwt.SigningMethodRS256, otherRSA), keyfunc: keyOf(&rsaKey.PublicKey), class: final, err: jwt.ErrTokenSignatureInvalid},
		{name: "another RSA key, PS256", token: token(jwt.SigningMethodPS256, otherRSA), keyfunc: keyOf(&rsaKey.PublicKey), class: final, err: jwt.ErrTokenSignatureInvalid},
		{name: "another Ed25519 key", token: token(jwt.SigningMethodEdDSA, edKey), keyfunc: keyOf(otherEd), class: final, err: jwt.ErrTokenSignatureInvalid},
		{name: "another secret", token: token(jwt.SigningMethodHS256, shared), keyfunc: keyOf([]byte("another")), methods: []string{"HS256"}, class: final, err: jwt.ErrTokenSignatureInvalid},
		{name: "other claims", token: strings.Replace(good, claims, claims[:len(claims)-4]+"AAAA", 1), keyfunc: public, class: final},
		{name: "no signature", token: good[:strings.LastIndex(good, ".")+1], keyfunc: public, class: final, err: jwt.ErrTokenSignatureInvalid},
		{name: "none", token: token(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), keyfunc: keyOf(jwt.UnsafeAllowNoneSignatureType), class: final, err: jwt.ErrTokenSignatureInvalid},
		{name: "a method that does not exist", token: "eyJhbGciOiJYWDI1NiJ9." + claims + ".AAAA", keyfunc: public, class: final, err: jwt.ErrTokenUnverifiable},
		{name: "no method", token: "e30." + claims + ".AAAA", keyfunc: public, class: final, err: jwt.ErrTokenUnverifiable},
		{name: "empty", token: "", keyfunc: public, class: final, err: jwt.ErrTokenMalformed},
		{name: "opaque", token: "Atza|IwEBIJ", keyfunc: public, class: final, err: jwt.ErrTokenMalformed},
		{name: "null", token: "bnVsbA.bnVsbA.bnVsbA", keyfunc: public, class: final, err: jwt.ErrTokenUnverifiable},

		{name: "HS256, not asked for", token: token(jwt.SigningMethodHS256, shared), keyfunc: keyOf(shared), class: identity.ErrMisconfigured, err: jwt.ErrTokenSignatureInvalid},
		{name: "a method not asked for", token: good, keyfunc: public, methods: []string{"RS256"}, class: identity.ErrMisconfigured, err: jwt.ErrTokenSignatureInvalid},
		{name: "a key of another type", token: good, keyfunc: keyOf(&rsaKey.PublicKey), class: identity.ErrMisconfigured, err: jwt.ErrInvalidKeyType},
		{name: "a key that is none", token: good, keyfunc: keyOf(nil), class: identity.ErrMisconfigured},

		{name: "no key of several", token: good, keyfunc: several(&ecKey().PublicKey, &ecKey().PublicKey), class: errLater, err: jwt.ErrTokenSignatureInvalid},
		{name: "the only key of a set", token: good, keyfunc: several(&ecKey().PublicKey), class: errLater, err: jwt.ErrTokenSignatureInvalid},
		{name: "no key at all", token: good, keyfunc: several(), class: errLater, err: jwt.ErrTokenUnverifiable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver := &identity.JWT{
				Keyfunc: test.keyfunc, Issuer: "https://auth.example", Audience: "skill",
				Methods: test.methods, Now: func() time.Time { return noon },
			}
			account, err := resolver.Account(t.Context(), test.token)
			requireClass(t, err, test.class)
			if test.class == nil {
				require.Equal(t, "account-1", account)
				return
			}
			require.Empty(t, account)
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
			}
			requireNoToken(t, err, test.token)
		})
	}
}

// An error that is not about the token is not final.
func TestJWTFailures(t *testing.T) {
	key := ecKey()
	good := identity.JWT{Keyfunc: keyOf(&key.PublicKey), Issuer: "https://auth.example", Audience: "skill"}
	tests := []struct {
		name   string
		change func(*identity.JWT)
		class  error
		is     error
		words  string
	}{
		{"no Keyfunc", func(j *identity.JWT) { j.Keyfunc = nil }, identity.ErrMisconfigured, nil, "Keyfunc"},
		{"no Issuer", func(j *identity.JWT) { j.Issuer = "" }, identity.ErrMisconfigured, nil, "Issuer"},
		{"no Audience", func(j *identity.JWT) { j.Audience = "" }, identity.ErrMisconfigured, nil, "Audience"},
		{"the method none", func(j *identity.JWT) { j.Methods = []string{"RS256", "none"} }, identity.ErrMisconfigured, nil, "none"},
		{"a Keyfunc that fails", func(j *identity.JWT) { j.Keyfunc = func(*jwt.Token) (any, error) { return nil, errKeys } }, errLater, errKeys, "key server"},
		{"a Keyfunc that fails with a key", func(j *identity.JWT) {
			j.Keyfunc = func(*jwt.Token) (any, error) { return &key.PublicKey, errKeys }
		}, errLater, errKeys, "key server"},
		{"an Exists that fails", func(j *identity.JWT) {
			j.Exists = func(context.Context, string) (bool, error) { return true, errAccounts }
		}, errLater, errAccounts, "JWT.Exists"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver := good
			test.change(&resolver)
			token := signed(t, jwt.SigningMethodES256, key, goodClaims(jwt.MapClaims{"nbf": nil, "exp": time.Now().Add(time.Hour).Unix()}))
			account, err := resolver.Account(t.Context(), token)
			require.Empty(t, account)
			requireClass(t, err, test.class)
			require.ErrorContains(t, err, test.words)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			requireNoToken(t, err, token)
		})
	}
}

// A link that Alexa redelivers after the erasure does not bring the account back.
func TestJWTExists(t *testing.T) {
	key := ecKey()
	accounts := map[string]bool{"account-1": true}
	resolver := &identity.JWT{
		Keyfunc: keyOf(&key.PublicKey), Issuer: "https://auth.example", Audience: "skill", Now: func() time.Time { return noon },
		Exists: func(ctx context.Context, accountID string) (bool, error) {
			_, bounded := ctx.Deadline()
			require.True(t, bounded, "not the context of the Recorder")
			return accounts[accountID], nil
		},
	}
	store := new(identity.MemoryStore)
	recorder := &identity.Recorder{Store: store, Account: resolver.Account}
	token := signed(t, jwt.SigningMethodES256, key, goodClaims(nil))
	link := parsed(t, skillLink+`,"body":{"accessToken":"`+token+`"}`, someUser)
	require.NoError(t, recorder.Record(t.Context(), link))
	require.Len(t, collect(t, store.AccountRecords(t.Context(), "account-1")), 1)

	delete(accounts, "account-1")
	require.NoError(t, store.EraseAccount(t.Context(), "account-1"))
	require.NoError(t, recorder.Record(t.Context(), link), "the redelivered event is acknowledged")
	require.Empty(t, collect(t, store.AccountRecords(t.Context(), "account-1")))
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

// FuzzJWT looks for a text that gives an account without the key, or an error
// that holds the token. The checks before the signature decide the class of the
// error, so the error does not show whether the claims of a forged token are valid.
func FuzzJWT(f *testing.F) {
	signer, key := ecKey(), ecKey()
	resolver := &identity.JWT{Keyfunc: keyOf(&key.PublicKey), Issuer: "https://auth.example", Audience: "skill", Now: func() time.Time { return noon }}
	f.Add(signed(f, jwt.SigningMethodES256, signer, goodClaims(nil)))
	f.Add(signed(f, jwt.SigningMethodES256, signer, goodClaims(jwt.MapClaims{"aud": nil, "client_id": "skill", "sub": 5})))
	f.Add(signed(f, jwt.SigningMethodHS256, []byte("key"), goodClaims(nil)))
	f.Add(signed(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, goodClaims(nil)))
	f.Add("Atza|IwEBIJ")
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		account, err := resolver.Account(t.Context(), token)
		final, misconfigured := errors.Is(err, identity.ErrNoAccount), errors.Is(err, identity.ErrMisconfigured)
		if account != "" || final == misconfigured {
			t.Fatalf("account %q, error %v", account, err)
		}
		// Only a method that is not accepted, or of another kind of key, is a matter of the settings.
		if misconfigured && !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			t.Fatal(err)
		}
		requireNoToken(t, err, token)
	})
}

// FuzzJWTClaims checks genuine tokens with any claims: the result is an account that is
// one of the claims, or an error of one class.
func FuzzJWTClaims(f *testing.F) {
	key := []byte("a secret of the two servers, 32b")
	resolver := &identity.JWT{
		Keyfunc: keyOf(key), Issuer: "https://auth.example", Audience: "skill",
		Methods: []string{"HS256"}, Now: func() time.Time { return noon },
	}
	for _, claims := range []string{
		`{"iss":"https://auth.example","aud":["skill"],"exp":1772370000,"nbf":1,"sub":"account-1"}`,
		`{"iss":"https://auth.example","client_id":"skill","exp":1772370000,"sub":9007199254740993}`,
		`{"iss":"https://auth.example","aud":null,"client_id":"skill","exp":1e999,"sub":-0}`,
		`{"iss":["https://auth.example"],"aud":{"skill":1},"exp":"","nbf":[]}`,
		`null`, `[]`, `{} {}`, `{"sub":"a","sub":5}`,
	} {
		f.Add([]byte(claims))
	}
	f.Fuzz(func(t *testing.T, claims []byte) {
		text := "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(claims)
		signature, err := jwt.SigningMethodHS256.Sign(text, key)
		require.NoError(t, err)
		account, err := resolver.Account(t.Context(), text+"."+base64.RawURLEncoding.EncodeToString(signature))
		final, misconfigured := errors.Is(err, identity.ErrNoAccount), errors.Is(err, identity.ErrMisconfigured)
		switch {
		case err == nil:
			decoder := json.NewDecoder(bytes.NewReader(claims))
			decoder.UseNumber()
			var want map[string]any
			require.NoError(t, decoder.Decode(&want))
			require.Equal(t, fmt.Sprint(want["sub"]), account)
			require.NotEmpty(t, account)
		case final == misconfigured || account != "":
			t.Fatalf("account %q, error %v", account, err)
		case final:
			require.True(t, errors.Is(err, jwt.ErrTokenExpired) || errors.Is(err, jwt.ErrTokenMalformed), err)
		}
	})
}
