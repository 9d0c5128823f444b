package alexatest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the kind of signature that must no longer be accepted
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"
)

const (
	urlHeader       = "SignatureCertChainUrl"
	signatureHeader = "Signature-256"
)

// RotateCertificate makes Alexa and SNS sign with other keys, whose certificates
// are at new URLs, as Amazon does from time to time. The old ones stay where they
// are.
func (c *Cloud) RotateCertificate(validFor time.Duration) {
	key := otherKey(c.signer().key)
	next := c.serve(c.root.chain(key, alexaName, validFor), key)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signing, c.validFor = next, validFor
	clear(c.sns.signers)
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

// serveSNS puts a certificate on the host of SNS in a region, at a URL of its
// own. The lock is held.
func (c *Cloud) serveSNS(p place, certificate []byte, key *rsa.PrivateKey) signer {
	url := fmt.Sprintf("%sSimpleNotificationService-%032x.pem", p.url(), len(c.served)+1)
	c.served[url] = certificate
	return signer{key, url}
}

func (s signer) sign(body []byte) string {
	sum := sha256.Sum256(body)
	return s.signSum(crypto.SHA256, sum[:])
}

func (s signer) signSHA1(body []byte) string {
	sum := sha1.Sum(body) //nolint:gosec // see the import
	return s.signSum(crypto.SHA1, sum[:])
}

func (s signer) signSum(hash crypto.Hash, sum []byte) string {
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, hash, sum)
	must(err)
	return base64.StdEncoding.EncodeToString(signature)
}
