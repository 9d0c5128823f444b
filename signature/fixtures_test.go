package signature_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/signature"
)

const (
	skillID = "amzn1.ask.skill.test"
	certURL = "https://s3.amazonaws.com/echo.api/echo-api-cert.pem"
)

var now = certstest.Now

func newPKI() *certstest.PKI { return certstest.New("echo-api.amazon.com") }

// host is the host of Alexa's certificates.
type host struct {
	certstest.Host
	chains map[string][]byte // by URL
}

func newHost(chains map[string][]byte) *host {
	h := &host{chains: chains}
	h.Default = func(r *http.Request) *http.Response {
		if chain := h.chains[r.URL.String()]; chain != nil {
			return certstest.Response(http.StatusOK, chain)
		}
		return certstest.Response(http.StatusForbidden, nil)
	}
	return h
}

// bench is a verifier with its surroundings.
type bench struct {
	*signature.Verifier
	host *host
	now  time.Time
}

// newBench returns a verifier at the time now, with a genuine certificate.
func newBench() *bench { return newBenchWith(newPKI()) }

func newBenchWith(p *certstest.PKI) *bench {
	leaf, intermediate, root := p.Issue()
	return newBenchOf(certstest.PEM(leaf, intermediate), root)
}

func newBenchOf(chain []byte, root *x509.Certificate) *bench {
	b := &bench{host: newHost(map[string][]byte{certURL: chain}), now: now}
	b.Verifier = &signature.Verifier{
		Skills:     []string{skillID},
		Roots:      certstest.Pool(root),
		HTTPClient: &http.Client{Transport: b.host},
		Now:        func() time.Time { return b.now },
	}
	return b
}

// serve serves new certificates.
func (b *bench) serve(p *certstest.PKI) {
	leaf, intermediate, _ := p.Issue()
	b.host.chains[certURL] = certstest.PEM(leaf, intermediate)
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
	return http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {sign(certstest.Key(), body)}}
}

// verify verifies the body under a genuine signature.
func (b *bench) verify(body []byte) error {
	return b.Verify(context.Background(), signed(body), body)
}
