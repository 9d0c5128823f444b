package smartprops

import (
	"errors"
	"net/http"

	"github.com/alexaevents/alexaevents"
)

// ErrMalformed is the error of [Parse] for data that is not an event.
var ErrMalformed = errors.New("smartprops: malformed event")

var (
	errNoType    = errors.New("header.eventType with namespace and name is missing")
	errNoReceive = errors.New("smartprops: the function given to Receive is nil")
)

// hints say what to do about an HTTP status. Amazon does not document the errors
// of this API; these are the usual statuses.
var hints = map[int]string{
	http.StatusUnauthorized: "get a new access token with the scope alexa::enterprise:management",
	http.StatusForbidden:    "register the token's client in the console of Alexa Smart Properties, under Administration > Alexa Management API Clients",
}

// invalid returns the error for a request that is not sent.
func invalid(field, rule string) error {
	return &alexaevents.InvalidError{API: "smartprops", Field: field, Rule: rule}
}
