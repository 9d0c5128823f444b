package transfer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

var customerTable = table{
	columns: []string{"ID", "AmazonUserID", "AccountID", "StartDatetime", "EndDatetime", "SkillID", "EnabledAt"},
	aliases: map[string]string{"StartDateTime": "StartDatetime", "EndDateTime": "EndDatetime"},
}

// customer is a row of the table of customers.
type customer struct {
	user
	line                  int
	accountID             string
	start, end, enabledAt time.Time // zero where there is none
}

// user is an Alexa user of a skill.
type user struct{ skillID, amazonUserID string }

func (u user) fact(kind identity.Kind, at time.Time, accountID string) identity.Fact {
	return identity.Fact{SkillID: u.skillID, AmazonUserID: u.amazonUserID, At: at, Kind: kind, AccountID: accountID}
}

// customer returns what a row says, and refuses what no record can say.
func (i *Import) customer(r row) (c customer, err error) {
	c.line = r.line
	c.skillID = cmp.Or(r.cells["SkillID"], i.SkillID)
	c.amazonUserID, c.accountID = r.cells["AmazonUserID"], r.cells["AccountID"]
	if c.start, err = r.time("StartDatetime"); err != nil {
		return customer{}, err
	}
	if c.end, err = r.time("EndDatetime"); err != nil {
		return customer{}, err
	}
	if c.enabledAt, err = r.time("EnabledAt"); err != nil {
		return customer{}, err
	}
	switch {
	case c.start.IsZero() && c.end.IsZero():
		return customer{}, r.invalid("there is neither StartDatetime nor EndDatetime")
	case c.start.IsZero() && c.accountID != "":
		return customer{}, r.invalid("there is an AccountID, but no StartDatetime")
	case c.start.IsZero() && !c.enabledAt.IsZero():
		return customer{}, r.invalid("there is an EnabledAt, but no StartDatetime")
	case c.enabledAt.After(c.start):
		return customer{}, r.invalid("EnabledAt is after StartDatetime")
	case !c.end.IsZero() && c.end.Before(c.start):
		return customer{}, r.invalid("EndDatetime is before StartDatetime")
	}
	if _, err := c.fact(identity.Linked, cmp.Or(c.start, c.end), c.accountID).Clean(); err != nil {
		return customer{}, r.invalid("%w", err)
	}
	return c, nil
}

// customerFacts returns the facts that the rows of one user tell.
//
// A row ends because the skill was disabled, unless another one begins at that
// instant and goes on: then another account was linked, and a Disabled fact would
// end the new link with the old.
//
// A row without account is of a user who enabled the skill and linked nothing,
// or of a link to an account that is not known. It is such a link if it took over
// from another row or another one from it, or if the skill was enabled before.
func customerFacts(rows []customer) []identity.Fact {
	begun, goesOn, ended := make(map[time.Time]bool), make(map[time.Time]bool), make(map[time.Time]bool)
	for _, row := range rows {
		begun[row.start] = true
		if row.start != row.end {
			goesOn[row.start], ended[row.end] = true, true
		}
	}
	delete(begun, time.Time{})

	var facts []identity.Fact
	for _, row := range rows {
		if !row.enabledAt.IsZero() {
			facts = append(facts, row.fact(identity.Enabled, row.enabledAt, ""))
		}
		if !row.start.IsZero() {
			kind := identity.Enabled
			takesOver, givesOver := ended[row.start], row.start != row.end && begun[row.end]
			enabledBefore := !row.enabledAt.IsZero() && row.enabledAt != row.start
			if row.accountID != "" || takesOver || givesOver || enabledBefore {
				kind = identity.Linked
			}
			facts = append(facts, row.fact(kind, row.start, row.accountID))
		}
		if !row.end.IsZero() && !goesOn[row.end] {
			facts = append(facts, row.fact(identity.Disabled, row.end, ""))
		}
	}
	return facts
}

// checkUser refuses rows of one user that cannot all be true, since records would
// say less than they do. A user has one account at a time. An open row that
// another one follows ended there.
func checkUser(rows []customer) error {
	records := identity.Records(customerFacts(rows))
	for _, row := range rows {
		if row.start.IsZero() {
			continue
		}
		said := slices.ContainsFunc(records, func(r identity.Record) bool {
			ended := !r.EndDatetime.IsZero() && (row.end.IsZero() || r.EndDatetime.Before(row.end))
			followed := row.end.IsZero() && slices.ContainsFunc(rows, func(next customer) bool {
				return next.start.Equal(r.EndDatetime) && next.start.After(row.start)
			})
			return r.AccountID == row.accountID && !r.StartDatetime.After(row.start) && (!ended || followed)
		})
		if !said {
			return fmt.Errorf("%w: line %d: another row of this user speaks of the same time", ErrInvalidFile, row.line)
		}
	}
	return nil
}
