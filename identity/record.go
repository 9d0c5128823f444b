package identity

import (
	"cmp"
	"slices"
	"time"
)

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

// Records derives the records of any number of users and skills from their facts.
// The result does not depend on the order of the facts, on duplicates, on time zones
// or on digits below the millisecond. Facts that [Fact.Clean] refuses are ignored.
// The records are sorted by StartDatetime, SkillID, AmazonUserID and ID, oldest
// first. The facts are not changed.
//
// The facts of a user of a skill apply in the order of time, kind and account. Of
// several Linked facts with the same time only the last applies.
//
//   - Enabled and Seen open a record without account, unless one is open.
//   - Linked sets account and start of the open record, or opens one. If a Linked
//     fact already applied to the open record, with another account or none, that
//     record ends and the next one opens.
//   - Disabled ends the open record. As the first fact of a user it becomes a record
//     without start.
func Records(facts []Fact) []Record {
	return sortedRecords(inOrder(facts))
}

// sortedRecords is Records for clean facts that are grouped by user and sorted within
// each group.
func sortedRecords(facts []Fact) []Record {
	if len(facts) == 0 {
		return nil
	}
	records := make([]Record, 0, (len(facts)+1)/2)
	users := 0
	for len(facts) > 0 {
		n := 1
		for n < len(facts) && facts[n].AmazonUserID == facts[0].AmazonUserID && facts[n].SkillID == facts[0].SkillID {
			n++
		}
		records = appendUser(records, facts[:n])
		facts = facts[n:]
		users++
	}
	if users > 1 {
		slices.SortFunc(records, compareRecords)
	}
	return records
}

// inOrder returns the valid facts, cleaned and sorted. Facts from a store usually are
// so already, and are returned without a copy.
func inOrder(facts []Fact) []Fact {
	ordered := true
	for i, fact := range facts {
		clean, err := fact.Clean()
		if err != nil || clean != fact || i > 0 && compareFacts(facts[i-1], fact) > 0 {
			ordered = false
			break
		}
	}
	if ordered {
		return facts
	}
	valid := make([]Fact, 0, len(facts))
	for _, fact := range facts {
		if clean, err := fact.Clean(); err == nil {
			valid = append(valid, clean)
		}
	}
	slices.SortFunc(valid, compareFacts)
	return valid
}

// appendUser appends the records of one user, whose facts are sorted.
func appendUser(records []Record, facts []Fact) []Record {
	var open, linked bool // the last record is open; a Linked fact applied to it
	for i, fact := range facts {
		last := len(records) - 1
		switch fact.Kind {
		case Enabled, Seen:
			if !open {
				records = append(records, newRecord(fact, fact.At))
				open, linked = true, false
			}
		case Linked:
			if i+1 < len(facts) && facts[i+1].Kind == Linked && facts[i+1].At.Equal(fact.At) {
				continue
			}
			switch {
			case !open:
				records = append(records, newRecord(fact, time.Time{}))
			case !linked:
				records[last].AccountID = fact.AccountID
				records[last].StartDatetime = fact.At
			case records[last].AccountID != fact.AccountID:
				records[last].EndDatetime = fact.At
				records = append(records, newRecord(fact, records[last].EnabledAt))
			}
			open, linked = true, true
		case Disabled:
			switch {
			case open:
				records[last].EndDatetime = fact.At
			case i == 0:
				record := newRecord(fact, time.Time{})
				record.StartDatetime, record.EndDatetime = time.Time{}, fact.At
				records = append(records, record)
			}
			open = false
		}
	}
	return records
}

// newRecord returns the record that the fact opens.
func newRecord(fact Fact, enabledAt time.Time) Record {
	return Record{
		ID:            fact.ID(),
		SkillID:       fact.SkillID,
		AmazonUserID:  fact.AmazonUserID,
		AccountID:     fact.AccountID,
		StartDatetime: fact.At,
		EnabledAt:     enabledAt,
	}
}

func compareRecords(a, b Record) int {
	return cmp.Or(
		a.StartDatetime.Compare(b.StartDatetime),
		cmp.Compare(a.SkillID, b.SkillID),
		cmp.Compare(a.AmazonUserID, b.AmazonUserID),
		cmp.Compare(a.ID, b.ID),
	)
}
