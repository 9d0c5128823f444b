package alexatest

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
)

// Forgeries yields what a genuine request could be forged to, each named by
// what is wrong with it. A backend must answer every one with 400 and do
// nothing else. The body must be an Alexa request of now.
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
		c.signAs(r, body, newAuthority(), alexaName, year)
	}},
	{"a certificate for another name", func(c *Cloud, r *http.Request, body []byte) {
		c.signAs(r, body, c.root, "other.amazon.com", year)
	}},
	{"a certificate for every name", func(c *Cloud, r *http.Request, body []byte) {
		c.signAs(r, body, c.root, "*.amazon.com", year)
	}},
	{"an expired certificate", func(c *Cloud, r *http.Request, body []byte) {
		c.signAs(r, body, c.root, alexaName, -time.Minute)
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

// signAs signs the request with a certificate for the name that the authority
// issues, and serves it where genuine ones are.
func (c *Cloud) signAs(r *http.Request, body []byte, a *authority, name string, validFor time.Duration) {
	forger := c.serve(a.chain(otherKey(c.signer().key), name, validFor), otherKey(c.signer().key))
	r.Header.Set(urlHeader, forger.url)
	r.Header.Set(signatureHeader, forger.sign(body))
}

// resign puts another body into the request, with a genuine signature.
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

// with returns the JSON document with another value at the path. It panics if
// the document has no such path.
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

// must panics on what can only go wrong in the test that uses this package.
func must(err error) {
	if err != nil {
		panic("alexatest: " + err.Error())
	}
}
