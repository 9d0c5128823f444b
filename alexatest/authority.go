package alexatest

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
	"math/big"
	"sync"
	"time"
)

const alexaName = "echo-api.amazon.com"

// authority is a certificate authority. It issues chains of the shape that Amazon
// serves: leaf, intermediate, a root that an older authority cross-signed, and that
// authority's own certificate, whose issuer is no longer trusted.
type authority struct {
	certificate  *x509.Certificate // self-signed: the root to trust
	intermediate issuer
	tail         [][]byte // the older certificates, DER
}

type issuer struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newAuthority() *authority {
	root, older, oldest := newECDSAKey(), newECDSAKey(), newECDSAKey()
	issue := func(name string, key crypto.Signer, by string, byKey crypto.Signer) *x509.Certificate {
		template := caTemplate(name)
		return create(template, caTemplate(by), key.Public(), byKey)
	}
	const rootName, olderName, oldestName = "alexatest Root", "alexatest Older Root", "alexatest Oldest Root"
	a := &authority{certificate: issue(rootName, root, rootName, root)}
	crossSigned := issue(rootName, root, olderName, older)
	olderCrossSigned := issue(olderName, older, oldestName, oldest)
	a.tail = [][]byte{crossSigned.Raw, olderCrossSigned.Raw}

	key := newECDSAKey()
	a.intermediate = issuer{create(caTemplate("alexatest Intermediate"), a.certificate, key.Public(), root), key}
	return a
}

// leaf issues a certificate for the key and name, valid from an hour ago.
func (a *authority) leaf(key *rsa.PrivateKey, name string, validFor time.Duration) *x509.Certificate {
	leaf := template(name)
	leaf.NotAfter = time.Now().Add(validFor)
	leaf.DNSNames = []string{name}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return create(leaf, a.intermediate.certificate, key.Public(), a.intermediate.key)
}

// chain returns the PEM file that Alexa's host would serve: a leaf for the key and
// name, and the certificates above it.
func (a *authority) chain(key *rsa.PrivateKey, name string, validFor time.Duration) []byte {
	leaf := a.leaf(key, name, validFor)
	return pemFile(append([][]byte{leaf.Raw, a.intermediate.certificate.Raw}, a.tail...)...)
}

func pemFile(certificates ...[]byte) []byte {
	var file bytes.Buffer
	for _, der := range certificates {
		must(pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return file.Bytes()
}

func template(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"alexatest"}},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(20 * 365 * 24 * time.Hour),
	}
}

func caTemplate(name string) *x509.Certificate {
	t := template(name)
	t.IsCA = true
	t.BasicConstraintsValid = true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return t
}

func create(template, parent *x509.Certificate, public any, key crypto.Signer) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	must(err)
	certificate, err := x509.ParseCertificate(der)
	must(err)
	return certificate
}

func newECDSAKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	return key
}

// rsaKeys are two keys, so that there is always another one. They are generated once
// per process, since that takes a tenth of a second or more.
var rsaKeys = [2]func() *rsa.PrivateKey{sync.OnceValue(newRSAKey), sync.OnceValue(newRSAKey)}

func newRSAKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return key
}

// otherKey returns another RSA key.
func otherKey(key *rsa.PrivateKey) *rsa.PrivateKey {
	if first := rsaKeys[0](); first != key {
		return first
	}
	return rsaKeys[1]()
}
