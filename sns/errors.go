package sns

import (
	"errors"
	"fmt"
)

// Each reason to refuse a message has its own error, for [errors.Is]. Only
// ErrFetch and ErrConfirm are worth a retry with the same message.
// ErrMisconfigured is the error of a [Handler], [Lambda] or [SQS] that lacks a
// field; its text says what to set.
var (
	ErrBody         = errors.New("sns: the body cannot be read")
	ErrMessage      = errors.New("sns: not an SNS message")
	ErrHeader       = errors.New("sns: the headers and the body differ")
	ErrTopic        = errors.New("sns: the topic is not listed in Topics")
	ErrTime         = errors.New("sns: the message is older than MaxAge")
	ErrRaw          = errors.New("sns: a raw message has no signature")
	ErrUnauthorized = errors.New("sns: the request has no valid credentials") // UnverifiedRaw returns it
	ErrVersion      = errors.New("sns: the signature version is not accepted")
	ErrURL          = errors.New("sns: not a URL of SNS in the topic's region")
	ErrFetch        = errors.New("sns: the certificate could not be fetched")
	ErrCertificate  = errors.New("sns: the certificate is not one of SNS's")
	ErrSignature    = errors.New("sns: the signature does not match the message")
	ErrConfirm      = errors.New("sns: the subscription could not be confirmed")

	ErrMisconfigured = errors.New("sns: misconfigured")
)

var errMethod = errors.New("sns: the method is not POST")

// notSet is the error for a field that must be set.
func notSet(field, remedy string) error {
	return fmt.Errorf("%w: %s is not set: %s", ErrMisconfigured, field, remedy)
}

var errChanged = fmt.Errorf("%w: SNS has not signed it, or a proxy has changed it on the way", ErrSignature)
