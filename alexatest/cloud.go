package alexatest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	urlHeader       = "SignatureCertChainUrl"
	signatureHeader = "Signature-256"
)

// Cloud is Amazon as a backend sees it. Make one with [NewCloud]. It is safe
// for concurrent use.
type Cloud struct {
	root *authority

	mu      sync.Mutex
	signing signer            // what Alexa signs with now
	served  map[string][]byte // PEM chains by URL
	fetches map[string]int    // by URL
}

// NewCloud returns a cloud whose certificates are valid now and for ten years.
func NewCloud() *Cloud {
	c := &Cloud{
		root:    newAuthority(),
		served:  make(map[string][]byte),
		fetches: make(map[string]int),
	}
	c.RotateCertificate(10 * 365 * 24 * time.Hour)
	return c
}

// Client returns an HTTP client whose requests go to the cloud and nowhere
// else: give it to the code under test.
func (c *Cloud) Client() *http.Client { return &http.Client{Transport: c} }

// Roots returns the certificate authority of the cloud, for
// signature.Verifier.Roots.
func (c *Cloud) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.root.certificate)
	return pool
}

// RotateCertificate makes the cloud sign with another key, whose certificate is
// at a new URL, as Amazon does from time to time. The old one stays where it is.
func (c *Cloud) RotateCertificate(validFor time.Duration) {
	key := otherKey(c.signer().key)
	next := c.serve(c.root.chain(key, alexaName, validFor), key)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signing = next
}

func (c *Cloud) signer() signer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.signing
}

// serve puts a chain on the certificate host, at a URL of its own.
func (c *Cloud) serve(chain []byte, key *rsa.PrivateKey) signer {
	c.mu.Lock()
	defer c.mu.Unlock()
	url := fmt.Sprintf("https://s3.amazonaws.com/echo.api/echo-api-cert-%d.pem", len(c.served)+1)
	c.served[url] = chain
	return signer{key, url}
}

// CertificateFetches tells how often the current signing certificate was
// fetched.
func (c *Cloud) CertificateFetches() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fetches[c.signing.url]
}

// NewRequest returns a POST request of exactly these bytes, signed as Alexa
// signs them. It serves as a request that a client sends, and as one that a
// test gives to a handler. It panics if the URL is not one.
func (c *Cloud) NewRequest(url string, body []byte) *http.Request {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body)) //nolint:noctx // the background context, like httptest's
	must(err)
	signer := c.signer()
	request.Header.Set("Content-Type", "application/json;charset=utf-8")
	request.Header.Set(urlHeader, signer.url)
	request.Header.Set(signatureHeader, signer.sign(body))
	return request
}

// signer is a key and where its certificate is.
type signer struct {
	key *rsa.PrivateKey
	url string
}

func (s signer) sign(body []byte) string {
	sum := sha256.Sum256(body)
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	must(err)
	return base64.StdEncoding.EncodeToString(signature)
}

// RoundTrip answers for Amazon. A host or path that the cloud does not know
// gets a 404 that says so.
func (c *Cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	url := r.URL.String()
	c.mu.Lock()
	chain, ok := c.served[url]
	c.fetches[url]++
	c.mu.Unlock()
	if !ok || r.Method != http.MethodGet {
		return answer(r, http.StatusNotFound, []byte("alexatest: nothing answers "+r.Method+" "+url+"\n")), nil
	}
	return answer(r, http.StatusOK, chain), nil
}

func answer(r *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode: status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"text/plain"}},
		Body:          io.NopCloser(strings.NewReader(string(body))),
		ContentLength: int64(len(body)),
		Request:       r,
	}
}
