package alexatest

import (
	"net/http"
	neturl "net/url"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents"
)

// endpointPrefix begins the ID of every endpoint.
const endpointPrefix = "amzn1.alexa.endpoint."

// defaultUnit is the unit of the endpoints that are associated with no other.
const defaultUnit = "~caller.defaultUnitId"

// propertyEndpoints is the Endpoint API of Smart Properties. Amazon documents its paths; the
// body of an association is in Amazon's samples, as is that a result has an ID. The
// responses are a guess otherwise, and so is that an endpoint of another region looks
// as if it did not exist.
type propertyEndpoints struct {
	known []*PropertyEndpoint
	gone  []string // IDs that an association has replaced
	pages pages
}

// PropertyEndpoint is a device in a smart property.
type PropertyEndpoint struct {
	ID           string // begins with amzn1.alexa.endpoint.
	SerialNumber string // empty without one
	UnitID       string // unit that it is associated with; empty is the default unit

	// Region is the region of the organization. Empty is NorthAmerica.
	Region alexaevents.Region

	// NextID is the ID after the next association, since Amazon says that it can
	// change. Empty keeps it.
	NextID string
}

// SetPropertyEndpoint adds a device, or replaces the one with its ID. Every other ID with the
// prefix amzn1.alexa.endpoint. is that of a device without a serial number in the
// default unit, once a request names it. It panics if the ID does not have that prefix.
func (c *Cloud) SetPropertyEndpoint(endpoint PropertyEndpoint) {
	if !strings.HasPrefix(endpoint.ID, endpointPrefix) {
		panic(invalid("not the ID of an endpoint: %s", endpoint.ID))
	}
	if endpoint.Region == "" {
		endpoint.Region = alexaevents.NorthAmerica
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := &c.endpoints.known
	*known = slices.DeleteFunc(*known, func(e *PropertyEndpoint) bool { return e.ID == endpoint.ID })
	*known = append(*known, &endpoint)
}

// PropertyEndpoints returns the devices in smart properties.
func (c *Cloud) PropertyEndpoints() (list []PropertyEndpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.endpoints.known {
		list = append(list, *e)
	}
	return list
}

func (c *Cloud) newPropertyEndpoints() *api {
	c.endpoints = propertyEndpoints{pages: make(pages)}
	return &api{"/v2/", "alexa::enterprise:management", true, map[string]operation{
		"GET endpoints":  c.endpoints.list,
		"PUT endpoints/": c.endpoints.associate,
	}}
}

// regionOf returns the region of the request's host.
func regionOf(c call) alexaevents.Region {
	for _, region := range []alexaevents.Region{alexaevents.Europe, alexaevents.FarEast} {
		if "https://"+c.URL.Host == region.APIEndpoint() {
			return region
		}
	}
	return alexaevents.NorthAmerica
}

// list responds with the endpoints of a unit, or the one with a serial number. The
// filters for other lists are not simulated.
func (e *propertyEndpoints) list(c call) *http.Response {
	matches, wrong := filterEndpoints(c.URL.Query())
	var items []any
	for _, known := range e.known {
		if known.Region == regionOf(c) && matches(known) {
			items = append(items, members{"id": known.ID})
		}
	}
	part, next := e.pages.page(c, &wrong, items, 10, 10)
	if wrong != nil {
		return wrong.refusal(c)
	}
	return page(c, part, next)
}

func filterEndpoints(query neturl.Values) (_ func(*PropertyEndpoint) bool, wrong violations) {
	unit, serial := query.Get("associatedUnits.id"), query.Get("serialNumber.value.text")
	wrong.require((unit == "") != (serial == ""), "associatedUnits.id and serialNumber.value.text: give one")
	if unit == defaultUnit {
		unit = ""
	}
	return func(e *PropertyEndpoint) bool {
		if serial != "" {
			return e.SerialNumber == serial
		}
		return e.UnitID == unit
	}, wrong
}

// associate moves an endpoint to a unit.
func (e *propertyEndpoints) associate(c call) *http.Response {
	id, resource, _ := strings.Cut(c.id, "/")
	found := e.find(id, regionOf(c))
	if resource != "associatedUnits" || found == nil {
		return notFound(c)
	}
	var units []struct{ ID string }
	refusal := c.read(&units, func(wrong *violations) {
		wrong.require(len(units) == 1 && units[0].ID != "", "an endpoint is associated with one unit at a time")
	})
	if refusal != nil {
		return refusal
	}
	found.UnitID = units[0].ID
	if found.UnitID == defaultUnit {
		found.UnitID = ""
	}
	if found.NextID != "" {
		e.gone = append(e.gone, found.ID)
		found.ID, found.NextID = found.NextID, ""
	}
	return respondJSON(c.Request, http.StatusOK, members{"endpointId": found.ID})
}

// find returns the endpoint of the region with the ID, nil if there is none. It adds
// one that is not known yet.
func (e *propertyEndpoints) find(id string, region alexaevents.Region) *PropertyEndpoint {
	for _, known := range e.known {
		if known.ID == id {
			if known.Region != region {
				return nil
			}
			return known
		}
	}
	if !strings.HasPrefix(id, endpointPrefix) || slices.Contains(e.gone, id) {
		return nil
	}
	added := &PropertyEndpoint{ID: id, Region: region}
	e.known = append(e.known, added)
	return added
}
