package sns

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/alexaevents/alexaevents/internal/certs"
)

// Each reason to refuse a message has its own error, for [errors.Is]. None but
// ErrFetch and ErrConfirm is worth a second try with the same message.
var (
	ErrBody        = errors.New("sns: the body cannot be read")
	ErrMessage     = errors.New("sns: not a message of SNS")
	ErrHeader      = errors.New("sns: the headers and the body do not agree")
	ErrTopic       = errors.New("sns: a message of a topic that is not listed")
	ErrRaw         = errors.New("sns: a raw message, which has no signature")
	ErrVersion     = errors.New("sns: a signature of a version that is not accepted")
	ErrURL         = errors.New("sns: a URL that is not one of the topic's region")
	ErrFetch       = errors.New("sns: the certificate could not be fetched")
	ErrCertificate = errors.New("sns: the certificate is not one of SNS's")
	ErrSignature   = errors.New("sns: the signature does not fit the message")
	ErrConfirm     = errors.New("sns: the subscription could not be confirmed")
)

var errNoReceive = errors.New("sns: no function to receive messages")

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

// status is what a refused message is answered with: an error of the caller,
// unless all that failed is a request of our own.
func status(err error) int {
	if errors.Is(err, ErrFetch) || errors.Is(err, ErrConfirm) {
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
