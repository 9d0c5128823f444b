package smartprops_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest/resttest"
	"github.com/alexaevents/alexaevents/smartprops"
)

const endpointID = "amzn1.alexa.endpoint.1"

// The host is that of the region.
func TestAssociateUnit(t *testing.T) {
	for region, host := range map[alexaevents.Region]string{
		"":                       "https://api.amazonalexa.com",
		alexaevents.NorthAmerica: "https://api.amazonalexa.com",
		alexaevents.Europe:       "https://api.eu.amazonalexa.com",
		alexaevents.FarEast:      "https://api.fe.amazonalexa.com",
	} {
		s := &resttest.Script{Responses: []resttest.Response{{Status: 200}}}
		c := client(s)
		c.Region = region
		_, err := c.AssociateUnit(t.Context(), endpointID, "amzn1.alexa.unit.did.7")
		require.NoError(t, err)
		require.Equal(t, []string{`PUT ` + host + `/v2/endpoints/` + endpointID + `/associatedUnits [{"id":"amzn1.alexa.unit.did.7"}]`}, s.Requests)
	}
}

// Amazon does not say where in the response the ID is.
func TestIDsOfAssociations(t *testing.T) {
	for body, want := range map[string]string{
		``:                                    endpointID,
		`{}`:                                  endpointID,
		`<html>`:                              endpointID,
		`{"id":"amzn1.alexa.unit"}`:           endpointID,
		`{"endpointId":"` + endpointID + `"}`: endpointID,
		`{"endpointId":"amzn1.alexa.endpoint.2"}`:                                "amzn1.alexa.endpoint.2",
		`"amzn1.alexa.endpoint.2"`:                                               "amzn1.alexa.endpoint.2",
		`{"old":"` + endpointID + `","new":{"id":"amzn1.alexa.endpoint.2"}}`:     "amzn1.alexa.endpoint.2",
		`[{"id":"amzn1.alexa.endpoint.2"},{"previousId":"` + endpointID + `"}] `: "amzn1.alexa.endpoint.2",
	} {
		s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: body}}}
		got, err := client(s).AssociateUnit(t.Context(), endpointID, smartprops.DefaultUnit)
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
		require.Contains(t, s.Requests[0], `[{"id":"~caller.defaultUnitId"}]`)
	}
}

func TestEndpoints(t *testing.T) {
	for name, test := range map[string]struct {
		filter smartprops.EndpointFilter
		query  string
	}{
		"unit":          {smartprops.EndpointFilter{UnitID: "u&1"}, "associatedUnits.id=u%261"},
		"serial number": {smartprops.EndpointFilter{SerialNumber: "G09"}, "serialNumber.value.text=G09"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &resttest.Script{Responses: []resttest.Response{
				{Status: 200, Body: `{"paginationContext":{"nextToken":"n"},"results":[{"id":"` + endpointID + `","new":true},{}]}`},
				{Status: 200, Body: `{"results":[{"id":5},{"id":"amzn1.alexa.endpoint.2"}]}`},
			}}
			got, err := collect(client(s).Endpoints(t.Context(), test.filter))
			require.NoError(t, err)
			require.Empty(t, cmp.Diff([]smartprops.Endpoint{{ID: endpointID}, {}, {}, {ID: "amzn1.alexa.endpoint.2"}}, got, cmpopts.IgnoreUnexported(smartprops.Endpoint{})))
			require.JSONEq(t, `{"id":"`+endpointID+`","new":true}`, string(got[0].Raw()))
			const list = "GET https://api.amazonalexa.com/v2/endpoints?"
			second := list + test.query + "&nextToken=n"
			if name != "unit" { // names of a query are sorted
				second = list + "nextToken=n&" + test.query
			}
			require.Equal(t, []string{list + test.query, second}, s.Requests)
		})
	}
}

func TestInvalidEndpointsAreNotSent(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: "{}"}}}
	for name, test := range map[string]struct {
		call  func(*smartprops.Client) error
		field string
	}{
		"no endpoint": {func(c *smartprops.Client) error { _, err := c.AssociateUnit(t.Context(), "", "u"); return err }, "ID"},
		"path":        {func(c *smartprops.Client) error { _, err := c.AssociateUnit(t.Context(), "..", "u"); return err }, "ID"},
		"no unit":     {func(c *smartprops.Client) error { _, err := c.AssociateUnit(t.Context(), endpointID, ""); return err }, "unitID"},
		"no filter": {func(c *smartprops.Client) error {
			_, err := collect(c.Endpoints(t.Context(), smartprops.EndpointFilter{}))
			return err
		}, "EndpointFilter"},
		"two filters": {func(c *smartprops.Client) error {
			_, err := collect(c.Endpoints(t.Context(), smartprops.EndpointFilter{UnitID: "u", SerialNumber: "s"}))
			return err
		}, "EndpointFilter"},
		"region": {func(c *smartprops.Client) error {
			c.Region = "US"
			_, err := c.AssociateUnit(t.Context(), endpointID, "u")
			return err
		}, "Client.Region"},
		"region of a list": {func(c *smartprops.Client) error {
			c.Region = "US"
			_, err := collect(c.Endpoints(t.Context(), smartprops.EndpointFilter{UnitID: "u"}))
			return err
		}, "Client.Region"},
	} {
		var invalid *alexaevents.InvalidError
		require.ErrorAs(t, test.call(client(s)), &invalid, name)
		require.Equal(t, test.field, invalid.Field, name)
	}
	require.Empty(t, s.Requests)
}

func TestFailuresOfEndpoints(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 404}}}
	_, err := client(s).AssociateUnit(t.Context(), endpointID, "u")
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	_, err = collect(client(s).Endpoints(t.Context(), smartprops.EndpointFilter{UnitID: "u"}))
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
}
