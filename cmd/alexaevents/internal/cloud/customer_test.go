package cloud

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
)

func TestCustomers(t *testing.T) {
	r := start(t, Config{})
	for i, action := range []string{"enable", "link", "launch", "disable"} {
		var e Entry
		require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/"+action, Action{Region: "EU"}, &e))
		require.Equal(t, 200, e.Status, e)
		require.Equal(t, "anna", e.Customer)
		require.Len(t, r.got, i+1)
	}
	require.Contains(t, r.got[1], "access-token-of-anna")
	var grant Grant
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/grant", Action{}, &grant))
	require.Contains(t, string(grant.Directive), grant.Code)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {grant.Code}, "client_id": {"c"}, "client_secret": {"hush"}}
	response, err := r.proxied(t).PostForm("https://api.amazon.com/auth/o2/token", form)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)

	var customers []Customer
	r.call(t, "GET", "/_cloud/customers", nil, &customers)
	require.Equal(t, []Customer{{Name: "anna", Region: "EU", UserID: customers[0].UserID, Granted: true}}, customers)
	var grants []alexatest.Grant
	r.call(t, "GET", "/_cloud/grants", nil, &grants)
	require.Equal(t, []alexatest.Grant{{Customer: "anna", Region: "EU", ClientID: "c"}}, grants)

	var wrong ErrorBody
	for path, text := range map[string]string{
		"/anna/dance": "a customer cannot dance", "/anna/link": `unknown region "XX"`, "/anna/event": `unknown field "region"`,
	} {
		require.Equal(t, 400, r.call(t, "POST", "/_cloud/customers"+path, Action{Region: "XX"}, &wrong), path)
		require.Contains(t, wrong.Error.Message, text)
	}
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/customers/anna/enable", Action{To: "localhost:80"}, &wrong))
	require.Contains(t, wrong.Error.Message, "not the URL of a backend")
	require.Equal(t, 204, r.call(t, "POST", "/_cloud/reset", nil, nil))
	r.call(t, "GET", "/_cloud/customers", nil, &customers)
	require.Empty(t, customers)
}
