package certs

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Check checks a chain, leaf first: the leaf has an RSA key, is for exactly this
// DNS name, without wildcards, and leads to one of the roots over the other
// certificates, which are all valid now. Nil roots are those of the system. A
// certificate of the chain is never a root.
func Check(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) (*Certificate, error) {
	leaf := chain[0]
	key, err := signer(leaf, name)
	if err != nil {
		return nil, err
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	paths, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, CurrentTime: now})
	if err != nil {
		return nil, invalidf("%w", err)
	}
	// Several paths may lead to a root: keep the one that stays valid longest.
	best := &Certificate{}
	for _, path := range paths {
		if window := validity(path); window.NotAfter.After(best.NotAfter) {
			best = window
		}
	}
	best.Key = key
	return best, nil
}

// CheckAlone checks a certificate without a chain, which relies on the host that
// serves it: it has an RSA key, is for exactly this DNS name, without wildcards,
// and is valid now.
func CheckAlone(certificate *x509.Certificate, name string, now time.Time) (*Certificate, error) {
	key, err := signer(certificate, name)
	if err != nil {
		return nil, err
	}
	alone := validity([]*x509.Certificate{certificate})
	if !alone.validAt(now) {
		return nil, invalidf("not valid now")
	}
	alone.Key = key
	return alone, nil
}

// signer returns the key of a certificate for the name.
func signer(certificate *x509.Certificate, name string) (*rsa.PublicKey, error) {
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, invalidf("not an RSA key")
	}
	if !slices.Contains(certificate.DNSNames, name) {
		return nil, invalidf("not for %s", name)
	}
	return key, nil
}

// validity is the time in which every certificate of the path is valid.
func validity(path []*x509.Certificate) *Certificate {
	window := &Certificate{NotBefore: path[0].NotBefore, NotAfter: path[0].NotAfter}
	for _, certificate := range path[1:] {
		if certificate.NotBefore.After(window.NotBefore) {
			window.NotBefore = certificate.NotBefore
		}
		if certificate.NotAfter.Before(window.NotAfter) {
			window.NotAfter = certificate.NotAfter
		}
	}
	return window
}

var strict = base64.StdEncoding.Strict()

// DecodeSignature decodes the base64 of a signature by an RSA key of 2048 bits, as
// Amazon has, up to 4096. It accepts one spelling of each signature.
func DecodeSignature(encoded []byte) ([]byte, error) {
	signature, err := strict.AppendDecode(nil, encoded)
	if err != nil || len(encoded) != strict.EncodedLen(len(signature)) { // even strict skips line breaks
		return nil, errors.New("not base64")
	}
	if n := len(signature); n != 256 && n != 384 && n != 512 {
		return nil, fmt.Errorf("it has %d bytes, not 256, 384 or 512", n)
	}
	return signature, nil
}
