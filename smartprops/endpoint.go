package smartprops

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// DefaultUnit is the unit of the endpoints that are associated with no other. Only
// Amazon's samples have it.
const DefaultUnit = "~caller.defaultUnitId"

// Endpoint is a device that is connected to Alexa.
type Endpoint struct {
	ID string // such as amzn1.alexa.endpoint.…

	raw json.RawMessage
}

// Raw returns the endpoint as received. It may have undocumented members. The caller
// must not change the bytes.
func (e Endpoint) Raw() json.RawMessage { return e.raw }

// EndpointFilter selects endpoints by exactly one of its fields.
type EndpointFilter struct {
	UnitID       string // unit that the endpoints are associated with
	SerialNumber string // serial number of the device
}

// Endpoints yields the endpoints that the filter selects, through the Endpoint API in
// [Client.Region]. It ends after the first error. Amazon documents the requests; that
// the results have an ID is in its samples alone.
func (c *Client) Endpoints(ctx context.Context, filter EndpointFilter) iter.Seq2[Endpoint, error] {
	api, err := c.endpoints()
	if err == nil && (filter.UnitID == "") == (filter.SerialNumber == "") {
		err = invalid("EndpointFilter", "must have one of UnitID and SerialNumber")
	}
	if err != nil {
		return func(yield func(Endpoint, error) bool) { yield(Endpoint{}, err) }
	}
	return rest.Pages(api, func(token string) (endpoints []Endpoint, next string, err error) {
		query := url.Values{}
		if filter.UnitID != "" {
			query.Set("associatedUnits.id", filter.UnitID)
		} else {
			query.Set("serialNumber.value.text", filter.SerialNumber)
		}
		items, next, err := c.page(ctx, api, "", query, token)
		for _, item := range items {
			var wire struct{ ID string }
			_ = json.Unmarshal(item, &wire) // a member with an unexpected form stays zero
			endpoints = append(endpoints, Endpoint{wire.ID, item})
		}
		return endpoints, next, err
	})
}

// AssociateUnit associates an endpoint with a unit, such as a device with its room,
// through the Endpoint API in [Client.Region]. The endpoint leaves the unit that it was
// associated with: it has one at a time. [DefaultUnit] returns it to the account.
//
// Amazon's samples say that the ID of the endpoint can change, and that the response has
// the new one, but not in which member. AssociateUnit returns the first other ID in the
// response, a text that begins with amzn1.alexa.endpoint., and endpointID if there is
// none. After a lost response, the error can be [alexaevents.ErrNotFound], since
// endpointID is no longer valid: find the endpoint with [Client.Endpoints].
//
// The device must be online, and remain so for a minute: it restarts, and loses its
// settings. That and the form of the request are from Amazon's samples, too.
func (c *Client) AssociateUnit(ctx context.Context, endpointID, unitID string) (newID string, err error) {
	api, err := c.endpoints()
	if err != nil {
		return "", err
	}
	path, err := resource("", endpointID)
	if err != nil {
		return "", err
	}
	if unitID == "" {
		return "", invalid("unitID", "required")
	}
	type unit struct {
		ID string `json:"id"`
	}
	response, err := api.Do(ctx, rest.Request{Method: http.MethodPut, Path: path + "/associatedUnits", Body: []unit{{unitID}}, Repeatable: true})
	if err != nil {
		return "", err
	}
	for _, id := range endpointIDs(response.Body) {
		if id != endpointID {
			return id, nil
		}
	}
	return endpointID, nil
}

// endpoints returns the Endpoint API.
func (c *Client) endpoints() (rest.Client, error) {
	region := c.Region
	if region == "" {
		region = alexaevents.NorthAmerica
	}
	host := region.APIEndpoint()
	if host == "" {
		return rest.Client{}, invalid("Client.Region", "must be NA, EU or FE")
	}
	return rest.Client{API: "smartprops", URL: host + "/v2/endpoints", Hints: hints, HTTP: c.HTTPClient}, nil
}
