package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/alexaevents/alexaevents/lwa"
)

// Grants times the methods of an empty store, each as a sub-benchmark of b with
// its name.
func (c Benchmark) Grants(b *testing.B, store lwa.Store) {
	put := call(func(ctx context.Context, customer customer) error {
		return store.UpdateGrant(ctx, customer.key(), func(g *lwa.Grant) error {
			*g = customer.grant()
			return nil
		})
	})
	c.load(b, func(customers iter.Seq[customer]) error { return eachAtOnce(b.Context(), customers, put) })

	check := func(call string, customer customer, grant lwa.Grant, err error) error {
		if err == nil && (grant.Key != customer.key() || len(grant.RefreshToken) != len(filler)) {
			err = errors.New("it is the grant of another customer")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", call, err)
		}
		return nil
	}
	grant := call(func(ctx context.Context, customer customer) error {
		grant, err := store.Grant(ctx, customer.key())
		return check("Grant", customer, grant, err)
	})
	accountGrants := call(func(ctx context.Context, customer customer) error {
		count := 0
		for grant, err := range store.AccountGrants(ctx, lwaClient, customer.accountID) {
			if err := check("AccountGrants", customer, grant, err); err != nil {
				return err
			}
			count++
		}
		if count != 1 {
			return fmt.Errorf("AccountGrants must give 1 grant and gave %d", count)
		}
		return nil
	})
	update := call(func(ctx context.Context, customer customer) error {
		return store.UpdateGrant(ctx, customer.key(), func(g *lwa.Grant) error {
			g.ConfirmedAt = g.ConfirmedAt.Add(time.Second)
			return check("UpdateGrant", customer, *g, nil)
		})
	})
	erase := call(func(ctx context.Context, customer customer) error { return store.EraseGrants(ctx, customer.accountID) })
	gone := call(func(ctx context.Context, customer customer) error {
		if _, err := store.Grant(ctx, customer.key()); !errors.Is(err, lwa.ErrNoGrant) {
			return fmt.Errorf("an erased grant must give ErrNoGrant and gave the error %w", err)
		}
		return nil
	})
	there := call(func(ctx context.Context, customer customer) error {
		if err := grant(ctx, customer); err != nil {
			return err
		}
		return erase(ctx, customer)
	})

	some := someCustomers(c.customers())
	grant.sequentially(b, "Grant", some)
	grant.inParallel(b, "Grant", some)
	accountGrants.sequentially(b, "AccountGrants", some)
	update.sequentially(b, "UpdateGrant/known", some)
	update.inParallel(b, "UpdateGrant/known", some)
	put.withNewcomers(b, "UpdateGrant/new", c.customers(), nothing, there)
	erase.withNewcomers(b, "EraseGrants", c.customers(), put, gone)
}
