package alexatest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// AddVendor creates a developer account with this vendor ID if there is none, and
// gives the customers of Login with Amazon a role in it. The customer of
// [Cloud.AccessToken] is amzn1.account.DEVELOPER.
//
// The first request with an unknown vendor ID creates the account for the customer of
// its access token.
func (c *Cloud) AddVendor(vendorID string, customers ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	vendor := c.smapi.vendor(vendorID)
	vendor.customers = append(vendor.customers, customers...)
}

// Subscriber is a subscriber to development notifications.
type Subscriber struct {
	ID       string `json:"id"`
	VendorID string `json:"vendor_id"`
	Name     string `json:"name"`
	Status   string `json:"status"` // "ACTIVE" or "INACTIVE"
	TopicARN string `json:"topic_arn"`
	RoleARN  string `json:"role_arn"`
	ClientID string `json:"client_id"` // client of Login with Amazon that created it
}

// Subscribers returns the subscribers of all vendors, in order.
func (c *Cloud) Subscribers() (subscribers []Subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.smapi.subscribers {
		subscribers = append(subscribers, Subscriber{s.ID, s.vendor, s.Name, s.Status, s.Endpoint.URI, s.Endpoint.Authorization.ARN, s.ClientID})
	}
	return subscribers
}

// Subscription is a subscription to development notifications.
type Subscription struct {
	ID           string   `json:"id"`
	VendorID     string   `json:"vendor_id"` // vendor of the events
	SubscriberID string   `json:"subscriber_id"`
	Name         string   `json:"name"`
	Events       []string `json:"events"`
}

// Subscriptions returns the subscriptions of all vendors, in order.
func (c *Cloud) Subscriptions() (subscriptions []Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.smapi.subscriptions {
		subscriptions = append(subscriptions, Subscription{s.ID, s.VendorID, s.SubscriberID, s.Name, slices.Clone(s.Events)})
	}
	return subscriptions
}

// smapi is the part of the Skill Management API that notifications need.
type smapi struct {
	cloud         *Cloud
	vendors       []*vendor
	subscribers   []*subscriber
	subscriptions []*subscription
	pages         pages
}

type vendor struct {
	id        string
	customers []string
}

// newSMAPI returns two parts with different scopes. The scope for the list of vendors
// is not documented: here any of the Alexa Skills Kit is enough.
func (c *Cloud) newSMAPI() []*api {
	s := &c.smapi
	*s = smapi{cloud: c, pages: make(pages)}
	return []*api{
		{"/v1/", "alexa::ask:", false, map[string]operation{"GET vendors": s.listVendors}},
		{"/v0/developmentEvents/", "alexa::ask:subscriptions", false, map[string]operation{
			"POST subscribers":      s.createSubscriber,
			"GET subscribers":       s.listSubscribers,
			"GET subscribers/":      s.getSubscriber,
			"PUT subscribers/":      s.updateSubscriber,
			"DELETE subscribers/":   s.deleteSubscriber,
			"POST subscriptions":    s.createSubscription,
			"GET subscriptions":     s.listSubscriptions,
			"GET subscriptions/":    s.getSubscription,
			"PUT subscriptions/":    s.updateSubscription,
			"DELETE subscriptions/": s.deleteSubscription,
		}},
	}
}

// vendor returns the developer account. It creates one if there is none.
func (s *smapi) vendor(id string) *vendor {
	i := slices.IndexFunc(s.vendors, func(v *vendor) bool { return v.id == id })
	if i < 0 {
		i = len(s.vendors)
		s.vendors = append(s.vendors, &vendor{id: id})
	}
	return s.vendors[i]
}

// hasRole reports whether the token's user has a role in the developer account.
func (s *smapi) hasRole(caller *authorization, vendorID string) bool {
	vendor := s.vendor(vendorID)
	if len(vendor.customers) == 0 {
		vendor.customers = []string{caller.customer}
	}
	return slices.Contains(vendor.customers, caller.customer)
}

func (s *smapi) listVendors(c call) *http.Response {
	vendors := []members{}
	for _, vendor := range s.vendors {
		if slices.Contains(vendor.customers, c.caller.customer) {
			vendors = append(vendors, members{"id": vendor.id, "name": "Vendor " + vendor.id, "roles": []string{"ROLE_ADMINISTRATOR"}})
		}
	}
	return respondJSON(c.Request, http.StatusOK, members{"vendors": vendors})
}

// subscriber is a subscriber as the list returns it.
type subscriber struct {
	subscriberBody
	ID       string `json:"subscriberId"`
	Status   string `json:"status,omitempty"`
	ClientID string `json:"clientId,omitempty"`

	vendor string
}

// subscriberBody is the part of a subscriber that requests set.
type subscriberBody struct {
	Name     string `json:"name"`
	Endpoint struct {
		URI           string `json:"uri"`
		Authorization struct {
			Type string `json:"type"`
			ARN  string `json:"arn"`
		} `json:"authorization"`
	} `json:"endpoint"`
}

const (
	active   = "ACTIVE"
	inactive = "INACTIVE"
)

func (v *violations) requireVendor(id string) {
	v.require(isLength(id), "vendorId: not of 1 to 255 characters")
}

// check checks a subscriber. Amazon's model requires little of this; its documents
// require the rest.
func (b *subscriberBody) check(wrong *violations) {
	authorization := b.Endpoint.Authorization
	_, _, isTopic := rest.TopicARN(b.Endpoint.URI)
	wrong.require(b.Name != "", "name: required")
	wrong.require(isTopic, "endpoint.uri: not the ARN of an SNS topic")
	wrong.require(authorization.Type == "AWS_IAM", "endpoint.authorization.type: not AWS_IAM")
	wrong.require(rest.IsRoleARN(authorization.ARN), "endpoint.authorization.arn: not the ARN of an IAM role")
}

func (s *smapi) createSubscriber(c call) *http.Response {
	var body struct {
		subscriberBody
		VendorID string `json:"vendorId"`
	}
	refusal := c.read(&body, func(wrong *violations) {
		body.check(wrong)
		wrong.requireVendor(body.VendorID)
	})
	switch {
	case refusal != nil:
		return refusal
	case !s.hasRole(c.caller, body.VendorID): // Amazon's model has no 403 here
		return unauthorized(c.Request)
	}
	created := &subscriber{
		subscriberBody: body.subscriberBody, ID: "amzn1.ask-subscriber." + uuid.NewString(),
		Status: active, ClientID: c.caller.client, vendor: body.VendorID,
	}
	s.subscribers = append(s.subscribers, created)
	s.publish(created, []byte("{}"))
	return s.created(c, "subscribers", created.ID)
}

func (s *smapi) created(c call, kind, id string) *http.Response {
	response := respond(c.Request, http.StatusCreated, "application/json", nil)
	response.Header.Set("Location", "/v0/developmentEvents/"+kind+"/"+id)
	return response
}

// publish publishes to the topic of an active subscriber. If that fails, the
// subscriber becomes inactive.
func (s *smapi) publish(to *subscriber, message []byte) {
	if to.Status == active && !s.cloud.publishFromAlexa(to.Endpoint.URI, message) {
		to.Status = inactive
	}
}

func (s *smapi) listSubscribers(c call) *http.Response {
	return s.list(c, "subscribers", func(vendorID string) (items []any) {
		for _, subscriber := range s.subscribers {
			if subscriber.vendor == vendorID {
				items = append(items, subscriber)
			}
		}
		return items
	})
}

// list responds with a page of the items of a vendor.
func (s *smapi) list(c call, name string, of func(vendorID string) []any) *http.Response {
	query := c.URL.Query()
	vendorID := query.Get("vendorId")
	var wrong violations
	wrong.requireVendor(vendorID)
	if wrong == nil && !s.hasRole(c.caller, vendorID) {
		return forbidden(c)
	}
	part, next := s.pages.page(c, &wrong, of(vendorID), 50, 50)
	if wrong != nil {
		return wrong.refusal(c)
	}
	links := members{"self": members{"href": c.URL.RequestURI()}}
	body := members{name: part, "_links": links}
	if next != "" {
		query.Set("nextToken", next)
		links["next"] = members{"href": c.URL.Path + "?" + query.Encode()}
		body["nextToken"] = next
	}
	return respondJSON(c.Request, http.StatusOK, body)
}

// subscriber returns the subscriber with the ID, nil if there is none.
func (s *smapi) subscriber(id string) *subscriber {
	for _, subscriber := range s.subscribers {
		if subscriber.ID == id {
			return subscriber
		}
	}
	return nil
}

// ownSubscriber returns the subscriber of a request, or the response that refuses
// the request.
func (s *smapi) ownSubscriber(c call) (*subscriber, *http.Response) {
	found := s.subscriber(c.id)
	switch {
	case found == nil:
		return nil, notFound(c)
	case !s.hasRole(c.caller, found.vendor):
		return nil, forbidden(c)
	}
	return found, nil
}

// getSubscriber returns fewer members than the list, by Amazon's model.
func (s *smapi) getSubscriber(c call) *http.Response {
	found, refusal := s.ownSubscriber(c)
	if refusal != nil {
		return refusal
	}
	return respondJSON(c.Request, http.StatusOK, subscriber{subscriberBody: found.subscriberBody, ID: found.ID})
}

// updateSubscriber makes the subscriber active without a test message: whether Amazon
// publishes the empty object again is not documented.
func (s *smapi) updateSubscriber(c call) *http.Response {
	found, refusal := s.ownSubscriber(c)
	if refusal != nil {
		return refusal
	}
	var body subscriberBody
	if refusal := c.read(&body, body.check); refusal != nil {
		return refusal
	}
	found.subscriberBody, found.Status = body, active
	return respond(c.Request, http.StatusNoContent, "application/json", nil)
}

// deleteSubscriber also deletes the subscriptions, which is a guess.
func (s *smapi) deleteSubscriber(c call) *http.Response {
	found, refusal := s.ownSubscriber(c)
	if refusal != nil {
		return refusal
	}
	s.subscribers = slices.DeleteFunc(s.subscribers, func(other *subscriber) bool { return other == found })
	s.subscriptions = slices.DeleteFunc(s.subscriptions, func(s *subscription) bool { return s.SubscriberID == found.ID })
	return respond(c.Request, http.StatusNoContent, "application/json", nil)
}

type subscription struct {
	subscriptionBody
	ID           string `json:"subscriptionId"`
	VendorID     string `json:"vendorId"`
	SubscriberID string `json:"subscriberId"`
}

// subscriptionBody is the part of a subscription that updates set.
type subscriptionBody struct {
	Name   string   `json:"name"`
	Events []string `json:"events"`
}

func (b *subscriptionBody) check(wrong *violations) {
	wrong.require(isLength(b.Name), "name: not of 1 to 255 characters")
	wrong.require(len(b.Events) > 0, "events: required")
	for _, event := range b.Events {
		wrong.require(isEventName(event), "events: unknown event")
		wrong.require(!isWildcard(event) || len(b.Events) == 1, "events: a wildcard must be the only entry")
	}
}

func (b *subscriptionBody) covers(event string) bool {
	return slices.Contains(b.Events, event) ||
		strings.HasPrefix(event, developmentEvents) && slices.ContainsFunc(b.Events, isWildcard)
}

func (s *smapi) createSubscription(c call) *http.Response {
	var created subscription
	refusal := c.read(&created, func(wrong *violations) {
		created.check(wrong)
		wrong.requireVendor(created.VendorID)
		wrong.require(created.SubscriberID != "", "subscriberId: required")
	})
	if refusal == nil {
		refusal = s.mayPublish(c, &created)
	}
	if refusal != nil {
		return refusal
	}
	created.ID = "amzn1.ask-subscription." + uuid.NewString()
	s.subscriptions = append(s.subscriptions, &created)
	return s.created(c, "subscriptions", created.ID)
}

// mayPublish returns nil if the caller may create or update the subscription,
// otherwise the response that refuses the request. The token must be of the client
// that created the subscriber, and its user have a role in the vendor whose events
// are published.
func (s *smapi) mayPublish(c call, of *subscription) *http.Response {
	subscriber := s.subscriber(of.SubscriberID)
	switch {
	case subscriber == nil:
		return notFound(c)
	case subscriber.ClientID != c.caller.client, !s.hasRole(c.caller, of.VendorID):
		return forbidden(c)
	}
	return nil
}

func (s *smapi) listSubscriptions(c call) *http.Response {
	return s.list(c, "subscriptions", func(vendorID string) (items []any) {
		subscriberID := c.URL.Query().Get("subscriberId")
		for _, subscription := range s.subscriptions {
			if subscription.VendorID == vendorID && (subscriberID == "" || subscriberID == subscription.SubscriberID) {
				items = append(items, subscription)
			}
		}
		return items
	})
}

// subscription returns the subscription of a request, or the response that refuses
// the request. The vendor of the subscriber and the vendor of the events may use it.
func (s *smapi) subscription(c call) (*subscription, *http.Response) {
	i := slices.IndexFunc(s.subscriptions, func(s *subscription) bool { return s.ID == c.id })
	if i < 0 {
		return nil, notFound(c)
	}
	found := s.subscriptions[i]
	if !s.hasRole(c.caller, found.VendorID) && !s.hasRole(c.caller, s.subscriber(found.SubscriberID).vendor) {
		return nil, forbidden(c)
	}
	return found, nil
}

func (s *smapi) getSubscription(c call) *http.Response {
	found, refusal := s.subscription(c)
	if refusal != nil {
		return refusal
	}
	return respondJSON(c.Request, http.StatusOK, found)
}

func (s *smapi) updateSubscription(c call) *http.Response {
	found, refusal := s.subscription(c)
	if refusal == nil {
		refusal = s.mayPublish(c, found)
	}
	var body subscriptionBody
	if refusal == nil {
		refusal = c.read(&body, body.check)
	}
	if refusal != nil {
		return refusal
	}
	found.subscriptionBody = body
	return respond(c.Request, http.StatusNoContent, "application/json", nil)
}

func (s *smapi) deleteSubscription(c call) *http.Response {
	found, refusal := s.subscription(c)
	if refusal != nil {
		return refusal
	}
	s.subscriptions = slices.DeleteFunc(s.subscriptions, func(other *subscription) bool { return other == found })
	return respond(c.Request, http.StatusNoContent, "application/json", nil)
}
