package alexatest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/signature"
)

// inUse returns a cloud with something of everything, and the refresh token of a grant.
func inUse(t *testing.T) (cloud *alexatest.Cloud, refreshToken alexaevents.Secret) {
	cloud = alexatest.NewCloud()
	tokens, err := loginClient(cloud).Exchange(t.Context(), alexaevents.Secret(cloud.Grant(alexaevents.Europe, "anna")))
	require.NoError(t, err)
	cloud.Grant(alexaevents.FarEast, "emma")
	cloud.DisableSkill("emma")
	require.NoError(t, cloud.Subscribe(topicARN, "https://backend.example/sns", newBackend(cloud, topicARN)))
	developer := &sdns.Client{HTTPClient: as(cloud, cloud.AccessToken(lwa.ScopeSubscriptions))}
	id, err := developer.CreateSubscriber(t.Context(), subscriber("one"))
	require.NoError(t, err)
	_, err = developer.CreateSubscription(t.Context(), sdns.Subscription{
		Name: "all", VendorID: vendorID, SubscriberID: id, Events: []sdns.EventName{"AlexaDevelopmentEvent.ALL"},
	})
	require.NoError(t, err)
	_, err = property(cloud).CreateConfiguration(t.Context(), channels(topicARN))
	require.NoError(t, err)
	cloud.Fail(alexatest.Fault{URL: "https://api.eu.", Times: 3, Status: 503, Header: http.Header{"Retry-After": {"1"}}})
	return cloud, tokens.RefreshToken
}

func loginClient(cloud *alexatest.Cloud) *lwa.Client {
	return &lwa.Client{ID: "client", Secret: "secret", HTTPClient: cloud.Client()}
}

func TestReading(t *testing.T) {
	cloud, _ := inUse(t)
	require.Equal(t, []alexatest.Grant{
		{Customer: "anna", Region: alexaevents.Europe, ClientID: "client"},
		{Customer: "emma", Region: alexaevents.FarEast, Revoked: true},
	}, cloud.Grants())
	require.Equal(t, []alexatest.Topic{{ARN: topicARN}}, cloud.Topics())
	require.Equal(t, []alexatest.Endpoint{{TopicARN: topicARN, URL: "https://backend.example/sns", Confirmed: true}}, cloud.Endpoints())

	subscribers, subscriptions := cloud.Subscribers(), cloud.Subscriptions()
	require.Len(t, subscribers, 1)
	require.Len(t, subscriptions, 1)
	require.Equal(t, subscribers[0].ID, subscriptions[0].SubscriberID)
	subscribers[0].ID, subscriptions[0].ID, subscriptions[0].SubscriberID = "", "", ""
	require.Equal(t, alexatest.Subscriber{
		VendorID: vendorID, Name: "one", Status: "ACTIVE", TopicARN: topicARN, RoleARN: roleARN,
		ClientID: "amzn1.application-oa2-client.developer",
	}, subscribers[0])
	require.Equal(t, alexatest.Subscription{VendorID: vendorID, Name: "all", Events: []string{"AlexaDevelopmentEvent.ALL"}}, subscriptions[0])

	get := func() {
		response, err := cloud.Client().Get("https://api.eu.amazonalexa.com/v3/events")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	get()
	require.Equal(t, 2, cloud.Faults()[0].Times)
	get()
	get()
	require.Empty(t, cloud.Faults())
}

func TestReset(t *testing.T) {
	cloud, refreshToken := inUse(t)
	roots := cloud.Roots()
	cloud.Reset()
	require.Empty(t, cloud.Grants())
	require.Empty(t, cloud.Subscribers())
	require.Empty(t, cloud.Subscriptions())
	require.Empty(t, cloud.Topics())
	require.Empty(t, cloud.Faults())
	require.Zero(t, cloud.Calls(""))
	require.False(t, cloud.ValidToken(string(refreshToken)))
	require.True(t, roots.Equal(cloud.Roots()))
}

func TestSnapshot(t *testing.T) {
	cloud, refreshToken := inUse(t)
	body := (&alexatest.Customer{SkillID: skillID}).Enable()
	request := cloud.NewRequest(url, body)
	for range cloud.Forgeries(url, body) { // their certificates are not kept
	}
	snapshot := cloud.Snapshot()
	other := alexatest.NewCloud()
	require.NoError(t, other.Restore(snapshot))
	require.Equal(t, cloud.Grants(), other.Grants())
	require.Equal(t, cloud.Subscribers(), other.Subscribers())
	require.Equal(t, cloud.Subscriptions(), other.Subscriptions())
	require.Equal(t, cloud.Endpoints(), other.Endpoints())
	require.Equal(t, cloud.Faults(), other.Faults())
	require.Equal(t, cloud.Delivered(), other.Delivered())
	require.Equal(t, cloud.RootPEM(), other.RootPEM())
	require.Len(t, other.Snapshot(), len(snapshot), "nothing is lost the second time")

	verifier := &signature.Verifier{Skills: []string{skillID}, Roots: cloud.Roots(), HTTPClient: other.Client()}
	require.NoError(t, verifier.Verify(t.Context(), request.Header, body), "the old certificate")
	require.NoError(t, verifier.Verify(t.Context(), other.NewRequest(url, body).Header, body))
	require.Equal(t, cloud.NewRequest(url, body).Header.Get("SignatureCertChainUrl"), other.NewRequest(url, body).Header.Get("SignatureCertChainUrl"))
	other.RotateCertificate(time.Hour)
	require.NoError(t, verifier.Verify(t.Context(), other.NewRequest(url, body).Header, body), "no URL is used twice")
	_, err := loginClient(other).Refresh(t.Context(), refreshToken)
	require.NoError(t, err)
	require.Len(t, collect(t, property(other).Configurations(t.Context())), 1)
	require.NotEmpty(t, other.NotifyDevelopers(alexatest.DevelopmentEvent{
		Name: "AlexaDevelopmentEvent.SkillPublish", VendorID: vendorID, AccessToken: other.AccessToken(lwa.ScopeSubscriptions),
	}))
}

// The keys of a cloud that is restored from its own snapshot are no strangers.
func TestForgeriesAfterRestore(t *testing.T) {
	cloud := alexatest.NewCloud()
	require.NoError(t, cloud.Restore(cloud.Snapshot()))
	body := (&alexatest.Customer{SkillID: skillID}).Enable()
	for name, forgery := range cloud.Forgeries(url, body) {
		response := httptest.NewRecorder()
		newVerifier(cloud).Handler(http.NotFoundHandler()).ServeHTTP(response, forgery)
		require.Equal(t, http.StatusBadRequest, response.Code, name)
	}
}

func TestRestoreErrors(t *testing.T) {
	cloud, _ := inUse(t)
	whole := string(cloud.Snapshot())
	for name, broken := range map[string]string{
		"not JSON":       "{",
		"newer":          strings.Replace(whole, `"Version":1`, `"Version":2`, 1),
		"no root":        strings.Replace(whole, `"Root":"`, `"Root":"AAAA`, 1),
		"no key":         strings.Replace(whole, `"IntermediateKey":"`, `"IntermediateKey":"AAAA`, 1),
		"authorizations": strings.Replace(whole, `"Listed":2`, `"Listed":99`, 1),
		"authorization":  strings.Replace(whole, `"Authorization":0`, `"Authorization":99`, 1),
		"topic":          strings.Replace(whole, `"ARN":"arn:`, `"ARN":"`, 1),
		"subscriber":     strings.Replace(whole, `"subscriberId":"amzn1`, `"subscriberId":"amzn2`, 1),
	} {
		require.ErrorContains(t, cloud.Restore([]byte(broken)), "alexatest: ", name)
	}
	require.Len(t, cloud.Snapshot(), len(whole))
}

func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		code := cloud.Grant(alexaevents.Europe, "anna")
		token := cloud.AccessToken("profile")
		verifier := newVerifier(cloud)
		event := func() error {
			body := (&alexatest.Customer{SkillID: skillID}).Enable()
			return verifier.Verify(t.Context(), cloud.NewRequest(url, body).Header, body)
		}
		cloud.RotateCertificate(24 * time.Hour)
		require.NoError(t, event())

		cloud.Age(59 * time.Minute)
		require.True(t, cloud.ValidToken(token))
		_, err := loginClient(cloud).Exchange(t.Context(), alexaevents.Secret(code))
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		cloud.Age(time.Minute)
		require.False(t, cloud.ValidToken(token))

		cloud.Age(23*time.Hour - time.Second)
		verifier = newVerifier(cloud)
		require.NoError(t, event())
		cloud.Age(time.Second + 1)
		verifier = newVerifier(cloud)
		require.ErrorIs(t, event(), signature.ErrCertificate)
		cloud.RotateCertificate(time.Hour)
		require.NoError(t, event())
	})
}
