package bench

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

var eventsURL = &url.URL{Scheme: "https", Host: "backend.example", Path: "/alexa/events"}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

// leafKey is the key of the first certificate of a PEM file.
func leafKey(tb testing.TB, file io.Reader) *rsa.PublicKey {
	data, err := io.ReadAll(file)
	require.NoError(tb, err)
	block, _ := pem.Decode(data)
	require.NotNil(tb, block)
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(tb, err)
	return leaf.PublicKey.(*rsa.PublicKey)
}
