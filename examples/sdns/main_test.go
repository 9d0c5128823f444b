package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

func TestDemonstration(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	require.Contains(t, out.String(), "Subscribed: M2DEVELOPER")
}

func TestFlags(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(t.Context(), []string{"-vendor", "M1"}, io.Discard), "required")
	require.Error(t, run(t.Context(), []string{"-unknown"}, io.Discard))
}

// newOrganization returns a server whose webhook responds with these statuses, and
// with 200 after them.
func newOrganization(t *testing.T, cloud *alexatest.Cloud, statuses ...int) (o *organization, posts *int) {
	posts = new(int)
	webhook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if *posts++; *posts <= len(statuses) {
			w.WriteHeader(statuses[*posts-1])
		}
	}))
	t.Cleanup(webhook.Close)
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	o = &organization{
		tokens: &lwa.Source{
			Client: &lwa.Client{ID: "amzn1.application-oa2-client.organization", Secret: "secret", HTTPClient: cloud.Client()},
			Store:  new(lwa.MemoryStore),
		},
		verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		logger:   slog.New(slog.DiscardHandler),
		vendorID: "M1ORGANIZATION", topicARN: topicARN, roleARN: "arn:aws:iam::000011112222:role/SkillNotifications",
		webhook: webhook.URL,
	}
	server := httptest.NewServer(o.handler())
	t.Cleanup(server.Close)
	o.url = server.URL
	cloud.AddVendor("M1ORGANIZATION", "manager")
	cloud.AddVendor("M2DEVELOPER", "developer")
	require.NoError(t, cloud.Subscribe(topicARN, server.URL+"/sns", nil))
	return o, posts
}

// A browser gets a token only for the developer who consented in it.
func TestSessions(t *testing.T) {
	t.Parallel()
	cloud := alexatest.NewCloud()
	o, _ := newOrganization(t, cloud)
	stranger := newBrowser(cloud, o.url)
	_, err := stranger.get(t.Context(), o.url+"/token")
	require.ErrorContains(t, err, "403")
	_, err = stranger.get(t.Context(), o.url+"/callback?code=x&state=y")
	require.ErrorContains(t, err, "400")

	_, err = newBrowser(cloud, o.url).consents(t.Context(), "developer")
	require.ErrorContains(t, err, "the organization's vendor ID must consent first")
	_, err = newBrowser(cloud, o.url).consents(t.Context(), "manager")
	require.NoError(t, err)
	developer := newBrowser(cloud, o.url)
	page, err := developer.consents(t.Context(), "developer")
	require.NoError(t, err)
	require.Contains(t, page, "M2DEVELOPER")
	token, err := developer.get(t.Context(), o.url+"/token")
	require.NoError(t, err)
	require.NotEmpty(t, token)
	_, err = stranger.get(t.Context(), o.url+"/token")
	require.ErrorContains(t, err, "403")
}

// Only work with the token that the server obtained is notified. Consenting again
// creates no second subscription, and a webhook that fails is called again.
func TestNotifications(t *testing.T) {
	t.Parallel()
	cloud := alexatest.NewCloud()
	o, posts := newOrganization(t, cloud, http.StatusServiceUnavailable)
	var accessToken string
	for _, user := range []string{"manager", "developer", "manager", "developer"} {
		browser := newBrowser(cloud, o.url)
		_, err := browser.consents(t.Context(), user)
		require.NoError(t, err)
		accessToken, err = browser.get(t.Context(), o.url+"/token")
		require.NoError(t, err)
	}
	certified := alexatest.DevelopmentEvent{
		Name: string(sdns.EventSkillCertification), VendorID: "M2DEVELOPER", SkillID: "amzn1.ask.skill.theirs", AccessToken: accessToken,
	}
	cloud.NotifyDevelopers(certified)
	require.Equal(t, 2, *posts, "the failed one and its retry")

	cloud.AddVendor("M2DEVELOPER", "amzn1.account.DEVELOPER") // the user of the ASK CLI's token
	certified.AccessToken = cloud.AccessToken(lwa.ScopeSkillsReadWrite)
	cloud.NotifyDevelopers(certified)
	certified.Name, certified.AccessToken = string(sdns.EventManifestUpdate), accessToken
	cloud.NotifyDevelopers(certified)
	require.Equal(t, 2, *posts, "not subscribed to")
}
