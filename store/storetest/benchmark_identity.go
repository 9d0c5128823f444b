package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/alexaevents/alexaevents/identity"
)

// Identity times the methods of an empty store, each as a sub-benchmark of b with
// its name.
func (c Benchmark) Identity(b *testing.B, store identity.Store) {
	c.load(b, func(customers iter.Seq[customer]) error {
		return load(b.Context(), store, func(yield func(identity.Fact) bool) {
			for customer := range customers {
				for _, fact := range customer.facts() {
					if !yield(fact) {
						return
					}
				}
			}
		})
	})

	userRecords := call(func(ctx context.Context, customer customer) error {
		return only("UserRecords", store.UserRecords(ctx, skill, customer.userID), customer)
	})
	accountRecords := call(func(ctx context.Context, customer customer) error {
		return only("AccountRecords", store.AccountRecords(ctx, customer.accountID), customer)
	})
	add := call(func(ctx context.Context, customer customer) error { return store.AddFact(ctx, customer.linked()) })
	eraseUser := call(func(ctx context.Context, customer customer) error {
		return store.EraseUser(ctx, skill, customer.userID)
	})
	eraseAccount := call(func(ctx context.Context, customer customer) error {
		return store.EraseAccount(ctx, customer.accountID)
	})
	gone := call(func(ctx context.Context, customer customer) error {
		for _, err := range store.UserRecords(ctx, skill, customer.userID) {
			if err != nil {
				return err
			}
			return errors.New("an erased user has a record")
		}
		return nil
	})
	there := call(func(ctx context.Context, customer customer) error {
		if err := userRecords(ctx, customer); err != nil {
			return err
		}
		return eraseUser(ctx, customer)
	})

	some := someCustomers(c.customers())
	userRecords.sequentially(b, "UserRecords", some)
	userRecords.inParallel(b, "UserRecords", some)
	accountRecords.sequentially(b, "AccountRecords", some)
	add.sequentially(b, "AddFact/known", some)
	add.withNewcomers(b, "AddFact/new", c.customers(), nothing, there)
	add.withNewcomersInParallel(b, "AddFact/new", c.customers(), there)
	eraseUser.withNewcomers(b, "EraseUser", c.customers(), add, gone)
	eraseAccount.withNewcomers(b, "EraseAccount", c.customers(), add, gone)
}

func nothing(context.Context, customer) error { return nil }

// only checks that there is one record, and that it is the customer's.
func only(call string, records iter.Seq2[identity.Record, error], customer customer) error {
	count := 0
	for record, err := range records {
		if err != nil {
			return fmt.Errorf("%s: %w", call, err)
		}
		if record.AccountID != customer.accountID || record.AmazonUserID != customer.userID {
			return fmt.Errorf("%s gave the record of another customer", call)
		}
		count++
	}
	if count != 1 {
		return fmt.Errorf("%s must give 1 record and gave %d", call, count)
	}
	return nil
}
