package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/alexaevents/alexaevents/lwa"
)

const (
	confirmEvery = time.Hour        // time between two writes of ConfirmedAt
	maxNotes     = 64               // maximum number of concurrent writes
	noteTime     = 10 * time.Second // limit for one write
)

// notes writes the outcomes of events to the store in the background. A lost note
// does no harm: the next event writes another.
type notes struct {
	once  sync.Once
	slots *semaphore.Weighted
	taken sync.Map // grants with a note in progress, by lwa.Key
}

func (n *notes) all() *semaphore.Weighted {
	n.once.Do(func() { n.slots = semaphore.NewWeighted(maxNotes) })
	return n.slots
}

// claim takes the right to write a note about a grant. It returns false while
// another note about the grant is written, or too many notes are.
func (n *notes) claim(key lwa.Key) bool {
	if !n.all().TryAcquire(1) {
		return false
	}
	if _, taken := n.taken.LoadOrStore(key, true); taken {
		n.all().Release(1)
		return false
	}
	return true
}

func (n *notes) release(key lwa.Key) {
	n.taken.Delete(key)
	n.all().Release(1)
}

// write changes the grant in the store, unless a new AcceptGrant has replaced it, and
// releases the claim.
func (n *notes) write(ctx context.Context, store lwa.Store, grant lwa.Grant, note func(*lwa.Grant)) {
	go func() {
		defer n.release(grant.Key)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
		defer cancel()
		_ = store.UpdateGrant(ctx, grant.Key, func(g *lwa.Grant) error {
			if g.CodeHash == grant.CodeHash { // otherwise it may be of another region
				note(g)
			}
			return nil
		})
	}()
}

// Flush waits until the store has the outcomes of the events that were sent: when
// Alexa last accepted an event of a grant, and since when the customer has disabled
// the skill. Sending does not wait for these writes, and no event is lost with one.
// A Lambda function calls Flush before it returns, since its process may stop then.
// Other programs call it before they close the store. The error is that of ctx.
func (s *Sender) Flush(ctx context.Context) error {
	all := s.notes.all()
	if err := all.Acquire(ctx, maxNotes); err != nil {
		return err
	}
	all.Release(maxNotes)
	return nil
}

// note writes the outcome of a delivery. It takes the claim unless it is claimed
// already, and releases it.
func (s *Sender) note(ctx context.Context, d *delivery, err error, claimed bool) {
	now, grant := s.now(), d.grant
	accepted := err == nil && d.status == http.StatusAccepted
	disabled := !grant.DisabledAt.IsZero()
	var change func(*lwa.Grant)
	switch {
	case d.attempts == 0:
	case accepted && (disabled || now.Sub(grant.ConfirmedAt) >= confirmEvery):
		change = func(g *lwa.Grant) { g.ConfirmedAt, g.DisabledAt, g.ProbedAt = now, time.Time{}, time.Time{} }
	case !accepted && disabled:
		change = func(g *lwa.Grant) {
			if !g.DisabledAt.IsZero() { // otherwise an event was accepted meanwhile
				g.ProbedAt = now
			}
		}
	case errors.Is(err, ErrSkillDisabled):
		change = func(g *lwa.Grant) {
			if g.DisabledAt.IsZero() { // otherwise another event found it first
				g.DisabledAt = now
			}
		}
	}
	switch {
	case change != nil && (claimed || s.notes.claim(grant.Key)):
		s.notes.write(ctx, s.Tokens.Store, grant, change)
	case claimed:
		s.notes.release(grant.Key)
	}
}

// probeEvery is the time between two events for a disabled grant.
const probeEvery = 24 * time.Hour

// claimProbe reports whether to send an event to a disabled grant, and claims the note
// about the outcome.
func (s *Sender) claimProbe(ctx context.Context, grant lwa.Grant) bool {
	if !s.probeDue(grant) || !s.notes.claim(grant.Key) {
		return false
	}
	// Another probe may have ended since the grant was read.
	stored, err := s.Tokens.Store.Grant(ctx, grant.Key)
	if err != nil || !s.probeDue(stored) {
		s.notes.release(grant.Key)
		return false
	}
	return true
}

// probeDue reports whether the last event for a disabled grant was sent long enough ago.
func (s *Sender) probeDue(grant lwa.Grant) bool {
	return s.now().Sub(grant.DisabledAt) >= probeEvery && s.now().Sub(grant.ProbedAt) >= probeEvery
}
