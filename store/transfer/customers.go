package transfer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"

	"github.com/alexaevents/alexaevents/identity"
)

// Customers adds what a table of customers says to the store. It uses the
// store's method AddFacts, if there is one, or else AddFact.
//
// The error wraps [ErrInvalidFile], or what the store, r or ctx gave. What comes
// before an invalid row is then stored, but for the user of the row right before
// it, who may go on in it.
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

// skipped fails if there were fewer rows than were to be skipped.
func (i *Import) skipped(rows int) error {
	if rows < i.Skip {
		return fmt.Errorf("%w: it has %d rows, of which an earlier import has stored %d", ErrInvalidFile, rows, i.Skip)
	}
	return nil
}

// users yields the rows of each user. An error comes once, alone and last.
func (i *Import) users(r io.Reader) iter.Seq2[[]customer, error] {
	return func(yield func([]customer, error) bool) {
		seed, met := maphash.MakeSeed(), make(map[uint64]struct{}) // not whole users, of which there may be many
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
					err = row.invalid("other rows of this user stand further up: sort the rows by SkillID and AmazonUserID")
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
