package alexatest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents"
)

// Sent is an event that a gateway accepted.
type Sent struct {
	Region   alexaevents.Region
	Customer string          // as [Cloud.Grant] named the customer
	Body     json.RawMessage // the whole message
}

// Sent returns the events that the gateways accepted, in order.
func (c *Cloud) Sent() []Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.gateways.sent)
}

// gateways are the event gateways of the three regions.
type gateways struct {
	sent []Sent
}

func (g *gateways) answer(r *http.Request, body []byte, l *login) *http.Response {
	refuse := func(status int, code, description string) *http.Response {
		return exception(r, status, code, description)
	}
	malformed := func(why string) *http.Response {
		return refuse(http.StatusBadRequest, "INVALID_REQUEST_EXCEPTION", "The request was malformed. (alexatest: "+why+")")
	}
	tooLarge := func(why string) *http.Response {
		return refuse(http.StatusRequestEntityTooLarge, "REQUEST_ENTITY_TOO_LARGE_EXCEPTION", why)
	}
	if r.Method != http.MethodPost {
		return respond(r, http.StatusMethodNotAllowed, "text/plain", nil)
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" { // for which Amazon was seen to answer so
		return malformed("the header Authorization has no bearer token")
	}
	if len(body) > maxEvent {
		return tooLarge("The event has more than 256 KB.")
	}
	event := readEvent(body)
	switch {
	case event.wrong != "":
		return malformed(event.wrong)
	case event.endpoints > maxEndpoints:
		return tooLarge("There are too many endpoints.")
	case event.token != token: // a guess: nobody documents what Amazon does
		return malformed("the tokens of header and scope differ")
	}
	a := l.authorized(token)
	switch {
	case a == nil:
		return refuse(http.StatusUnauthorized, "INVALID_ACCESS_TOKEN_EXCEPTION", "The access token is invalid or expired.")
	case a.region == "": // a guess: no permission of the skill, and no event either
		return refuse(http.StatusForbidden, "INSUFFICIENT_PERMISSION_EXCEPTION", "The token has no permission to send events.")
	case a.revoked, "https://"+r.URL.Host != a.region.APIEndpoint(): // a wrong region was seen to look like this
		return refuse(http.StatusForbidden, "SKILL_DISABLED_EXCEPTION", "The user does not have a valid enablement for your skill.")
	}
	g.sent = append(g.sent, Sent{Region: a.region, Customer: a.customer, Body: body})
	return respond(r, http.StatusAccepted, "application/json", nil)
}
