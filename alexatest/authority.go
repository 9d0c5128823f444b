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
	"slices"
	"sync"
	"time"
)

const alexaName = "echo-api.amazon.com"

// authority is a certificate authority. It issues chains of the shape that Amazon
// serves: leaf, intermediate, a root that an older authority cross-signed, and that
// authority's own certificate, whose issuer is no longer trusted. Every key is RSA:
// Amazon's SDK for Node.js reads no other. Keys and certificates are made when they are
// first needed.
type authority struct {
	root         func() *x509.Certificate // self-signed: the one to trust
	oldest       func() *x509.Certificate // self-signed: issuer of the last certificate of the tail
	intermediate issuer
	tail         func() [][]byte // the older certificates, DER
	keys         []*lazyKey      // what a chain needs
}

type issuer struct {
	certificate func() *x509.Certificate
	key         *lazyKey
}

func newAuthority(keys []*lazyKey) *authority {
	selfSigned := func(name string, key *lazyKey) issuer {
		return issuer{sync.OnceValue(func() *x509.Certificate {
			template := caTemplate(name)
			return create(template, template, key.private().Public(), key.private())
		}), key}
	}
	root, older, oldest := selfSigned("alexatest Root", keys[0]), selfSigned("alexatest Older Root", keys[1]), selfSigned("alexatest Oldest Root", keys[2])
	sign := func(name string, key *lazyKey, by issuer) *x509.Certificate {
		return create(caTemplate(name), by.certificate(), key.private().Public(), by.key.private())
	}
	return &authority{
		root:   root.certificate,
		oldest: oldest.certificate,
		intermediate: issuer{sync.OnceValue(func() *x509.Certificate {
			return sign("alexatest Intermediate", keys[3], root)
		}), keys[3]},
		tail: sync.OnceValue(func() [][]byte {
			return [][]byte{sign("alexatest Root", keys[0], older).Raw, sign("alexatest Older Root", keys[1], oldest).Raw}
		}),
		keys: keys,
	}
}

// rootPEM returns what a client must trust.
func (a *authority) rootPEM() []byte {
	var oldest sync.WaitGroup
	oldest.Go(func() { a.oldest() }) // at the same time
	root := a.root()
	oldest.Wait()
	return pemFile(root.Raw, a.oldest().Raw)
}

// leaf issues a certificate for the key and name, valid from an hour ago.
func (a *authority) leaf(key *lazyKey, name string, validFor time.Duration) func() *x509.Certificate {
	now := time.Now()
	return sync.OnceValue(func() *x509.Certificate {
		generate(append(slices.Clone(a.keys), key)...)
		return a.leafBetween(key.private().Public(), name, now.Add(-time.Hour), now.Add(validFor))
	})
}

func (a *authority) leafBetween(key any, name string, notBefore, notAfter time.Time) *x509.Certificate {
	leaf := template(name)
	leaf.NotBefore, leaf.NotAfter = notBefore, notAfter
	leaf.DNSNames = []string{name}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return create(leaf, a.intermediate.certificate(), key, a.intermediate.key.private())
}

// certificateFile is a PEM file that Amazon serves: a leaf and the certificates above
// it.
type certificateFile struct {
	authority *authority
	leaf      func() *x509.Certificate
	above     func() [][]byte // DER
}

// file returns the file that Alexa's host would serve for a leaf of this key and name.
// A short file ends with the intermediate.
func (a *authority) file(key *lazyKey, name string, validFor time.Duration, short bool) *certificateFile {
	return &certificateFile{a, a.leaf(key, name, validFor), func() [][]byte {
		above := [][]byte{a.intermediate.certificate().Raw}
		if !short {
			above = append(above, a.tail()...)
		}
		return above
	}}
}

// leafFile returns the file that the host of SNS would serve.
func (a *authority) leafFile(key *lazyKey, name string, validFor time.Duration) *certificateFile {
	return &certificateFile{a, a.leaf(key, name, validFor), func() [][]byte { return nil }}
}

// age makes the leaf older.
func (f *certificateFile) age(by time.Duration) {
	younger := f.leaf
	f.leaf = sync.OnceValue(func() *x509.Certificate {
		leaf := younger()
		return f.authority.leafBetween(leaf.PublicKey, leaf.Subject.CommonName, leaf.NotBefore.Add(-by), leaf.NotAfter.Add(-by))
	})
}

func (f *certificateFile) pem() []byte {
	return pemFile(append([][]byte{f.leaf().Raw}, f.above()...)...)
}

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

// lazyKey is an RSA key that is generated when it is first needed, since that takes a
// tenth of a second or more.
type lazyKey struct{ private func() *rsa.PrivateKey }

func newLazyKey() *lazyKey {
	return &lazyKey{sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		must(err)
		return key
	})}
}

// madeKey returns a key that exists.
func madeKey(key *rsa.PrivateKey) *lazyKey {
	return &lazyKey{func() *rsa.PrivateKey { return key }}
}

func lazyKeys(n int) []*lazyKey {
	keys := make([]*lazyKey, n)
	for i := range keys {
		keys[i] = newLazyKey()
	}
	return keys
}

// generate generates the keys that do not exist yet, at the same time.
func generate(keys ...*lazyKey) {
	var all sync.WaitGroup
	for _, key := range keys {
		all.Go(func() { key.private() })
	}
	all.Wait()
}

// What all clouds of a process share. Leaves have one of two keys, so that there is
// always another one. Each cloud has the common authority, unless it has restored
// another. No client trusts the strange one.
var (
	leafKeys         = lazyKeys(2)
	commonAuthority  = newAuthority(lazyKeys(4))
	strangeAuthority = newAuthority(lazyKeys(4))
)

// otherKey returns a key for leaves that is not this one. The key may come from a
// snapshot of a cloud of this process, so it is compared by value.
func otherKey(key *lazyKey) *lazyKey {
	first := leafKeys[0]
	if key == nil || key != first && !first.private().Equal(key.private()) {
		return first
	}
	return leafKeys[1]
}
