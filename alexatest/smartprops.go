package alexatest

import (
	"bytes"
	"encoding/json"
	"net/http"
	neturl "net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// eventMessenger is the Event Messenger API of Smart Properties. Amazon documents its
// paths, the requests that create something with their responses, and the pages. The
// other responses are a guess, and so is the response for another caller's resource,
// which is that for a missing one.
type eventMessenger struct {
	configurations collection
	subscriptions  collection
}

// collection has the resources of one kind.
type collection struct {
	prefix    string // prefix of IDs
	check     func(call, *resource, *violations)
	filter    func(neturl.Values) (func(*resource) bool, violations)
	resources []*resource
	pages     pages
}

// resource is a subscription configuration or a subscription. A response with it has
// the members of the request that created it and an ID, which is a guess.
type resource struct {
	id      string
	owner   string
	token   string // idempotency token
	request []byte // body of the request that created it
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
	return &api{"/v1/eventMessenger/", "alexa::enterprise:management", false, operations}
}

// create creates a resource, once for all requests of a caller with the same
// idempotency token. Only Amazon's sample program sends that token: its effect is a
// guess.
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

// list responds with a page of the caller's resources. The documents allow at most ten
// items; Amazon's sample program requests a hundred.
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
	return page(c, part, next)
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

// checkSubscription accepts event types that are not documented.
func (m *eventMessenger) checkSubscription(c call, r *resource, wrong *violations) {
	var configuration string
	r.member("subscriptionConfigurationId", &configuration)
	wrong.require(m.configurations.find(c, configuration) != nil, "subscriptionConfigurationId: unknown")
	event := r.eventType()
	wrong.require(event.Namespace != "" && event.Name != "", "eventType: namespace and name are required")
	for _, needed := range neededEntities[event] {
		wrong.require(r.entities().complete()[needed], "entities.%s: required by this type of event", needed)
	}
}

// filterConfigurations accepts only the owner ~caller.
func filterConfigurations(query neturl.Values) (_ func(*resource) bool, wrong violations) {
	wrong.require(query.Get("owner") == "~caller", "owner: not ~caller")
	return func(*resource) bool { return true }, wrong
}

// filterSubscriptions requires both parts of a filter, and an owner without a unit, as
// in Amazon's samples.
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

// PropertyEvent is an event in a smart property.
type PropertyEvent struct {
	Type         string // event type, such as "Alexa.Skill.Interaction.Failure"
	UnitID       string // unit of the event
	ParentUnitID string // parent of the unit, for subscriptions by parent; not in the event
	SkillID      string // skill of the event; empty without one

	// Payload is marshalled as the payload. Amazon documents only the payload of
	// an automation's completion. Nil is an empty object.
	Payload any
}

// NotifyProperties simulates an event in a property. It publishes the event to the
// topics of the matching subscriptions: those with its type, whose unit, parent unit,
// skill and resource are those of the event. Other entities of a subscription are
// ignored. A topic that does not exist, or is closed to Alexa, misses the event.
// NotifyProperties returns the ID of the event.
//
// It panics if the type is not a namespace and a name with a dot between them.
func (c *Cloud) NotifyProperties(event PropertyEvent) (eventID string) {
	happened := event.eventType()
	eventID = uuid.NewString()
	message := event.message(eventID, happened)
	defer c.lock()()
	for _, subscription := range c.messenger.subscriptions.resources {
		if subscription.eventType() != happened || !subscription.entities().cover(event) {
			continue
		}
		var configuration string
		subscription.member("subscriptionConfigurationId", &configuration)
		for _, topicARN := range c.messenger.topics(configuration) {
			c.publishFromAlexa(topicARN, message)
		}
	}
	return eventID
}

// Message returns the message of the event for [Cloud.NewSNSRequest], as Amazon
// publishes it. It panics if the type is not a namespace and a name with a dot between
// them.
func (e PropertyEvent) Message() []byte { return e.message(uuid.NewString(), e.eventType()) }

func (e PropertyEvent) eventType() eventType {
	dot := strings.LastIndexByte(e.Type, '.')
	if dot <= 0 || dot == len(e.Type)-1 {
		panic(invalid("not an event type: %s", e.Type))
	}
	return eventType{e.Type[:dot], e.Type[dot+1:]}
}

// message returns the event as Amazon documents one type. The header and entities of
// the other types are a guess.
func (e PropertyEvent) message(id string, happened eventType) []byte {
	entities := members{}
	if e.UnitID != "" {
		entities["unit"] = members{"type": "Unit", "id": e.UnitID}
	}
	if e.SkillID != "" {
		entities["skill"] = members{"type": "Skill", "id": e.SkillID}
	}
	payload := e.Payload
	if payload == nil {
		payload = members{}
	}
	message, err := json.Marshal(members{
		"header": members{
			"version":   "2.0",
			"eventId":   members{"id": id},
			"eventType": happened,
			"eventTime": members{"timestamp": time.Now().UTC().Format(time.RFC3339)},
			"entities":  entities,
		},
		"payload": payload,
	})
	must(err)
	return message
}

// topics returns the topics of a configuration, none of a deleted one.
func (m *eventMessenger) topics(configurationID string) (topicARNs []string) {
	for _, r := range m.configurations.resources {
		var channels []struct{ ID string }
		if r.id == configurationID && r.member("deliveryChannels", &channels) {
			for _, channel := range channels {
				topicARNs = append(topicARNs, channel.ID)
			}
		}
	}
	return topicARNs
}

type eventType struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (r *resource) eventType() (event eventType) {
	r.member("eventType", &event)
	return event
}

// entities are the documented entities of a subscription.
type entities struct {
	Unit struct {
		Type, ID string
		Parent   struct{ Type, ID string }
	}
	Skill    struct{ Type, ID string }
	Resource struct{ Type, ResourceType, ResourceID string }
}

func (r *resource) entities() (e entities) {
	r.member("entities", &e)
	return e
}

// neededEntities are the entities that Amazon's documents or samples require.
var neededEntities = map[eventType][]string{
	{"Alexa.Automation.Execution", "Completion"}:    {"unit"},
	{"Alexa.Skill.Interaction", "Failure"}:          {"unit", "skill"},
	{"Alexa.Enterprise.Subscription", "Activation"}: {"unit.parent"},
	{"Alexa.Role.Management", "Assignment"}:         {"resource"},
	{"Alexa.Role.Management", "Revocation"}:         {"resource"},
}

// complete reports which entities have all required members.
func (e entities) complete() map[string]bool {
	return map[string]bool{
		"unit":        e.Unit.Type == "Unit" && e.Unit.ID != "",
		"unit.parent": e.Unit.Parent.Type == "Unit" && e.Unit.Parent.ID != "",
		"skill":       e.Skill.Type == "Skill" && e.Skill.ID != "",
		"resource":    e.Resource.Type == "Resource" && e.Resource.ResourceType == "Unit" && e.Resource.ResourceID != "",
	}
}

func (e entities) cover(event PropertyEvent) bool {
	for _, pair := range [][2]string{
		{e.Unit.ID, event.UnitID},
		{e.Unit.Parent.ID, event.ParentUnitID},
		{e.Skill.ID, event.SkillID},
		{e.Resource.ResourceID, event.UnitID},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return true
}
