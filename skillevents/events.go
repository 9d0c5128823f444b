package skillevents

import (
	"encoding/json"

	"github.com/alexaevents/alexaevents"
)

// types has a function for each request type that makes an empty event.
var types = map[string]func() Event{
	"AlexaSkillEvent.SkillEnabled":                    func() Event { return new(SkillEnabled) },
	"AlexaSkillEvent.SkillDisabled":                   func() Event { return new(SkillDisabled) },
	"AlexaSkillEvent.SkillAccountLinked":              func() Event { return new(SkillAccountLinked) },
	"AlexaSkillEvent.SkillPermissionAccepted":         func() Event { return new(SkillPermissionAccepted) },
	"AlexaSkillEvent.SkillPermissionChanged":          func() Event { return new(SkillPermissionChanged) },
	"AlexaSkillEvent.ProactiveSubscriptionChanged":    func() Event { return new(ProactiveSubscriptionChanged) },
	"AlexaSkillEvent.NotificationSubscriptionChanged": func() Event { return new(NotificationSubscriptionChanged) },

	"AlexaHouseholdListEvent.ItemsCreated": func() Event { return new(ItemsCreated) },
	"AlexaHouseholdListEvent.ItemsUpdated": func() Event { return new(ItemsUpdated) },
	"AlexaHouseholdListEvent.ItemsDeleted": func() Event { return new(ItemsDeleted) },
	"AlexaHouseholdListEvent.ListCreated":  func() Event { return new(ListCreated) },
	"AlexaHouseholdListEvent.ListUpdated":  func() Event { return new(ListUpdated) },
	"AlexaHouseholdListEvent.ListDeleted":  func() Event { return new(ListDeleted) },

	"Reminders.ReminderStarted":       func() Event { return new(ReminderStarted) },
	"Reminders.ReminderCreated":       func() Event { return new(ReminderCreated) },
	"Reminders.ReminderUpdated":       func() Event { return new(ReminderUpdated) },
	"Reminders.ReminderStatusChanged": func() Event { return new(ReminderStatusChanged) },
	"Reminders.ReminderDeleted":       func() Event { return new(ReminderDeleted) },

	"Messaging.MessageReceived": func() Event { return new(MessageReceived) },
	"Alexa.Authorization.Grant": func() Event { return new(AuthorizationGrant) },

	"Alexa.DataStore.PackageManager.UsagesInstalled":   func() Event { return new(PackageUsagesInstalled) },
	"Alexa.DataStore.PackageManager.UsagesRemoved":     func() Event { return new(PackageUsagesRemoved) },
	"Alexa.DataStore.PackageManager.UpdateRequest":     func() Event { return new(PackageUpdateRequest) },
	"Alexa.DataStore.PackageManager.InstallationError": func() Event { return new(PackageInstallationError) },
	"Alexa.DataStore.Error":                            func() Event { return new(DataStoreError) },
}

// SkillEnabled says that a customer enabled the skill
// (AlexaSkillEvent.SkillEnabled). Its UserID is usually new, even for a customer
// who had the skill before.
type SkillEnabled struct {
	Envelope `json:"-"`
}

// SkillDisabled says that a customer disabled the skill
// (AlexaSkillEvent.SkillDisabled).
type SkillDisabled struct {
	Envelope `json:"-"`

	// UserInformationPersistenceStatus says whether Alexa keeps the user ID.
	// Amazon's models lack it, but Alexa sends it. Empty if absent.
	UserInformationPersistenceStatus PersistenceStatus `json:"userInformationPersistenceStatus"`
}

// PersistenceStatus says whether Alexa keeps a customer's information after the
// skill was disabled. Other values than the constants are possible.
type PersistenceStatus string

const (
	// Persisted says that Alexa keeps the information, as for a skill with in-skill
	// purchases. A customer who enables the skill again has the same user ID.
	Persisted PersistenceStatus = "PERSISTED"
	// NotPersisted says that the user ID is never used again: what is stored for
	// it can be deleted.
	NotPersisted PersistenceStatus = "NOT_PERSISTED"
)

// SkillAccountLinked says that a customer linked an account, for the first time
// or again (AlexaSkillEvent.SkillAccountLinked).
type SkillAccountLinked struct {
	Envelope `json:"-"`

	// AccessToken is the token that the skill's own authorization server issued
	// for the account: body.accessToken, or the context's token if the body has
	// none. Amazon says to rely on the token of this event only.
	AccessToken alexaevents.Secret `json:"accessToken"`
}

// SkillPermissionAccepted says that a customer granted the skill permissions, for
// the first time or after the customer had revoked all of them
// (AlexaSkillEvent.SkillPermissionAccepted).
type SkillPermissionAccepted struct {
	Envelope `json:"-"`

	// AcceptedPermissions is the full list of what the account grants now, not
	// the difference. Nil if absent; empty if the account grants nothing.
	AcceptedPermissions []Permission `json:"acceptedPermissions"`
	// AcceptedPersonPermissions is the same list for the recognized speaker,
	// PersonID.
	AcceptedPersonPermissions []Permission `json:"acceptedPersonPermissions"`
}

// SkillPermissionChanged says that a customer granted or revoked some
// permissions (AlexaSkillEvent.SkillPermissionChanged).
type SkillPermissionChanged struct {
	Envelope `json:"-"`

	// AcceptedPermissions is the full list of what the account grants now, not
	// the difference. Nil if absent; empty if the account grants nothing.
	AcceptedPermissions []Permission `json:"acceptedPermissions"`
	// AcceptedPersonPermissions is the same list for the recognized speaker,
	// PersonID.
	AcceptedPersonPermissions []Permission `json:"acceptedPersonPermissions"`
}

// Permission is something that a customer allows the skill.
type Permission struct {
	Scope string `json:"scope"` // such as "alexa::profile:email:read"
}

// ProactiveSubscriptionChanged says which of the skill's proactive events a
// customer wants (AlexaSkillEvent.ProactiveSubscriptionChanged). Of several such
// events, the newest by Time counts.
type ProactiveSubscriptionChanged struct {
	Envelope `json:"-"`

	// Subscriptions is the full list, not the difference. Nil if absent; empty if
	// the customer wants none. Some events of customers who want none lack it.
	Subscriptions []ProactiveSubscription `json:"subscriptions"`
}

// ProactiveSubscription is a proactive event that a customer wants.
type ProactiveSubscription struct {
	EventName string `json:"eventName"` // such as "AMAZON.MessageAlert.Activated"
}

// NotificationSubscriptionChanged says which of the skill's notification topics
// a customer wants (AlexaSkillEvent.NotificationSubscriptionChanged). Of several
// such events, the newest by Time counts.
type NotificationSubscriptionChanged struct {
	Envelope `json:"-"`

	// Subscriptions is the full list, not the difference. Nil if absent; empty if
	// the customer wants none.
	Subscriptions []NotificationSubscription `json:"subscriptions"`
}

// NotificationSubscription is a notification topic that a customer wants.
type NotificationSubscription struct {
	TopicID string `json:"topicId"` // as the skill's manifest names it
}

// ReminderStarted says that a reminder of the skill went off
// (Reminders.ReminderStarted).
type ReminderStarted struct {
	Envelope `json:"-"`

	Status     ReminderStatus `json:"status"`
	AlertToken string         `json:"alertToken"` // the reminder's ID
}

// ReminderCreated says that a reminder of the skill was made
// (Reminders.ReminderCreated).
type ReminderCreated struct {
	Envelope `json:"-"`

	Status     ReminderStatus `json:"status"`
	AlertToken string         `json:"alertToken"` // the reminder's ID
}

// ReminderUpdated says that a reminder of the skill was changed
// (Reminders.ReminderUpdated).
type ReminderUpdated struct {
	Envelope `json:"-"`

	Status     ReminderStatus `json:"status"`
	AlertToken string         `json:"alertToken"` // the reminder's ID
}

// ReminderStatusChanged says that a reminder of the skill has another status,
// such as having been completed (Reminders.ReminderStatusChanged).
type ReminderStatusChanged struct {
	Envelope `json:"-"`

	Status     ReminderStatus `json:"status"`
	AlertToken string         `json:"alertToken"` // the reminder's ID
}

// ReminderDeleted says that reminders of the skill were deleted
// (Reminders.ReminderDeleted).
type ReminderDeleted struct {
	Envelope `json:"-"`

	AlertTokens []string `json:"alertTokens"` // the reminders' IDs
}

// ReminderStatus is the status of a reminder. Other values than the constants are
// possible.
type ReminderStatus string

// The statuses that Amazon's models name.
const (
	ReminderOn        ReminderStatus = "ON"        // it will go off
	ReminderCompleted ReminderStatus = "COMPLETED" // it went off for the last time
)

// MessageReceived carries a message that the skill's own backend sent through
// the Skill Messaging API (Messaging.MessageReceived). It needs no permission of
// the customer and no subscription. The sender decides what Message holds.
//
// Alexa redelivers a message that is not acknowledged until the message expires,
// after at most 24 hours (the sender's expiresAfterSeconds). It is unknown
// whether a redelivered message has a new timestamp. If it has the first one, the
// verifier of package signature refuses it when it is an hour old, as it refuses
// all such events. So expect no message more than an hour after it was sent. If it
// must not be lost, let the backend send it again.
type MessageReceived struct {
	Envelope `json:"-"`

	Message json.RawMessage `json:"message"` // a JSON object; nil if absent
}

// AuthorizationGrant carries an authorization code for a custom skill that has
// out-of-session permissions without account linking (Alexa.Authorization.Grant).
// It is not the AcceptGrant directive of a smart home skill.
type AuthorizationGrant struct {
	Envelope `json:"-"`

	GrantType string             `json:"type"` // body.grant.type: "OAuth2.AuthorizationCode"
	Code      alexaevents.Secret `json:"code"` // body.grant.code
}

// PackageUsagesInstalled says that a device now uses a DataStore package, such as
// a widget, and where (Alexa.DataStore.PackageManager.UsagesInstalled).
type PackageUsagesInstalled struct {
	Envelope `json:"-"`

	PackageID      string         `json:"packageId"`
	PackageVersion string         `json:"packageVersion"`
	Usages         []PackageUsage `json:"usages"`
}

// PackageUsagesRemoved says that a device no longer uses a DataStore package, and
// where (Alexa.DataStore.PackageManager.UsagesRemoved).
type PackageUsagesRemoved struct {
	Envelope `json:"-"`

	PackageID      string         `json:"packageId"`
	PackageVersion string         `json:"packageVersion"`
	Usages         []PackageUsage `json:"usages"`
}

// PackageUsage is a place on a device where a DataStore package is used.
type PackageUsage struct {
	Location   string `json:"location"`   // "FAVORITE" is the only one known
	InstanceID string `json:"instanceId"` // optional
}

// PackageUpdateRequest says that a device requests another version of a DataStore
// package (Alexa.DataStore.PackageManager.UpdateRequest).
type PackageUpdateRequest struct {
	Envelope `json:"-"`

	PackageID   string `json:"packageId"`
	FromVersion string `json:"fromVersion"` // the version on the device
	ToVersion   string `json:"toVersion"`   // the latest version
}

// PackageInstallationError says that a device could not install or update a
// DataStore package (Alexa.DataStore.PackageManager.InstallationError).
type PackageInstallationError struct {
	Envelope `json:"-"`

	PackageID      string         `json:"packageId"`
	PackageVersion string         `json:"version"` // request.version: the version that the device tried to install
	Error          DataStoreFault `json:"error"`
}

// DataStoreError says that commands did not reach a device's DataStore, or
// failed there (Alexa.DataStore.Error).
type DataStoreError struct {
	Envelope `json:"-"`

	Error DataStoreFault `json:"error"`
}

// DataStoreFault describes the failure of a package or a command.
type DataStoreFault struct {
	// Type is INTERNAL_ERROR for a package; for commands DEVICE_UNAVAILABLE,
	// DEVICE_PERMANENTLY_UNAVAILABLE (stop sending to the device),
	// DATASTORE_INTERNAL_ERROR or STORAGE_LIMIT_EXCEEDED.
	Type string `json:"type"`
	// Content depends on Type. For commands it names the device and the commands.
	// Nil if absent.
	Content json.RawMessage `json:"content"`
}

// ItemsCreated says that items were put on a list of the customer
// (AlexaHouseholdListEvent.ItemsCreated).
//
// Deprecated: Amazon retired the lists in 2024.
type ItemsCreated struct {
	Envelope `json:"-"`

	ListID      string   `json:"listId"`
	ListItemIDs []string `json:"listItemIds"`
}

// ItemsUpdated says that items on a list of the customer changed
// (AlexaHouseholdListEvent.ItemsUpdated).
//
// Deprecated: Amazon retired the lists in 2024.
type ItemsUpdated struct {
	Envelope `json:"-"`

	ListID      string   `json:"listId"`
	ListItemIDs []string `json:"listItemIds"`
}

// ItemsDeleted says that items were taken off a list of the customer
// (AlexaHouseholdListEvent.ItemsDeleted).
//
// Deprecated: Amazon retired the lists in 2024.
type ItemsDeleted struct {
	Envelope `json:"-"`

	ListID      string   `json:"listId"`
	ListItemIDs []string `json:"listItemIds"`
}

// ListCreated says that the customer made a list
// (AlexaHouseholdListEvent.ListCreated).
//
// Deprecated: Amazon retired the lists in 2024.
type ListCreated struct {
	Envelope `json:"-"`

	ListID string `json:"listId"`
}

// ListUpdated says that the customer changed a list
// (AlexaHouseholdListEvent.ListUpdated).
//
// Deprecated: Amazon retired the lists in 2024.
type ListUpdated struct {
	Envelope `json:"-"`

	ListID string `json:"listId"`
}

// ListDeleted says that the customer deleted a list
// (AlexaHouseholdListEvent.ListDeleted).
//
// Deprecated: Amazon retired the lists in 2024.
type ListDeleted struct {
	Envelope `json:"-"`

	ListID string `json:"listId"`
}
