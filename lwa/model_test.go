package lwa_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// model is one grant of one customer, used by two processes at the same time. Amazon
// and the store are slow and fail, and processes crash. Whether a token is valid is
// asked of Amazon, not of a Source.
type model struct {
	amazon    *amazon
	store     *lwa.MemoryStore
	processes [2]*process
	key       lwa.Key

	cannotRead, cannotWrite, amazonOut atomic.Bool
	timers                             []*time.Timer // of outages

	present bool // a grant must be stored
	revoked bool // the customer ended it
	lost    bool // a process crashed with the only good refresh token
	calm    bool // nothing failed lately

	mu    sync.Mutex
	wrong []string // failed checks; rapid takes none from other goroutines
}

// process is a Source with its own connections to the store and to Amazon.
type process struct {
	model    *model
	source   *lwa.Source
	crashed  atomic.Bool
	inFlight atomic.Int64 // requests to Amazon
	delays   [4]time.Duration
	calls    atomic.Int64
}

func (m *model) start(delays []time.Duration) *process {
	p := &process{model: m}
	copy(p.delays[:], delays)
	p.source = &lwa.Source{Store: p, Client: m.amazon.client()}
	p.source.Client.HTTPClient = &http.Client{Transport: p}
	return p
}

// pause takes the time of one call of the store or of Amazon.
func (p *process) pause(ctx context.Context) error {
	return sleep(ctx, p.delays[p.calls.Add(1)%int64(len(p.delays))])
}

// RoundTrip delays the request and the response.
func (p *process) RoundTrip(request *http.Request) (*http.Response, error) {
	p.inFlight.Add(1)
	defer p.inFlight.Add(-1)
	if err := p.pause(request.Context()); err != nil {
		return nil, err
	}
	if p.model.amazonOut.Load() || p.crashed.Load() {
		return respond(503, ""), nil
	}
	response, err := p.model.amazon.RoundTrip(request)
	_ = p.pause(context.WithoutCancel(request.Context()))
	return response, err
}

func (p *process) call(ctx context.Context, fails *atomic.Bool) (lwa.Store, error) {
	if p.crashed.Load() {
		return new(lwa.MemoryStore), nil // calls of a crashed process have no effect
	}
	if err := p.pause(ctx); err != nil {
		return nil, err
	}
	if fails.Load() {
		return nil, errDown
	}
	return p.model.store, nil
}

func (p *process) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	store, err := p.call(ctx, &p.model.cannotRead)
	if err != nil {
		return lwa.Grant{}, err
	}
	return store.Grant(ctx, key)
}

func (p *process) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	store, err := p.call(ctx, &p.model.cannotWrite)
	if err != nil {
		return err
	}
	return store.UpdateGrant(ctx, key, fn)
}

func (m *model) expect(ok bool, format string, values ...any) {
	if ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wrong = append(m.wrong, fmt.Sprintf(format, values...))
}

// check checks the result of a Token or Renew.
func (m *model) check(p *process, token alexaevents.Secret, err error) {
	switch {
	case p.crashed.Load():
	case err == nil:
		m.expect(m.present, "a token of no grant")
		m.expect(m.revoked || m.amazon.isValid(token), "a token that does not work: %s", string(token))
	case errors.Is(err, lwa.ErrNoGrant):
		m.expect(!m.present, "no grant where there is one")
	case errors.Is(err, lwa.ErrInvalidGrant):
		m.expect(m.revoked || m.lost, "a live grant has ended: %v", err)
	case errors.Is(err, alexaevents.ErrTemporary), errors.Is(err, errDown), errors.Is(err, context.DeadlineExceeded):
		m.expect(!m.calm, "failed without a reason: %v", err)
	default:
		m.expect(false, "%v", err)
	}
}

// good reports whether the store has a valid refresh token.
func (m *model) good() bool {
	grant, err := m.store.Grant(context.Background(), m.key)
	return err == nil && m.amazon.isValid(grant.RefreshToken)
}

// together makes several concurrent calls in both processes.
func (m *model) together(t *rapid.T) {
	if rapid.Bool().Draw(t, "expired") {
		time.Sleep(61 * time.Minute)
	}
	var group sync.WaitGroup
	for i, p := range m.processes {
		for j := range rapid.IntRange(0, 3).Draw(t, fmt.Sprint("calls of ", i)) {
			after := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Second, 3 * time.Second}).Draw(t, "after")
			renew := rapid.Bool().Draw(t, "renew")
			group.Go(func() {
				time.Sleep(after + time.Duration(j)*time.Millisecond)
				if !renew {
					token, err := p.source.Token(context.Background(), m.key)
					m.check(p, token, err)
					return
				}
				grant, _ := m.store.Grant(context.Background(), m.key)
				token, err := p.source.Renew(context.Background(), m.key, grant.AccessToken)
				m.check(p, token, err)
			})
		}
	}
	group.Wait()
}

func (m *model) exchange(p *process) {
	begin := time.Now()
	code := m.amazon.consent()
	err := p.source.Exchange(context.Background(), m.key, alexaevents.Europe, code)
	m.expect(err == nil || !m.calm, "not exchanged: %v", err)
	m.expect(time.Since(begin) < 30*time.Second, "it took %v", time.Since(begin))
	if err != nil {
		m.settle() // the code may still have been exchanged
	}
	grant, storeErr := m.store.Grant(context.Background(), m.key)
	m.expect(err != nil || storeErr == nil && m.amazon.isValid(grant.RefreshToken), "exchanged and not stored")
	if storeErr == nil {
		m.present = true
	}
	if m.good() {
		m.revoked, m.lost = false, false
	}
}

// settle waits for everything in progress, with a working store and Amazon.
func (m *model) settle() {
	for _, timer := range m.timers {
		timer.Stop()
	}
	synctest.Wait()
	m.cannotRead.Store(false)
	m.cannotWrite.Store(false)
	m.amazonOut.Store(false)
	time.Sleep(2 * time.Minute) // the longest pause too
	for _, p := range m.processes {
		m.expect(p.source.Flush(context.Background()) == nil, "not flushed")
	}
	m.calm = true
}

// invariant holds when everything works and nothing is in progress.
func (m *model) invariant() {
	m.settle()
	grant, err := m.store.Grant(context.Background(), m.key)
	if !m.present {
		m.expect(errors.Is(err, lwa.ErrNoGrant), "an erased grant came back")
		return
	}
	m.expect(err == nil, "the grant is gone")
	if m.revoked || m.lost {
		return
	}
	m.expect(m.amazon.isValid(grant.RefreshToken), "a live grant is lost")
	m.expect(grant.Live() && grant.RefusedAt.IsZero(), "a live grant is marked as refused")
	for _, p := range m.processes {
		token, err := p.source.Token(context.Background(), m.key)
		m.expect(err == nil && m.amazon.isValid(token), "a live grant gives no token: %v", err)
	}
}

var someTime = rapid.SampledFrom([]time.Duration{0, time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond, 900 * time.Millisecond})

func (m *model) actions() map[string]func(*rapid.T) {
	other := func(t *rapid.T) int { return rapid.IntRange(0, 1).Draw(t, "process") }
	return map[string]func(*rapid.T){
		"":          func(t *rapid.T) { require.Empty(t, m.wrong) },
		"together":  m.together,
		"invariant": func(*rapid.T) { m.invariant() },
		"exchange":  func(t *rapid.T) { m.exchange(m.processes[other(t)]) },
		"time": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(1, 70).Draw(t, "minutes")) * time.Minute)
		},
		"outage of the store": func(t *rapid.T) {
			m.calm = false
			begin := rapid.SampledFrom([]time.Duration{0, 200 * time.Millisecond, time.Second}).Draw(t, "begin")
			length := rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Second, 6 * time.Second, 3 * time.Hour}).Draw(t, "length")
			reading := rapid.Bool().Draw(t, "reading")
			time.Sleep(61 * time.Minute)
			set := func(fail bool) func() {
				return func() {
					m.cannotWrite.Store(fail)
					m.cannotRead.Store(fail && reading)
				}
			}
			m.timers = append(m.timers, time.AfterFunc(begin, set(true)), time.AfterFunc(begin+length, set(false)))
			m.together(t)
		},
		"outage of Amazon": func(*rapid.T) {
			m.calm = false
			m.amazonOut.Store(!m.amazonOut.Load())
		},
		"crash": func(t *rapid.T) {
			m.calm = false
			i := other(t)
			p := m.processes[i]
			busy := p.inFlight.Load() > 0
			p.crashed.Store(true)
			m.processes[i] = m.start(rapid.SliceOfN(someTime, 4, 4).Draw(t, "delays"))
			time.Sleep(time.Minute) // until everything in progress has ended
			for _, p := range m.processes {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				_ = p.source.Flush(ctx)
				cancel()
			}
			m.lost = m.lost || m.present && !m.revoked && (busy || !m.good()) && m.amazon.rotates
		},
		"erase": func(*rapid.T) {
			m.settle()
			m.expect(m.store.EraseGrants(context.Background(), m.key.AccountID) == nil, "not erased")
			m.present = false
		},
		"revoke": func(*rapid.T) {
			m.settle()
			m.amazon.revoke("customer")
			m.revoked = true
		},
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func() {
			m := &model{
				amazon: &amazon{rotates: rapid.Bool().Draw(rt, "rotates")},
				store:  new(lwa.MemoryStore), key: keyOf("account"), calm: true,
			}
			for i := range m.processes {
				m.processes[i] = m.start(rapid.SliceOfN(someTime, 4, 4).Draw(rt, "delays"))
			}
			defer m.settle()
			rt.Repeat(m.actions())
			m.invariant()
			require.Empty(rt, m.wrong)
		})
	})
}

// inBubble runs one check of rapid in a synctest bubble, and passes on rapid's panics.
func inBubble(t *testing.T, check func()) {
	var reason any
	synctest.Test(t, func(*testing.T) {
		defer func() { reason = recover() }()
		check()
	})
	if reason != nil {
		panic(reason)
	}
}

// A Source calls neither AccountGrants nor EraseGrants.
func (p *process) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[lwa.Grant, error] {
	return p.model.store.AccountGrants(ctx, clientID, accountID)
}

func (p *process) EraseGrants(context.Context, string) error { return errors.ErrUnsupported }
