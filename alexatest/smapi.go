package alexatest

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// AddVendor creates a developer account with this vendor ID, in which the
// customers of Login with Amazon have a role, or gives it to more customers. The
// one of [Cloud.AccessToken] is amzn1.account.DEVELOPER.
//
// A vendor ID that was not added belongs to the customer whose access token first
// comes with it.
func (c *Cloud) AddVendor(vendorID string, customers ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	vendor := c.smapi.vendor(vendorID)
	vendor.customers = append(vendor.customers, customers...)
}

// smapi is as much of the Skill Management API as notifications need.
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

// newSMAPI returns the two parts that have scopes of their own. Which one the
// list of vendors needs is not documented: any of the Alexa Skills Kit does.
func (c *Cloud) newSMAPI() []*api {
	s := &c.smapi
	*s = smapi{cloud: c, pages: make(pages)}
	return []*api{
		{"/v1/", "alexa::ask:", map[string]operation{"GET vendors": s.listVendors}},
		{"/v0/developmentEvents/", "alexa::ask:subscriptions", map[string]operation{
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

// vendor returns the developer account, a new one if there is none.
func (s *smapi) vendor(id string) *vendor {
	i := slices.IndexFunc(s.vendors, func(v *vendor) bool { return v.id == id })
	if i < 0 {
		i = len(s.vendors)
		s.vendors = append(s.vendors, &vendor{id: id})
	}
	return s.vendors[i]
}

// hasRole reports whether the token's user has a role in a developer account.
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

// subscriber is what a list of subscribers has of one.
type subscriber struct {
	subscriberBody
	ID       string `json:"subscriberId"`
	Status   string `json:"status,omitempty"`
	ClientID string `json:"clientId,omitempty"`

	vendor string
}

// subscriberBody is what can be set of a subscriber.
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

// check adds what is wrong with a subscriber. Amazon's model requires little of
// this, its documents name the rest as needed.
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

// publish publishes to the topic of an active subscriber, or makes it inactive.
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

// list answers with a page of what there is of a vendor.
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
	answer := members{name: part, "_links": links}
	if next != "" {
		query.Set("nextToken", next)
		links["next"] = members{"href": c.URL.Path + "?" + query.Encode()}
		answer["nextToken"] = next
	}
	return respondJSON(c.Request, http.StatusOK, answer)
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

// ownSubscriber returns the subscriber that a request is about, or the answer to
// those who may not ask.
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

// getSubscriber tells less than the list, by Amazon's model.
func (s *smapi) getSubscriber(c call) *http.Response {
	found, refusal := s.ownSubscriber(c)
	if refusal != nil {
		return refusal
	}
	return respondJSON(c.Request, http.StatusOK, subscriber{subscriberBody: found.subscriberBody, ID: found.ID})
}

// updateSubscriber makes the subscriber active, and verifies nothing: whether
// Amazon publishes the empty object again is not documented.
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

// deleteSubscriber deletes the subscriptions too, which is a guess.
func (s *smapi) deleteSubscriber(c call) *http.Response {
	found, refusal := s.ownSubscriber(c)
	if refusal != nil {
		return refusal
	}
	s.subscribers = slices.DeleteFunc(s.subscribers, func(other *subscriber) bool { return other == found })
	s.subscriptions = slices.DeleteFunc(s.subscriptions, func(s *subscription) bool { return s.SubscriberID == found.ID })
	return respond(c.Request, http.StatusNoContent, "application/json", nil)
}
