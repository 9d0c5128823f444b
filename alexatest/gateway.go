package alexatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents"
)

// Sent is an event that a gateway accepted.
type Sent struct {
	Region   alexaevents.Region
	Customer string          // name of the customer in [Cloud.Grant]
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

func (g *gateways) respond(r *http.Request, body []byte, l *login) *http.Response {
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
	if !ok || token == "" { // Amazon was seen to respond like this
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
	case event.token != token: // a guess: this is not documented
		return malformed("the tokens of header and scope differ")
	}
	a := l.authorized(token)
	switch {
	case a == nil:
		return refuse(http.StatusUnauthorized, "INVALID_ACCESS_TOKEN_EXCEPTION", "The access token is invalid or expired.")
	case a.region == "": // a guess: a token without permission to send events
		return refuse(http.StatusForbidden, "INSUFFICIENT_PERMISSION_EXCEPTION", "The token has no permission to send events.")
	case a.revoked, "https://"+r.URL.Host != a.region.APIEndpoint(): // a wrong region was seen to look like this
		return refuse(http.StatusForbidden, "SKILL_DISABLED_EXCEPTION", "The user does not have a valid enablement for your skill.")
	}
	g.sent = append(g.sent, Sent{Region: a.region, Customer: a.customer, Body: body})
	return respond(r, http.StatusAccepted, "application/json", nil)
}

// AcceptGrantDirective returns the AcceptGrant directive with the code of
// [Cloud.Grant]. The access token is one of the skill's own authorization server, for
// the customer's account.
func AcceptGrantDirective(code, accessToken string) []byte {
	return directive("Alexa.Authorization", "AcceptGrant", members{}, members{"payload": members{
		"grant":   members{"type": "OAuth2.AuthorizationCode", "code": code},
		"grantee": bearer(accessToken),
	}})
}

// Directive returns a directive of version 3 for a smart home skill, with a new
// message ID and correlation token. The access token is one of the skill's own
// authorization server. With an empty endpointID the directive has no endpoint, and
// the token is in the payload. A nil payload is an empty object. It panics if the
// payload is not a JSON object.
func Directive(namespace, name, endpointID, accessToken string, payload any) []byte {
	encoded, err := json.Marshal(payload)
	must(err)
	var complete members
	must(json.Unmarshal(encoded, &complete))
	if complete == nil {
		complete = members{}
	}
	body := members{"payload": complete}
	if endpointID == "" {
		complete["scope"] = bearer(accessToken)
	} else {
		body["endpoint"] = members{"endpointId": endpointID, "scope": bearer(accessToken), "cookie": members{}}
	}
	return directive(namespace, name, members{"correlationToken": "alexatest|" + uuid.NewString() + "=="}, body)
}

func directive(namespace, name string, header, body members) []byte {
	header["namespace"], header["name"] = namespace, name
	header["payloadVersion"], header["messageId"] = "3", uuid.NewString()
	body["header"] = header
	encoded, err := json.Marshal(members{"directive": body})
	must(err)
	return encoded
}

func bearer(token string) members { return members{"type": "BearerToken", "token": token} }

// The limits in Amazon's message schema of 2021. Endpoint IDs may also have spaces,
// by the newer page on discovery objects.
var (
	messageID    = regexp.MustCompile(`^[a-zA-Z0-9-]{1,127}$`)
	endpointID   = regexp.MustCompile(`^[a-zA-Z0-9_\-=#;:?@& ]{1,256}$`)
	timeOfSample = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$`)
	wholeSeconds = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	upTo128      = regexp.MustCompile(`(?s)^.{1,128}$`)
	upTo256      = regexp.MustCompile(`(?s)^.{1,256}$`)
	anyText      = regexp.MustCompile(`(?s).`)
)

const (
	maxEndpoints    = 300     // endpoints of a discovery report
	maxCapabilities = 100     // capabilities of an endpoint
	maxEvent        = 256_000 // bytes; Amazon documents 256 KB for discovery reports alone
)

// known are the events with an endpoint for which all rules are known.
var known = []string{
	"Alexa.ChangeReport", "Alexa.DoorbellEventSource.DoorbellPress", "Alexa.SceneController.ActivationStarted",
	"Alexa.SceneController.DeactivationStarted", "Alexa.SimpleEventSource.Event",
}

// event is an event as the gateway checks it. It does not use package gateway, whose
// events it checks.
type event struct {
	wrong     string // first broken rule; empty if none is
	token     string // access token in the scope
	endpoints int    // number of endpoints of a discovery report

	properties map[[3]string]bool // reported properties, by namespace, instance and name
}

type object map[string]json.RawMessage

func readEvent(body []byte) *event {
	e := &event{properties: make(map[[3]string]bool)}
	root := e.object("message", body, "event", "context?")
	message := e.object("event", root["event"], "header", "endpoint?", "payload")
	header := e.object("header", message["header"], "namespace", "name", "payloadVersion", "messageId", "instance?", "correlationToken?")
	for name, value := range header {
		e.text("header."+name, value, anyText)
	}
	e.text("header.messageId", header["messageId"], messageID)
	namespace, name := e.text("", header["namespace"], anyText), e.text("", header["name"], anyText)
	payload := e.object("payload", message["payload"])

	if message["endpoint"] != nil {
		endpoint := e.object("endpoint", message["endpoint"], "scope", "endpointId", "cookie?")
		form := endpointID
		if header["correlationToken"] != nil || !slices.Contains(known, namespace+"."+name) {
			form = anyText // from a directive, or of an event with unknown rules
		}
		e.text("endpoint.endpointId", endpoint["endpointId"], form)
		e.scope("endpoint.scope", endpoint["scope"])
	} else {
		e.scope("payload.scope", payload["scope"])
	}

	switch namespace + "." + name {
	case "Alexa.DeferredResponse":
		e.fail("a DeferredResponse is the response to the directive and is not sent to the gateway")
	case "Alexa.ChangeReport":
		change := e.object("payload.change", payload["change"], "cause", "properties")
		e.cause("payload.change.cause", change["cause"])
		if e.list("payload.change.properties", change["properties"], e.property) == 0 {
			e.fail("payload.change.properties: empty")
		}
	case "Alexa.Discovery.AddOrUpdateReport", "Alexa.Discovery.DeleteReport":
		if message["endpoint"] != nil || root["context"] != nil {
			e.fail("a discovery report has no endpoint and no context")
		}
		e.endpoints = e.list("payload.endpoints", payload["endpoints"], func(path string, data json.RawMessage) {
			e.endpoint(path, e.object(path, data))
		})
		if e.endpoints == 0 {
			e.fail("payload.endpoints: empty")
		}
	case "Alexa.DoorbellEventSource.DoorbellPress", "Alexa.SceneController.ActivationStarted", "Alexa.SceneController.DeactivationStarted":
		e.cause("payload.cause", payload["cause"])
		e.text("payload.timestamp", payload["timestamp"], wholeSeconds)
	case "Alexa.SimpleEventSource.Event":
		if header["instance"] == nil || e.text("", header["payloadVersion"], anyText) == "3" {
			e.fail("header: an event of Alexa.SimpleEventSource has an instance and version 1.0")
		}
	}
	if root["context"] != nil {
		if properties := e.object("context", root["context"], "properties?")["properties"]; properties != nil {
			e.list("context.properties", properties, e.property)
		}
	}
	return e
}

func (e *event) fail(format string, values ...any) {
	if e.wrong == "" {
		e.wrong = fmt.Sprintf(format, values...)
	}
}

// object reads an object with exactly these members. A member whose name ends in ?
// may be missing. Without names any members are allowed.
func (e *event) object(path string, data json.RawMessage, names ...string) object {
	var members object
	if json.Unmarshal(data, &members) != nil || members == nil {
		e.fail("%s: not a JSON object", path)
	}
	for _, name := range names {
		if members[name] == nil && !strings.HasSuffix(name, "?") {
			e.fail("%s: the member %s is missing", path, name)
		}
	}
	for name := range members {
		if len(names) > 0 && !slices.Contains(names, name) && !slices.Contains(names, name+"?") {
			e.fail("%s: the member %s is unknown", path, name)
		}
	}
	return members
}

func (e *event) text(path string, data json.RawMessage, pattern *regexp.Regexp) (text string) {
	if json.Unmarshal(data, &text) != nil || !pattern.MatchString(text) {
		e.fail("%s: not a string of the form %s", path, pattern)
	}
	return text
}

func (e *event) list(path string, data json.RawMessage, read func(path string, data json.RawMessage)) int {
	var elements []json.RawMessage
	if json.Unmarshal(data, &elements) != nil || elements == nil {
		e.fail("%s: not a JSON array", path)
	}
	for i, element := range elements {
		read(fmt.Sprintf("%s[%d]", path, i), element)
	}
	return len(elements)
}

// endpoint checks the limits of an endpoint in a discovery report. In a DeleteReport
// it has only an ID.
func (e *event) endpoint(path string, endpoint object) {
	e.text(path+".endpointId", endpoint["endpointId"], endpointID)
	for name, form := range map[string]*regexp.Regexp{"friendlyName": upTo256, "manufacturerName": upTo128, "description": upTo128} {
		if endpoint[name] != nil {
			e.text(path+"."+name, endpoint[name], form)
		}
	}
	if endpoint["capabilities"] != nil && e.list(path+".capabilities", endpoint["capabilities"], func(string, json.RawMessage) {}) > maxCapabilities {
		e.fail("%s.capabilities: more than %d", path, maxCapabilities)
	}
}

func (e *event) scope(path string, data json.RawMessage) {
	scope := e.object(path, data, "type", "token")
	if e.text(path+".type", scope["type"], anyText) != "BearerToken" {
		e.fail("%s.type: not BearerToken", path)
	}
	e.token = e.text(path+".token", scope["token"], anyText)
}

func (e *event) cause(path string, data json.RawMessage) {
	e.text(path+".type", e.object(path, data, "type")["type"], anyText)
}

// property reads a property. Change and context together may have it only once.
func (e *event) property(path string, data json.RawMessage) {
	property := e.object(path, data, "namespace", "instance?", "name", "value", "timeOfSample", "uncertaintyInMilliseconds", "unit?")
	var key [3]string
	for i, name := range []string{"namespace", "instance", "name"} {
		if property[name] != nil {
			key[i] = e.text(path+"."+name, property[name], anyText)
		}
	}
	if string(property["value"]) == "null" {
		e.fail("%s.value: null", path)
	}
	e.text(path+".timeOfSample", property["timeOfSample"], timeOfSample)
	var uncertainty float64
	if json.Unmarshal(property["uncertaintyInMilliseconds"], &uncertainty) != nil || uncertainty < 0 {
		e.fail("%s.uncertaintyInMilliseconds: not a number of 0 or more", path)
	}
	switch key[0] {
	case "Alexa.ModeController", "Alexa.RangeController", "Alexa.ToggleController":
		if key[1] == "" {
			e.fail("%s.instance: missing, required by %s", path, key[0])
		}
	}
	if e.properties[key] {
		e.fail("%s: reported twice", path)
	}
	e.properties[key] = true
}

// exception is an error response of the event gateway.
func exception(r *http.Request, status int, code, description string) *http.Response {
	return respondJSON(r, status, members{
		"header":  members{"namespace": "System", "name": "Exception", "messageId": uuid.NewString()},
		"payload": members{"code": code, "description": description},
	})
}
