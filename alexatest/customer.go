package alexatest

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/envelope"
)

// Customer is an Alexa customer of one skill. Its methods return the bodies of the
// requests that Alexa sends to the skill, for [Cloud.NewRequest] or a Lambda
// handler. A Customer is not safe for concurrent use.
type Customer struct {
	SkillID string             // ID of the skill
	Region  alexaevents.Region // region of the customer; empty is NorthAmerica

	// KeepsUserID keeps the user ID when the customer disables the skill, as for
	// customers with in-skill purchases: SkillDisabled then says PERSISTED. False
	// makes a new one.
	KeepsUserID bool

	// Now is the clock of the events; their timestamps have whole seconds, as
	// Alexa's do. Nil is time.Now.
	Now func() time.Time

	userID      string
	accessToken string
}

// UserID returns the customer's user ID in the skill. It changes when the customer
// disables the skill.
func (c *Customer) UserID() string {
	if c.userID == "" {
		random := make([]byte, 129)
		rand.Read(random)
		c.userID = "amzn1.ask.account." + base32.StdEncoding.EncodeToString(random)[:207]
	}
	return c.userID
}

// savedCustomer is a Customer in JSON.
type savedCustomer struct {
	SkillID     string             `json:"skillId"`
	Region      alexaevents.Region `json:"region,omitempty"`
	KeepsUserID bool               `json:"keepsUserId,omitempty"`
	UserID      string             `json:"userId"`
	AccessToken string             `json:"accessToken,omitempty"`
}

// MarshalJSON returns the customer with user ID and access token, without Now.
func (c *Customer) MarshalJSON() ([]byte, error) {
	return json.Marshal(savedCustomer{c.SkillID, c.Region, c.KeepsUserID, c.UserID(), c.accessToken})
}

// UnmarshalJSON restores a customer that [Customer.MarshalJSON] returned.
func (c *Customer) UnmarshalJSON(data []byte) error {
	var saved savedCustomer
	if err := json.Unmarshal(data, &saved); err != nil {
		return err
	}
	c.SkillID, c.Region, c.KeepsUserID, c.userID, c.accessToken = saved.SkillID, saved.Region, saved.KeepsUserID, saved.UserID, saved.AccessToken
	return nil
}

// Enable returns a SkillEnabled event: the customer enables the skill.
func (c *Customer) Enable() []byte { return c.Event("AlexaSkillEvent.SkillEnabled", nil) }

// Link returns a SkillAccountLinked event: the customer links the account of the
// access token, which the skill's own authorization server issued.
func (c *Customer) Link(accessToken string) []byte {
	c.accessToken = accessToken
	return c.Event("AlexaSkillEvent.SkillAccountLinked", members{"body": members{"accessToken": accessToken}})
}

// Disable returns a SkillDisabled event: the customer disables the skill.
func (c *Customer) Disable() []byte {
	status := "NOT_PERSISTED"
	if c.KeepsUserID {
		status = "PERSISTED"
	}
	event := c.Event("AlexaSkillEvent.SkillDisabled", members{"body": members{"userInformationPersistenceStatus": status}})
	c.accessToken = ""
	if !c.KeepsUserID {
		c.userID = ""
	}
	return event
}

// Launch returns a LaunchRequest: the customer opens the skill.
func (c *Customer) Launch() []byte { return c.Event("LaunchRequest", nil) }

// Intent returns an IntentRequest with this intent, without slots.
func (c *Customer) Intent(name string) []byte {
	return c.Event("IntentRequest", members{"intent": members{"name": name, "confirmationStatus": "NONE", "slots": members{}}})
}

// Event returns a request of any type. The members of request are added to those
// that all requests have; for a type in [EventTypes], nil adds example members.
func (c *Customer) Event(requestType string, request map[string]any) []byte {
	if request == nil {
		request = examples[requestType]
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	at := now().UTC().Format(time.RFC3339)
	immediate := envelope.IsImmediate(requestType)

	complete := members{"type": requestType, "requestId": uuid.NewString(), "timestamp": at}
	if immediate {
		complete["locale"] = "en-US"
	} else {
		complete["eventCreationTime"], complete["eventPublishingTime"] = at, at
	}
	maps.Copy(complete, request)
	user := members{"userId": c.UserID()}
	if c.accessToken != "" {
		user["accessToken"] = c.accessToken
	}
	region := c.Region
	if region == "" {
		region = alexaevents.NorthAmerica
	}
	application := members{"applicationId": c.SkillID}
	document := members{
		"version": "1.0",
		"context": members{"System": members{
			"application":    application,
			"user":           user,
			"apiEndpoint":    region.APIEndpoint(),
			"apiAccessToken": "alexatest.api-access-token",
		}},
		"request": complete,
	}
	if family, _, _ := strings.Cut(requestType, "."); immediate && !slices.Contains(withoutSession, family) {
		document["session"] = members{
			"new": true, "sessionId": "amzn1.echo-api.session." + uuid.NewString(),
			"application": application, "user": user,
		}
	}
	body, err := json.Marshal(document)
	must(err)
	return body
}

// withoutSession are the families of immediate requests without a session, by
// Amazon's reference of the request format.
var withoutSession = []string{"AudioPlayer", "PlaybackController", "VideoPlayer"}

// Deliveries returns the events as Alexa may deliver them: out of order, with
// duplicates of about half of them. The same seed gives the same result.
func Deliveries(seed uint64, events ...[]byte) [][]byte { return atLeastOnce(seed, events) }

func atLeastOnce[T any](seed uint64, things []T) []T {
	random := mathrand.New(mathrand.NewPCG(seed, seed))
	deliveries := slices.Clone(things)
	for _, thing := range things {
		if random.IntN(2) == 0 {
			deliveries = append(deliveries, thing)
		}
	}
	random.Shuffle(len(deliveries), func(i, j int) {
		deliveries[i], deliveries[j] = deliveries[j], deliveries[i]
	})
	return deliveries
}

// EventTypes returns the types of events for which [Customer.Event] has example
// members, in alphabetical order.
func EventTypes() []string { return slices.Sorted(maps.Keys(examples)) }

// examples are the members that each type adds to the common ones, by Amazon's models
// and as seen in production.
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
