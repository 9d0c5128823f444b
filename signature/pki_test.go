package signature_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/signature"
)

const (
	skillID = "amzn1.ask.skill.test"
	certURL = "https://s3.amazonaws.com/echo.api/echo-api-cert.pem"
)

// now is the time in which the tests of this package take place.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// pki is a root, an intermediate and a leaf, made from templates that a test
// may change before it asks for the chain.
type pki struct {
	root, intermediate, leaf *x509.Certificate
	key                      crypto.Signer // the leaf's
	caKeys                   [2]*ecdsa.PrivateKey
}

func newPKI(t testing.TB) *pki {
	t.Helper()
	template := func(name string, ca bool) *x509.Certificate {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()),
			Subject:      pkix.Name{CommonName: name},
			NotBefore:    now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
		}
		if ca {
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		}
		return c
	}
	p := &pki{root: template("root", true), intermediate: template("intermediate", true), leaf: template("echo-api.amazon.com", false), key: rsaKey()}
	p.leaf.DNSNames = []string{"echo-api.amazon.com"}
	p.leaf.KeyUsage = x509.KeyUsageDigitalSignature
	p.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for i := range p.caKeys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		p.caKeys[i] = key
	}
	return p
}

func block(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// issue makes the three certificates from their templates.
func (p *pki) issue(t testing.TB) (leaf, intermediate, root []byte) {
	t.Helper()
	create := func(template, parent *x509.Certificate, public any, key crypto.Signer) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
		require.NoError(t, err)
		return der
	}
	root = create(p.root, p.root, p.caKeys[0].Public(), p.caKeys[0])
	intermediate = create(p.intermediate, p.root, p.caKeys[1].Public(), p.caKeys[0])
	leaf = create(p.leaf, p.intermediate, p.key.Public(), p.caKeys[1])
	return leaf, intermediate, root
}

// host is the host of the certificates.
type host struct {
	mu      sync.Mutex
	chains  map[string][]byte                           // by URL
	answer  func(*http.Request) (*http.Response, error) // instead of the chains
	fetched []string
}

func (h *host) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.fetched = append(h.fetched, r.URL.String())
	answer, chain := h.answer, h.chains[r.URL.String()]
	h.mu.Unlock()
	if answer != nil {
		return answer(r)
	}
	if chain == nil {
		return respond(r, http.StatusForbidden, nil), nil
	}
	return respond(r, http.StatusOK, chain), nil
}

func (h *host) fetches() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.fetched)
}

func (h *host) serve(url string, chain []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chains[url] = chain
}

func respond(r *http.Request, status int, body []byte) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}
}

// bench is a verifier with its surroundings.
type bench struct {
	*signature.Verifier
	host *host
	now  time.Time
}

// newBench returns a verifier at the time now, with a genuine certificate.
func newBench(t testing.TB) *bench {
	t.Helper()
	p := newPKI(t)
	leaf, intermediate, root := p.issue(t)
	return newBenchOf(t, slices.Concat(block(leaf), block(intermediate)), root)
}

func newBenchOf(t testing.TB, chain, root []byte) *bench {
	t.Helper()
	certificate, err := x509.ParseCertificate(root)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	b := &bench{host: &host{chains: map[string][]byte{certURL: chain}}, now: now}
	b.Verifier = &signature.Verifier{
		Skills:     []string{skillID},
		Roots:      roots,
		HTTPClient: &http.Client{Transport: b.host},
		Now:        func() time.Time { return b.now },
	}
	return b
}

// request is a body of this type and timestamp, a JSON value.
func request(requestType, timestamp string) []byte {
	return []byte(`{"version":"1.0","context":{"System":{"application":{"applicationId":"` + skillID + `"},"user":{"userId":"amzn1.ask.account.É"}}},` +
		`"request":{"type":"` + requestType + `","requestId":"r","timestamp":` + timestamp + `}}`)
}

// intent is an ordinary request of now.
func intent() []byte { return request("IntentRequest", quoted(now)) }

func quoted(at time.Time) string { return `"` + at.Format(time.RFC3339Nano) + `"` }

func sign(key *rsa.PrivateKey, body []byte) string {
	sum := sha256.Sum256(body)
	signed, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(signed)
}

func signed(body []byte) http.Header {
	return http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {sign(rsaKey(), body)}}
}

// verify verifies the body under a genuine signature.
func (b *bench) verify(body []byte) error {
	return b.Verify(context.Background(), signed(body), body)
}

// redirect answers every fetch with a redirect to the URL.
func redirect(to string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		response := respond(r, http.StatusFound, nil)
		response.Header.Set("Location", (&url.URL{Path: to}).String())
		return response, nil
	}
}
