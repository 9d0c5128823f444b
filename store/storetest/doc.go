// Package storetest tests stores: those of this module and those that a backend
// writes for its own database. A test of one's own store is
//
//	func TestStore(t *testing.T) {
//		storetest.Identity(t, func(t *testing.T) identity.Store { return newEmptyStore(t) })
//		storetest.Grants(t, func(t *testing.T) lwa.Store { return newEmptyStore(t) })
//	}
//
// The checks follow the comments of the interfaces. Each starts with an empty
// store and says in words what it did, what had to come of it and what did.
package storetest
