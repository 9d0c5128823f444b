package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// person is the model of a customer.
type person struct {
	account, name string
	region        alexaevents.Region
	serial        int    // of the access token of the skill
	directive     []byte // the last AcceptGrant

	granted  bool // a grant is stored
	enabled  bool // Amazon accepts the grant
	misled   bool // its AcceptGrant went to the endpoint of another region
	accepted bool // an event of the grant was accepted
	stale    bool // its access token has expired
	ended    bool // LWA refused its refresh token, as the store says

	disabledAt, probedAt time.Time // as in the store
}

// outcome of an event for one person.
type outcome int

const (
	reached outcome = iota
	relink
	disabled // certainly
	perhapsDisabled
)

// outcomeErrors are the kinds of the outcomes' errors.
var outcomeErrors = map[outcome]string{
	relink:          "ErrRelink",
	disabled:        "ErrSkillDisabled",
	perhapsDisabled: "ErrMisconfigured",
}

// sending is a backend with three customers of one account and one of another. The
// model runs its actions in any order.
type sending struct {
	*backend
	people []*person
}

func newSending() *sending {
	s := &sending{backend: newBackend()}
	for i, region := range []alexaevents.Region{alexaevents.Europe, alexaevents.FarEast, alexaevents.NorthAmerica, alexaevents.Europe} {
		s.people = append(s.people, &person{account: []string{"home", "flat"}[i/3], name: fmt.Sprint("customer-", i), region: region})
	}
	return s
}

// deliver returns the model's outcome of an event for one person and updates the
// model. The response to a directive is never skipped.
func (s *sending) deliver(p *person, response bool) outcome {
	probed := p.disabledAt
	if p.probedAt.After(probed) {
		probed = p.probedAt
	}
	switch {
	case p.ended:
		return relink
	case !p.disabledAt.IsZero() && !response && time.Since(probed) < 24*time.Hour:
		return disabled
	case p.stale && !p.enabled:
		p.ended = true
		return relink
	}
	p.stale = false
	switch {
	case p.enabled && !p.misled:
		p.accepted = true
		p.disabledAt, p.probedAt = time.Time{}, time.Time{}
		return reached
	case !p.accepted:
		return perhapsDisabled
	case p.disabledAt.IsZero():
		p.disabledAt = time.Now()
	default:
		p.probedAt = time.Now()
	}
	return disabled
}

// requireArrived requires that the events since n went to these people, each to
// their own region.
func (s *sending) requireArrived(t *rapid.T, n int, people []*person) {
	var want, got []string
	for _, p := range people {
		want = append(want, string(p.region)+" "+p.name)
	}
	for _, sent := range s.cloud.Sent()[n:] {
		got = append(got, string(sent.Region)+" "+sent.Customer)
	}
	require.ElementsMatch(t, want, got)
}

func (s *sending) actions() map[string]func(*rapid.T) {
	someone := func(t *rapid.T) *person { return rapid.SampledFrom(s.people).Draw(t, "person") }
	tidied := func(p *person) { // an AcceptGrant removes the account's other grants that have ended
		for _, other := range s.people {
			other.granted = other.granted && (other == p || other.account != p.account || !other.ended)
		}
	}
	grant := func(t *rapid.T, p *person, region alexaevents.Region) {
		p.serial++
		p.directive = alexatest.AcceptGrantDirective(s.cloud.Grant(p.region, p.name), fmt.Sprintf("%s/%s/%d", p.account, p.name, p.serial))
		requireAccepted(t, s.granter(region), p.directive)
		p.granted, p.enabled, p.misled = true, true, region != p.region
		p.accepted, p.stale, p.ended = false, false, false
		tidied(p)
		p.disabledAt, p.probedAt = time.Time{}, time.Time{}
	}
	return map[string]func(*rapid.T){
		"grant": func(t *rapid.T) { p := someone(t); grant(t, p, p.region) },
		"grant at the wrong endpoint": func(t *rapid.T) {
			p := someone(t)
			regions := []alexaevents.Region{alexaevents.Europe, alexaevents.FarEast, alexaevents.NorthAmerica}
			regions = slices.DeleteFunc(regions, func(r alexaevents.Region) bool { return r == p.region })
			grant(t, p, rapid.SampledFrom(regions).Draw(t, "region"))
		},
		"repeat the directive": func(t *rapid.T) {
			p := someone(t)
			if !p.granted {
				grant(t, p, p.region)
			}
			calls := s.cloud.Calls(loginURL)
			requireAccepted(t, s.granter(p.region), p.directive)
			require.Equal(t, calls, s.cloud.Calls(loginURL))
			tidied(p)
		},
		"disable": func(t *rapid.T) { p := someone(t); s.cloud.DisableSkill(p.name); p.enabled = false },
		"expire": func(*rapid.T) {
			time.Sleep(time.Minute) // a refused token is renewed once a minute
			s.cloud.ExpireTokens()
			s.eachStale()
		},
		"wait": func(*rapid.T) {
			time.Sleep(2 * time.Hour)
			s.eachStale()
		},
		"wait a day": func(*rapid.T) {
			time.Sleep(25 * time.Hour)
			s.eachStale()
		},
		"rotate": func(t *rapid.T) { s.cloud.RotateRefreshTokens(rapid.Bool().Draw(t, "rotate")) },
		"erase": func(t *rapid.T) {
			p := someone(t)
			require.NoError(t, s.store.UpdateGrant(context.Background(), keyOf(p.account, p.name), func(g *lwa.Grant) error {
				*g = lwa.Grant{}
				return nil
			}))
			p.granted = false
		},
		"Send": func(t *rapid.T) {
			account := rapid.SampledFrom([]string{"home", "flat"}).Draw(t, "account")
			n := len(s.cloud.Sent())
			err := s.sender.Send(context.Background(), account, lampReport())
			require.NoError(t, s.sender.Flush(context.Background()))

			var arrived []*person
			outcomes := make(map[string]outcome)
			failed := false
			for _, p := range s.people {
				if p.account != account || !p.granted {
					continue
				}
				o := s.deliver(p, false)
				outcomes[p.name] = o
				failed = failed || o == perhapsDisabled
				if o == reached {
					arrived = append(arrived, p)
				}
			}
			s.requireArrived(t, n, arrived)
			switch {
			case len(outcomes) == 0:
				require.ErrorIs(t, err, gateway.ErrNoGrant)
				return
			case len(arrived) > 0 && !failed:
				require.NoError(t, err)
				return
			}
			var failure *gateway.SendError
			require.ErrorAs(t, err, &failure)
			require.Len(t, failure.Results, len(outcomes))
			want := outcomeErrors[outcomes[failure.Results[0].Key.LinkID]]
			for _, result := range failure.Results {
				o := outcomes[result.Key.LinkID]
				require.Equal(t, outcomeErrors[o], kindOf(result.Err))
				if o == perhapsDisabled {
					want = "ErrMisconfigured"
				}
			}
			require.Equal(t, want, kindOf(err))
			requireOneDecision(t, err)
		},
		"SendTo": func(t *rapid.T) {
			p := someone(t)
			directive := parse(t, string(alexatest.Directive("Alexa.PowerController", "TurnOn", "lamp-1", fmt.Sprintf("%s/%s/99", p.account, p.name), nil)))
			n := len(s.cloud.Sent())
			key, err := s.granter(p.region).Key(context.Background(), directive)
			if !p.granted {
				require.ErrorIs(t, err, gateway.ErrNoGrant)
				return
			}
			require.NoError(t, err)
			err = s.sender.SendTo(context.Background(), key, directive.Response(lampOn()))
			require.NoError(t, s.sender.Flush(context.Background()))
			o := s.deliver(p, true)
			require.Equal(t, outcomeErrors[o], kindOf(err))
			s.requireArrived(t, n, map[bool][]*person{true: {p}}[o == reached])
		},
		"": func(t *rapid.T) {
			for _, p := range s.people {
				stored := s.grant(t, p.account, p.name)
				require.Equal(t, p.granted, stored.RefreshToken != "", "only AcceptGrant and erasure add and remove grants")
				if p.granted {
					require.Equal(t, p.accepted, !stored.ConfirmedAt.IsZero())
					require.Equal(t, p.ended, !stored.Live())
					require.Equal(t, p.disabledAt.IsZero(), stored.DisabledAt.IsZero())
					if !p.ended {
						require.WithinDuration(t, p.probedAt, stored.ProbedAt, time.Millisecond)
					}
				}
			}
		},
	}
}

func (s *sending) eachStale() {
	for _, p := range s.people {
		p.stale = true
	}
}

func TestSendingModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func() { rt.Repeat(newSending().actions()) })
	})
}

// inBubble runs one check of rapid in a bubble of synctest. It passes on rapid's
// panics.
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
