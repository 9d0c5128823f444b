package signature

import (
	"errors"
	"fmt"
	"net/http"
)

// Each reason to refuse a request has its own error, for [errors.Is]. Only
// ErrFetch is worth a retry with the same request.
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
	ErrSignature   = errors.New("signature: the signature does not match the body")
)

var (
	errNoSkills = fmt.Errorf("%w: Verifier.Skills is not set: list the IDs of your skills", ErrSkill)
	errChanged  = fmt.Errorf("%w: Alexa has not signed it, or a proxy has changed it on the way", ErrSignature)
)

// status is the status of the response to a refused request: an error of the
// caller, unless Skills is empty or the certificate could not be fetched.
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
