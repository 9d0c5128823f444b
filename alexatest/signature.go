package alexatest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // for signatures that must no longer be accepted
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
)

const (
	urlHeader       = "SignatureCertChainUrl"
	signatureHeader = "Signature-256"
)

// RotateCertificate makes Alexa and SNS sign with other keys, with certificates at
// new URLs, as Amazon does from time to time. The old URLs stay valid.
func (c *Cloud) RotateCertificate(validFor time.Duration) {
	key := otherKey(c.signer().key)
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.serve(c.root.Load().file(key, alexaName, validFor, c.short), key)
	c.signing, c.validFor = next, validFor
	clear(c.sns.signers)
}

// ShortenChains sets whether Alexa's certificate files end with the intermediate, and
// rotates the certificate. By default they go on with two certificates of older
// authorities, as Amazon's do. A verifier that trusts only the newer root must accept
// both.
func (c *Cloud) ShortenChains(short bool) {
	c.mu.Lock()
	c.short = short
	validFor := c.validFor
	c.mu.Unlock()
	c.RotateCertificate(validFor)
}

// NewRequest returns a POST request with exactly this body, signed as Alexa signs it.
// A client can send it, and a test can pass it to a handler. It panics if the URL is
// invalid.
func (c *Cloud) NewRequest(url string, body []byte) *http.Request {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body)) //nolint:noctx // the background context, as in httptest
	must(err)
	signer := c.signer()
	request.Header.Set("Content-Type", "application/json;charset=utf-8")
	request.Header.Set(urlHeader, signer.url)
	request.Header.Set(signatureHeader, signer.sign(body))
	return request
}

// signer is a key with the URL of its certificate.
type signer struct {
	key *lazyKey
	url string
}

func (c *Cloud) signer() signer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.signing
}

// serve puts a file at a new URL of the certificate host. The lock is held.
func (c *Cloud) serve(file *certificateFile, key *lazyKey) signer {
	c.files++
	url := fmt.Sprintf("https://s3.amazonaws.com/echo.api/echo-api-cert-%d.pem", c.files)
	c.served[url] = file
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
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key.private(), hash, sum)
	must(err)
	return base64.StdEncoding.EncodeToString(signature)
}

// Stricter returns why a backend may accept a forgery of [Cloud.Forgeries] or
// [Cloud.SNSForgeries] and still do what Amazon's documents require. It is empty for
// the name of any other forgery. The verifiers of this module refuse all of them.
func Stricter(forgery string) (reason string) { return stricter[forgery] }

var stricter = map[string]string{
	"two signatures":            "Amazon does not say what a repeated header means",
	"ten minutes in the future": "Amazon documents a limit for old requests; its SDKs for Java and Python limit the future as well, that for Node.js does not",
	"more than 64 levels":       "Amazon sets no limit",

	"a line moved from the message into the subject": "the text that SNS signs is ambiguous, and its signature matches",
	"two members Message, one of them signed":        "JSON does not say which of two equal members counts",
	"a certificate of another region":                "AWS does not say that the certificate must be one of the region of the topic",
}

// Forgeries yields forged requests, each with a name that says what is wrong. A
// backend must respond to each with status 400 and do nothing else. The body must be
// an Alexa request with the current time.
func (c *Cloud) Forgeries(url string, body []byte) iter.Seq2[string, *http.Request] {
	return func(yield func(string, *http.Request) bool) {
		for _, forgery := range forgeries {
			request := c.NewRequest(url, body)
			forgery.forge(c, request, body)
			if !yield(forgery.name, request) {
				return
			}
		}
	}
}

var forgeries = []struct {
	name  string
	forge func(c *Cloud, r *http.Request, body []byte)
}{
	{"no signature", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Del(signatureHeader)
	}},
	{"no certificate URL", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Del(urlHeader)
	}},
	{"two signatures", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Add(signatureHeader, r.Header.Get(signatureHeader))
	}},
	{"a signature that is not base64", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Set(signatureHeader, "....$#%@$se")
	}},
	{"a signature that is too short", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Set(signatureHeader, "aGVsbG8=")
	}},
	{"a SHA-1 signature alone", func(c *Cloud, r *http.Request, body []byte) {
		r.Header.Del(signatureHeader)
		r.Header.Set("Signature", c.signer().signSHA1(body))
	}},
	{"a signature by another key", func(c *Cloud, r *http.Request, body []byte) {
		r.Header.Set(signatureHeader, signer{key: otherKey(c.signer().key)}.sign(body))
	}},
	{"a changed body", func(_ *Cloud, r *http.Request, body []byte) {
		setBody(r, append(bytes.Clone(body), ' '))
	}},
	{"a certificate from another host", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Set(urlHeader, "https://s3.amazonaws.com.example.com/echo.api/echo-api-cert.pem")
	}},
	{"a certificate from another path", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Set(urlHeader, "https://s3.amazonaws.com/echo.api/../bucket/echo-api-cert.pem")
	}},
	{"a certificate that does not exist", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Set(urlHeader, "https://s3.amazonaws.com/echo.api/echo-api-cert-invented.pem")
	}},
	{"a certificate over plain HTTP", func(_ *Cloud, r *http.Request, _ []byte) {
		r.Header.Set(urlHeader, "http://s3.amazonaws.com/echo.api/echo-api-cert.pem")
	}},
	{"a certificate by an unknown authority", func(c *Cloud, r *http.Request, body []byte) {
		c.signAs(r, body, strangeAuthority, alexaName, year)
	}},
	{"a certificate for another name", func(c *Cloud, r *http.Request, body []byte) {
		c.signAs(r, body, c.root.Load(), "other.amazon.com", year)
	}},
	{"a certificate for every name", func(c *Cloud, r *http.Request, body []byte) {
		c.signAs(r, body, c.root.Load(), "*.amazon.com", year)
	}},
	{"an expired certificate", func(c *Cloud, r *http.Request, body []byte) {
		c.signAs(r, body, c.root.Load(), alexaName, -time.Minute)
	}},
	{"more than an hour old", func(c *Cloud, r *http.Request, body []byte) {
		c.resign(r, withTimestamp(body, time.Now().Add(-time.Hour-time.Minute)))
	}},
	{"ten minutes in the future", func(c *Cloud, r *http.Request, body []byte) {
		c.resign(r, withTimestamp(body, time.Now().Add(10*time.Minute)))
	}},
	{"more than 64 levels", func(c *Cloud, r *http.Request, body []byte) {
		levels := strings.Repeat("[", 64) + strings.Repeat("]", 64)
		c.resign(r, bytes.Replace(body, []byte("{"), []byte(`{"levels":`+levels+`,`), 1))
	}},
	{"for another skill", func(c *Cloud, r *http.Request, body []byte) {
		c.resign(r, with(body, "amzn1.ask.skill.another", "context", "System", "application", "applicationId"))
	}},
}

// signAs signs the request with a certificate of the authority for the name, and
// serves it on the certificate host.
func (c *Cloud) signAs(r *http.Request, body []byte, a *authority, name string, validFor time.Duration) {
	key := otherKey(c.signer().key)
	c.mu.Lock()
	forger := c.serve(a.file(key, name, validFor, false), key)
	c.mu.Unlock()
	r.Header.Set(urlHeader, forger.url)
	r.Header.Set(signatureHeader, forger.sign(body))
}

// resign replaces the body of the request and signs it.
func (c *Cloud) resign(r *http.Request, body []byte) {
	setBody(r, body)
	r.Header.Set(signatureHeader, c.signer().sign(body))
}

func setBody(r *http.Request, body []byte) {
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
}

func withTimestamp(body []byte, at time.Time) []byte {
	return with(body, at.UTC().Format(time.RFC3339), "request", "timestamp")
}

// with returns the JSON document with another value at the path. It panics if the
// path does not exist.
func with(document []byte, value any, path ...string) []byte {
	if len(path) == 0 {
		changed, err := json.Marshal(value)
		must(err)
		return changed
	}
	var members map[string]json.RawMessage
	must(json.Unmarshal(document, &members))
	members[path[0]] = with(members[path[0]], value, path[1:]...)
	changed, err := json.Marshal(members)
	must(err)
	return changed
}
