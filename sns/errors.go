package sns

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/alexaevents/alexaevents/internal/certs"
)

// Each reason to refuse a message has its own error, for [errors.Is]. Only
// ErrFetch and ErrConfirm are worth a retry with the same message.
var (
	ErrBody         = errors.New("sns: the body cannot be read")
	ErrMessage      = errors.New("sns: not an SNS message")
	ErrHeader       = errors.New("sns: headers and body contradict each other")
	ErrTopic        = errors.New("sns: the topic is not listed in Topics")
	ErrTime         = errors.New("sns: the message is older than MaxAge")
	ErrRaw          = errors.New("sns: a message with raw message delivery, which has no signature")
	ErrUnauthorized = errors.New("sns: the request has no valid credentials") // for UnverifiedRaw to return
	ErrVersion      = errors.New("sns: the signature version is not accepted")
	ErrURL          = errors.New("sns: the URL is not one of SNS in the topic's region")
	ErrFetch        = errors.New("sns: the certificate could not be fetched")
	ErrCertificate  = errors.New("sns: the certificate is not one of SNS")
	ErrSignature    = errors.New("sns: the signature does not match the message")
	ErrConfirm      = errors.New("sns: the subscription could not be confirmed")
)

// errMisuse is the kind of error that the program causes, not the message. Its
// text names the field to set.
var errMisuse = errors.New("sns: not set up")

func misuse(field, remedy string) error {
	return fmt.Errorf("%w: %s is not set: %s", errMisuse, field, remedy)
}

var errChanged = fmt.Errorf("%w: SNS has not signed it, or a proxy has changed it on the way", ErrSignature)

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

// status is the HTTP status for a message that is refused: the caller is at
// fault, unless a request of our own failed or the program is not set up.
func status(err error) int {
	switch {
	case errors.Is(err, errMisuse):
		return http.StatusInternalServerError
	case errors.Is(err, ErrFetch), errors.Is(err, ErrConfirm):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrUnauthorized):
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}
