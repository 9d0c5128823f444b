// Package certstest makes certificates for tests, and serves them.
package certstest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Now is the time of the tests. Certificates are valid a year before and after.
var Now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Key returns the same RSA key in each call.
var Key = sync.OnceValue(newRSAKey)

// OtherKey returns another key than Key, the same in each call.
var OtherKey = sync.OnceValue(newRSAKey)

func newRSAKey() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) }

// NewECDSAKey returns a key that Amazon does not use.
func NewECDSAKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// PKI has templates of a root, an intermediate and a leaf. A test may change them
// before it issues the certificates.
type PKI struct {
	Root, Intermediate, Leaf *x509.Certificate
	Key                      crypto.Signer // the leaf's

	rootKey, intermediateKey *ecdsa.PrivateKey
}

// New returns the templates of a genuine chain for the DNS name.
func New(name string) *PKI {
	template := func(name string, authority bool, usage x509.KeyUsage) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: Now.AddDate(-1, 0, 0), NotAfter: Now.AddDate(1, 0, 0),
			IsCA: authority, BasicConstraintsValid: authority, KeyUsage: usage,
		}
	}
	p := &PKI{
		Root:         template("root", true, x509.KeyUsageCertSign),
		Intermediate: template("intermediate", true, x509.KeyUsageCertSign),
		Leaf:         template(name, false, x509.KeyUsageDigitalSignature),
		Key:          Key(),
		rootKey:      NewECDSAKey(), intermediateKey: NewECDSAKey(),
	}
	p.Leaf.DNSNames = []string{name}
	p.Leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return p
}

// Issue makes the certificates from their templates.
func (p *PKI) Issue() (leaf, intermediate, root *x509.Certificate) {
	root = create(p.Root, p.Root, p.rootKey, p.rootKey)
	intermediate = create(p.Intermediate, p.Root, p.intermediateKey, p.rootKey)
	leaf = create(p.Leaf, p.Intermediate, p.Key, p.intermediateKey)
	return leaf, intermediate, root
}

// SelfSigned makes a leaf that is its own authority.
func (p *PKI) SelfSigned() *x509.Certificate { return create(p.Leaf, p.Leaf, p.Key, p.Key) }

func create(template, parent *x509.Certificate, key, parentKey crypto.Signer) *x509.Certificate {
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey))))
}

// PEM returns a file of the certificates.
func PEM(certificates ...*x509.Certificate) (file []byte) {
	for _, c := range certificates {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return file
}

// Pool returns a pool of one certificate.
func Pool(certificate *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
}

// Host is the transport to a host of certificates.
type Host struct {
	Default func(*http.Request) *http.Response          // what the host responds
	Respond func(*http.Request) (*http.Response, error) // instead of Default; nil responds with it

	mu    sync.Mutex
	calls []string // URLs
}

// RoundTrip notes the URL of the request and responds to it.
func (h *Host) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.calls = append(h.calls, r.URL.String())
	h.mu.Unlock()
	if h.Respond != nil {
		return h.Respond(r)
	}
	return h.Default(r), nil
}

// Calls returns the URLs of the requests so far.
func (h *Host) Calls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// Response returns a response with the status and body.
func Response(status int, body []byte) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
}

// Loosen sets unused bits of the last character of a base64 text.
func Loosen(encoded string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := len(strings.TrimRight(encoded, "=")) - 1
	return encoded[:last] + string(alphabet[strings.IndexByte(alphabet, encoded[last])|1]) + encoded[last+1:]
}
