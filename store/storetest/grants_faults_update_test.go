package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/alexaevents/alexaevents/lwa"
)

var grantUpdateFaults = []grantFault{
	{
		name: "stores although fn failed",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				var fnErr error
				err := f.update(ctx, key, func(g *lwa.Grant) error {
					fnErr = fn(g)
					return nil
				})
				return errors.Join(err, fnErr)
			}
		},
		check: "an error of fn",
		words: "with a fn that fails",
	},
	{
		name: "swallows the error of fn",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				_ = f.update(ctx, key, fn)
				return ctx.Err()
			}
		},
		check: "an error of fn",
		words: "must give the error of fn and gave the error <nil>",
	},
	{
		name: "gives the text of fn's error only",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if err := f.update(ctx, key, fn); err != nil {
					return fmt.Errorf("update: %v", err) //nolint:errorlint // the fault
				}
				return nil
			}
		},
		check: "an error of fn",
		words: "must give the error of fn and gave the error update: fn says no",
	},
	{
		name: "keeps its lock after fn failed",
		inject: func(f *faultyGrants) {
			var lock sync.Mutex
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				lock.Lock()
				if err := f.update(ctx, key, fn); err != nil {
					return err
				}
				lock.Unlock()
				return nil
			}
		},
		check: "an error of fn",
		words: "the store hangs",
	},
	{
		name: "moves a grant to the key that fn gives it",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				var moved lwa.Grant
				err := f.update(ctx, key, func(g *lwa.Grant) error {
					err := fn(g)
					if g.Key != key && err == nil {
						moved = *g
						g.RefreshToken = ""
					}
					return err
				})
				if moved.AccountID != "" {
					err = f.update(ctx, moved.Key, func(g *lwa.Grant) error { *g = moved; return nil })
				}
				return err
			}
		},
		check: "a key that fn changes",
		words: "ErrNoGrant",
	},
	{
		name: "refuses a key that fn changes",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				return f.update(ctx, key, func(g *lwa.Grant) error {
					if err := fn(g); err != nil || g.Key == key {
						return err
					}
					return errors.New("the key changed")
				})
			}
		},
		check: "a key that fn changes",
		words: "gave an error: the key changed",
	},
	{
		name: "swallows invalid keys",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if err := f.update(ctx, key, fn); !errors.Is(err, lwa.ErrInvalidKey) {
					return err
				}
				return nil
			}
		},
		check: "invalid keys",
		words: "must give ErrInvalidKey",
	},
	{
		name: "stores the grant of an invalid key and refuses it then",
		inject: func(f *faultyGrants) {
			f.key = func(key lwa.Key) lwa.Key {
				if key.ClientID == "" || key.AccountID == "" {
					return keyOf("default", "")
				}
				return key
			}
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				err := f.update(ctx, key, fn)
				if f.key(key) != key {
					return lwa.ErrInvalidKey
				}
				return err
			}
		},
		check: "invalid keys",
		words: "must give ErrNoGrant",
	},
}
