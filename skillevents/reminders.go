package skillevents

// ReminderStarted says that a reminder of the skill went off
// (Reminders.ReminderStarted).
type ReminderStarted struct {
	Envelope `json:"-"`

	Status     ReminderStatus `json:"status"`
	AlertToken string         `json:"alertToken"` // the reminder's id
}

// ReminderCreated says that a reminder of the skill was made
// (Reminders.ReminderCreated).
type ReminderCreated struct {
	Envelope `json:"-"`

	Status     ReminderStatus `json:"status"`
	AlertToken string         `json:"alertToken"` // the reminder's id
}

// ReminderUpdated says that a reminder of the skill was changed
// (Reminders.ReminderUpdated).
type ReminderUpdated struct {
	Envelope `json:"-"`

	Status     ReminderStatus `json:"status"`
	AlertToken string         `json:"alertToken"` // the reminder's id
}

// ReminderStatusChanged says that a reminder of the skill has another status,
// such as having been completed (Reminders.ReminderStatusChanged).
type ReminderStatusChanged struct {
	Envelope `json:"-"`

	Status     ReminderStatus `json:"status"`
	AlertToken string         `json:"alertToken"` // the reminder's id
}

// ReminderDeleted says that reminders of the skill were deleted
// (Reminders.ReminderDeleted).
type ReminderDeleted struct {
	Envelope `json:"-"`

	AlertTokens []string `json:"alertTokens"` // the reminders' ids
}

// ReminderStatus is the state of a reminder. Other values than the constants are
// possible.
type ReminderStatus string

// The statuses that Amazon's models name.
const (
	ReminderOn        ReminderStatus = "ON"        // it will go off
	ReminderCompleted ReminderStatus = "COMPLETED" // it went off for the last time
)
