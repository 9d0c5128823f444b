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
	maxBytes  = 64 << 10 // of a response
	maxBlocks = 10       // certificates in a chain; Amazon's have four
)

// ErrFetch says that a certificate could not be fetched now, which proves
// nothing about the message that named it. A later fetch may succeed.
var ErrFetch = errors.New("certificate not fetched")

// statusError is an HTTP status other than 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("the host responds with %d", int(e)) }

// refuses reports whether the host says that the URL is wrong: a status of 4xx,
// except those that say something about the time or the network. The host of
// Alexa's certificates responds with 403 or 404 where there is no file.
func (e statusError) refuses() bool {
	switch int(e) {
	case http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e >= 400 && e < 500
}

// Fetch gets a PEM chain, leaf first, as [Get] gets it. Its errors are [ErrFetch]
// and, if there is no chain at the URL, [ErrInvalid].
func Fetch(ctx context.Context, client *http.Client, url string) ([]*x509.Certificate, error) {
	data, err := Get(ctx, client, url)
	status, ok := errors.AsType[statusError](err)
	switch {
	case ok && status.refuses():
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrFetch, err)
	case len(data) > maxBytes:
		return nil, fmt.Errorf("%w: more than %d bytes", ErrInvalid, maxBytes)
	}
	return parse(data)
}

// Get gets what is at exactly this URL, 64 KiB and a byte of it at most. A
// redirect is a failure, and so is every status but 200. A nil client is the
// package's own.
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

// parse reads a PEM file of certificates. Between, before and behind them it
// allows white space alone.
func parse(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for data = bytes.TrimSpace(data); len(data) > 0 || len(chain) == 0; data = bytes.TrimSpace(data) {
		block, rest := pem.Decode(data)
		// Decode skips what is not a block in front of one.
		if block == nil || !bytes.HasPrefix(data, []byte(pemBegin)) || bytes.Count(data[:len(data)-len(rest)], []byte("-----BEGIN")) != 1 {
			return nil, fmt.Errorf("%w: not a PEM file of certificates alone", ErrInvalid)
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
	return chain, nil
}
