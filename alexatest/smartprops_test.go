package alexatest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
)

const (
	messengerURL   = "https://api.amazonalexa.com/v1/eventMessenger/"
	configurations = messengerURL + "subscriptionConfigurations"
	subscriptions  = messengerURL + "subscriptions"
)

func property(cloud *alexatest.Cloud) *smartprops.Client {
	return &smartprops.Client{HTTPClient: as(cloud, cloud.AccessToken(lwa.ScopeEnterpriseManagement))}
}

func channels(topics ...string) (c smartprops.Configuration) {
	for _, topic := range topics {
		c.DeliveryChannels = append(c.DeliveryChannels, smartprops.DeliveryChannel{Type: smartprops.SNS, ID: topic})
	}
	return c
}

func TestConfigurations(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := property(cloud)
	want := channels(topicARN, topicARN+"2")
	var err error
	want.ID, err = client.CreateConfiguration(t.Context(), want)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(want.ID, "amzn1.alexa.aem.subscription.configuration."))
	got, err := client.Configuration(t.Context(), want.ID)
	require.NoError(t, err)
	same := cmpopts.IgnoreUnexported(smartprops.Configuration{})
	require.Empty(t, cmp.Diff(want, got, same))
	require.NotContains(t, string(got.Raw()), "idempotencyToken")
	require.Empty(t, cmp.Diff([]smartprops.Configuration{want}, collect(t, client.Configurations(t.Context())), same))

	require.NoError(t, client.DeleteConfiguration(t.Context(), want.ID))
	require.Empty(t, collect(t, client.Configurations(t.Context())))
	_, err = client.Configuration(t.Context(), want.ID)
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	require.ErrorIs(t, client.DeleteConfiguration(t.Context(), want.ID), alexaevents.ErrNotFound)
}

func TestPropertySubscriptions(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := property(cloud)
	configurationID, err := client.CreateConfiguration(t.Context(), channels(topicARN))
	require.NoError(t, err)
	create := func(event smartprops.EventType, entities smartprops.Entities) smartprops.Subscription {
		s := smartprops.Subscription{ConfigurationID: configurationID, EventType: event, Entities: entities}
		s.ID, err = client.CreateSubscription(t.Context(), s)
		require.NoError(t, err, event)
		return s
	}
	inRoom := create(smartprops.EventAutomationCompletion, smartprops.Unit("room"))
	ofSkill := create(smartprops.EventSkillFailure, smartprops.UnitAndSkill("room", "skill"))
	inHotel := create(smartprops.EventSubscriptionActivation, smartprops.ParentUnit("hotel"))
	ofRoles := create(smartprops.EventRoleAssignment, smartprops.UnitRoles("room"))
	ofSetup := create(smartprops.EventSetupCompletion, smartprops.Entities{"whatever": json.RawMessage(`{"it":1}`)})
	ofTomorrow := create("Alexa.Of.Tomorrow", nil)

	same := cmpopts.IgnoreUnexported(smartprops.Subscription{})
	got, err := client.Subscription(t.Context(), inRoom.ID)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(inRoom, got, same))
	for name, test := range map[string]struct {
		filter smartprops.Filter
		want   []smartprops.Subscription
	}{
		"all":           {smartprops.Filter{}, []smartprops.Subscription{inRoom, ofSkill, inHotel, ofRoles, ofSetup, ofTomorrow}},
		"unit":          {smartprops.Filter{UnitID: "room"}, []smartprops.Subscription{inRoom, ofSkill}},
		"parent":        {smartprops.Filter{ParentUnitID: "hotel"}, []smartprops.Subscription{inHotel}},
		"type":          {smartprops.Filter{EventType: smartprops.EventRoleAssignment}, []smartprops.Subscription{ofRoles}},
		"unit and type": {smartprops.Filter{UnitID: "room", EventType: smartprops.EventSkillFailure}, []smartprops.Subscription{ofSkill}},
		"another unit":  {smartprops.Filter{UnitID: "hotel"}, nil},
	} {
		require.Empty(t, cmp.Diff(test.want, collect(t, client.Subscriptions(t.Context(), test.filter)), same), name)
	}
	require.NoError(t, client.DeleteSubscription(t.Context(), inRoom.ID))
	require.Len(t, collect(t, client.Subscriptions(t.Context(), smartprops.Filter{})), 5)
	require.ErrorIs(t, client.DeleteSubscription(t.Context(), inRoom.ID), alexaevents.ErrNotFound)
}

func TestInvalidPropertyRequests(t *testing.T) {
	cloud := alexatest.NewCloud()
	token := cloud.AccessToken(lwa.ScopeEnterpriseManagement)
	configuration := `{"idempotencyToken":"1","deliveryChannels":[{"type":"SNS","id":"` + topicARN + `"}]}`
	created := call(t, cloud, token, "POST", configurations, configuration)
	require.Equal(t, 201, created.Status)
	require.Equal(t, created.ID, created.Location, "the bare ID")
	subscription := `{"subscriptionConfigurationId":"` + created.ID + `","eventType":{"namespace":"Alexa.Skill.Interaction","name":"Failure"},` +
		`"entities":{"unit":{"type":"Unit","id":"room"},"skill":{"type":"Skill","id":"x"}}}`
	require.Equal(t, 201, call(t, cloud, token, "POST", subscriptions, subscription).Status)
	const list = subscriptions + "?owner=~caller"
	for _, test := range []struct {
		name, method, url string
		body              string
		from, to          string // changed in the body
		want              []string
	}{
		{"not JSON", "POST", configurations, configuration, "{", "[", []string{"The body is not"}},
		{"null", "POST", configurations, "null", "", "", []string{"deliveryChannels: required"}},
		{"no channel", "POST", configurations, `{"deliveryChannels":[]}`, "", "", []string{"deliveryChannels: required"}},
		{"another type", "POST", configurations, configuration, "SNS", "SQS", []string{"deliveryChannels.type: not SNS"}},
		{"no topic", "POST", configurations, configuration, ":sns:", ":sqs:", []string{"deliveryChannels.id: not the ARN"}},
		{"the token of another", "POST", configurations, configuration, "notifications", "others", []string{"idempotencyToken: was that"}},

		{"nothing", "POST", subscriptions, "{}", "", "", []string{"subscriptionConfigurationId", "eventType"}},
		{"no configuration", "POST", subscriptions, subscription, created.ID, "x", []string{"subscriptionConfigurationId: unknown"}},
		{"no namespace", "POST", subscriptions, subscription, "Alexa.Skill.Interaction", "", []string{"eventType: namespace and name"}},
		{"no name", "POST", subscriptions, subscription, "Failure", "", []string{"eventType: namespace and name"}},
		{"no unit", "POST", subscriptions, subscription, `"id":"room"`, `"id":""`, []string{"entities.unit: required"}},
		{"no type of unit", "POST", subscriptions, subscription, `"type":"Unit",`, ``, []string{"entities.unit: required"}},
		{"no skill", "POST", subscriptions, subscription, `"skill":`, `"other":`, []string{"entities.skill: required"}},
		{"no type of skill", "POST", subscriptions, subscription, `"type":"Skill",`, ``, []string{"entities.skill: required"}},
		{"no entities", "POST", subscriptions, subscription, `"entities":`, `"other":`, []string{"entities.unit", "entities.skill"}},
		{"no parent", "POST", subscriptions, subscription, `Alexa.Skill.Interaction","name":"Failure`, `Alexa.Enterprise.Subscription","name":"Activation`, []string{"entities.unit.parent"}},
		{"no resource", "POST", subscriptions, subscription, `Alexa.Skill.Interaction","name":"Failure`, `Alexa.Role.Management","name":"Revocation`, []string{"entities.resource"}},

		{"configurations without an owner", "GET", configurations, "", "", "", []string{"owner: not ~caller"}},
		{"another's subscriptions", "GET", subscriptions + "?owner=someone", "", "", "", []string{"owner: not ~caller"}},
		{"subscriptions without an owner", "GET", subscriptions, "", "", "", []string{"owner: not ~caller"}},
		{"half a unit", "GET", list + "&entities.unit.id=room", "", "", "", []string{"entities.unit.id and entities.unit.type: give both", "entities.unit.type: not Unit"}},
		{"another unit", "GET", list + "&entities.unit.id=room&entities.unit.type=Room", "", "", "", []string{"entities.unit.type: not Unit"}},
		{"half a parent", "GET", list + "&entities.unit.parent.type=Unit", "", "", "", []string{"entities.unit.parent.id and"}},
		{"another parent", "GET", list + "&entities.unit.parent.type=&entities.unit.parent.id=x", "", "", "", []string{"entities.unit.parent.type: not"}},
		{"half a type", "GET", list + "&eventType.name=Failure", "", "", "", []string{"eventType.namespace and eventType.name"}},
		{"a page of 101", "GET", list + "&maxResults=101", "", "", "", []string{"maxResults: not a number from 1 to 100"}},
		{"a page of nothing", "GET", list + "&nextToken=x", "", "", "", []string{"nextToken: not one"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.from != "" {
				require.Contains(t, test.body, test.from)
			}
			got := call(t, cloud, token, test.method, test.url, strings.Replace(test.body, test.from, test.to, 1))
			require.Equal(t, 400, got.Status)
			require.Len(t, got.Violations, len(test.want), "%v", got.Violations)
			for i, want := range test.want {
				require.True(t, strings.HasPrefix(got.Violations[i].Message, want), got.Violations[i].Message)
			}
		})
	}
	require.Equal(t, 200, call(t, cloud, token, "GET", subscriptions+"?entities.unit.id=x&entities.unit.type=Unit", "").Status, "without an owner")
	client := property(cloud)
	require.Len(t, collect(t, client.Configurations(t.Context())), 1, "nothing came of the others")
	require.Len(t, collect(t, client.Subscriptions(t.Context(), smartprops.Filter{})), 1)
}

// A request whose response is lost creates only one resource.
func TestIdempotencyTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		token := cloud.AccessToken(lwa.ScopeEnterpriseManagement)
		body := `{"idempotencyToken":"t","deliveryChannels":[{"type":"SNS","id":"` + topicARN + `"}]}`
		cloud.Fail(alexatest.Fault{URL: configurations, Lost: true})
		client := property(cloud)
		client.NewToken = func() string { return "t" }
		first, err := client.CreateConfiguration(t.Context(), channels(topicARN))
		require.NoError(t, err, "sent again")
		require.Equal(t, 2, cloud.Calls(configurations))
		require.Len(t, collect(t, client.Configurations(t.Context())), 1)
		require.Equal(t, first, call(t, cloud, token, "POST", configurations, body).ID)
		another := signIn(t, cloud, "client", "another", lwa.ScopeEnterpriseManagement)
		require.NotEqual(t, first, call(t, cloud, another, "POST", configurations, body).ID)

		bare := strings.Replace(body, `"idempotencyToken":"t",`, ``, 1)
		again := call(t, cloud, token, "POST", configurations, bare).ID
		require.NotEqual(t, again, call(t, cloud, token, "POST", configurations, bare).ID)
	})
}

func TestPropertiesAreAuthorized(t *testing.T) {
	cloud := alexatest.NewCloud()
	ours := property(cloud)
	configurationID, err := ours.CreateConfiguration(t.Context(), channels(topicARN))
	require.NoError(t, err)
	theirs := &smartprops.Client{HTTPClient: as(cloud, signIn(t, cloud, "client", "another", lwa.ScopeEnterpriseManagement))}
	require.Empty(t, collect(t, theirs.Configurations(t.Context())))
	_, err = theirs.Configuration(t.Context(), configurationID)
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	require.ErrorIs(t, theirs.DeleteConfiguration(t.Context(), configurationID), alexaevents.ErrNotFound)
	_, err = theirs.CreateSubscription(t.Context(), smartprops.Subscription{ConfigurationID: configurationID, EventType: "Alexa.X.Y"})
	require.ErrorIs(t, err, alexaevents.ErrInvalid)
	for _, token := range []string{"", "Atza|x", cloud.AccessToken(lwa.ScopeSubscriptions)} {
		require.Equal(t, 401, call(t, cloud, token, "GET", configurations+"?owner=~caller", "").Status)
	}
}

func TestPagesOfProperties(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := property(cloud)
	another := signIn(t, cloud, "client", "another", lwa.ScopeEnterpriseManagement)
	var want []string
	for i := range 23 {
		id, err := client.CreateConfiguration(t.Context(), channels(fmt.Sprintf("%s%d", topicARN, i)))
		require.NoError(t, err)
		want = append(want, id)
	}
	for size, pages := range map[int]int{0: 3, 4: 6, 10: 3, 100: 3} {
		before := cloud.Calls(configurations)
		client.PageSize = size
		var got []string
		for _, c := range collect(t, client.Configurations(t.Context())) {
			got = append(got, c.ID)
		}
		require.Empty(t, cmp.Diff(want, got))
		require.Equal(t, pages, cloud.Calls(configurations)-before, size)
	}

	const list = configurations + "?owner=~caller"
	token := cloud.AccessToken(lwa.ScopeEnterpriseManagement)
	next := call(t, cloud, token, "GET", list, "").PaginationContext.NextToken
	require.Equal(t, 200, call(t, cloud, token, "GET", list+"&nextToken="+next, "").Status)
	require.Equal(t, 400, call(t, cloud, another, "GET", list+"&nextToken="+next, "").Status)
}

// The subscribers of an event receive it.
func TestNotifyProperties(t *testing.T) {
	cloud := alexatest.NewCloud()
	var received []smartprops.Event
	b := newBackend(cloud, topicARN, topicARN+"2")
	b.Receive = smartprops.Receive(func(_ context.Context, event smartprops.Event) error {
		received = append(received, event)
		return nil
	})
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, b))
	require.NoError(t, cloud.Subscribe(topicARN+"2", snsURL, b))
	client := property(cloud)
	one, err := client.CreateConfiguration(t.Context(), channels(topicARN))
	require.NoError(t, err)
	several, err := client.CreateConfiguration(t.Context(), channels(topicARN+"3", topicARN, topicARN+"2"))
	require.NoError(t, err)
	subscribe := func(configurationID string, event smartprops.EventType, entities smartprops.Entities) (id string) {
		id, err := client.CreateSubscription(t.Context(), smartprops.Subscription{ConfigurationID: configurationID, EventType: event, Entities: entities})
		require.NoError(t, err)
		return id
	}
	subscribe(one, smartprops.EventAutomationCompletion, smartprops.Unit("room"))
	subscribe(one, smartprops.EventSkillFailure, smartprops.UnitAndSkill("room", "skill"))
	subscribe(one, smartprops.EventSubscriptionActivation, smartprops.ParentUnit("hotel"))
	revoked := subscribe(several, smartprops.EventRoleRevocation, smartprops.UnitRoles("room"))
	subscribe(one, smartprops.EventSetupCompletion, smartprops.Entities{"whatever": json.RawMessage(`{"id":"x"}`)})

	for _, test := range []struct {
		name  string
		event alexatest.PropertyEvent
		want  int
	}{
		{"automation", alexatest.PropertyEvent{Type: string(smartprops.EventAutomationCompletion), UnitID: "room"}, 1},
		{"automation elsewhere", alexatest.PropertyEvent{Type: string(smartprops.EventAutomationCompletion), UnitID: "lobby"}, 0},
		{"skill", alexatest.PropertyEvent{Type: string(smartprops.EventSkillFailure), UnitID: "room", SkillID: "skill"}, 1},
		{"another skill", alexatest.PropertyEvent{Type: string(smartprops.EventSkillFailure), UnitID: "room", SkillID: "other"}, 0},
		{"below", alexatest.PropertyEvent{Type: string(smartprops.EventSubscriptionActivation), UnitID: "new", ParentUnitID: "hotel"}, 1},
		{"below another", alexatest.PropertyEvent{Type: string(smartprops.EventSubscriptionActivation), UnitID: "new", ParentUnitID: "motel"}, 0},
		{"role, twice", alexatest.PropertyEvent{Type: string(smartprops.EventRoleRevocation), UnitID: "room"}, 2},
		{"role elsewhere", alexatest.PropertyEvent{Type: string(smartprops.EventRoleRevocation), UnitID: "lobby"}, 0},
		{"another role", alexatest.PropertyEvent{Type: string(smartprops.EventRoleAssignment), UnitID: "room"}, 0},
		{"set-up", alexatest.PropertyEvent{Type: string(smartprops.EventSetupCompletion), UnitID: "anywhere"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			received = nil
			eventID := cloud.NotifyProperties(test.event)
			require.Len(t, received, test.want)
			for _, event := range received {
				common := event.Common()
				require.WithinDuration(t, time.Now(), common.Timestamp, time.Minute)
				require.Equal(t,
					[]string{test.event.Type, eventID, "2.0", test.event.UnitID, test.event.SkillID, "{}"},
					[]string{string(common.Type), common.ID, common.Version, common.UnitID, common.SkillID, string(common.Payload())})
				require.NotContains(t, string(common.Raw()), "hotel")
			}
		})
	}

	received = nil
	cloud.NotifyProperties(alexatest.PropertyEvent{
		Type: string(smartprops.EventAutomationCompletion), UnitID: "room",
		Payload: map[string]any{"automation": map[string]any{"id": "night"}, "result": map[string]any{"status": "FAILURE"}},
	})
	completion := received[0].(*smartprops.AutomationCompletion)
	require.Equal(t, []string{"night", "FAILURE"}, []string{completion.AutomationID, string(completion.Status)})

	received = nil
	revocation := alexatest.PropertyEvent{Type: string(smartprops.EventRoleRevocation), UnitID: "room"}
	cloud.SetTopic(alexatest.Topic{ARN: topicARN, Closed: true})
	cloud.NotifyProperties(revocation)
	require.Len(t, received, 1, "on the other topic")
	require.NoError(t, client.DeleteConfiguration(t.Context(), several))
	cloud.NotifyProperties(revocation)
	require.NoError(t, client.DeleteSubscription(t.Context(), revoked))
	cloud.NotifyProperties(revocation)
	require.Len(t, received, 1)

	for _, wrong := range []string{"", "x", ".x", "x."} {
		require.Panics(t, func() { cloud.NotifyProperties(alexatest.PropertyEvent{Type: wrong}) })
	}
	require.Panics(t, func() {
		cloud.NotifyProperties(alexatest.PropertyEvent{Type: "Alexa.X.Y", Payload: func() {}})
	})
}

func TestPropertyEventMessage(t *testing.T) {
	event, err := smartprops.Parse(alexatest.PropertyEvent{Type: string(smartprops.EventSkillFailure), UnitID: "unit"}.Message())
	require.NoError(t, err)
	require.IsType(t, (*smartprops.SkillFailure)(nil), event)
	require.Error(t, alexatest.Try(func() { alexatest.PropertyEvent{Type: "x"}.Message() }))
}
