package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/internal/sqldb"
)

// maxBatch is how many writes share a transaction.
const maxBatch = 64

// queue lets the writes of concurrent callers share a transaction. One caller at
// a time leads: it makes its own write together with those that wait, and then
// passes the lead to the first of those that arrived since. There are no other
// goroutines.
type queue struct {
	// together makes the writes in one transaction, or none of them. The first
	// one is the leader's, as is the context.
	together func(ctx context.Context, batch []*write) error

	// final reports whether an error of together is about all writes of the batch
	// alike. It is the result of those that have begun longer ago than the
	// package's patience, as the leader's has, and the others wait for the next
	// leader. After any other error each is made alone.
	final func(error) bool

	// patience is how long a write waits before it is made alone, beside the
	// others: it must be idempotent then, since the leader may be making it.
	// Zero is for as long as its context lasts, one write after the other.
	patience time.Duration

	mu      sync.Mutex
	led     bool     // a caller leads
	waiting []*write // in the order of arrival
}

// write is one write of one caller.
type write struct {
	ctx   context.Context
	begun time.Time

	// alone makes the write in a transaction of its own, and returns how many rows
	// it changed.
	alone func() (changed int64, err error)

	// Writes of one group can be made together. Those without a group cannot.
	group     string
	statement string          // for SQLite
	args      []any           // of the statement
	facts     []identity.Fact // for PostgreSQL

	state writeState // guarded by the queue's mutex
	turn  chan turn  // has room for one

	// The result, from the leader. The caller reads it after turnDone.
	changed int64
	err     error
}

type writeState uint8

const (
	writeQueued writeState = iota
	writeTaken             // the leader makes it
	writeSent              // the instruction is in the channel
	writeLeft              // the caller has stopped waiting
)

// turn is the leader's instruction to a waiting caller.
type turn uint8

const (
	turnLead  turn = iota
	turnAlone      // make the write, beside the others
	turnDone       // the write is made
)

// do makes the write, or has another caller make it, and returns its result. A
// caller that waits for another one returns as soon as its context ends; its
// write may still happen then.
func (q *queue) do(w *write) (changed int64, err error) {
	w.turn = make(chan turn, 1)
	if q.join(w) {
		return q.lead(w)
	}
	var impatience <-chan time.Time
	if q.patience > 0 {
		timer := time.NewTimer(q.patience)
		defer timer.Stop()
		impatience = timer.C
	}
	select {
	case t := <-w.turn:
		return q.take(w, t)
	case <-w.ctx.Done():
		if q.leave(w) {
			return 0, w.ctx.Err()
		}
	case <-impatience:
		if q.leave(w) {
			return w.alone()
		}
	}
	return q.take(w, <-w.turn)
}

// take follows the instruction.
func (q *queue) take(w *write, t turn) (changed int64, err error) {
	switch t {
	case turnLead:
		return q.lead(w)
	case turnAlone:
		return w.alone()
	default:
		return w.changed, w.err
	}
}

// join reports whether the caller leads.
func (q *queue) join(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.led {
		q.waiting = append(q.waiting, w)
		return false
	}
	q.led = true
	return true
}

// leave ends the caller's wait. It reports false if the caller already has an
// instruction.
func (q *queue) leave(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch w.state {
	case writeSent:
		return false
	case writeQueued:
		i := slices.Index(q.waiting, w)
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	w.state = writeLeft
	return true
}

// lead makes the write and those of others, and passes the lead.
func (q *queue) lead(w *write) (changed int64, err error) {
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.pass()
	}()
	if others := q.takeOthers(w); len(others) > 0 {
		if settled, err := q.leadOthers(w, others); settled {
			return w.changed, err
		}
	}
	return w.alone()
}

// leadOthers makes the writes together. It reports whether err is the result of
// the leader's write, which is still to be made if not.
func (q *queue) leadOthers(w *write, others []*write) (settled bool, err error) {
	settle := q.separate // one of them may have failed all
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		settle(others)
	}()
	err = q.tryTogether(w, others)
	switch {
	case err == nil:
		settle = func(others []*write) { q.finish(others, nil) }
	case q.final(err) && w.ctx.Err() == nil:
		settle = func(others []*write) { q.finishLate(others, err) }
	case w.ctx.Err() != nil: // the others go on without this caller
		settle = q.putBack
		if !q.final(err) { // it may be about another's write
			err = w.ctx.Err()
		}
	default:
		return false, nil
	}
	return true, err
}

// tryTogether turns a panic into an error. The write that caused it is made alone
// later, and panics where its own caller sees it.
func (q *queue) tryTogether(w *write, others []*write) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("a panic: %v", panicked)
		}
	}()
	return q.together(w.ctx, append([]*write{w}, others...))
}

// takeOthers takes the writes from the queue that can share a transaction with
// the leader's.
func (q *queue) takeOthers(w *write) []*write {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for w.group != "" && n < min(len(q.waiting), maxBatch-1) && q.waiting[n].group == w.group {
		q.waiting[n].state = writeTaken
		n++
	}
	others := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return others
}

// The caller of a method below holds the mutex.

// send sends the instruction, unless the caller left.
func (q *queue) send(w *write, t turn) {
	if w.state != writeLeft {
		w.state = writeSent
		w.turn <- t
	}
}

// finish ends writes that were taken.
func (q *queue) finish(writes []*write, err error) {
	for _, w := range writes {
		w.err = err
		q.send(w, turnDone)
	}
}

// finishLate ends those of the writes that were taken whose time is up, and puts
// the others back.
func (q *queue) finishLate(writes []*write, err error) {
	var late, early []*write
	for _, w := range writes {
		if time.Since(w.begun) >= sqldb.Patience {
			late = append(late, w)
		} else {
			early = append(early, w)
		}
	}
	q.finish(late, err)
	q.putBack(early)
}

// putBack returns writes that were taken to the head of the queue.
func (q *queue) putBack(writes []*write) {
	writes = slices.DeleteFunc(writes, func(w *write) bool { return w.state == writeLeft })
	for _, w := range writes {
		w.state = writeQueued
	}
	q.waiting = slices.Insert(q.waiting, 0, writes...)
}

// separate has writes that were taken made alone.
func (q *queue) separate(writes []*write) {
	if q.patience > 0 {
		for _, w := range writes {
			q.send(w, turnAlone)
		}
		return
	}
	for _, w := range writes {
		w.group = ""
	}
	q.putBack(writes)
}

// pass passes the lead to the first that waits.
func (q *queue) pass() {
	q.led = len(q.waiting) > 0
	if q.led {
		first := q.waiting[0]
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.send(first, turnLead)
	}
}
