package identity

import "time"

// Record is a row of the customer table that Amazon recommends: which account
// an Alexa user of a skill was, over the half-open interval from StartDatetime
// to EndDatetime. The five names of the document's columns are kept, in JSON
// too, where zero times are left out.
type Record struct {
	ID           string // the same in every store, whatever the order of arrival
	SkillID      string
	AmazonUserID string
	AccountID    string // empty while no account is known

	StartDatetime time.Time `json:",omitzero"` // when the account was linked; without linking, when the skill was enabled; zero if neither was seen
	EndDatetime   time.Time `json:",omitzero"` // when the skill was disabled or another account linked; zero while the record is open
	EnabledAt     time.Time `json:",omitzero"` // when the skill was enabled or first used, where that was seen
}

// Open reports whether the record has no end yet. A user of a skill has at most
// one open record. It may be stale: Alexa gives up on events that a backend did
// not accept for an hour, SkillDisabled too.
func (r Record) Open() bool { return r.EndDatetime.IsZero() }

// Covers reports whether the record held at t: from StartDatetime on and before
// EndDatetime. A record without a start covers everything before its end.
func (r Record) Covers(t time.Time) bool {
	return !t.Before(r.StartDatetime) && (r.Open() || t.Before(r.EndDatetime))
}
