package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/internal/sqldb"
)

// fakeDB is a database with one writer at a time. A transaction takes a second.
type fakeDB struct {
	t     assert.TestingT
	queue *queue

	mu      sync.Mutex
	busy    bool
	overlap bool  // several transactions at once, which is a fault unless patience allows it
	sizes   []int // of the transactions, in their order
	stored  map[int]int
}

// fakeWrite is what the fake does with a write.
type fakeWrite struct {
	id     int
	group  string
	fails  bool
	panics bool
	exits  bool // ends the goroutine, as testing.T.FailNow does
}

var (
	errBad    = errors.New("a bad statement")
	errLocked = errors.New("locked")
)

func newFakeDB(t assert.TestingT) *fakeDB {
	f := &fakeDB{t: t, stored: make(map[int]int)}
	f.queue = &queue{together: f.together, final: func(err error) bool { return errors.Is(err, errLocked) }}
	return f
}

// run makes the writes in a transaction, or none of them.
func (f *fakeDB) run(ctx context.Context, writes ...fakeWrite) error {
	f.mu.Lock()
	if f.busy {
		f.overlap = true
	}
	f.busy = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.busy = false
	}()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, w := range writes {
		switch {
		case w.panics:
			panic(w.id)
		case w.exits:
			runtime.Goexit()
		case w.fails:
			return errBad
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sizes = append(f.sizes, len(writes))
	for _, w := range writes {
		f.stored[w.id]++
	}
	return nil
}

func (f *fakeDB) together(ctx context.Context, batch []*write) error {
	var writes []fakeWrite
	for i, w := range batch {
		assert.True(f.t, w.group != "" && w.group == batch[0].group && i < maxBatch,
			"a batch of %d with the groups %q and %q", len(batch), batch[0].group, w.group)
		writes = append(writes, w.args[0].(fakeWrite))
	}
	err := f.run(ctx, writes...)
	for i, w := range batch {
		w.changed = int64(writes[i].id)
	}
	return err
}

// do returns errPanicked after a panic that the caller sees.
func (f *fakeDB) do(ctx context.Context, fake fakeWrite) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			if panicked != any(fake.id) {
				f.t.Errorf("%d panicked for %v", fake.id, panicked)
			}
			err = errPanicked
		}
	}()
	w := &write{ctx: ctx, group: fake.group, args: []any{fake}}
	w.alone = func() (int64, error) { return int64(fake.id), f.run(ctx, fake) }
	changed, err := f.queue.do(w)
	if err == nil && changed != int64(fake.id) {
		f.t.Errorf("%d was given the result of %d", fake.id, changed)
	}
	return err
}

var errPanicked = errors.New("panicked")

// idle fails the test unless the queue is as good as new.
func (f *fakeDB) idle() {
	f.queue.mu.Lock()
	defer f.queue.mu.Unlock()
	if f.queue.led || len(f.queue.waiting) > 0 {
		f.t.Errorf("the queue is not idle: %d wait", len(f.queue.waiting))
	}
}

// start runs the writes at once, in this order. The channel has the result of
// each. A write that ends its goroutine has none.
func (f *fakeDB) start(ctx context.Context, writes ...fakeWrite) []chan error {
	var results []chan error
	for _, w := range writes {
		result := make(chan error, 1)
		results = append(results, result)
		go func() { result <- f.do(ctx, w) }()
		synctest.Wait()
	}
	return results
}

func someWrites(from, to int) (writes []fakeWrite) {
	for id := from; id <= to; id++ {
		writes = append(writes, fakeWrite{id: id, group: "g"})
	}
	return writes
}

func TestQueueSharesTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeDB(t)
		begun := time.Now()
		for _, result := range f.start(t.Context(), someWrites(1, 200)...) {
			require.NoError(t, <-result)
		}
		require.Equal(t, []int{1, 64, 64, 64, 7}, f.sizes)
		require.Equal(t, 5*time.Second, time.Since(begun))
		require.Len(t, f.stored, 200)
		require.False(t, f.overlap)
		f.idle()
	})
}

// Writes of different groups, and those of none, do not share a transaction and
// keep their place.
func TestQueueGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeDB(t)
		writes := someWrites(1, 7)
		writes[3].group = "" // an erasure
		writes[6].group = "other"
		for _, result := range f.start(t.Context(), writes...) {
			require.NoError(t, <-result)
		}
		require.Equal(t, []int{1, 2, 1, 2, 1}, f.sizes)
		f.idle()
	})
}

// A bad statement, a panic and a goroutine that ends fail their own caller alone.
func TestQueueFailsAlone(t *testing.T) {
	for name, test := range map[string]struct {
		bad  fakeWrite
		want error
	}{
		"a bad statement": {fakeWrite{fails: true}, errBad},
		"a panic":         {fakeWrite{panics: true}, errPanicked},
	} {
		for position := range 5 {
			t.Run(fmt.Sprint(name, position), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFakeDB(t)
					writes := someWrites(1, 5)
					test.bad.id, test.bad.group = position+1, "g"
					writes[position] = test.bad
					for i, result := range f.start(t.Context(), writes...) {
						if i == position {
							require.Equal(t, test.want, <-result)
						} else {
							require.NoError(t, <-result)
						}
					}
					require.Len(t, f.stored, 4)
					require.False(t, f.overlap, "one by one")
					f.idle()
				})
			})
		}
	}
}

// The goroutine of a caller that ends while it leads leaves the others in place.
func TestQueueLeaderExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeDB(t)
		writes := someWrites(1, 5)
		writes[1].exits = true // leads the batch of the others
		results := f.start(t.Context(), writes...)
		for _, i := range []int{0, 2, 3, 4} {
			require.NoError(t, <-results[i])
		}
		require.Empty(t, results[1])
		require.Len(t, f.stored, 4)
		f.idle()
	})
}

// An error about all writes of a batch is returned to each caller, after one attempt.
func TestQueueFinalError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeDB(t)
		tries := 0
		f.queue.together = func(context.Context, []*write) error {
			tries++
			return errLocked
		}
		results := f.start(t.Context(), someWrites(1, 5)...)
		require.NoError(t, <-results[0])
		for _, result := range results[1:] {
			require.ErrorIs(t, <-result, errLocked)
		}
		require.Equal(t, 1, tries)
		f.idle()
	})
}

// While the database is locked each write fails once its own time is up, not that
// of a leader who came earlier.
func TestQueueFinalErrorOfAnEarlierWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeDB(t)
		locked := time.Now().Add(15 * time.Second)
		try := func(begun time.Time, ids ...int) error { // as retry does
			until := begun.Add(sqldb.Patience)
			if time.Now().After(until) {
				until = time.Now()
			}
			if until.Before(locked) {
				time.Sleep(time.Until(until))
				return errLocked
			}
			time.Sleep(time.Until(locked))
			for _, id := range ids {
				f.stored[id]++
			}
			return nil
		}
		f.queue.together = func(_ context.Context, batch []*write) error {
			var ids []int
			for _, w := range batch {
				ids = append(ids, w.args[0].(int))
			}
			return try(batch[0].begun, ids...)
		}
		var failed [14]bool
		var group sync.WaitGroup
		for id := range failed { // one a second
			group.Go(func() {
				time.Sleep(time.Duration(id) * time.Second)
				w := &write{ctx: t.Context(), begun: time.Now(), group: "g", args: []any{id}}
				w.alone = func() (int64, error) { return 0, try(w.begun, id) }
				_, err := f.queue.do(w)
				failed[id] = err != nil
				if err != nil && time.Since(w.begun) < sqldb.Patience {
					t.Errorf("%d failed after %s: %v", id, time.Since(w.begun), err)
				}
			})
		}
		group.Wait()
		for id := range failed {
			require.Equal(t, id < 5, failed[id])
			require.Equal(t, !failed[id], f.stored[id] == 1)
		}
		f.idle()
	})
}

// A caller whose context ends returns at once, whether it waits, was taken by the
// leader, or leads. The results of the others do not change.
func TestQueueCancelled(t *testing.T) {
	for at := range 40 { // tenths of a second: the first transaction takes ten
		for who := range 5 {
			t.Run(fmt.Sprintf("%d at %d", who, at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFakeDB(t)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(at)*100*time.Millisecond)
					defer cancel()
					begun := time.Now()
					var results []chan error
					for i, w := range someWrites(1, 5) {
						if i == who {
							results = append(results, f.start(ctx, w)...)
						} else {
							results = append(results, f.start(t.Context(), w)...)
						}
					}
					err := <-results[who]
					if err != nil {
						require.ErrorIs(t, err, context.DeadlineExceeded)
						require.Equal(t, time.Duration(at)*100*time.Millisecond, time.Since(begun), "at once")
					}
					for i, result := range results {
						if i != who {
							require.NoError(t, <-result)
						}
					}
					synctest.Wait()
					for i := range results {
						if i != who || err == nil {
							require.Equal(t, 1, f.stored[i+1])
						}
					}
					require.False(t, f.overlap)
					f.idle()
				})
			})
		}
	}
}

// In PostgreSQL a leader that hangs delays no caller for longer than the patience, and
// the writes of a failed batch do not wait for each other.
func TestQueuePatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeDB(t)
		f.queue.patience = 3 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		hung := make(chan error, 1)
		w := &write{ctx: ctx, group: "g", alone: func() (int64, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}}
		go func() {
			_, err := f.queue.do(w)
			hung <- err
		}()
		synctest.Wait()
		begun := time.Now()
		for _, result := range f.start(t.Context(), someWrites(1, 5)...) {
			require.NoError(t, <-result)
		}
		require.Equal(t, 4*time.Second, time.Since(begun))
		cancel()
		require.ErrorIs(t, <-hung, context.Canceled)
		f.idle()

		writes := someWrites(11, 15)
		writes[2].fails = true
		begun = time.Now()
		results := f.start(t.Context(), writes...)
		for i, result := range results {
			if i == 2 {
				require.Equal(t, errBad, <-result)
			} else {
				require.NoError(t, <-result)
			}
		}
		require.Equal(t, 3*time.Second, time.Since(begun)) // the first, the batch, and all alone
		f.idle()
	})
}

// With callers that do anything: acknowledged writes are stored, an error reaches only
// its own caller, and the queue is idle at the end.
func TestQueueModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type caller struct {
			write fakeWrite
			after time.Duration
			ctx   time.Duration // 0: lasts
		}
		callers := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) caller {
			tenths := func(most int, name string) time.Duration {
				return time.Duration(rapid.IntRange(0, most).Draw(r, name)) * 100 * time.Millisecond
			}
			c := caller{after: tenths(60, "after")}
			switch rapid.IntRange(0, 9).Draw(r, "what") {
			case 0:
				c.write.fails = true
			case 1:
				c.write.panics = true
			}
			c.write.group = rapid.SampledFrom([]string{"g", "g", "g", "h", ""}).Draw(r, "group")
			if rapid.Bool().Draw(r, "hurried") {
				c.ctx = 50*time.Millisecond + tenths(50, "context")
			}
			return c
		}), 1, 30).Draw(r, "callers")
		patience := rapid.SampledFrom([]time.Duration{0, 0, 2 * time.Second}).Draw(r, "patience")

		synctest.Test(t, func(t *testing.T) {
			f := newFakeDB(r)
			f.queue.patience = patience
			results := make([]error, len(callers))
			var group sync.WaitGroup
			for i, c := range callers {
				c.write.id = i + 1
				group.Go(func() {
					time.Sleep(c.after)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if c.ctx > 0 {
						ctx, cancel = context.WithTimeout(ctx, c.ctx)
						defer cancel()
					}
					results[i] = errors.New("the goroutine ended")
					begun := time.Now()
					results[i] = f.do(ctx, c.write)
					if c.ctx > 0 && time.Since(begun) > c.ctx {
						r.Errorf("%d returned after %s, its context ended after %s", i, time.Since(begun), c.ctx)
					}
				})
			}
			group.Wait()
			f.idle()
			if f.overlap && patience == 0 {
				r.Errorf("several transactions at once: %v", f.sizes)
			}
			for i, c := range callers {
				err, bad := results[i], c.write.fails || c.write.panics
				switch {
				case err == nil:
					assert.False(r, bad)
					assert.NotZero(r, f.stored[i+1], "an acknowledged write is not stored")
				case errors.Is(err, context.DeadlineExceeded):
					assert.NotZero(r, c.ctx)
				default:
					assert.True(r, bad, "the failure of another: %v", err)
				}
				assert.False(r, bad && f.stored[i+1] > 0)
				assert.True(r, patience > 0 || f.stored[i+1] <= 1, "stored twice")
			}
		})
	})
}
