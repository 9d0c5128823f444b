package storetest_test

import (
	"testing"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/storetest"
)

// The test of an identity.Store. Open an empty store of yours in place of a MemoryStore,
// and close it with t.Cleanup.
func ExampleIdentity() {
	_ = func(t *testing.T) { // func TestStore(t *testing.T)
		storetest.Identity(t, func(*testing.T) identity.Store { return new(identity.MemoryStore) })
	}
}

// The test of an lwa.Store.
func ExampleGrants() {
	_ = func(t *testing.T) { // func TestStore(t *testing.T)
		storetest.Grants(t, func(*testing.T) lwa.Store { return new(lwa.MemoryStore) })
	}
}

// The test of an lwa.Store whose storage is shared by several processes. Open two handles
// of the same database here, as two processes do.
func ExampleSharedGrants() {
	_ = func(t *testing.T) { // func TestStoreOfTwoProcesses(t *testing.T)
		storetest.SharedGrants(t, func(*testing.T) (first, second lwa.Store) {
			store := new(lwa.MemoryStore)
			return store, store
		})
	}
}
