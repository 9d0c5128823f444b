package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
)

// authServer simulates the skill's authorization server: it issues access tokens and
// serves the public key of their signatures.
type authServer struct {
	key    *rsa.PrivateKey
	server *httptest.Server
	issued []string // access tokens
}

const keyID = "quickstart-1"

func startAuthServer() (*authServer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	a := &authServer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jwks.json", a.serveKeys)
	a.server = httptest.NewServer(mux)
	return a, nil
}

func (a *authServer) issuer() string { return a.server.URL }

// accessToken returns a token of a customer who linked an account. It is issued at
// that time and valid for 30 minutes.
func (a *authServer) accessToken(customer, accountID string, at time.Time) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": a.issuer(),
		"aud": backend.Audience,
		"sub": accountID,
		"sid": customer + " in " + accountID, // the session: a refreshed token has the same
		"iat": at.Unix(),
		"exp": at.Add(30 * time.Minute).Unix(),
	})
	token.Header["kid"] = keyID
	signed, err := token.SignedString(a.key)
	if err != nil {
		panic(err) // only with a key of another type
	}
	a.issued = append(a.issued, signed)
	return signed
}

func (a *authServer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": base64.RawURLEncoding.EncodeToString(a.key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(a.key.E)).Bytes()),
	}}})
}
