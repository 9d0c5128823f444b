package skillevents

// types makes an empty event for each request type that has a struct.
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
