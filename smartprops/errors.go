package smartprops

import (
	"errors"
	"net/http"

	"github.com/alexaevents/alexaevents"
)

// ErrMalformed is the error of [Parse] for bytes that are not an event.
var ErrMalformed = errors.New("smartprops: malformed event")

var (
	errNoType    = errors.New("no header.eventType with namespace and name")
	errNoReceive = errors.New("smartprops: the function given to Receive is nil")
)

// hints say what to do about a status. Amazon documents neither statuses nor
// bodies of this API's errors; these are the usual ones.
var hints = map[int]string{
	http.StatusUnauthorized: "get a new access token with the scope alexa::enterprise:management",
	http.StatusForbidden:    "register the token's client in the console of Alexa Smart Properties, under Administration > Alexa Management API Clients",
}

// invalid is an error about a request that is not sent.
func invalid(field, rule string) error {
	return &alexaevents.InvalidError{API: "smartprops", Field: field, Rule: rule}
}
