// Package storetest tests implementations of [identity.Store] and [lwa.Store]: those of
// this module and those that a backend writes for its own database:
//
//	func TestStore(t *testing.T) {
//		storetest.Identity(t, func(t *testing.T) identity.Store { return newEmptyStore(t) })
//		storetest.Grants(t, func(t *testing.T) lwa.Store { return newEmptyStore(t) })
//	}
//
// The checks follow the comments of the interfaces. Each starts with an empty store. A
// failure lists the last calls, the expected result and the actual one.
//
// These optional methods are checked if the store has them:
//
//	AddFacts(ctx context.Context, facts []identity.Fact) error // any number; stores none of them if one is invalid
//	Facts(ctx context.Context) iter.Seq2[identity.Fact, error] // every fact, grouped by user and skill
//	Grants(ctx context.Context) iter.Seq2[lwa.Grant, error]    // every grant; may fail with errors.ErrUnsupported
//	EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error] // the client's grants with Refused or DisabledAt; may fail likewise
//
// These checks do not find a store that is atomic only within one process. If several
// processes may share the storage, test with two handles on it:
//
//	storetest.SharedGrants(t, func(t *testing.T) (first, second lwa.Store) { ... })
package storetest
