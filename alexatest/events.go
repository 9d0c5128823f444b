package alexatest

import (
	"maps"
	"slices"
)

type members = map[string]any

// EventTypes returns the request types that come without a session and that
// [Customer.Event] has examples of, in alphabetical order.
func EventTypes() []string { return slices.Sorted(maps.Keys(examples)) }

// examples are the members of request that each type has beside the usual ones,
// by Amazon's models and by what was seen in production.
var examples = map[string]members{
	"AlexaSkillEvent.SkillEnabled":       {},
	"AlexaSkillEvent.SkillDisabled":      {"body": members{"userInformationPersistenceStatus": "NOT_PERSISTED"}},
	"AlexaSkillEvent.SkillAccountLinked": {"body": members{"accessToken": "alexatest.access-token"}},
	"AlexaSkillEvent.SkillPermissionAccepted": {"body": members{"acceptedPermissions": []members{
		{"scope": "alexa::profile:email:read"}, {"scope": "alexa::alerts:reminders:skill:readwrite"},
	}}},
	"AlexaSkillEvent.SkillPermissionChanged":          {"body": members{"acceptedPermissions": []members{}}},
	"AlexaSkillEvent.ProactiveSubscriptionChanged":    {"body": members{"subscriptions": []members{{"eventName": "AMAZON.MessageAlert.Activated"}}}},
	"AlexaSkillEvent.NotificationSubscriptionChanged": {"body": members{"subscriptions": []members{{"topicId": "example-topic"}}}},

	"AlexaHouseholdListEvent.ItemsCreated": items,
	"AlexaHouseholdListEvent.ItemsUpdated": items,
	"AlexaHouseholdListEvent.ItemsDeleted": items,
	"AlexaHouseholdListEvent.ListCreated":  list,
	"AlexaHouseholdListEvent.ListUpdated":  list,
	"AlexaHouseholdListEvent.ListDeleted":  list,

	"Reminders.ReminderCreated":       reminder("ON"),
	"Reminders.ReminderStarted":       reminder("ON"),
	"Reminders.ReminderUpdated":       reminder("ON"),
	"Reminders.ReminderStatusChanged": reminder("COMPLETED"),
	"Reminders.ReminderDeleted":       {"body": members{"alertTokens": []string{alertToken}}},

	"Messaging.MessageReceived": {"message": members{"example": "message"}},
	"Alexa.Authorization.Grant": {"body": members{"grant": members{"type": "OAuth2.AuthorizationCode", "code": "alexatest.code"}}},

	"Alexa.DataStore.PackageManager.UsagesInstalled": usages,
	"Alexa.DataStore.PackageManager.UsagesRemoved":   usages,
	"Alexa.DataStore.PackageManager.UpdateRequest":   {"packageId": "example", "fromVersion": "1", "toVersion": "2"},
	"Alexa.DataStore.PackageManager.InstallationError": {
		"packageId": "example", "version": "1", "error": members{"type": "INTERNAL_ERROR", "content": members{}},
	},
	"Alexa.DataStore.Error": {"error": members{"type": "DEVICE_UNAVAILABLE", "content": members{}}},
}

const alertToken = "1b4c6f0e-52d9-4f5e-9a43-5d2f8a7c9e10"

var (
	items  = members{"body": members{"listId": "example-list", "listItemIds": []string{"example-item"}}}
	list   = members{"body": members{"listId": "example-list"}}
	usages = members{"payload": members{
		"packageId": "example", "packageVersion": "1",
		"usages": []members{{"location": "FAVORITE", "instanceId": "example-instance"}},
	}}
)

func reminder(status string) members {
	return members{"body": members{"status": status, "alertToken": alertToken}}
}
