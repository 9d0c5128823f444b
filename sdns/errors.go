package sdns

import (
	"errors"
	"net/http"

	"github.com/alexaevents/alexaevents"
)

// ErrMalformed is the error of [Parse] for data that is not a notification.
var ErrMalformed = errors.New("sdns: malformed event")

var (
	errNoName    = errors.New("eventName is missing")
	errNoReceive = errors.New("sdns: the function given to Receive is nil")
)

// hints say what to do about an HTTP status.
var hints = map[int]string{
	http.StatusUnauthorized: "get a new access token with the scope alexa::ask:subscriptions",
	http.StatusForbidden:    "use a token of a user with a role in this vendor, obtained with the LWA client of the subscriber",
}

// invalid returns the error for a request that is not sent.
func invalid(field, rule string) error {
	return &alexaevents.InvalidError{API: "sdns", Field: field, Rule: rule}
}
