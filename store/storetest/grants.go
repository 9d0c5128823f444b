package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// Grants checks that stores do what the comments of [lwa.Store] say. It runs each check
// as a subtest of t, with an empty store from open, which closes it with t.Cleanup. The
// checks write a few thousand times.
func Grants(t *testing.T, open func(t *testing.T) lwa.Store) {
	for _, check := range grantChecks {
		t.Run(check.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := check.run(ctx, open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// grantCheck is one check of an empty store.
type grantCheck struct {
	name  string
	check func(*grantTrial)
}

var grantChecks = []grantCheck{
	{"an empty store", checkNoGrants},
	{"a grant", checkGrant},
	{"each field of a grant", checkFields},
	{"a grant without refresh token", checkDeletion},
	{"an error of fn", checkFnError},
	{"a key that fn changes", checkFnKey},
	{"invalid keys", checkInvalidKeys},
	{"times of a grant in UTC to the millisecond", checkGrantTimes},
	{"text of a grant byte for byte", checkGrantText},
	{"text of a grant that cannot be kept", checkUnkeepableGrantText},
	{"long text of a grant", checkLongGrant},
	{"the parts of a key", checkKeyParts},
	{"clients and accounts apart", checkApart},
	{"the order of links", checkLinkOrder},
	{"many links", checkManyLinks},
	{"erasing the grants of an account", checkEraseGrants},
	{"stopping a loop over grants early", checkGrantsEarlyStop},
	{"the store inside a loop over grants", checkGrantsNesting},
	{"a cancelled context and grants", checkGrantsCancelled},
	{"a context cancelled during a loop over grants", checkGrantsCancelledLoop},
	{"a context cancelled while fn runs", checkCancelledFn},
	{"several goroutines and one grant", checkOneGrantAtOnce},
	{"several goroutines and several grants", checkGrantsAtOnce},
	{"readers while a grant changes", checkWholeGrants},
	{"erasing a grant while fn runs", checkEraseDuringFn},
	{"random updates", checkRandomUpdates},
	{"every grant", checkEveryGrant},
	{"ended grants", checkEndedGrants},
}

func (c grantCheck) run(ctx context.Context, store lwa.Store) error {
	return run(ctx, func(j *journal) {
		c.check(&grantTrial{
			journal: j,
			store:   store,
			lister:  listerOf(ctx, store),
			ended:   endedListerOf(ctx, store),
			grants:  make(map[lwa.Key]lwa.Grant),
		})
	})
}

const (
	lwaClient      = "amzn1.application-oa2-client.11111111111111111111111111111111"
	otherLWAClient = "amzn1.application-oa2-client.22222222222222222222222222222222"
)

func keyOf(accountID, linkID string) lwa.Key {
	return lwa.Key{ClientID: lwaClient, AccountID: accountID, LinkID: linkID}
}

// grantOf is a grant with a value in every field; n makes it differ from others.
func grantOf(key lwa.Key, n int) lwa.Grant {
	return lwa.Grant{
		Key:          key,
		Region:       alexaevents.Europe,
		AccessToken:  alexaevents.Secret(fmt.Sprintf("Atza|access/%d+==", n)),
		RefreshToken: alexaevents.Secret(fmt.Sprintf("Atzr|refresh/%d+==", n)),
		IssuedAt:     at(n),
		Expiry:       at(n + 3600),
		ConfirmedAt:  at(n + 60),
		RefusedAt:    at(n + 70),
		DisabledAt:   at(n + 80),
		ProbedAt:     at(n + 90),
		Refused:      fmt.Sprintf("%064x", n),
		CodeHash:     fmt.Sprintf("%064x", n+1),
	}
}

// grantTrial does the same to a store and to a map of grants, and compares what
// the store returns with what is in the map. Its methods end the check at the first
// violation.
type grantTrial struct {
	*journal
	store  lwa.Store
	lister grantsLister          // the store if it lists every grant
	ended  endedGrantsLister     // the store, if it lists ended grants
	grants map[lwa.Key]lwa.Grant // what the store must hold
	known  []lwa.Key             // every key that was ever used
}

// update runs fn in the store and on the map, and checks what the store gave it.
func (t *grantTrial) update(key lwa.Key, fn func(*lwa.Grant)) {
	t.known = append(t.known, key)
	want, there := t.grants[key]
	if !there {
		want = lwa.Grant{Key: key}
	}
	given := want
	err := t.store.UpdateGrant(t.ctx, key, func(g *lwa.Grant) error {
		given = *g
		fn(g)
		return nil
	})
	t.did(err, "UpdateGrant(%s)", describeKey(key))
	t.compareGrants(fmt.Sprintf("to fn UpdateGrant(%s)", describeKey(key)), []lwa.Grant{want}, []lwa.Grant{given})
	fn(&want)
	want.Key = key
	want, err = want.Clean()
	if err != nil {
		panic(err) // the check is wrong, not the store
	}
	if t.grants[key] = want; want.RefreshToken == "" {
		delete(t.grants, key)
	}
}

// put stores a grant.
func (t *grantTrial) put(grant lwa.Grant) {
	t.update(grant.Key, func(g *lwa.Grant) { *g = grant })
}

func (t *grantTrial) erase(accountID string) {
	t.did(t.store.EraseGrants(t.ctx, accountID), "EraseGrants(%.64q)", accountID)
	maps.DeleteFunc(t.grants, func(key lwa.Key, _ lwa.Grant) bool { return key.AccountID == accountID })
}

// expectAll compares every grant and every list of a client and account that the
// trial ever knew, and the list of all if the store has it.
func (t *grantTrial) expectAll() {
	done := make(map[any]bool)
	once := func(key any, expect func()) {
		if !done[key] {
			done[key] = true
			expect()
		}
	}
	for _, key := range t.known {
		once(key, func() { t.expect(key) })
		once([2]string{key.ClientID, key.AccountID}, func() { t.expectList(key.ClientID, key.AccountID) })
	}
	t.expectEvery()
}

func (t *grantTrial) expect(key lwa.Key) {
	call := fmt.Sprintf("Grant(%s)", describeKey(key))
	grant, err := t.store.Grant(t.ctx, key)
	want, there := t.grants[key]
	switch {
	case there && err != nil:
		t.fail("%s gave an error: %v", call, err)
	case there:
		t.compareGrants(call, []lwa.Grant{want}, []lwa.Grant{grant})
	case !errors.Is(err, lwa.ErrNoGrant):
		t.fail("%s must give ErrNoGrant and gave the error %v", call, err)
	case grant != (lwa.Grant{}):
		t.fail("%s must give no grant beside ErrNoGrant and gave one", call)
	}
}

func (t *grantTrial) expectList(clientID, accountID string) {
	var want []lwa.Grant
	for key, grant := range t.grants {
		if key.ClientID == clientID && key.AccountID == accountID {
			want = append(want, grant)
		}
	}
	slices.SortFunc(want, compareKeys)
	call := fmt.Sprintf("AccountGrants(%.64q, %.64q)", clientID, accountID)
	t.compareGrants(call, want, t.collect(call, t.store.AccountGrants(t.ctx, clientID, accountID)))
}

// expectEvery compares every grant, and those that may have ended, in stores that
// list them, in any order.
func (t *grantTrial) expectEvery() {
	if t.ended != nil {
		t.expectEnded(lwaClient)
		t.expectEnded(otherLWAClient)
	}
	if t.lister == nil {
		return
	}
	got := t.collect("Grants", t.lister.Grants(t.ctx))
	slices.SortFunc(got, compareKeys)
	t.compareGrants("Grants", slices.SortedFunc(maps.Values(t.grants), compareKeys), got)
}

func (t *grantTrial) expectEnded(clientID string) {
	var want []lwa.Grant
	for key, grant := range t.grants {
		if key.ClientID == clientID && (grant.Refused != "" || !grant.DisabledAt.IsZero()) {
			want = append(want, grant)
		}
	}
	slices.SortFunc(want, compareKeys)
	call := fmt.Sprintf("EndedGrants(%.64q)", clientID)
	got := t.collect(call, t.ended.EndedGrants(t.ctx, clientID))
	slices.SortFunc(got, compareKeys)
	t.compareGrants(call, want, got)
}

func compareKeys(a, b lwa.Grant) int {
	return cmp.Or(
		strings.Compare(a.ClientID, b.ClientID),
		strings.Compare(a.AccountID, b.AccountID),
		strings.Compare(a.LinkID, b.LinkID),
	)
}

func (t *grantTrial) collect(call string, grants iter.Seq2[lwa.Grant, error]) (all []lwa.Grant) {
	for grant, err := range grants {
		if err != nil {
			t.fail("%s gave an error: %v", call, err)
		}
		all = append(all, grant)
	}
	return all
}

func (t *grantTrial) compareGrants(call string, want, got []lwa.Grant) {
	expectList(t.journal, call, "grants", want, got, readable)
}

// readable shows the tokens, which a grant redacts.
func readable(grants []lwa.Grant) any {
	var all []map[string]string
	for _, g := range grants {
		all = append(all, map[string]string{
			"ClientID": g.ClientID, "AccountID": g.AccountID, "LinkID": g.LinkID, "Region": string(g.Region),
			"AccessToken": string(g.AccessToken), "RefreshToken": string(g.RefreshToken),
			"IssuedAt": instant(g.IssuedAt), "Expiry": instant(g.Expiry), "ConfirmedAt": instant(g.ConfirmedAt),
			"RefusedAt": instant(g.RefusedAt), "DisabledAt": instant(g.DisabledAt), "ProbedAt": instant(g.ProbedAt),
			"Refused": g.Refused, "CodeHash": g.CodeHash,
		})
	}
	return all
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// describeKey shortens long text.
func describeKey(key lwa.Key) string {
	return fmt.Sprintf("{%.64q %.64q %.64q}", key.ClientID, key.AccountID, key.LinkID)
}

// SharedGrants runs the checks of [Grants] on two handles of one storage, as two
// processes have them: calls go to the handles in turn. So it finds a store that is atomic
// only within its own process, or that caches what it has read. The storage is empty. The
// handles must share nothing else, in particular no mutex.
func SharedGrants(t *testing.T, open func(t *testing.T) (first, second lwa.Store)) {
	Grants(t, func(t *testing.T) lwa.Store {
		first, second := open(t)
		return &handles{both: [2]lwa.Store{first, second}}
	})
}

// handles is a store whose calls go to two handles in turn.
type handles struct {
	both  [2]lwa.Store
	calls atomic.Uint64
}

func (h *handles) next() lwa.Store { return h.both[h.calls.Add(1)%2] }

func (h *handles) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	return h.next().Grant(ctx, key)
}

func (h *handles) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[lwa.Grant, error] {
	return h.next().AccountGrants(ctx, clientID, accountID)
}

func (h *handles) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	return h.next().UpdateGrant(ctx, key, fn)
}

func (h *handles) EraseGrants(ctx context.Context, accountID string) error {
	return h.next().EraseGrants(ctx, accountID)
}

func (h *handles) Grants(ctx context.Context) iter.Seq2[lwa.Grant, error] {
	if lister, ok := h.next().(grantsLister); ok {
		return lister.Grants(ctx)
	}
	return unsupportedGrants
}

func (h *handles) EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error] {
	if lister, ok := h.next().(endedGrantsLister); ok {
		return lister.EndedGrants(ctx, clientID)
	}
	return unsupportedGrants
}

func unsupportedGrants(yield func(lwa.Grant, error) bool) {
	yield(lwa.Grant{}, errors.ErrUnsupported)
}
