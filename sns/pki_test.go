package sns_test

import (
	"bytes"
	"context"
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
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/sns"
)

// now is the time in which the tests of this package take place.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// keys are the key of SNS and another one.
var keys = [2]func() *rsa.PrivateKey{sync.OnceValue(newKey), sync.OnceValue(newKey)}

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// pki is a root, an intermediate and a leaf, made from templates that a test
// may change before it issues them.
type pki struct {
	root, intermediate, leaf *x509.Certificate
	key                      crypto.Signer // the leaf's
}

func newPKI() *pki {
	template := func(name string, ca bool) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(100, 0, 0),
			IsCA: ca, BasicConstraintsValid: ca, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
	}
	p := &pki{template("root", true), template("intermediate", true), template("sns.amazonaws.com", false), keys[0]()}
	p.leaf.DNSNames = []string{"sns.amazonaws.com"}
	p.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return p
}

// issue makes the three certificates from their templates.
func (p *pki) issue() (leaf, intermediate, root *x509.Certificate) {
	rootKey, intermediateKey := ecdsaKey(), ecdsaKey()
	create := func(template, parent *x509.Certificate, public any, key crypto.Signer) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
		if err != nil {
			panic(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		return certificate
	}
	root = create(p.root, p.root, rootKey.Public(), rootKey)
	intermediate = create(p.intermediate, p.root, intermediateKey.Public(), rootKey)
	leaf = create(p.leaf, p.intermediate, p.key.Public(), intermediateKey)
	return leaf, intermediate, root
}

func ecdsaKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func block(certificates ...*x509.Certificate) (file []byte) {
	for _, c := range certificates {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return file
}

func pool(certificate *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(certificate)
	return p
}

// amazon is SNS as a backend reaches it: the hosts of the regions, which serve
// the certificate at every address and confirm every subscription.
type amazon struct {
	mu     sync.Mutex
	file   []byte                                      // the certificate
	answer func(*http.Request) (*http.Response, error) // instead of all else
	calls  []string                                    // URLs
}

func newAmazon() *amazon { return &amazon{file: leafFile()} }

// leafFile is a genuine certificate as SNS serves it, without a chain.
var leafFile = sync.OnceValue(func() []byte {
	leaf, _, _ := newPKI().issue()
	return block(leaf)
})

func (a *amazon) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.calls = append(a.calls, r.URL.String())
	answer, file := a.answer, a.file
	a.mu.Unlock()
	switch {
	case answer != nil:
		return answer(r)
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".pem"):
		return respond(http.StatusOK, file), nil
	case r.Method == http.MethodGet && r.URL.Query().Get("Action") == "ConfirmSubscription":
		return respond(http.StatusOK, []byte(`<ConfirmSubscriptionResponse/>`)), nil
	}
	return respond(http.StatusBadRequest, nil), nil
}

func (a *amazon) called() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

func respond(status int, body []byte) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
}

// bench is a verifier with its surroundings.
type bench struct {
	*sns.Verifier
	amazon *amazon
	now    time.Time
}

func newBench() *bench {
	b := &bench{amazon: newAmazon(), now: now}
	b.Verifier = &sns.Verifier{
		Topics:     []string{topicARN},
		HTTPClient: &http.Client{Transport: b.amazon},
		Now:        func() time.Time { return b.now },
	}
	return b
}

// verify verifies the message under a genuine signature.
func (b *bench) verify(m envelope) error {
	_, err := b.Verify(context.Background(), m.signed())
	return err
}

// requireCalls requires these calls of Amazon and no others.
func (b *bench) requireCalls(t testing.TB, want ...string) {
	t.Helper()
	require.Equal(t, want, b.amazon.called())
}
