package lwa_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// model is one grant of one customer in the hands of two processes, and what
// must hold for it whatever happens in whatever order. While Amazon works on a
// request of one process, the other one may do anything.
type model struct {
	amazon  *amazon
	store   *lwa.MemoryStore
	sources [2]*lwa.Source
	key     lwa.Key
	now     time.Time
	outage  bool

	present bool                        // a grant must be stored
	revoked bool                        // the customer ended it
	last    alexaevents.Secret          // the refresh token that was stored last
	seen    map[alexaevents.Secret]bool // every refresh token that was ever stored
	wrong   []string                    // what must not be and was
	depth   int                         // 1 while Amazon works on a request
	racing  bool                        // Amazon has used up a refresh token of a request it works on
}

func newModel(t *rapid.T) *model {
	m := &model{
		amazon: &amazon{rotates: rapid.Bool().Draw(t, "rotates")},
		store:  new(lwa.MemoryStore),
		key:    keyOf("account"),
		now:    time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		seen:   make(map[alexaevents.Secret]bool),
	}
	clock := func() time.Time { return m.now }
	m.amazon.clock = clock
	for i := range m.sources {
		m.sources[i] = m.amazon.source(m.store)
		m.sources[i].Now = clock
	}
	return m
}

// around lets the other process act while Amazon works on a request.
func (m *model) around(t *rapid.T, process int) func(url.Values, func() (*http.Response, error)) (*http.Response, error) {
	actions := m.actions(1 - process)
	names := []string{"Token", "Renew", "Accept", "Import", "erase", "revoke"}
	draw := func(when string) []string { return rapid.SliceOfN(rapid.SampledFrom(names), 0, 2).Draw(t, when) }
	before, after := draw("before"), draw("after")
	used := false
	return func(form url.Values, next func() (*http.Response, error)) (*http.Response, error) {
		if m.outage {
			return answer(503, ""), nil
		}
		if m.depth > 0 || used {
			return next()
		}
		used = true
		m.depth++
		defer func() { m.depth-- }()
		for _, name := range before {
			actions[name](t)
		}
		response, err := next()
		m.racing = m.amazon.rotates && form.Get("grant_type") == "refresh_token"
		for _, name := range after {
			actions[name](t)
		}
		m.racing = false
		return response, err
	}
}

// expect notes what is wrong. Actions run in goroutines from which rapid must
// not be told.
func (m *model) expect(ok bool, what string) {
	if !ok {
		m.wrong = append(m.wrong, what)
	}
}

// actions are what a process may do.
func (m *model) actions(process int) map[string]func(*rapid.T) {
	source := m.sources[process]
	begin := func(t *rapid.T) {
		if m.depth == 0 {
			m.amazon.around = m.around(t, process)
		}
	}
	return map[string]func(*rapid.T){
		"Token": func(t *rapid.T) {
			begin(t)
			token, err := source.Token(t.Context(), m.key)
			m.check(token, err)
		},
		"Renew": func(t *rapid.T) {
			begin(t)
			grant, _ := m.store.Grant(t.Context(), m.key)
			token, err := source.Renew(t.Context(), m.key, grant.AccessToken)
			m.check(token, err)
		},
		"Accept": func(t *rapid.T) {
			begin(t)
			code := m.amazon.consent()
			err := source.Accept(t.Context(), m.key, alexaevents.Europe, code)
			if m.outage {
				m.expect(errors.Is(err, lwa.ErrUnavailable), "accepted during an outage")
				return
			}
			m.expect(err == nil, "not accepted")
			m.present = true
			m.revoked = !m.amazon.isLive(m.stored().RefreshToken) // before Amazon's answer was stored
		},
		"Import": func(t *rapid.T) {
			m.expect(source.Import(t.Context(), m.key, m.amazon.grant("customer")) == nil, "not imported")
			m.present, m.revoked = true, false
			m.stored()
		},
		"erase": func(t *rapid.T) {
			m.expect(m.store.EraseGrants(t.Context(), m.key.AccountID) == nil, "not erased")
			m.present = false
		},
		"revoke": func(*rapid.T) {
			m.amazon.revoke("customer")
			m.revoked = true
		},
	}
}

// check holds what a process was given against what it may be given.
func (m *model) check(token alexaevents.Secret, err error) {
	switch {
	case err == nil:
		m.expect(m.present, "a token of an erased grant")
		m.expect(m.revoked || m.amazon.accepts(token), "a token that does not work: "+string(token))
	case errors.Is(err, lwa.ErrNoGrant):
		m.expect(!m.present, "no grant where there is one")
	case errors.Is(err, lwa.ErrRefused):
		m.expect(m.revoked || m.racing, "refused without reason")
	case errors.Is(err, lwa.ErrUnavailable):
		m.expect(m.outage, "unavailable without reason")
	default:
		m.expect(false, err.Error())
	}
	if m.present {
		m.stored()
	}
}

// stored returns the stored grant, and makes sure that no refresh token that was
// replaced comes back.
func (m *model) stored() lwa.Grant {
	grant, err := m.store.Grant(context.Background(), m.key)
	m.expect(err == nil, "the grant is lost")
	if grant.RefreshToken != m.last {
		m.expect(!m.seen[grant.RefreshToken], string(grant.RefreshToken)+" comes back")
		m.last = grant.RefreshToken
		m.seen[grant.RefreshToken] = true
	}
	return grant
}

// invariant holds whenever no request is under way.
func (m *model) invariant(t *rapid.T) {
	if m.present {
		grant := m.stored()
		live := m.amazon.isLive(grant.RefreshToken)
		m.expect(live || m.revoked, "a good grant is lost")
		m.expect(!live || grant.Live(), "a good grant is marked as refused")
	} else {
		_, err := m.store.Grant(t.Context(), m.key)
		m.expect(errors.Is(err, lwa.ErrNoGrant), "an erased grant comes back")
	}
	require.Empty(t, m.wrong)
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		actions := map[string]func(*rapid.T){
			"":       m.invariant,
			"outage": func(*rapid.T) { m.outage = !m.outage },
			"wait": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 70).Draw(t, "minutes")) * time.Minute)
			},
		}
		for process := range m.sources {
			for name, action := range m.actions(process) {
				actions[fmt.Sprintf("%s of process %d", name, process)] = action
			}
		}
		t.Repeat(actions)
	})
}
