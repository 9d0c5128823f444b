package sdns

import (
	"errors"
	"net/http"

	"github.com/alexaevents/alexaevents"
)

// ErrMalformed is the error of [Parse] for bytes that are not a notification.
var ErrMalformed = errors.New("sdns: malformed event")

var (
	errNoName    = errors.New("no eventName")
	errNoReceive = errors.New("sdns: the function given to Receive is nil")
)

// hints say what to do about a status.
var hints = map[int]string{
	http.StatusUnauthorized: "get a new access token with the scope alexa::ask:subscriptions",
	http.StatusForbidden:    "use a token of an account of this vendor, made with the client of the subscriber",
}

// invalid is an error about a request that is not sent.
func invalid(field, rule string) error {
	return &alexaevents.InvalidError{API: "sdns", Field: field, Rule: rule}
}
