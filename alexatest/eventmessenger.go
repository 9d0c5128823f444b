package alexatest

import (
	"bytes"
	"encoding/json"
	"net/http"
	neturl "net/url"
	"slices"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// eventMessenger is the Event Messenger API of Smart Properties. Amazon documents
// its paths, the bodies that create something, the answer to those and how pages
// follow each other. All other answers are a guess, and so is that what belongs
// to somebody else looks as if it did not exist.
type eventMessenger struct {
	configurations collection
	subscriptions  collection
}

// collection is what callers have created of one kind.
type collection struct {
	prefix    string // of IDs
	check     func(call, *resource, *violations)
	filter    func(neturl.Values) (func(*resource) bool, violations)
	resources []*resource
	pages     pages
}

// resource is a subscription configuration or a subscription. That it looks as
// it was created, with an ID, is a guess.
type resource struct {
	id      string
	owner   string
	token   string // the idempotency token
	request []byte // that created it
	body    object
}

func (c *Cloud) newEventMessenger() *api {
	m := &c.messenger
	m.configurations = collection{
		prefix: "amzn1.alexa.aem.subscription.configuration.",
		check:  checkConfiguration, filter: filterConfigurations, pages: make(pages),
	}
	m.subscriptions = collection{
		prefix: "amzn1.alexa.aem.subscription.",
		check:  m.checkSubscription, filter: filterSubscriptions, pages: make(pages),
	}
	operations := make(map[string]operation)
	for name, of := range map[string]*collection{"subscriptionConfigurations": &m.configurations, "subscriptions": &m.subscriptions} {
		operations["POST "+name] = of.create
		operations["GET "+name] = of.list
		operations["GET "+name+"/"] = of.get
		operations["DELETE "+name+"/"] = of.delete
	}
	return &api{"/v1/eventMessenger/", "alexa::enterprise:management", operations}
}

// create creates a resource, once for all requests of a caller with the same
// idempotency token. Only Amazon's sample program has that token: what it does is
// a guess.
func (o *collection) create(c call) *http.Response {
	created := &resource{id: o.prefix + uuid.NewString(), owner: c.caller.customer, request: c.body}
	refusal := c.read(&created.body, func(wrong *violations) { o.check(c, created, wrong) })
	if refusal != nil {
		return refusal
	}
	created.member("idempotencyToken", &created.token)
	for _, earlier := range o.resources {
		if created.token != "" && earlier.token == created.token && earlier.owner == created.owner {
			if !bytes.Equal(earlier.request, created.request) {
				return violations{"idempotencyToken: was that of another request"}.refusal(c)
			}
			return createdResource(c, earlier.id)
		}
	}
	id, err := json.Marshal(created.id)
	must(err)
	created.body["id"] = id
	delete(created.body, "idempotencyToken")
	o.resources = append(o.resources, created)
	return createdResource(c, created.id)
}

// createdResource has the bare ID for a Location.
func createdResource(c call, id string) *http.Response {
	response := respondJSON(c.Request, http.StatusCreated, members{"id": id})
	response.Header.Set("Location", id)
	return response
}

// list answers with a page of what the caller has created. At most ten items are
// documented; Amazon's sample program asks for a hundred.
func (o *collection) list(c call) *http.Response {
	matches, wrong := o.filter(c.URL.Query())
	var items []any
	for _, r := range o.resources {
		if r.owner == c.caller.customer && matches(r) {
			items = append(items, r.body)
		}
	}
	part, next := o.pages.page(c, &wrong, items, 100, 10)
	if wrong != nil {
		return wrong.refusal(c)
	}
	context := members{}
	if next != "" {
		context["nextToken"] = next
	}
	return respondJSON(c.Request, http.StatusOK, members{"paginationContext": context, "results": part})
}

func (o *collection) get(c call) *http.Response {
	found := o.find(c, c.id)
	if found == nil {
		return notFound(c)
	}
	return respondJSON(c.Request, http.StatusOK, found.body)
}

func (o *collection) delete(c call) *http.Response {
	found := o.find(c, c.id)
	if found == nil {
		return notFound(c)
	}
	o.resources = slices.DeleteFunc(o.resources, func(r *resource) bool { return r == found })
	return respond(c.Request, http.StatusNoContent, "application/json", nil)
}

// find returns the caller's resource with the ID, nil if there is none.
func (o *collection) find(c call, id string) *resource {
	for _, r := range o.resources {
		if r.id == id && r.owner == c.caller.customer {
			return r
		}
	}
	return nil
}

// member decodes a member of the body, and reports whether it is there and has
// that form.
func (r *resource) member(name string, value any) bool {
	return r.body[name] != nil && json.Unmarshal(r.body[name], value) == nil
}

func checkConfiguration(_ call, r *resource, wrong *violations) {
	var channels []struct{ Type, ID string }
	wrong.require(r.member("deliveryChannels", &channels) && len(channels) > 0, "deliveryChannels: required")
	for _, channel := range channels {
		_, _, isTopic := rest.TopicARN(channel.ID)
		wrong.require(channel.Type == "SNS", "deliveryChannels.type: not SNS")
		wrong.require(isTopic, "deliveryChannels.id: not the ARN of an SNS topic")
	}
}

// checkSubscription takes types of events that are not documented as they are.
func (m *eventMessenger) checkSubscription(c call, r *resource, wrong *violations) {
	var configuration string
	r.member("subscriptionConfigurationId", &configuration)
	wrong.require(m.configurations.find(c, configuration) != nil, "subscriptionConfigurationId: there is none")
	event := r.eventType()
	wrong.require(event.Namespace != "" && event.Name != "", "eventType: namespace and name are required")
	for _, needed := range neededEntities[event] {
		wrong.require(r.entities().complete()[needed], "entities.%s: required by this type of event", needed)
	}
}

// filterConfigurations knows no filter but that all are the caller's.
func filterConfigurations(query neturl.Values) (_ func(*resource) bool, wrong violations) {
	wrong.require(query.Get("owner") == "~caller", "owner: not ~caller")
	return func(*resource) bool { return true }, wrong
}

// filterSubscriptions wants the parts of a filter together, and an owner unless
// there is a unit, as Amazon's samples have it.
func filterSubscriptions(query neturl.Values) (_ func(*resource) bool, wrong violations) {
	pair := func(first, second string) (string, string) {
		wrong.require(query.Has(first) == query.Has(second), "%s and %s: give both or neither", first, second)
		return query.Get(first), query.Get(second)
	}
	unit, unitType := pair("entities.unit.id", "entities.unit.type")
	parent, parentType := pair("entities.unit.parent.id", "entities.unit.parent.type")
	namespace, name := pair("eventType.namespace", "eventType.name")
	wrong.require(unit == "" || unitType == "Unit", "entities.unit.type: not Unit")
	wrong.require(parent == "" || parentType == "Unit", "entities.unit.parent.type: not Unit")
	owner := query.Get("owner")
	wrong.require(owner == "~caller" || owner == "" && (unit != "" || parent != ""), "owner: not ~caller")
	return func(r *resource) bool {
		e := r.entities()
		return (unit == "" || e.Unit.ID == unit) && (parent == "" || e.Unit.Parent.ID == parent) &&
			(name == "" || r.eventType() == eventType{namespace, name})
	}, wrong
}
