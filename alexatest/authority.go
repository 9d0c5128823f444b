package alexatest

import (
	"bytes"
	"crypto"
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
// authority's own certificate, whose issuer is no longer trusted. Every key is RSA:
// Amazon's SDK for Node.js reads no other.
type authority struct {
	certificate  *x509.Certificate // self-signed: the root to trust
	oldest       *x509.Certificate // self-signed: issuer of the last certificate of the tail
	intermediate issuer
	tail         [][]byte // the older certificates, DER
}

type issuer struct {
	certificate *x509.Certificate
	key         *rsa.PrivateKey
}

func newAuthority() *authority {
	keys := newAuthorityKeys()
	selfSigned := func(name string, key *rsa.PrivateKey) issuer {
		template := caTemplate(name)
		return issuer{create(template, template, key.Public(), key), key}
	}
	root, older, oldest := selfSigned("alexatest Root", keys[0]), selfSigned("alexatest Older Root", keys[1]), selfSigned("alexatest Oldest Root", keys[2])
	sign := func(name string, key *rsa.PrivateKey, by issuer) *x509.Certificate {
		return create(caTemplate(name), by.certificate, key.Public(), by.key)
	}
	return &authority{
		certificate:  root.certificate,
		oldest:       oldest.certificate,
		intermediate: issuer{sign("alexatest Intermediate", keys[3], root), keys[3]},
		tail:         [][]byte{sign("alexatest Root", keys[0], older).Raw, sign("alexatest Older Root", keys[1], oldest).Raw},
	}
}

// leaf issues a certificate for the key and name, valid from an hour ago.
func (a *authority) leaf(key *rsa.PrivateKey, name string, validFor time.Duration) *x509.Certificate {
	now := time.Now()
	return a.leafBetween(key.Public(), name, now.Add(-time.Hour), now.Add(validFor))
}

func (a *authority) leafBetween(key any, name string, notBefore, notAfter time.Time) *x509.Certificate {
	leaf := template(name)
	leaf.NotBefore, leaf.NotAfter = notBefore, notAfter
	leaf.DNSNames = []string{name}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return create(leaf, a.intermediate.certificate, key, a.intermediate.key)
}

// certificateFile is a PEM file that Amazon serves: a leaf and the certificates above
// it.
type certificateFile struct {
	authority *authority
	leaf      *x509.Certificate
	above     [][]byte // DER
}

// file returns the file that Alexa's host would serve for a leaf of this key and name.
// A short file ends with the intermediate.
func (a *authority) file(key *rsa.PrivateKey, name string, validFor time.Duration, short bool) *certificateFile {
	above := [][]byte{a.intermediate.certificate.Raw}
	if !short {
		above = append(above, a.tail...)
	}
	return &certificateFile{a, a.leaf(key, name, validFor), above}
}

// age makes the leaf older.
func (f *certificateFile) age(by time.Duration) {
	f.leaf = f.authority.leafBetween(f.leaf.PublicKey, f.leaf.Subject.CommonName, f.leaf.NotBefore.Add(-by), f.leaf.NotAfter.Add(-by))
}

func (f *certificateFile) pem() []byte { return pemFile(append([][]byte{f.leaf.Raw}, f.above...)...) }

func pemFile(certificates ...[]byte) []byte {
	var file bytes.Buffer
	for _, der := range certificates {
		must(pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return file.Bytes()
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"alexatest"}},
	}
}

func caTemplate(name string) *x509.Certificate {
	t := template(name)
	t.NotBefore = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) // synctest's clock starts in 2000
	t.NotAfter = time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC)
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

// Keys are generated when one is first needed, and once per process, since that takes
// a tenth of a second or more. rsaKeys are two, so that there is always another one.
var rsaKeys = [2]func() *rsa.PrivateKey{sync.OnceValue(newRSAKey), sync.OnceValue(newRSAKey)}

// commonAuthority is that of each cloud, unless it has restored another. No client
// trusts strangeAuthority.
var commonAuthority, strangeAuthority = sync.OnceValue(newAuthority), sync.OnceValue(newAuthority)

func newAuthorityKeys() (keys [4]*rsa.PrivateKey) {
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() { keys[i] = newRSAKey() })
	}
	all.Wait()
	return keys
}

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
