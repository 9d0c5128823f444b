package skillevents

// SkillPermissionAccepted says that a customer granted the skill permissions,
// for the first time or after revoking all of them
// (AlexaSkillEvent.SkillPermissionAccepted).
type SkillPermissionAccepted struct {
	Envelope `json:"-"`

	// AcceptedPermissions is the full list of what the account grants now, not
	// the difference. Nil if Alexa did not say; empty if nothing is granted.
	AcceptedPermissions []Permission `json:"acceptedPermissions"`
	// AcceptedPersonPermissions is the same for the recognised speaker, PersonID.
	AcceptedPersonPermissions []Permission `json:"acceptedPersonPermissions"`
}

// SkillPermissionChanged says that a customer granted or revoked some
// permissions (AlexaSkillEvent.SkillPermissionChanged).
type SkillPermissionChanged struct {
	Envelope `json:"-"`

	// AcceptedPermissions is the full list of what the account grants now, not
	// the difference. Nil if Alexa did not say; empty if everything is revoked.
	AcceptedPermissions []Permission `json:"acceptedPermissions"`
	// AcceptedPersonPermissions is the same for the recognised speaker, PersonID.
	AcceptedPersonPermissions []Permission `json:"acceptedPersonPermissions"`
}

// Permission is something that a customer allows the skill.
type Permission struct {
	Scope string `json:"scope"` // such as "alexa::profile:email:read"
}
