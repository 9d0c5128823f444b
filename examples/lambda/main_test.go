package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
)

const (
	skillID = "amzn1.ask.skill.lambda"
	keyID   = "key-1"
)

// issuer is an authorization server whose keys are unavailable for some time.
type issuer struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu      sync.Mutex
	down    bool
	fetches int
}

func newIssuer(t *testing.T) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	i := &issuer{key: key}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches++
	if i.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	point, err := i.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": keyID, "x": text(point[1:33]), "y": text(point[33:]),
	}}})
}

func (i *issuer) setDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

func (i *issuer) token(t *testing.T, accountID string) string {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": i.URL, "aud": "alexa-skill", "sub": accountID, "exp": time.Now().Add(time.Hour).Unix(),
	})
	token.Header["kid"] = keyID
	signed, err := token.SignedString(i.key)
	require.NoError(t, err)
	return signed
}

// database simulates DynamoDB: the table of accounts contains alice, and writes are kept
// as text.
type database struct {
	mu      sync.Mutex
	written []string
}

func (d *database) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") && strings.Contains(string(body), `"TableName":"accounts"`) {
		if strings.Contains(string(body), `{"id":{"S":"alice"}}`) {
			_, _ = io.WriteString(w, `{"Item":{"id":{"S":"alice"}}}`)
			return
		}
		_, _ = io.WriteString(w, `{}`)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written = append(d.written, string(body))
	_, _ = io.WriteString(w, `{}`)
}

func (d *database) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprint(d.written)
}

// The keys are fetched with the first token, and after a failure again with the next
// one. An account that does not exist is not recorded.
func TestFunction(t *testing.T) {
	issuer, data := newIssuer(t), new(database)
	server := httptest.NewServer(data)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", server.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	settings, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	env := map[string]string{"ISSUER": issuer.URL, "SKILL_ID": skillID, "ACCOUNTS": "accounts"}
	function := newFunction(dynamodb.NewFromConfig(settings), func(name string) string { return env[name] }, slog.New(slog.DiscardHandler))

	customer := &alexatest.Customer{SkillID: skillID}
	invoke := func(event []byte) error {
		_, err := function.Invoke(t.Context(), event)
		return err
	}
	require.NoError(t, invoke(customer.Enable()))
	require.Zero(t, issuer.count(), "no token, no keys")

	issuer.setDown(true)
	link := customer.Link(issuer.token(t, "alice"))
	require.ErrorContains(t, invoke(link), "503")
	require.NotContains(t, data.text(), "alice")
	issuer.setDown(false)
	require.NoError(t, invoke(link), "redelivered")
	require.Contains(t, data.text(), "alice")
	require.Equal(t, 2, issuer.count())

	require.NoError(t, invoke(customer.Link(issuer.token(t, "erin"))), "erin does not exist: acknowledged without account")
	require.NotContains(t, data.text(), "erin")
	require.NoError(t, invoke(customer.Link(issuer.token(t, "alice"))))
	require.Equal(t, 2, issuer.count(), "the keys are kept")
}
