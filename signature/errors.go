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
	ErrMethod      = errors.New("signature: the request is not a POST")
	ErrHeader      = errors.New("signature: the headers SignatureCertChainUrl and Signature-256 must each occur once")
	ErrBody        = errors.New("signature: the body cannot be read")
	ErrURL         = errors.New("signature: not the URL of an Alexa certificate")
	ErrRequest     = errors.New("signature: the body is not an Alexa request")
	ErrTime        = errors.New("signature: the timestamp is outside the accepted window")
	ErrSkill       = errors.New("signature: the request is for another skill")
	ErrFetch       = errors.New("signature: the certificate could not be fetched")
	ErrCertificate = errors.New("signature: the certificate is not one of Alexa's")
	ErrSignature   = errors.New("signature: the signature does not fit the body")
)

var (
	// errNoSkills is the kind of ErrSkill that is the fault of the set-up.
	errNoSkills = fmt.Errorf("%w: Verifier.Skills is empty; list the IDs of your skills in it", ErrSkill)
	errChanged  = fmt.Errorf("%w: Alexa has not signed it, or a proxy has changed it on the way", ErrSignature)
)

// certificateError turns an error of package certs into one of this package.
func certificateError(err error) error {
	switch {
	case errors.Is(err, certs.ErrFetch):
		return fmt.Errorf("%w: %w", ErrFetch, err)
	case errors.Is(err, certs.ErrInvalid):
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return errChanged
}

// status is the status of the response to a refused request: an error of the
// caller, unless all that failed is our own set-up or fetch of the certificate.
func status(err error) int {
	switch {
	case errors.Is(err, errNoSkills):
		return http.StatusInternalServerError
	case errors.Is(err, ErrFetch):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrMethod):
		return http.StatusMethodNotAllowed
	}
	return http.StatusBadRequest
}
