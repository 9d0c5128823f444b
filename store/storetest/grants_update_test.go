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

var grantInterruptionFaults = []grantFault{
	{
		name: "ends a loop without an error when it is cancelled",
		inject: func(f *faultyGrants) {
			f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
				return func(yield func(lwa.Grant, error) bool) {
					for grant, err := range f.list(ctx, clientID, accountID) {
						if !yield(grant, err) || ctx.Err() != nil {
							return
						}
					}
				}
			}
		},
		check: "a context cancelled during a loop over grants",
		words: "AccountGrants whose context is cancelled during the loop ended without an error after 1 of 3 values",
	},
	{
		name: "yields another error when a loop is cancelled",
		inject: func(f *faultyGrants) {
			f.grants = func(ctx context.Context) grantSeq {
				return func(yield func(lwa.Grant, error) bool) {
					for grant, err := range f.MemoryStore.Grants(ctx) {
						if ctx.Err() != nil {
							yield(lwa.Grant{}, errors.New("the connection is busy"))
							return
						}
						if !yield(grant, err) {
							return
						}
					}
				}
			}
		},
		check: "a context cancelled during a loop over grants",
		words: "the connection is busy",
	},
	{
		name: "says that a cancelled update is stored",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				err := f.update(ctx, key, func(g *lwa.Grant) error { return errors.Join(fn(g), ctx.Err()) })
				if errors.Is(err, context.Canceled) {
					return nil
				}
				return err
			}
		},
		check: "a context cancelled while fn runs",
		words: "gave an error: lwa: no live grant",
	},
	{
		name: "stores half of a cancelled update",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				var ended error
				err := f.update(ctx, key, func(g *lwa.Grant) error {
					before := *g
					err := fn(g)
					if ended = ctx.Err(); ended != nil && before.RefreshToken != "" {
						g.AccessToken = before.AccessToken
					}
					return err
				})
				return errors.Join(err, ended)
			}
		},
		check: "a context cancelled while fn runs",
		words: "-want +got",
	},
	{
		name: "gives another error when an update is cancelled",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				return f.update(ctx, key, func(g *lwa.Grant) error {
					if err := fn(g); err != nil || ctx.Err() == nil {
						return err
					}
					return errors.New("the transaction is closed")
				})
			}
		},
		check: "a context cancelled while fn runs",
		words: "gave the error the transaction is closed",
	},
	{
		name: "keeps its lock when an update is cancelled",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				f.mu.Lock()
				err := f.update(ctx, key, fn)
				if ctx.Err() == nil {
					f.mu.Unlock()
				}
				return err
			}
		},
		check: "a context cancelled while fn runs",
		words: "the store hangs",
	},
	{
		name: "brings back what was erased while fn ran",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				return readThenWrite(ctx, f, key, fn)
			}
		},
		check: "erasing a grant while fn runs",
		words: "Refused",
	},
	{
		name: "gives up when a grant is erased while fn runs",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				before, _ := f.read(ctx, key)
				after := before
				after.Key = key
				if err := fn(&after); err != nil {
					return err
				}
				return f.update(ctx, key, func(g *lwa.Grant) error {
					if g.RefreshToken != before.RefreshToken {
						return errors.New("the version changed")
					}
					*g = after
					return nil
				})
			}
		},
		check: "erasing a grant while fn runs",
		words: "the version changed",
	},
	{
		name: "never runs fn",
		inject: func(f *faultyGrants) {
			f.updateGrant = func(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
				if _, err := f.read(ctx, key); err == nil {
					return nil
				}
				return f.update(ctx, key, fn)
			}
		},
		check: "erasing a grant while fn runs",
		words: "did not run fn",
	},
}
