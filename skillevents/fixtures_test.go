package skillevents_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents/skillevents"
)

// fixture is an event with every member that Amazon documents or models. No two
// members of one event have the same value, so that a test finds a mix-up.
type fixture struct {
	own  string            // members of request that only this type has
	want skillevents.Event // fields of the parsed event
}

var fixtures = map[string]fixture{
	"AlexaSkillEvent.SkillEnabled": {
		want: &skillevents.SkillEnabled{},
	},
	"AlexaSkillEvent.SkillDisabled": {
		own:  `"body": {"userInformationPersistenceStatus": "NOT_PERSISTED"}`,
		want: &skillevents.SkillDisabled{UserInformationPersistenceStatus: skillevents.NotPersisted},
	},
	"AlexaSkillEvent.SkillAccountLinked": {
		own:  `"body": {"accessToken": "token of the body"}`,
		want: &skillevents.SkillAccountLinked{AccessToken: "token of the body"},
	},
	"AlexaSkillEvent.SkillPermissionAccepted": {
		own: `"body": {
			"acceptedPermissions": [{"scope": "alexa::profile:email:read"}, {"scope": "alexa::profile:name:read"}],
			"acceptedPersonPermissions": [{"scope": "alexa::profile:given_name:read"}]}`,
		want: &skillevents.SkillPermissionAccepted{
			AcceptedPermissions:       []skillevents.Permission{{Scope: "alexa::profile:email:read"}, {Scope: "alexa::profile:name:read"}},
			AcceptedPersonPermissions: []skillevents.Permission{{Scope: "alexa::profile:given_name:read"}},
		},
	},
	"AlexaSkillEvent.SkillPermissionChanged": {
		own: `"body": {
			"acceptedPermissions": [{"scope": "alexa::devices:all:geolocation:read"}],
			"acceptedPersonPermissions": [{"scope": "alexa::profile:mobile_number:read"}]}`,
		want: &skillevents.SkillPermissionChanged{
			AcceptedPermissions:       []skillevents.Permission{{Scope: "alexa::devices:all:geolocation:read"}},
			AcceptedPersonPermissions: []skillevents.Permission{{Scope: "alexa::profile:mobile_number:read"}},
		},
	},
	"AlexaSkillEvent.ProactiveSubscriptionChanged": {
		own: `"body": {"subscriptions": [{"eventName": "AMAZON.OrderStatus.Updated"}, {"eventName": "AMAZON.WeatherAlert.Activated"}]}`,
		want: &skillevents.ProactiveSubscriptionChanged{
			Subscriptions: []skillevents.ProactiveSubscription{{EventName: "AMAZON.OrderStatus.Updated"}, {EventName: "AMAZON.WeatherAlert.Activated"}},
		},
	},
	"AlexaSkillEvent.NotificationSubscriptionChanged": {
		own: `"body": {"subscriptions": [{"topicId": "offers"}, {"topicId": "outages"}]}`,
		want: &skillevents.NotificationSubscriptionChanged{
			Subscriptions: []skillevents.NotificationSubscription{{TopicID: "offers"}, {TopicID: "outages"}},
		},
	},

	"AlexaHouseholdListEvent.ItemsCreated": {
		own:  `"body": {"listId": "shopping", "listItemIds": ["milk", "bread"]}`,
		want: &skillevents.ItemsCreated{ListID: "shopping", ListItemIDs: []string{"milk", "bread"}},
	},
	"AlexaHouseholdListEvent.ItemsUpdated": {
		own:  `"body": {"listId": "tasks", "listItemIds": ["sweep"]}`,
		want: &skillevents.ItemsUpdated{ListID: "tasks", ListItemIDs: []string{"sweep"}},
	},
	"AlexaHouseholdListEvent.ItemsDeleted": {
		own:  `"body": {"listId": "books", "listItemIds": ["Emma"]}`,
		want: &skillevents.ItemsDeleted{ListID: "books", ListItemIDs: []string{"Emma"}},
	},
	"AlexaHouseholdListEvent.ListCreated": {
		own:  `"body": {"listId": "new list"}`,
		want: &skillevents.ListCreated{ListID: "new list"},
	},
	"AlexaHouseholdListEvent.ListUpdated": {
		own:  `"body": {"listId": "renamed list"}`,
		want: &skillevents.ListUpdated{ListID: "renamed list"},
	},
	"AlexaHouseholdListEvent.ListDeleted": {
		own:  `"body": {"listId": "old list"}`,
		want: &skillevents.ListDeleted{ListID: "old list"},
	},

	"Reminders.ReminderStarted": {
		own:  `"body": {"status": "ON", "alertToken": "started reminder"}`,
		want: &skillevents.ReminderStarted{Status: skillevents.ReminderOn, AlertToken: "started reminder"},
	},
	"Reminders.ReminderCreated": {
		own:  `"body": {"status": "ON", "alertToken": "created reminder"}`,
		want: &skillevents.ReminderCreated{Status: skillevents.ReminderOn, AlertToken: "created reminder"},
	},
	"Reminders.ReminderUpdated": {
		own:  `"body": {"status": "ON", "alertToken": "updated reminder"}`,
		want: &skillevents.ReminderUpdated{Status: skillevents.ReminderOn, AlertToken: "updated reminder"},
	},
	"Reminders.ReminderStatusChanged": {
		own:  `"body": {"status": "COMPLETED", "alertToken": "completed reminder"}`,
		want: &skillevents.ReminderStatusChanged{Status: skillevents.ReminderCompleted, AlertToken: "completed reminder"},
	},
	"Reminders.ReminderDeleted": {
		own:  `"body": {"alertTokens": ["deleted reminder", "another deleted one"]}`,
		want: &skillevents.ReminderDeleted{AlertTokens: []string{"deleted reminder", "another deleted one"}},
	},

	"Messaging.MessageReceived": {
		own:  `"message": {"refresh": "lamp", "since": [17]}`,
		want: &skillevents.MessageReceived{Message: json.RawMessage(`{"refresh": "lamp", "since": [17]}`)},
	},
	"Alexa.Authorization.Grant": {
		own:  `"body": {"grant": {"type": "OAuth2.AuthorizationCode", "code": "code of the grant"}}`,
		want: &skillevents.AuthorizationGrant{GrantType: "OAuth2.AuthorizationCode", Code: "code of the grant"},
	},

	"Alexa.DataStore.PackageManager.UsagesInstalled": {
		own: `"payload": {"packageId": "clock", "packageVersion": "3.1", "usages": [{"location": "FAVORITE", "instanceId": "left"}, {"instanceId": "right"}]}`,
		want: &skillevents.PackageUsagesInstalled{
			PackageID: "clock", PackageVersion: "3.1",
			Usages: []skillevents.PackageUsage{{Location: "FAVORITE", InstanceID: "left"}, {InstanceID: "right"}},
		},
	},
	"Alexa.DataStore.PackageManager.UsagesRemoved": {
		own: `"payload": {"packageId": "weather", "packageVersion": "3.2", "usages": [{"location": "FAVORITE", "instanceId": "middle"}]}`,
		want: &skillevents.PackageUsagesRemoved{
			PackageID: "weather", PackageVersion: "3.2",
			Usages: []skillevents.PackageUsage{{Location: "FAVORITE", InstanceID: "middle"}},
		},
	},
	"Alexa.DataStore.PackageManager.UpdateRequest": {
		own:  `"packageId": "clock", "fromVersion": "3.3", "toVersion": "3.4"`,
		want: &skillevents.PackageUpdateRequest{PackageID: "clock", FromVersion: "3.3", ToVersion: "3.4"},
	},
	"Alexa.DataStore.PackageManager.InstallationError": {
		own: `"packageId": "clock", "version": "3.5", "error": {"type": "INTERNAL_ERROR", "content": {"why": "unreadable manifest"}}`,
		want: &skillevents.PackageInstallationError{
			PackageID: "clock", PackageVersion: "3.5",
			Error: skillevents.DataStoreFault{Type: "INTERNAL_ERROR", Content: json.RawMessage(`{"why": "unreadable manifest"}`)},
		},
	},
	"Alexa.DataStore.Error": {
		own: `"error": {"type": "DEVICE_UNAVAILABLE", "content": {"deviceId": "kitchen", "commands": [{"type": "CLEAR"}]}}`,
		want: &skillevents.DataStoreError{Error: skillevents.DataStoreFault{
			Type: "DEVICE_UNAVAILABLE", Content: json.RawMessage(`{"deviceId": "kitchen", "commands": [{"type": "CLEAR"}]}`),
		}},
	},

	"AlexaAudioPlayQueueEvent.PlaybackStopped": {want: &skillevents.Unknown{}},
	"LaunchRequest": {want: &skillevents.Unknown{}},
}

// document returns an event of the type with every member of the envelope that
// Envelope shows.
func document(requestType, own string) []byte {
	if own != "" {
		own = ", " + own
	}
	return fmt.Appendf(nil, `{
		"version": "1.0",
		"context": {"System": {
			"application": {"applicationId": "amzn1.ask.skill.s"},
			"user": {"userId": "amzn1.ask.account.u", "accessToken": "token of the account", "permissions": {"consentToken": "token of the consent"}},
			"person": {"personId": "amzn1.ask.person.p"},
			"device": {"deviceId": "amzn1.ask.device.d"}, "unit": {"unitId": "amzn1.ask.unit.u"},
			"apiEndpoint": "https://api.eu.amazonalexa.com", "apiAccessToken": "token of the API"}},
		"request": {
			"type": %q, "requestId": "3a8bd4ce-0d9f-4b66-9e6b-3d7d6f3c1f5b", "locale": "de-DE",
			"timestamp": "2026-11-21T22:00:02Z", "eventCreationTime": "2026-11-21T22:00:00Z", "eventPublishingTime": "2026-11-21T22:00:01Z"%s}
	}`, requestType, own)
}

// common is what Parse makes of the envelope of a document.
func common(requestType string) skillevents.Envelope {
	base := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	return skillevents.Envelope{
		Version: "1.0", Type: requestType, RequestID: "3a8bd4ce-0d9f-4b66-9e6b-3d7d6f3c1f5b", Locale: "de-DE",
		Timestamp: base.Add(2 * time.Second), EventCreationTime: base, EventPublishingTime: base.Add(time.Second),
		SkillID: "amzn1.ask.skill.s", UserID: "amzn1.ask.account.u", PersonID: "amzn1.ask.person.p",
		DeviceID: "amzn1.ask.device.d", UnitID: "amzn1.ask.unit.u",
		AccessToken: "token of the account", ConsentToken: "token of the consent",
		APIEndpoint: "https://api.eu.amazonalexa.com", APIAccessToken: "token of the API",
	}
}
