package skillevents

// EventName names an event that a skill subscribes to in its manifest. Other
// values than the constants are possible.
type EventName string

// The events of skills that Amazon's model names.
const (
	EventSkillEnabled            EventName = "SKILL_ENABLED"
	EventSkillDisabled           EventName = "SKILL_DISABLED"
	EventSkillAccountLinked      EventName = "SKILL_ACCOUNT_LINKED"
	EventSkillPermissionAccepted EventName = "SKILL_PERMISSION_ACCEPTED"
	EventSkillPermissionChanged  EventName = "SKILL_PERMISSION_CHANGED"

	EventProactiveSubscriptionChanged    EventName = "SKILL_PROACTIVE_SUBSCRIPTION_CHANGED"
	EventNotificationSubscriptionChanged EventName = "SKILL_NOTIFICATION_SUBSCRIPTION_CHANGED"

	EventReminderStarted       EventName = "REMINDER_STARTED"
	EventReminderCreated       EventName = "REMINDER_CREATED"
	EventReminderUpdated       EventName = "REMINDER_UPDATED"
	EventReminderStatusChanged EventName = "REMINDER_STATUS_CHANGED"
	EventReminderDeleted       EventName = "REMINDER_DELETED"
)

// The events that this package decodes as [*Unknown], since Amazon documents
// none of their bodies.
const (
	EventAudioItemPlaybackStarted  EventName = "AUDIO_ITEM_PLAYBACK_STARTED"
	EventAudioItemPlaybackFinished EventName = "AUDIO_ITEM_PLAYBACK_FINISHED"
	EventAudioItemPlaybackStopped  EventName = "AUDIO_ITEM_PLAYBACK_STOPPED"
	EventAudioItemPlaybackFailed   EventName = "AUDIO_ITEM_PLAYBACK_FAILED"

	EventInSkillProductSubscriptionStarted EventName = "IN_SKILL_PRODUCT_SUBSCRIPTION_STARTED"
	EventInSkillProductSubscriptionRenewed EventName = "IN_SKILL_PRODUCT_SUBSCRIPTION_RENEWED"
	EventInSkillProductSubscriptionEnded   EventName = "IN_SKILL_PRODUCT_SUBSCRIPTION_ENDED"
)

// The events of lists, which Amazon retired in 2024.
const (
	EventItemsCreated    EventName = "ITEMS_CREATED"
	EventItemsUpdated    EventName = "ITEMS_UPDATED"
	EventItemsDeleted    EventName = "ITEMS_DELETED"
	EventListCreated     EventName = "LIST_CREATED"
	EventListUpdated     EventName = "LIST_UPDATED"
	EventListDeleted     EventName = "LIST_DELETED"
	EventAllListsChanged EventName = "ALL_LISTS_CHANGED"
)

// named is what is known of a name.
type named struct {
	requestType string // empty if that is not known
	retired     bool
}

var names = map[EventName]named{
	EventSkillEnabled:            {requestType: "AlexaSkillEvent.SkillEnabled"},
	EventSkillDisabled:           {requestType: "AlexaSkillEvent.SkillDisabled"},
	EventSkillAccountLinked:      {requestType: "AlexaSkillEvent.SkillAccountLinked"},
	EventSkillPermissionAccepted: {requestType: "AlexaSkillEvent.SkillPermissionAccepted"},
	EventSkillPermissionChanged:  {requestType: "AlexaSkillEvent.SkillPermissionChanged"},

	EventProactiveSubscriptionChanged:    {requestType: "AlexaSkillEvent.ProactiveSubscriptionChanged"},
	EventNotificationSubscriptionChanged: {requestType: "AlexaSkillEvent.NotificationSubscriptionChanged"},

	EventReminderStarted:       {requestType: "Reminders.ReminderStarted"},
	EventReminderCreated:       {requestType: "Reminders.ReminderCreated"},
	EventReminderUpdated:       {requestType: "Reminders.ReminderUpdated"},
	EventReminderStatusChanged: {requestType: "Reminders.ReminderStatusChanged"},
	EventReminderDeleted:       {requestType: "Reminders.ReminderDeleted"},

	EventAudioItemPlaybackStarted:  {},
	EventAudioItemPlaybackFinished: {},
	EventAudioItemPlaybackStopped:  {},
	EventAudioItemPlaybackFailed:   {},

	EventInSkillProductSubscriptionStarted: {},
	EventInSkillProductSubscriptionRenewed: {},
	EventInSkillProductSubscriptionEnded:   {},

	EventItemsCreated:    {"AlexaHouseholdListEvent.ItemsCreated", true},
	EventItemsUpdated:    {"AlexaHouseholdListEvent.ItemsUpdated", true},
	EventItemsDeleted:    {"AlexaHouseholdListEvent.ItemsDeleted", true},
	EventListCreated:     {"AlexaHouseholdListEvent.ListCreated", true},
	EventListUpdated:     {"AlexaHouseholdListEvent.ListUpdated", true},
	EventListDeleted:     {"AlexaHouseholdListEvent.ListDeleted", true},
	EventAllListsChanged: {retired: true},
}

// isSubscription reports whether the text is the name of an event that a skill
// receives, or the type of its request.
func isSubscription(text string) bool {
	_, known := names[EventName(text)]
	return known || nameOf(text) != ""
}

// nameOf returns the name of the event whose request has the type, empty if there
// is none.
func nameOf(requestType string) EventName {
	for name, known := range names {
		if requestType != "" && known.requestType == requestType {
			return name
		}
	}
	return ""
}
