package identity

import (
	"cmp"
	"slices"
	"time"
)

// Records derives the records of any number of users and skills from their
// facts. Only the set of facts matters: not their order, their repetition, the
// zone of a time or its digits below the millisecond. Facts that [Fact.Clean]
// refuses do not count. Records come oldest first, by StartDatetime, SkillID,
// AmazonUserID and ID. The facts are not changed.
//
// The facts of one user count in the order of time, kind and account; of
// several Linked facts of one instant only the last does. Enabled and Seen open
// a record without account unless one is open. Linked gives the open record its
// account and its start, opens a record if none is open, and ends a record that
// was linked to another account, known or not, to open the next. Disabled ends
// the open record; as the very first fact of a user it makes a record without
// start.
func Records(facts []Fact) []Record {
	facts = inOrder(facts)
	if len(facts) == 0 {
		return nil
	}
	return appendRecords(make([]Record, 0, (len(facts)+1)/2), facts)
}

// appendRecords is Records for valid facts of which those of each user stand
// together in order. The slice it appends to is empty.
func appendRecords(records []Record, facts []Fact) []Record {
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

// inOrder returns the valid facts, cleaned and sorted. What stores hand over is
// that already, and is returned as it is.
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

// appendUser walks the facts of one user, which are in order.
func appendUser(records []Record, facts []Fact) []Record {
	var open, linked bool // whether the last record is open, and whether a Linked fact counted in it
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

// newRecord is the record that the fact opens.
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
