package certs

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A chain is PEM blocks and white space alone.
func TestParse(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	require.NoError(t, err)
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, test := range map[string]struct {
		file []byte
		want int // certificates; zero is an error
	}{
		"one":                 {block, 1},
		"two":                 {slices.Concat(block, block), 2},
		"white space":         {slices.Concat([]byte("\r\n "), block, []byte("\n\n"), block, []byte("\n \t")), 2},
		"nothing":             {nil, 0},
		"white space alone":   {[]byte("\n"), 0},
		"text before":         {slices.Concat([]byte("subject\n"), block), 0},
		"text between":        {slices.Concat(block, []byte("subject\n"), block), 0},
		"text behind":         {slices.Concat(block, []byte("subject\n")), 0},
		"a broken block":      {slices.Concat([]byte(pemBegin+"\n!\n"), block), 0},
		"a broken last block": {slices.Concat(block, []byte(pemBegin+"\n!\n")), 0},
		"another type":        {bytes.ReplaceAll(block, []byte("CERTIFICATE"), []byte("PRIVATE KEY")), 0},
		"a block without end": {block[:len(block)-10], 0},
	} {
		chain, err := parse(test.file)
		if test.want == 0 {
			require.ErrorIs(t, err, ErrInvalid, name)
		} else {
			require.NoError(t, err, name)
		}
		require.Len(t, chain, test.want, name)
	}
}
