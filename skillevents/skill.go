package skillevents

import "github.com/alexaevents/alexaevents"

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

	// UserInformationPersistenceStatus says whether the user id lives on. It is
	// in no model of Amazon's, but in the events that Alexa sends; empty if absent.
	UserInformationPersistenceStatus PersistenceStatus `json:"userInformationPersistenceStatus"`
}

// PersistenceStatus says what becomes of a customer's data at Alexa when the
// skill is disabled. Other values than the constants are possible.
type PersistenceStatus string

const (
	// Persisted says that Alexa keeps the customer's information, as for a skill with
	// in-skill purchases; enabling the skill again brings the same user id back.
	Persisted PersistenceStatus = "PERSISTED"
	// NotPersisted says that the user id will not come back; what is stored under
	// it can go.
	NotPersisted PersistenceStatus = "NOT_PERSISTED"
)

// SkillAccountLinked says that a customer linked an account, for the first time
// or again (AlexaSkillEvent.SkillAccountLinked).
type SkillAccountLinked struct {
	Envelope `json:"-"`

	// AccessToken is the token that the skill's own authorization server issued
	// for the account: body.accessToken, or the token of the context where the
	// body has none. This is the only event whose token Amazon says to rely on.
	AccessToken alexaevents.Secret `json:"accessToken"`
}
