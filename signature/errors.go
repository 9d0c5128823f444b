package signature

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/alexaevents/alexaevents/internal/certs"
)

// Each reason to refuse a request has its own error, for [errors.Is]. None but
// ErrFetch is worth a second try with the same request.
var (
	ErrHeader      = errors.New("signature: the headers SignatureCertChainUrl and Signature-256 must each occur once")
	ErrBody        = errors.New("signature: the body cannot be read")
	ErrURL         = errors.New("signature: not the URL of an Alexa certificate")
	ErrRequest     = errors.New("signature: the body is not an Alexa request")
	ErrTime        = errors.New("signature: the request is not of this time")
	ErrSkill       = errors.New("signature: the request is for another skill")
	ErrFetch       = errors.New("signature: the certificate could not be fetched")
	ErrCertificate = errors.New("signature: the certificate is not one of Alexa's")
	ErrSignature   = errors.New("signature: the signature does not fit the body")
)

// certificateError turns an error of package certs into one of this package.
func certificateError(err error) error {
	switch {
	case errors.Is(err, certs.ErrFetch):
		return fmt.Errorf("%w: %w", ErrFetch, err)
	case errors.Is(err, certs.ErrInvalid):
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return ErrSignature
}

// status is the HTTP status for a refused request: the caller is at fault,
// unless our own fetch of the certificate failed.
func status(err error) int {
	if errors.Is(err, ErrFetch) {
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
