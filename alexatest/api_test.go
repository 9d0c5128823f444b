package alexatest_test

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	neturl "net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

// as returns an HTTP client with an access token.
func as(cloud *alexatest.Cloud, token string) *http.Client {
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, cloud.Client())
	return oauth2.NewClient(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}))
}

// signIn returns the access token of a user who consents to the scopes of a
// client of Login with Amazon.
func signIn(t *testing.T, cloud *alexatest.Cloud, client, user string, scopes ...string) string {
	t.Helper()
	login := &lwa.Client{ID: client, Secret: "secret", HTTPClient: cloud.Client()}
	consentURL, verifier := login.AuthCodeURL(redirect, scopes...)
	callback, err := neturl.Parse(cloud.Consent(consentURL, user))
	require.NoError(t, err)
	token, err := login.ExchangeCallback(t.Context(), redirect, verifier, callback.Query())
	require.NoError(t, err)
	return string(token.AccessToken)
}

func collect[T any](t *testing.T, items iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for item, err := range items {
		require.NoError(t, err)
		all = append(all, item)
	}
	return all
}

// apiResponse is a response of the APIs for developers.
type apiResponse struct {
	Status     int    `json:"-"`
	Location   string `json:"-"`
	ID         string `json:"id"`
	Message    string `json:"message"`
	Violations []struct{ Message string }
	NextToken  string `json:"nextToken"`

	PaginationContext struct {
		NextToken string `json:"nextToken"`
	} `json:"paginationContext"`
	Links map[string]struct{ Href string } `json:"_links"`
}

// call makes a request to an API for developers, without a token if it is empty.
func call(t *testing.T, cloud *alexatest.Cloud, token, method, url, body string) (got apiResponse) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := cloud.Client().Do(r)
	require.NoError(t, err)
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NotEmpty(t, response.Header.Get("X-Amzn-RequestId"))
	if len(data) > 0 {
		require.NoError(t, json.Unmarshal(data, &got), "%s", data)
	}
	if response.StatusCode == http.StatusUnauthorized {
		require.NotEmpty(t, response.Header.Get("WWW-Authenticate"))
	}
	got.Status, got.Location = response.StatusCode, response.Header.Get("Location")
	return got
}

func TestPagesOfSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		token := cloud.AccessToken(lwa.ScopeSubscriptions)
		client := &sdns.Client{HTTPClient: as(cloud, token)}
		var want []string
		for i := range 53 {
			want = append(want, strings.Repeat("x", i+1))
			_, err := client.CreateSubscriber(t.Context(), subscriber(want[i]))
			require.NoError(t, err)
		}
		for size, pages := range map[int]int{0: 6, 1: 53, 7: 8, 50: 2} {
			before := cloud.Calls(smapiURL)
			client.PageSize = size
			var got []string
			for _, s := range collect(t, client.Subscribers(t.Context(), vendorID)) {
				got = append(got, s.Name)
			}
			require.Empty(t, cmp.Diff(want, got))
			require.Equal(t, pages, cloud.Calls(smapiURL)-before, size)
		}

		list := smapiURL + "subscribers?vendorId=" + vendorID
		first := call(t, cloud, token, "GET", list, "")
		require.NotEmpty(t, first.NextToken)
		require.Equal(t, "/v0/developmentEvents/subscribers?vendorId=M1VENDOR", first.Links["self"].Href)
		require.Equal(t, "/v0/developmentEvents/subscribers?nextToken="+first.NextToken+"&vendorId=M1VENDOR", first.Links["next"].Href)
		require.Equal(t, 200, call(t, cloud, token, "GET", "https://api.amazonalexa.com"+first.Links["next"].Href, "").Status)
		require.Equal(t, 200, call(t, cloud, token, "GET", list+"&nextToken="+first.NextToken+"&maxResults=50", "").Status, "again, with another size")
		require.Equal(t, 400, call(t, cloud, token, "GET", smapiURL+"subscriptions?vendorId="+vendorID+"&nextToken="+first.NextToken, "").Status, "of another list")
		require.Equal(t, 400, call(t, cloud, token, "GET", smapiURL+"subscribers?vendorId=M2&nextToken="+first.NextToken, "").Status, "of another vendor")
		last := call(t, cloud, token, "GET", list+"&nextToken="+first.NextToken+"&maxResults=50", "")
		require.Empty(t, last.NextToken)
		require.Len(t, last.Links, 1)

		time.Sleep(24*time.Hour - time.Second)
		token = cloud.AccessToken(lwa.ScopeSubscriptions)
		require.Equal(t, 200, call(t, cloud, token, "GET", list+"&nextToken="+first.NextToken, "").Status)
		time.Sleep(time.Second)
		require.Equal(t, 400, call(t, cloud, token, "GET", list+"&nextToken="+first.NextToken, "").Status, "expired")
	})
}

// A caller that deletes items while listing them sees every item.
func TestPagesAreOfOneList(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := &sdns.Client{HTTPClient: as(cloud, cloud.AccessToken(lwa.ScopeSubscriptions)), PageSize: 1}
	for range 3 {
		_, err := client.CreateSubscriber(t.Context(), subscriber("x"))
		require.NoError(t, err)
	}
	for s, err := range client.Subscribers(t.Context(), vendorID) {
		require.NoError(t, err)
		require.NoError(t, client.DeleteSubscriber(t.Context(), s.ID))
	}
	require.Empty(t, collect(t, client.Subscribers(t.Context(), vendorID)))
}

func TestUnknownOperations(t *testing.T) {
	cloud := alexatest.NewCloud()
	token := cloud.AccessToken(lwa.ScopeSubscriptions, lwa.ScopeEnterpriseManagement)
	for _, test := range []struct{ method, url string }{
		{"GET", "https://api.amazonalexa.com/"},
		{"GET", "https://api.amazonalexa.com/v0/vendors"},
		{"POST", "https://api.amazonalexa.com/v1/vendors"},
		{"GET", "https://api.amazonalexa.com/v1/vendors/x"},
		{"GET", smapiURL},
		{"GET", smapiURL + "subscribers/"},
		{"POST", smapiURL + "subscribers/x"},
		{"DELETE", smapiURL + "subscribers"},
		{"PATCH", smapiURL + "subscriptions/x"},
		{"PUT", messengerURL + "subscriptions/x"},
		{"GET", messengerURL + "other"},
		{"GET", "https://api.eu.amazonalexa.com/v1/vendors"},
		{"GET", "https://sns.us-east-2.amazonaws.com/"},
		{"POST", "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription"},
	} {
		r, err := http.NewRequest(test.method, test.url, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := cloud.Client().Do(r)
		require.NoError(t, err)
		require.Equal(t, 404, response.StatusCode, test.url)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		bare, _, _ := strings.Cut(test.url, "?")
		require.Equal(t, "alexatest: unknown request "+test.method+" "+bare+"\n", string(body))
	}
}

func TestFaultsOfTheDevelopersAPI(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := &sdns.Client{HTTPClient: as(cloud, cloud.AccessToken(lwa.ScopeSubscriptions))}
	cloud.Fail(alexatest.Fault{URL: smapiURL, Status: 409, Code: "CONFLICT"})
	_, err := client.CreateSubscriber(t.Context(), subscriber("x"))
	var got *alexaevents.Error
	require.ErrorAs(t, err, &got)
	require.Equal(t, []any{409, "CONFLICT"}, []any{got.Status, got.Code})

	cloud.Fail(alexatest.Fault{URL: smapiURL, Lost: true})
	_, err = client.CreateSubscriber(t.Context(), subscriber("x"))
	require.ErrorIs(t, err, alexaevents.ErrUnavailable)
	require.Len(t, collect(t, client.Subscribers(t.Context(), vendorID)), 1, "it was created all the same")
}
