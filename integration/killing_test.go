package integration

import (
	"context"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"
)

// killing kills a backend again and again. Its numbers are those of all
// databases that are done.
type killing struct {
	*alexa
	create func() database
	launch func(database) *exec.Cmd
	random *rand.Rand
	birth  time.Duration // how long the last start took

	done, starting                     int // kills, and those before the backend listened
	acknowledged, inFlight, unanswered int
}

func newKilling(t *testing.T, a *alexa, create newDatabase, launch func(database) *exec.Cmd) *killing {
	number := *seed
	if number == 0 {
		number = rand.Uint64()
	}
	t.Logf("-seed=%d", number)
	return &killing{
		alexa:  a,
		create: func() database { return create(t) },
		launch: launch,
		random: rand.New(rand.NewPCG(number, 0)),
		birth:  100 * time.Millisecond,
	}
}

// killsPerDatabase is small, since only a new database is without a schema.
const killsPerDatabase = 10

func (k *killing) run(ctx context.Context, kills int) error {
	for done := 0; done < kills; done += killsPerDatabase {
		l := newLedger(k.create())
		for range min(killsPerDatabase, kills-done) {
			if err := k.live(ctx, l); err != nil {
				return err
			}
		}
		if err := k.finish(ctx, l); err != nil {
			return err
		}
		k.acknowledged += len(l.acknowledged)
		k.inFlight += l.inFlight
		k.unanswered += len(l.unanswered)
	}
	return nil
}

// live is a life of the backend, from its start to a kill.
func (k *killing) live(ctx context.Context, l *ledger) error {
	if k.random.IntN(2) == 0 { // else it is the backend that recovers the database
		if err := l.check(ctx); err != nil {
			return err
		}
	}
	b, err := startProcess(k.launch(l.database))
	if err != nil {
		return err
	}
	k.done++
	if k.random.IntN(5) == 0 || len(l.sent) == 0 && k.random.IntN(3) > 0 {
		k.pause(k.birth)
		printed, err := b.kill()
		if len(printed) == 0 {
			k.starting++
		}
		return err
	}
	url, err := k.serve(ctx, b, l)
	if err != nil {
		return err
	}
	for range 4 {
		l.add(k.history(k.random))
	}
	deliveries := k.deliveries(l)
	stop := make(chan struct{})
	answers := k.deliver(ctx, url, deliveries, stop)
	for range k.random.IntN(len(deliveries)) {
		if err := l.note(<-answers, false); err != nil {
			return err
		}
	}
	k.pause(2 * time.Millisecond)
	close(stop)
	if _, err := b.kill(); err != nil {
		return err
	}
	for a := range answers {
		if err := l.note(a, true); err != nil {
			return err
		}
	}
	return nil
}

// finish delivers what was never acknowledged to a backend that lives.
func (k *killing) finish(ctx context.Context, l *ledger) error {
	b, err := startProcess(k.launch(l.database))
	if err != nil {
		return err
	}
	url, err := k.serve(ctx, b, l)
	if err != nil {
		return err
	}
	for a := range k.deliver(ctx, url, k.deliveries(l), nil) {
		if err := l.note(a, false); err != nil {
			return err
		}
	}
	if _, err := b.kill(); err != nil {
		return err
	}
	if err := l.check(ctx); err != nil {
		return err
	}
	return l.checkTable(ctx)
}

// serve waits until the backend listens, and checks what it found in the
// database.
func (k *killing) serve(ctx context.Context, b *process, l *ledger) (url string, err error) {
	begun := time.Now()
	if url, err = b.line(); err != nil {
		return "", err
	}
	k.birth = time.Since(begun)
	if err := l.signUp(ctx); err != nil {
		return "", err
	}
	return url, l.check(ctx)
}

// deliveries are of the events that were never acknowledged, and of some that
// were.
func (k *killing) deliveries(l *ledger) []told {
	return shuffled(k.random, only(l.events, func(event told) bool {
		return !l.acknowledged[event.fact] || k.random.IntN(8) == 0
	}))
}

// pause takes a random time.
func (k *killing) pause(most time.Duration) {
	time.Sleep(time.Duration(k.random.Int64N(int64(most))))
}
