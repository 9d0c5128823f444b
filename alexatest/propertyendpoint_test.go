package alexatest_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
)

// endpointIDs returns the IDs of the endpoints that the filter selects.
func endpointIDs(t *testing.T, client *smartprops.Client, filter smartprops.EndpointFilter) (ids []string) {
	t.Helper()
	for _, endpoint := range collect(t, client.Endpoints(t.Context(), filter)) {
		ids = append(ids, endpoint.ID)
	}
	return ids
}

func TestPropertyEndpoints(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := property(cloud)
	room := smartprops.EndpointFilter{UnitID: "room-7"}
	echo := smartprops.EndpointFilter{SerialNumber: "G09"}
	cloud.SetPropertyEndpoint(alexatest.PropertyEndpoint{ID: "amzn1.alexa.endpoint.1", SerialNumber: "G09", NextID: "amzn1.alexa.endpoint.2"})
	require.Equal(t, []string{"amzn1.alexa.endpoint.1"}, endpointIDs(t, client, echo))
	require.Equal(t, []string{"amzn1.alexa.endpoint.1"}, endpointIDs(t, client, smartprops.EndpointFilter{UnitID: smartprops.DefaultUnit}))
	require.Empty(t, endpointIDs(t, client, room))

	id, err := client.AssociateUnit(t.Context(), "amzn1.alexa.endpoint.1", "room-7")
	require.NoError(t, err)
	require.Equal(t, "amzn1.alexa.endpoint.2", id)
	require.Equal(t, []string{id}, endpointIDs(t, client, echo))
	require.Equal(t, []string{id}, endpointIDs(t, client, room))
	_, err = client.AssociateUnit(t.Context(), "amzn1.alexa.endpoint.1", "room-7")
	require.ErrorIs(t, err, alexaevents.ErrNotFound, "its ID has changed")

	id, err = client.AssociateUnit(t.Context(), "amzn1.alexa.endpoint.new", "room-7")
	require.NoError(t, err, "it is known once it is named")
	require.Equal(t, "amzn1.alexa.endpoint.new", id)
	require.Equal(t, []string{"amzn1.alexa.endpoint.2", "amzn1.alexa.endpoint.new"}, endpointIDs(t, client, room))
	_, err = client.AssociateUnit(t.Context(), id, smartprops.DefaultUnit)
	require.NoError(t, err)
	want := []alexatest.PropertyEndpoint{
		{ID: "amzn1.alexa.endpoint.2", SerialNumber: "G09", UnitID: "room-7", Region: alexaevents.NorthAmerica},
		{ID: "amzn1.alexa.endpoint.new", Region: alexaevents.NorthAmerica},
	}
	require.Empty(t, cmp.Diff(want, cloud.PropertyEndpoints()))

	other := alexatest.NewCloud()
	require.NoError(t, other.Restore(cloud.Snapshot()))
	require.Empty(t, cmp.Diff(want, other.PropertyEndpoints()))
	_, err = property(other).AssociateUnit(t.Context(), "amzn1.alexa.endpoint.1", "room-7")
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	cloud.Reset()
	require.Empty(t, cloud.PropertyEndpoints())
	require.Panics(t, func() { cloud.SetPropertyEndpoint(alexatest.PropertyEndpoint{ID: "x"}) })
}

// An endpoint is known in its region alone, and only the Endpoint API has regions.
func TestRegionsOfEndpoints(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := property(cloud)
	cloud.SetPropertyEndpoint(alexatest.PropertyEndpoint{ID: "amzn1.alexa.endpoint.1", UnitID: "room", Region: alexaevents.Europe})
	for _, region := range []alexaevents.Region{alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast} {
		client.Region = region
		_, err := client.AssociateUnit(t.Context(), "amzn1.alexa.endpoint.1", "room")
		listed := endpointIDs(t, client, smartprops.EndpointFilter{UnitID: "room"})
		if region == alexaevents.Europe {
			require.NoError(t, err)
			require.Len(t, listed, 1)
		} else {
			require.ErrorIs(t, err, alexaevents.ErrNotFound)
			require.Empty(t, listed)
		}
	}
	response, err := cloud.Client().Get("https://api.eu.amazonalexa.com/v1/eventMessenger/subscriptions?owner=~caller")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 404, response.StatusCode)
}

func TestPagesOfEndpoints(t *testing.T) {
	cloud := alexatest.NewCloud()
	for i := range 23 {
		cloud.SetPropertyEndpoint(alexatest.PropertyEndpoint{ID: fmt.Sprintf("amzn1.alexa.endpoint.%d", i), UnitID: "room"})
	}
	require.Len(t, endpointIDs(t, property(cloud), smartprops.EndpointFilter{UnitID: "room"}), 23)
	require.Equal(t, 3, cloud.Calls("https://api.amazonalexa.com/v2/endpoints"))
}

func TestInvalidEndpointRequests(t *testing.T) {
	cloud := alexatest.NewCloud()
	token := cloud.AccessToken(lwa.ScopeEnterpriseManagement)
	const list = "https://api.amazonalexa.com/v2/endpoints"
	const associate = list + "/amzn1.alexa.endpoint.1/associatedUnits"
	for _, test := range []struct {
		token, method, url, body string
		want                     int
	}{
		{token, "PUT", associate, `[{"id":"room"}]`, 200},
		{token, "PUT", associate, `{"id":"room"}`, 400},
		{token, "PUT", associate, `[]`, 400},
		{token, "PUT", associate, `[{"id":"room"},{"id":"hall"}]`, 400},
		{token, "PUT", associate, `[{"id":""}]`, 400},
		{token, "PUT", list + "/room/associatedUnits", `[{"id":"room"}]`, 404},
		{token, "PUT", list + "/amzn1.alexa.endpoint.1/units", `[{"id":"room"}]`, 404},
		{token, "GET", list, "", 400},
		{token, "GET", list + "?associatedUnits.id=room&serialNumber.value.text=G", "", 400},
		{token, "GET", list + "?associatedUnits.id=room&maxResults=11", "", 400},
		{token, "GET", list + "?associatedUnits.id=room", "", 200},
		{cloud.AccessToken(lwa.ScopeSubscriptions), "GET", list + "?associatedUnits.id=room", "", 401},
		{"", "PUT", associate, `[{"id":"room"}]`, 401},
	} {
		require.Equal(t, test.want, call(t, cloud, test.token, test.method, test.url, test.body).Status, "%s %s %s", test.method, test.url, test.body)
	}
}
