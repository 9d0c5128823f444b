package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/alexaevents/alexaevents/internal/outbound"
)

const (
	maxBytes  = 64 << 10 // of an answer
	maxBlocks = 10       // certificates in a chain; Amazon's have four
)

// ErrFetch says that a certificate could not be had, which proves nothing about
// the message that named it.
var ErrFetch = errors.New("certificate not fetched")

// Fetch gets a PEM chain, leaf first, as [Get] gets it.
func Fetch(ctx context.Context, client *http.Client, url string) ([]*x509.Certificate, error) {
	data, err := Get(ctx, client, url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFetch, err)
	}
	return parse(data)
}

// Get gets what is at exactly this URL: a redirect is a failure. A nil client
// is the package's own.
func Get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	client = outbound.Client(client)

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the host answered %d", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("more than %d bytes", maxBytes)
	}
	return data, nil
}

// parse reads a PEM file that holds certificates and nothing else.
func parse(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%w: the chain holds something else than certificates", ErrInvalid)
		}
		if len(chain) == maxBlocks {
			return nil, fmt.Errorf("%w: more than %d certificates", ErrInvalid, maxBlocks)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		chain = append(chain, certificate)
		data = rest
	}
	if len(chain) == 0 || len(bytes.TrimSpace(data)) != 0 {
		return nil, fmt.Errorf("%w: not a PEM file of certificates", ErrInvalid)
	}
	return chain, nil
}
