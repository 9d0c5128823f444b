package identity

import "time"

// Record is a row of the customer table that Amazon recommends: the account of an
// Alexa user of a skill from StartDatetime, inclusive, to EndDatetime, exclusive.
// The fields have the names of Amazon's five columns, in JSON too, which omits zero
// times.
type Record struct {
	ID           string // the same in every store, independent of the order of events
	SkillID      string
	AmazonUserID string
	AccountID    string // empty while no account is known

	StartDatetime time.Time `json:",omitzero"` // when the account was linked, or else when the skill was enabled; zero if neither is known
	EndDatetime   time.Time `json:",omitzero"` // when the skill was disabled or another account linked; zero while open
	EnabledAt     time.Time `json:",omitzero"` // when the skill was enabled or first used; zero if not known
}

// Open reports whether the record has no end yet. A user of a skill has at most
// one open record. It may be outdated: if a backend does not accept a SkillDisabled
// event for an hour, Alexa stops redelivering it.
func (r Record) Open() bool { return r.EndDatetime.IsZero() }

// Covers reports whether t is at or after StartDatetime and before EndDatetime. A
// record without a start covers every time before its end.
func (r Record) Covers(t time.Time) bool {
	return !t.Before(r.StartDatetime) && (r.Open() || t.Before(r.EndDatetime))
}
