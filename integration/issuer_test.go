package integration

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// issuer is the authorization server of a skill: access tokens, and the key to
// check them with.
type issuer struct {
	url string
	key ed25519.PrivateKey
}

func startIssuer(t *testing.T) *issuer {
	public, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{
			"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1",
			"x": base64.RawURLEncoding.EncodeToString(public),
		}}})
	}))
	t.Cleanup(server.Close)
	return &issuer{server.URL, key}
}

// claims are what an access token says.
type claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	IssuedAt int64  `json:"iat"`
	Expiry   int64  `json:"exp"`
}

func (i *issuer) accessToken(accountID string, at time.Time) string {
	part := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // only for what is no JSON
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	token := part(map[string]string{"alg": "EdDSA", "kid": "1"}) + "." +
		part(claims{i.url, "alexa-skill", accountID, at.Unix(), at.Add(30 * time.Minute).Unix()})
	return token + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(i.key, []byte(token)))
}
