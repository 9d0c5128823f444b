package bench

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

const skillID = "amzn1.ask.skill.00000000-0000-4000-8000-000000000001"

// signedRequest is a request, with the minimum that a verifier does for it.
type signedRequest struct {
	header http.Header
	body   []byte
}

func sign(cloud *alexatest.Cloud, bodies ...[]byte) []signedRequest {
	requests := make([]signedRequest, len(bodies))
	for i, body := range bodies {
		requests[i] = signedRequest{cloud.NewRequest("https://backend.example/alexa/events", body).Header, body}
	}
	return requests
}

// bareCrypto is the floor: the key is known, the headers are well-formed, and
// nothing but the signature is looked at.
func bareCrypto(b *testing.B, key *rsa.PublicKey, r signedRequest) {
	signed, err := base64.StdEncoding.DecodeString(r.header.Get("Signature-256"))
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256(r.body)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signed); err != nil {
		b.Fatal(err)
	}
}

func newVerifier(cloud *alexatest.Cloud) *signature.Verifier {
	return &signature.Verifier{Skills: []string{skillID}, Roots: cloud.Roots(), HTTPClient: cloud.Client()}
}

// publicKey is the key that the cloud signs with.
func publicKey(b *testing.B, cloud *alexatest.Cloud, r signedRequest) *rsa.PublicKey {
	response, err := cloud.Client().Get(r.header.Get("SignatureCertChainUrl"))
	require.NoError(b, err)
	defer response.Body.Close()
	return leafKey(b, response.Body)
}

// A warm Verify of a 1.5 KB request.
func BenchmarkVerify(b *testing.B) {
	cloud := alexatest.NewCloud()
	customer := &alexatest.Customer{SkillID: skillID}
	body := customer.Event("IntentRequest", map[string]any{"intent": map[string]any{"name": "A"}})
	for len(body) < 1500 {
		body = append(body, ' ') // outside of strings a scan is slowest
	}
	r := sign(cloud, body)[0]
	verifier, key := newVerifier(cloud), publicKey(b, cloud, r)
	verify := func(int) {
		if err := verifier.Verify(b.Context(), r.header, r.body); err != nil {
			b.Fatal(err)
		}
	}
	verify(0)
	b.Run("against bare crypto", func(b *testing.B) {
		compare.Run(b, func(int) { bareCrypto(b, key, r) }, verify)
	})
	b.Run("allocations", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			verify(0)
		}
	})
	b.Run("bare crypto", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			bareCrypto(b, key, r)
		}
	})
}

// The whole way of an event: read, verify, parse, record in memory, respond.
func BenchmarkReceive(b *testing.B) {
	const customers = 256
	cloud := alexatest.NewCloud()
	tokenKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	resolver := &identity.JWT{
		Issuer: "https://login.example", Audience: "backend",
		Keyfunc: func(*jwt.Token) (any, error) { return tokenKey.Public(), nil },
	}
	var disabled, linked [][]byte
	for i := range customers {
		customer := &alexatest.Customer{SkillID: skillID}
		token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
			"iss": "https://login.example", "aud": "backend", "sub": fmt.Sprint("account-", i), "exp": time.Now().Add(time.Hour).Unix(),
		}).SignedString(tokenKey)
		require.NoError(b, err)
		linked = append(linked, customer.Link(token))
		disabled = append(disabled, customer.Disable())
	}
	tokenSum := sha256.Sum256([]byte("token"))
	tokenSignature, err := rsa.SignPKCS1v15(rand.Reader, tokenKey, crypto.SHA256, tokenSum[:])
	require.NoError(b, err)

	for _, test := range []struct {
		name   string
		events [][]byte
		floor  func(b *testing.B)
	}{
		{"no account lookup", disabled, func(*testing.B) {}},
		{"account linked, JWT", linked, func(b *testing.B) {
			if err := rsa.VerifyPKCS1v15(&tokenKey.PublicKey, crypto.SHA256, tokenSum[:], tokenSignature); err != nil {
				b.Fatal(err)
			}
		}},
	} {
		b.Run(test.name, func(b *testing.B) {
			requests := sign(cloud, test.events...)
			key := publicKey(b, cloud, requests[0])
			recorder := &identity.Recorder{Store: new(identity.MemoryStore), Account: resolver.Account}
			handler := newVerifier(cloud).Handler(&skillevents.Handler{Receive: recorder.Record})
			serve := func(i int) {
				r := requests[i%customers]
				request := &http.Request{
					Method: http.MethodPost, URL: eventsURL, Header: r.header, ContentLength: int64(len(r.body)),
					Body: closer{bytes.NewReader(r.body)},
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, request)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
			serve(0)
			compare.Run(b, func(i int) { bareCrypto(b, key, requests[i%customers]); test.floor(b) }, serve)
		})
	}
}

var eventsURL = &url.URL{Scheme: "https", Host: "backend.example", Path: "/alexa/events"}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

// leafKey is the key of the first certificate of a PEM file.
func leafKey(tb testing.TB, file io.Reader) *rsa.PublicKey {
	data, err := io.ReadAll(file)
	require.NoError(tb, err)
	block, _ := pem.Decode(data)
	require.NotNil(tb, block)
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(tb, err)
	return leaf.PublicKey.(*rsa.PublicKey)
}
