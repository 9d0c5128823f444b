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
	Customer string
	Body     json.RawMessage
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
	if r.Method != http.MethodPost {
		return respond(r, http.StatusMethodNotAllowed, "text/plain", nil)
	}
	malformed := func(why string) *http.Response {
		return exception(r, http.StatusBadRequest, "INVALID_REQUEST_EXCEPTION", "The request was malformed. (alexatest: "+why+")")
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return malformed("the header Authorization carries no bearer token") // as Amazon answers an empty token
	}
	scopeToken, err := checkEvent(body)
	if err != nil {
		return malformed(err.Error())
	}
	if scopeToken != token {
		return malformed("the tokens of header and scope differ") // a guess: nobody documents what Amazon does
	}
	a := l.authorized(token)
	switch {
	case a == nil:
		return exception(r, http.StatusUnauthorized, "INVALID_ACCESS_TOKEN_EXCEPTION", "The access token is invalid or expired.")
	case a.region == "":
		return exception(r, http.StatusForbidden, "INSUFFICIENT_PERMISSION_EXCEPTION", "The token has no permission to send events.")
	case a.revoked, "https://"+r.URL.Host != a.region.APIEndpoint(): // a wrong region was seen to look like this
		return exception(r, http.StatusForbidden, "SKILL_DISABLED_EXCEPTION", "The user does not have a valid enablement for your skill.")
	}
	g.sent = append(g.sent, Sent{Region: a.region, Customer: a.customer, Body: slices.Clone(body)})
	return respond(r, http.StatusAccepted, "application/json", nil)
}
