package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

// Customers imports a table of customers into the store. It calls the store's method
// AddFacts if there is one, and otherwise AddFact.
//
// The error wraps [ErrInvalidFile] or the error of the store, r or ctx. The rows before an
// invalid row are then stored, except those of the last user before it, whose rows may not
// be complete.
func (i *Import) Customers(ctx context.Context, store identity.Store, r io.Reader) error {
	var facts []identity.Fact // not stored yet
	rows := 0
	flush := func() error {
		if len(facts) == 0 {
			return ctx.Err()
		}
		if err := addFacts(ctx, store, facts); err != nil {
			return fmt.Errorf("transfer: import customers: %w", err)
		}
		facts = facts[:0]
		if i.Progress != nil {
			i.Progress(rows)
		}
		return nil
	}
	for user, err := range i.users(r) {
		if err != nil {
			return errors.Join(err, flush())
		}
		if rows += len(user); rows > i.Skip && !i.Check {
			facts = append(facts, customerFacts(user)...)
		}
		if len(facts) >= batchFacts || ctx.Err() != nil {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return errors.Join(i.skipped(rows), flush())
}

// skipped returns an error if the file has fewer rows than Skip.
func (i *Import) skipped(rows int) error {
	if rows < i.Skip {
		return fmt.Errorf("%w: it has %d rows, but Skip is %d", ErrInvalidFile, rows, i.Skip)
	}
	return nil
}

// users yields the rows of each user. An error comes once, alone and last.
func (i *Import) users(r io.Reader) iter.Seq2[[]customer, error] {
	return func(yield func([]customer, error) bool) {
		seed, met := maphash.MakeSeed(), make(map[uint64]struct{}) // hashes, since there may be many users
		var rows []customer
		for row, err := range i.Format.rows(r, customerTable) {
			var next customer
			if err == nil {
				next, err = i.customer(row)
			}
			if err == nil && len(rows) > 0 && rows[0].user != next.user {
				if err = checkUser(rows); err == nil && !yield(rows, nil) {
					return
				}
				rows = rows[:0]
			}
			if err == nil && len(rows) == 0 {
				hash := maphash.Comparable(seed, next.user)
				if _, again := met[hash]; again {
					err = row.invalid("the rows of this user are not together: sort the rows by SkillID and AmazonUserID")
				}
				met[hash] = struct{}{}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			rows = append(rows, next)
		}
		if len(rows) == 0 {
			return
		}
		if err := checkUser(rows); err != nil {
			yield(nil, err)
			return
		}
		yield(rows, nil)
	}
}

// batchFacts is the number of facts in one call of AddFacts, or slightly more.
const batchFacts = 1000

// Facts copies facts to a store, for example all facts of another store:
//
//	err := transfer.Facts(ctx, newStore, oldStore.Facts(ctx))
//
// It is safe to repeat.
func Facts(ctx context.Context, to identity.Store, from iter.Seq2[identity.Fact, error]) error {
	var batch []identity.Fact
	for fact, err := range from {
		if err != nil {
			return fmt.Errorf("transfer: copy facts: %w", err)
		}
		if batch = append(batch, fact); len(batch) == batchFacts {
			if err := addFacts(ctx, to, batch); err != nil {
				return fmt.Errorf("transfer: copy facts: %w", err)
			}
			batch = batch[:0]
		}
	}
	if err := addFacts(ctx, to, batch); err != nil {
		return fmt.Errorf("transfer: copy facts: %w", err)
	}
	return nil
}

// addFacts stores facts in one call if the store can.
func addFacts(ctx context.Context, store identity.Store, facts []identity.Fact) error {
	many, ok := store.(interface {
		AddFacts(ctx context.Context, facts []identity.Fact) error
	})
	if ok {
		return many.AddFacts(ctx, facts)
	}
	for _, fact := range facts {
		if err := store.AddFact(ctx, fact); err != nil {
			return err
		}
	}
	return nil
}

// Customers exports the table of customers from the facts of a store:
//
//	err := new(transfer.Export).Customers(file, store.Facts(ctx))
func (e *Export) Customers(w io.Writer, facts iter.Seq2[identity.Fact, error]) error {
	out, err := e.output(w, customerTable)
	if err != nil {
		return err
	}
	var user []identity.Fact
	for fact, err := range facts {
		if err != nil {
			return fmt.Errorf("transfer: export customers: %w", err)
		}
		if len(user) > 0 && (user[0].SkillID != fact.SkillID || user[0].AmazonUserID != fact.AmazonUserID) {
			if err := out.records(user); err != nil {
				return err
			}
			user = user[:0]
		}
		user = append(user, fact)
	}
	if err := out.records(user); err != nil {
		return err
	}
	return out.flush()
}

func (o *output) records(facts []identity.Fact) error {
	for _, r := range identity.Records(facts) {
		err := o.write(r.ID, r.AmazonUserID, r.AccountID, timeText(r.StartDatetime), timeText(r.EndDatetime), r.SkillID, timeText(r.EnabledAt))
		if err != nil {
			return err
		}
	}
	return nil
}

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

// customer returns the customer of a row, or an error if no record can be like it.
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
		return customer{}, r.invalid("StartDatetime or EndDatetime is required")
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

// customerFacts returns the facts of the rows of one user.
//
// A row ends because the skill was disabled, unless another row begins at that time and
// does not end then: in that case another account was linked, and a Disabled fact would
// end the new link with the old one.
//
// A row without account is an enablement without a link, or a link to an unknown account.
// It is a link if it begins where another row ends, if another row begins where it ends, or
// if the skill was enabled before.
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

// checkUser returns an error if rows of one user contradict each other, so that the
// records would lack some of them. A user has one account at a time. An open row that
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
			return fmt.Errorf("%w: line %d: another row of this user overlaps", ErrInvalidFile, row.line)
		}
	}
	return nil
}
