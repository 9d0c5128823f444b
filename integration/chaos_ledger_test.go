package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
)

// chaosLedger compares the reports of the processes and the grants in the store with
// what Amazon did. Customers are named by chaosCustomer.
type chaosLedger struct {
	mu       sync.Mutex
	owners   map[string]string       // customers by each refresh token that LWA ever gave
	valid    map[string]string       // the refresh token that LWA takes, by customer
	used     map[string]chaosRefresh // by the refresh token that LWA took
	killed   map[string]time.Time    // by the name of the process
	disabled map[string]bool         // customers who have disabled the skill
	outages  [][2]time.Time          // of the store, from and to

	sent       []chaosSent
	outcomes   map[string]int
	dropped    map[string]time.Duration // refresh tokens whose request got no response, after this time
	unanswered map[string]int           // requests without a response, by message ID
	ended      map[string]string        // what a Send said of a grant that has ended, by customer, if that had not disabled the skill

	begun    time.Time
	accepted []int // events of which Send returned nil, by second
}

// chaosRefresh is the process that got the response to a refresh, and the time.
type chaosRefresh struct {
	process string
	at      time.Time
}

func newChaosLedger() *chaosLedger {
	return &chaosLedger{
		owners:     make(map[string]string),
		valid:      make(map[string]string),
		used:       make(map[string]chaosRefresh),
		killed:     make(map[string]time.Time),
		disabled:   make(map[string]bool),
		outcomes:   make(map[string]int),
		dropped:    make(map[string]time.Duration),
		unanswered: make(map[string]int),
		ended:      make(map[string]string),
		begun:      time.Now(),
	}
}

func (l *chaosLedger) granted(customer, token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owners[token], l.valid[customer] = customer, token
}

func (l *chaosLedger) refreshed(old, token, process string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	customer := l.owners[old]
	l.used[old] = chaosRefresh{process, time.Now()}
	l.owners[token], l.valid[customer] = customer, token
}

func (l *chaosLedger) kill(process string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.killed[process] = time.Now()
}

func (l *chaosLedger) outage(begun time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outages = append(l.outages, [2]time.Time{begun, time.Now()})
}

func (l *chaosLedger) disable(customer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disabled[customer] = true
}

func (l *chaosLedger) report(r chaosReport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case r.Sent != nil:
		l.sent = append(l.sent, *r.Sent)
		l.outcomes[r.Sent.Outcome]++
		for link, why := range r.Sent.Ended {
			if customer := chaosCustomer(r.Sent.Account, link); !l.disabled[customer] {
				l.ended[customer] = fmt.Sprintf("%s, after %s; %s", why, r.Sent.Took, l.history(customer))
			}
		}
		if r.Sent.Outcome == sentAccepted {
			second := int(time.Since(l.begun) / time.Second)
			l.accepted = append(l.accepted, make([]int, max(0, 1+second-len(l.accepted)))...)
			l.accepted[second]++
		}
	case r.Dropped != nil && r.Dropped.Refresh != "":
		l.dropped[r.Dropped.Refresh] = r.Dropped.Took
	case r.Dropped != nil:
		l.unanswered[r.Dropped.MessageID]++
	}
}

// history returns which processes refreshed a customer's grant in the last minute.
func (l *chaosLedger) history(customer string) string {
	refreshes := ""
	for token, refresh := range l.used {
		if ago := time.Since(refresh.at); l.owners[token] == customer && ago < time.Minute {
			refreshes += fmt.Sprintf("refreshed by %s %s before; ", refresh.process, ago.Round(time.Millisecond))
		}
	}
	return refreshes
}

// chaosVerdict is the result of a run.
type chaosVerdict struct {
	usable   int // grants
	disabled int // grants whose customers disabled the skill

	// Grants whose new refresh token was lost with a killed process, before it had
	// stored the token.
	killed   int
	stranded int           // of them, those that met an outage of the store
	oldest   time.Duration // the longest time that a process had to store one

	unread     int // grants whose new refresh token LWA gave after its client's ten seconds
	duplicates int // events that a customer got again, since the response was dropped

	faults []string
}

func (v *chaosVerdict) fault(format string, values ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, values...))
}

// loginLimit is the longest time of a request to LWA, less the difference of clocks.
const loginLimit = 10*time.Second - 100*time.Millisecond

// storeLimit is longer than a process on a slow machine takes to store a token.
const storeLimit = 10 * time.Second

// timeToStore returns how long a process had a token while the store worked.
func (l *chaosLedger) timeToStore(from, killed time.Time) time.Duration {
	for _, outage := range l.outages {
		if outage[0].Before(killed) && outage[1].After(from) {
			from = outage[1]
		}
	}
	return max(0, killed.Sub(from))
}

// stranded reports whether the store was away between the two times.
func (l *chaosLedger) stranded(from, killed time.Time) bool {
	return slices.ContainsFunc(l.outages, func(o [2]time.Time) bool { return o[0].Before(killed) && o[1].After(from) })
}

// judge checks the grants in the store and the events that the gateway accepted.
func (l *chaosLedger) judge(stored map[string]lwa.Grant, accepted []alexatest.Sent) *chaosVerdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := new(chaosVerdict)
	gone := maps.Clone(l.disabled) // customers who need not get an event
	for _, customer := range slices.Sorted(maps.Keys(l.valid)) {
		grant, ok := stored[customer]
		token := string(grant.RefreshToken)
		used, isUsed := l.used[token]
		killed, isKilled := l.killed[used.process]
		took, isDropped := l.dropped[token]
		switch {
		case l.disabled[customer]:
			v.disabled++
		case !ok:
			v.fault("%s: the grant is not stored", customer)
		case token == l.valid[customer] && grant.Live():
			v.usable++
		case token == l.valid[customer]:
			v.fault("%s must relink, says the store, though LWA takes the refresh token", customer)
		case l.owners[token] != customer:
			v.fault("%s: the stored refresh token is not this customer's", customer)
		case isUsed && isKilled && l.timeToStore(used.at, killed) < storeLimit:
			v.killed++
			if l.stranded(used.at, killed) {
				v.stranded++
			}
			v.oldest = max(v.oldest, l.timeToStore(used.at, killed))
			gone[customer] = true
		case isUsed && isDropped && took >= loginLimit:
			v.unread++
			gone[customer] = true
		default:
			v.fault("%s must relink: the process %s got another refresh token, and lived long enough to store it", customer, used.process)
		}
	}
	for customer, why := range l.ended {
		if !gone[customer] {
			v.fault("%s: a Send called the grant ended: %s", customer, why)
		}
	}
	l.judgeEvents(v, gone, accepted)
	return v
}

func (l *chaosLedger) judgeEvents(v *chaosVerdict, gone map[string]bool, accepted []alexatest.Sent) {
	type delivery struct{ customer, event string }
	messages := make(map[delivery][]string) // IDs
	for _, sent := range accepted {
		message := readChaosMessage(sent.Body)
		d := delivery{sent.Customer, message.Event.Endpoint.EndpointID}
		messages[d] = append(messages[d], message.messageID())
	}
	for d, ids := range messages {
		if len(ids) == 1 {
			continue
		}
		if same := len(slices.Compact(slices.Clone(ids))) == 1; !same || l.unanswered[ids[0]] < len(ids)-1 {
			v.fault("%s got the event %s %d times, though %d responses were dropped", d.customer, d.event, len(ids), l.unanswered[ids[0]])
			continue
		}
		v.duplicates++
	}
	for _, sent := range l.sent {
		all := true
		for _, link := range chaosLinks(sent.Account) {
			customer := chaosCustomer(sent.Account, link)
			all = all && gone[customer]
			if sent.Outcome == sentAccepted && !gone[customer] && messages[delivery{customer, sent.Event}] == nil {
				v.fault("%s did not get the event %s, of which Send returned nil", customer, sent.Event)
			}
		}
		switch sent.Outcome {
		case sentAccepted, sentTemporary, sentLate, sentStore:
		case sentEnded:
			if !all {
				v.fault("account %d: Send returned ErrEnded, though a grant has not ended", sent.Account)
			}
		default:
			v.fault("account %d: Send returned %s", sent.Account, sent.Outcome)
		}
	}
}

// judge finds each kind of fault, and reports nothing else.
func TestChaosLedger(t *testing.T) {
	const account, link = 1, "only"
	customer := chaosCustomer(account, link)
	sent := func(event, message string) alexatest.Sent {
		return alexatest.Sent{Customer: customer, Body: fmt.Appendf(nil, `{"event":{"header":{"messageId":%q},"endpoint":{"endpointId":%q}}}`, message, event)}
	}
	result := func(outcome string, ended ...string) chaosReport {
		sent := &chaosSent{Event: "event", Account: account, Outcome: outcome, Ended: make(map[string]string)}
		for _, link := range ended {
			sent.Ended[link] = "it says"
		}
		return chaosReport{Sent: sent}
	}
	for name, test := range map[string]struct {
		happens  func(l *chaosLedger)
		stored   string // the refresh token; empty is the first
		refused  bool
		accepted []alexatest.Sent
		want     chaosVerdict
		fault    string
	}{
		"nothing happens":      {want: chaosVerdict{usable: 1}},
		"an event is accepted": {happens: func(l *chaosLedger) { l.report(result(sentAccepted)) }, accepted: list(sent("event", "1")), want: chaosVerdict{usable: 1}},
		"an event is lost": {
			happens: func(l *chaosLedger) { l.report(result(sentAccepted)) }, accepted: list(sent("other", "1")),
			fault: "of which Send returned nil",
		},
		"a response is dropped": {
			happens:  func(l *chaosLedger) { l.report(chaosReport{Dropped: &chaosDropped{MessageID: "1"}}) },
			accepted: list(sent("event", "1"), sent("event", "1")),
			want:     chaosVerdict{usable: 1, duplicates: 1},
		},
		"an event is sent twice": {accepted: list(sent("event", "1"), sent("event", "1")), fault: "2 times, though 0 responses"},
		"an event is sent as two": {
			happens:  func(l *chaosLedger) { l.report(chaosReport{Dropped: &chaosDropped{MessageID: "1"}}) },
			accepted: list(sent("event", "1"), sent("event", "2")),
			fault:    "2 times",
		},
		"a new token is stored": {happens: func(l *chaosLedger) { l.refreshed("first", "second", "p") }, stored: "second", want: chaosVerdict{usable: 1}},
		"a new token is lost":   {happens: func(l *chaosLedger) { l.refreshed("first", "second", "p") }, fault: "must relink: the process p got"},
		"a new token is lost to a kill": {
			happens: func(l *chaosLedger) { l.refreshed("first", "second", "p"); l.kill("p") },
			want:    chaosVerdict{killed: 1},
		},
		"a new token is lost to a kill in an outage": {
			happens: func(l *chaosLedger) {
				begun := time.Now()
				l.refreshed("first", "second", "p")
				l.kill("p")
				l.outage(begun)
			},
			want: chaosVerdict{killed: 1, stranded: 1},
		},
		"a new token is not stored for long": {
			happens: func(l *chaosLedger) {
				l.refreshed("first", "second", "p")
				l.used["first"] = chaosRefresh{"p", time.Now().Add(-time.Minute)}
				l.kill("p")
			},
			fault: "must relink: the process p got",
		},
		"a new token comes too late": {
			happens: func(l *chaosLedger) {
				l.refreshed("first", "second", "p")
				l.report(chaosReport{Dropped: &chaosDropped{Refresh: "first", Took: 10 * time.Second}})
			},
			want: chaosVerdict{unread: 1},
		},
		"a refresh is given up early": {
			happens: func(l *chaosLedger) {
				l.refreshed("first", "second", "p")
				l.report(chaosReport{Dropped: &chaosDropped{Refresh: "first", Took: time.Second}})
			},
			fault: "must relink: the process p got",
		},
		"an old token comes back": {
			happens: func(l *chaosLedger) {
				l.refreshed("first", "second", "p")
				l.refreshed("second", "third", "q")
				l.kill("q")
			},
			fault: "must relink: the process p got",
		},
		"another's token is stored":       {happens: func(l *chaosLedger) { l.granted("other", "else") }, stored: "else", fault: "is not this customer's"},
		"a live grant is marked as ended": {refused: true, fault: "though LWA takes the refresh token"},
		"a live grant is called ended": {
			happens: func(l *chaosLedger) { l.report(result(sentTemporary, link)) },
			fault:   "a Send called the grant ended",
		},
		"a live account is called ended": {
			happens: func(l *chaosLedger) { l.report(result(sentEnded)) },
			fault:   "returned ErrEnded",
		},
		"a grant has ended": {
			happens: func(l *chaosLedger) { l.disable(customer); l.report(result(sentEnded, link)) },
			want:    chaosVerdict{disabled: 1},
		},
		"misconfigured":    {happens: func(l *chaosLedger) { l.report(result(sentMisconfigured)) }, fault: "returned misconfigured"},
		"an unknown error": {happens: func(l *chaosLedger) { l.report(result("surprise")) }, fault: "returned surprise"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newChaosLedger()
			l.granted(customer, "first")
			if test.happens != nil {
				test.happens(l)
			}
			if test.stored == "" {
				test.stored = "first"
			}
			stored := map[string]lwa.Grant{"other": {RefreshToken: "else"}, customer: {RefreshToken: alexaevents.Secret(test.stored)}}
			if test.refused {
				grant := stored[customer]
				grant.Refused = hashOf(test.stored)
				stored[customer] = grant
			}
			got := l.judge(stored, test.accepted)
			if test.fault != "" {
				require.Len(t, got.faults, 1)
				require.Contains(t, got.faults[0], test.fault)
				return
			}
			got.oldest = 0
			require.Equal(t, &test.want, got)
		})
	}
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
