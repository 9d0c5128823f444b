package sdns_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sdns"
)

// smapi is the Skill Management API in memory, with Login with Amazon beside it:
// it keeps subscribers and subscriptions, and knows who may do what. Texts that
// are published to topics go to published.
type smapi struct {
	login     *alexatest.Cloud
	vendors   map[string][]string // of users
	published func(topicARN, text string)

	subscribers   []subscriber
	subscriptions []sdns.Subscription
	made          int
}

type subscriber struct {
	SubscriberID string          `json:"subscriberId"`
	Name         string          `json:"name"`
	Endpoint     json.RawMessage `json:"endpoint"`
	Status       string          `json:"status,omitempty"`
	ClientID     string          `json:"clientId,omitempty"`

	vendor string
}

func (s subscriber) topic() string {
	var endpoint struct{ URI string }
	must(json.Unmarshal(s.Endpoint, &endpoint))
	return endpoint.URI
}

// principal is what Login with Amazon says about an access token.
type principal struct {
	Client string `json:"aud"`
	User   string `json:"user_id"`
}

func newSMAPI(vendors map[string][]string) *smapi {
	return &smapi{login: alexatest.NewCloud(), vendors: vendors, published: func(string, string) {}}
}

// Client returns an HTTP client without access token.
func (a *smapi) Client() *http.Client { return &http.Client{Transport: a} }

// As returns an HTTP client with an access token.
func (a *smapi) As(accessToken string) *http.Client {
	return &http.Client{Transport: bearer{a, accessToken}}
}

type bearer struct {
	base  http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.base.RoundTrip(r)
}

func (a *smapi) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "api.amazonalexa.com" {
		return a.login.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	w.Header().Set("X-Amzn-RequestId", "request-of-the-example")
	a.answer(w, r)
	return w.Result(), nil
}

func (a *smapi) answer(w http.ResponseWriter, r *http.Request) {
	caller, ok := a.whose(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if !ok {
		refuse(w, http.StatusUnauthorized, "the access token is not valid")
		return
	}
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		must(err)
	}
	kind, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v0/developmentEvents/"), "/")
	switch {
	case r.URL.Path == "/v1/vendors":
		a.listVendors(w, caller)
	case kind == "subscribers":
		a.answerSubscribers(w, r, caller, id, body)
	case kind == "subscriptions":
		a.answerSubscriptions(w, r, caller, id, body)
	default:
		refuse(w, http.StatusNotFound, "no such path")
	}
}

// whose asks Login with Amazon about an access token.
func (a *smapi) whose(accessToken string) (caller principal, ok bool) {
	response, err := a.login.Client().Get("https://api.amazon.com/auth/o2/tokeninfo?" + url.Values{"access_token": {accessToken}}.Encode())
	must(err)
	defer response.Body.Close()
	must(json.NewDecoder(response.Body).Decode(&caller))
	return caller, response.StatusCode == http.StatusOK
}

func (a *smapi) has(caller principal, vendorID string) bool {
	return slices.Contains(a.vendors[caller.User], vendorID)
}

func (a *smapi) listVendors(w http.ResponseWriter, caller principal) {
	var vendors []sdns.Vendor
	for _, id := range a.vendors[caller.User] {
		vendors = append(vendors, sdns.Vendor{ID: id, Name: "Vendor " + id, Roles: []string{"ROLE_ADMINISTRATOR"}})
	}
	reply(w, http.StatusOK, map[string]any{"vendors": vendors})
}

func (a *smapi) answerSubscribers(w http.ResponseWriter, r *http.Request, caller principal, id string, body []byte) {
	if id == "" && r.Method == http.MethodGet {
		listed, ok := a.listed(w, r, caller)
		if ok {
			items := slices.DeleteFunc(slices.Clone(a.subscribers), func(s subscriber) bool { return s.vendor != listed })
			page(w, r, "subscribers", items)
		}
		return
	}
	if id == "" {
		var made struct {
			subscriber
			VendorID string
		}
		must(json.Unmarshal(body, &made))
		if !a.has(caller, made.VendorID) {
			refuse(w, http.StatusForbidden, "no role in the vendor")
			return
		}
		made.SubscriberID, made.vendor, made.ClientID, made.Status = a.newID("subscriber"), made.VendorID, caller.Client, "ACTIVE"
		a.subscribers = append(a.subscribers, made.subscriber)
		a.published(made.topic(), "{}")
		created(w, "subscribers", made.SubscriberID)
		return
	}
	i := slices.IndexFunc(a.subscribers, func(s subscriber) bool { return s.SubscriberID == id })
	if i < 0 || !a.has(caller, a.subscribers[i].vendor) {
		refuse(w, http.StatusNotFound, "no such subscriber")
		return
	}
	switch r.Method {
	case http.MethodGet:
		s := a.subscribers[i]
		s.Status, s.ClientID = "", ""
		reply(w, http.StatusOK, s)
	case http.MethodPut:
		must(json.Unmarshal(body, &a.subscribers[i]))
		a.subscribers[i].Status = "ACTIVE"
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		a.subscribers = slices.Delete(a.subscribers, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (a *smapi) answerSubscriptions(w http.ResponseWriter, r *http.Request, caller principal, id string, body []byte) {
	if id == "" && r.Method == http.MethodGet {
		listed, ok := a.listed(w, r, caller)
		of := r.URL.Query().Get("subscriberId")
		if ok {
			items := slices.DeleteFunc(slices.Clone(a.subscriptions), func(s sdns.Subscription) bool {
				return s.VendorID != listed || of != "" && s.SubscriberID != of
			})
			page(w, r, "subscriptions", items)
		}
		return
	}
	if id == "" {
		var made sdns.Subscription
		must(json.Unmarshal(body, &made))
		i := slices.IndexFunc(a.subscribers, func(s subscriber) bool { return s.SubscriberID == made.SubscriberID })
		if i < 0 || !a.has(caller, made.VendorID) || a.subscribers[i].ClientID != caller.Client {
			refuse(w, http.StatusForbidden, "no role in the vendor, or another client than the subscriber's")
			return
		}
		made.ID = a.newID("subscription")
		a.subscriptions = append(a.subscriptions, made)
		created(w, "subscriptions", made.ID)
		return
	}
	i := slices.IndexFunc(a.subscriptions, func(s sdns.Subscription) bool { return s.ID == id })
	if i < 0 || !a.has(caller, a.subscriptions[i].VendorID) {
		refuse(w, http.StatusNotFound, "no such subscription")
		return
	}
	switch r.Method {
	case http.MethodGet:
		reply(w, http.StatusOK, a.subscriptions[i])
	case http.MethodPut:
		must(json.Unmarshal(body, &a.subscriptions[i]))
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		a.subscriptions = slices.Delete(a.subscriptions, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}
}

// listed returns the vendor whose list is asked for, if the caller may see it.
func (a *smapi) listed(w http.ResponseWriter, r *http.Request, caller principal) (vendorID string, ok bool) {
	vendorID = r.URL.Query().Get("vendorId")
	switch {
	case vendorID == "":
		refuse(w, http.StatusBadRequest, "vendorId is required")
	case !a.has(caller, vendorID):
		refuse(w, http.StatusForbidden, "no role in the vendor")
	default:
		return vendorID, true
	}
	return "", false
}

func (a *smapi) newID(kind string) string {
	a.made++
	return fmt.Sprintf("amzn1.ask-%s.%d", kind, a.made)
}

// UpdateManifest is somebody updating the manifest of a skill with an access
// token, and Amazon notifying those who subscribed.
func (a *smapi) UpdateManifest(accessToken, vendorID, skillID string) {
	caller, ok := a.whose(accessToken)
	if !ok || !a.has(caller, vendorID) {
		panic("not allowed")
	}
	for _, s := range a.subscriptions {
		covers := func(name sdns.EventName) bool { return name.Covers(sdns.EventManifestUpdate) }
		to := slices.IndexFunc(a.subscribers, func(to subscriber) bool { return to.SubscriberID == s.SubscriberID })
		if s.VendorID != vendorID || !slices.ContainsFunc(s.Events, covers) || a.subscribers[to].ClientID != caller.Client {
			continue
		}
		a.published(a.subscribers[to].topic(), fmt.Sprintf(`{"requestId": "r-1", "timestamp": "2026-11-21T22:00:00Z", "eventName": %q, "payload": {
			"status": "SUCCEEDED", "actor": {"customerId": %q}, "skill": {"skillId": %q, "vendorId": %q}, "subscription": {"subscriptionId": %q}}}`,
			sdns.EventManifestUpdate, caller.User, skillID, vendorID, s.ID))
	}
}

// page answers with a part of a list: two items unless the caller asks for
// another number. The token is where the next part begins.
func page[T any](w http.ResponseWriter, r *http.Request, name string, items []T) {
	query := r.URL.Query()
	size, _ := strconv.Atoi(query.Get("maxResults"))
	begin, _ := strconv.Atoi(query.Get("nextToken"))
	end := min(len(items), begin+cmp.Or(size, 2))
	answer := map[string]any{name: items[begin:end], "_links": map[string]any{"self": map[string]string{"href": r.URL.RequestURI()}}}
	if end < len(items) {
		answer["nextToken"] = strconv.Itoa(end)
	}
	reply(w, http.StatusOK, answer)
}

func created(w http.ResponseWriter, kind, id string) {
	w.Header().Set("Location", "/v0/developmentEvents/"+kind+"/"+id)
	w.WriteHeader(http.StatusCreated)
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"message": message})
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	var body bytes.Buffer
	must(json.NewEncoder(&body).Encode(value))
	_, err := w.Write(body.Bytes())
	must(err)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
