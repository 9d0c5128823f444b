// Package storebench times stores with many customers in them, so that stores and
// numbers of customers can be compared. It times the stores of this module and those
// that a backend writes for its own database:
//
//	func BenchmarkStore(b *testing.B) {
//		suite := storebench.Suite{Customers: 100_000}
//		suite.Identity(b, newEmptyStore(b))
//		suite.Grants(b, newEmptyStore(b))
//	}
package storebench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// Suite times the methods of stores, each as a sub-benchmark with the method's name.
// It adds the customers first, checks the results of what it times, and leaves
// nothing but the customers in the store. If adding them takes long, it prints the
// progress to standard error. IDs and tokens have the length of Amazon's.
type Suite struct {
	// Customers is the number of customers in the store. Zero means 1,000.
	Customers int

	// Loaded runs after the customers are added and before anything is timed, for
	// example to update the statistics of a database. Nil disables it.
	Loaded func()
}

func (s Suite) customers() int { return cmp.Or(s.Customers, 1000) }

// load adds what values returns for each customer.
func load[T any](b *testing.B, s Suite, values func(customer) []T, add func(iter.Seq2[T, error]) error) {
	b.Helper()
	next := time.Now().Add(10 * time.Second)
	err := add(func(yield func(T, error) bool) {
		for n := range s.customers() {
			if time.Now().After(next) {
				fmt.Fprintf(os.Stderr, "%s: %d of %d customers are in the store\n", b.Name(), n, s.customers())
				next = next.Add(10 * time.Second)
			}
			for _, value := range values(newCustomer(n)) {
				if !yield(value, nil) {
					return
				}
			}
		}
	})
	if err != nil {
		b.Fatalf("adding the customers: %v", err)
	}
	if s.Loaded != nil {
		s.Loaded()
	}
}

// Identity times the methods of an empty store.
func (s Suite) Identity(b *testing.B, store identity.Store) {
	load(b, s, customer.facts, func(facts iter.Seq2[identity.Fact, error]) error {
		return transfer.Facts(b.Context(), store, facts)
	})

	userRecords := call(func(ctx context.Context, c customer) error {
		return only("UserRecords", store.UserRecords(ctx, skill, c.userID), c)
	})
	accountRecords := call(func(ctx context.Context, c customer) error {
		return only("AccountRecords", store.AccountRecords(ctx, c.accountID), c)
	})
	add := call(func(ctx context.Context, c customer) error { return store.AddFact(ctx, c.linked()) })
	eraseUser := call(func(ctx context.Context, c customer) error { return store.EraseUser(ctx, skill, c.userID) })
	eraseAccount := call(func(ctx context.Context, c customer) error { return store.EraseAccount(ctx, c.accountID) })
	gone := call(func(ctx context.Context, c customer) error {
		for _, err := range store.UserRecords(ctx, skill, c.userID) {
			if err != nil {
				return err
			}
			return errors.New("an erased user has a record")
		}
		return nil
	})
	there := call(func(ctx context.Context, c customer) error {
		if err := userRecords(ctx, c); err != nil {
			return err
		}
		return eraseUser(ctx, c)
	})

	some := someCustomers(s.customers())
	userRecords.sequentially(b, "UserRecords", some)
	userRecords.inParallel(b, "UserRecords", some)
	accountRecords.sequentially(b, "AccountRecords", some)
	add.sequentially(b, "AddFact/known", some)
	add.withNewcomers(b, "AddFact/new", s.customers(), nothing, there)
	add.withNewcomersInParallel(b, "AddFact/new", s.customers(), there)
	eraseUser.withNewcomers(b, "EraseUser", s.customers(), add, gone)
	eraseAccount.withNewcomers(b, "EraseAccount", s.customers(), add, gone)
}

func nothing(context.Context, customer) error { return nil }

// only checks that there is one record, and that it is the customer's.
func only(call string, records iter.Seq2[identity.Record, error], c customer) error {
	count := 0
	for record, err := range records {
		if err != nil {
			return fmt.Errorf("%s: %w", call, err)
		}
		if record.AccountID != c.accountID || record.AmazonUserID != c.userID {
			return fmt.Errorf("%s returned the record of another customer", call)
		}
		count++
	}
	if count != 1 {
		return fmt.Errorf("%s must return 1 record and returned %d", call, count)
	}
	return nil
}

// Grants times the methods of an empty store.
func (s Suite) Grants(b *testing.B, store lwa.Store) {
	load(b, s, func(c customer) []lwa.Grant { return []lwa.Grant{c.grant()} }, func(grants iter.Seq2[lwa.Grant, error]) error {
		return transfer.Grants(b.Context(), store, grants)
	})

	check := func(call string, c customer, grant lwa.Grant, err error) error {
		if err == nil && (grant.Key != c.key() || len(grant.RefreshToken) != tokenLength) {
			err = errors.New("it is the grant of another customer")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", call, err)
		}
		return nil
	}
	put := call(func(ctx context.Context, c customer) error {
		return store.UpdateGrant(ctx, c.key(), func(g *lwa.Grant) error {
			*g = c.grant()
			return nil
		})
	})
	grant := call(func(ctx context.Context, c customer) error {
		grant, err := store.Grant(ctx, c.key())
		return check("Grant", c, grant, err)
	})
	accountGrants := call(func(ctx context.Context, c customer) error {
		count := 0
		for grant, err := range store.AccountGrants(ctx, lwaClient, c.accountID) {
			if err := check("AccountGrants", c, grant, err); err != nil {
				return err
			}
			count++
		}
		if count != 1 {
			return fmt.Errorf("AccountGrants must return 1 grant and returned %d", count)
		}
		return nil
	})
	update := call(func(ctx context.Context, c customer) error {
		return store.UpdateGrant(ctx, c.key(), func(g *lwa.Grant) error {
			g.ConfirmedAt = g.ConfirmedAt.Add(time.Second)
			return check("UpdateGrant", c, *g, nil)
		})
	})
	erase := call(func(ctx context.Context, c customer) error { return store.EraseGrants(ctx, c.accountID) })
	gone := call(func(ctx context.Context, c customer) error {
		if _, err := store.Grant(ctx, c.key()); !errors.Is(err, lwa.ErrNoGrant) {
			return fmt.Errorf("an erased grant must give ErrNoGrant and gave the error %w", err)
		}
		return nil
	})
	there := call(func(ctx context.Context, c customer) error {
		if err := grant(ctx, c); err != nil {
			return err
		}
		return erase(ctx, c)
	})

	some := someCustomers(s.customers())
	grant.sequentially(b, "Grant", some)
	grant.inParallel(b, "Grant", some)
	accountGrants.sequentially(b, "AccountGrants", some)
	update.sequentially(b, "UpdateGrant/known", some)
	update.inParallel(b, "UpdateGrant/known", some)
	put.withNewcomers(b, "UpdateGrant/new", s.customers(), nothing, there)
	erase.withNewcomers(b, "EraseGrants", s.customers(), put, gone)
}
