// Package storetest tests stores, and times them: those of this module and those
// that a backend writes for its own database. A test of one's own store is
//
//	func TestStore(t *testing.T) {
//		storetest.Identity(t, func(t *testing.T) identity.Store { return newEmptyStore(t) })
//		storetest.Grants(t, func(t *testing.T) lwa.Store { return newEmptyStore(t) })
//	}
//
// The checks follow the comments of the interfaces. Each starts with an empty
// store and says in words what it did, what had to come of it and what did.
//
// A store may have methods beside those of its interface. These are checked where
// they are there:
//
//	AddFacts(ctx context.Context, facts []identity.Fact) error // any number; none of them if one is invalid
//	Facts(ctx context.Context) iter.Seq2[identity.Fact, error] // every fact, those of one user of one skill one after another
//	Grants(ctx context.Context) iter.Seq2[lwa.Grant, error]    // every grant; may fail with errors.ErrUnsupported
//	EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error] // the client's grants with Refused or DisabledAt; likewise
//
// Every check passes as well with a store atomic in one process only. If several
// processes may share the storage, test with two handles on it:
//
//	storetest.SharedGrants(t, func(t *testing.T) (first, second lwa.Store) { ... })
package storetest
