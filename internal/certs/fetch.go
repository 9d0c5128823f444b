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

	"github.com/alexaevents/alexaevents/internal/rest"
)

const (
	maxBytes  = 64 << 10 // size of a response
	maxBlocks = 10       // certificates in a chain; Amazon's have four
)

// statusError is an HTTP status other than 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("the host responds with %d", int(e)) }

// refuses reports whether the status means that the URL is wrong: 4xx, except for
// those of temporary failures. The host of Alexa's certificates responds with 403
// or 404 without a file.
func (e statusError) refuses() bool {
	switch int(e) {
	case http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e >= 400 && e < 500
}

// Fetch gets a PEM chain, leaf first, with [Get]. Its errors are [ErrFetch] and, if
// the URL has no chain, [ErrInvalid].
func Fetch(ctx context.Context, client *http.Client, url string) ([]*x509.Certificate, error) {
	data, err := Get(ctx, client, url)
	status, ok := errors.AsType[statusError](err)
	switch {
	case ok && status.refuses():
		return nil, invalidf("%w", err)
	case err != nil:
		return nil, fetchError(err)
	case len(data) > maxBytes:
		return nil, invalidf("more than %d bytes", maxBytes)
	}
	return parse(data)
}

// Get gets the body of exactly this URL, up to a byte more than 64 KiB. A redirect
// is an error, and so is every status but 200. A nil client is the package's own.
func Get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	client = rest.HTTPClient(client)

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
		return nil, statusError(response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxBytes+1))
}

const pemBegin = "-----BEGIN CERTIFICATE-----"

// parse reads a PEM file of certificates. Before, between and after them it allows
// only white space.
func parse(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for data = bytes.TrimSpace(data); len(data) > 0 || len(chain) == 0; data = bytes.TrimSpace(data) {
		block, rest := pem.Decode(data)
		// Decode skips everything before a block.
		if block == nil || !bytes.HasPrefix(data, []byte(pemBegin)) || bytes.Count(data[:len(data)-len(rest)], []byte("-----BEGIN")) != 1 {
			return nil, invalidf("not a PEM file of certificates alone")
		}
		if len(chain) == maxBlocks {
			return nil, invalidf("more than %d certificates", maxBlocks)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, invalidf("%w", err)
		}
		chain = append(chain, certificate)
		data = rest
	}
	return chain, nil
}
