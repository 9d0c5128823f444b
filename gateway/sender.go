package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/resend"
	"github.com/alexaevents/alexaevents/lwa"
)

// parallel is how many grants of one account and region an event is sent to at a
// time. Few accounts have as many.
const parallel = 16

// Sender sends events to the event gateway of each customer's region. One serves
// all accounts; it is safe for concurrent use. Its fields must not change once
// it is in use.
//
// An event that is sent again may arrive after a newer one. Amazon does not
// document whether Alexa then keeps the sample with the later TimeOfSample, so
// Alexa may show the older state until the next report. A program that keeps an
// event for later sends the state as it is by then instead.
type Sender struct {
	// Tokens keeps the grants, those that a [Granter] stored, and gets their
	// access tokens; required.
	Tokens *lwa.Source

	// HTTPClient makes the requests. They follow no redirect and take no longer
	// than 10 seconds each, whatever its settings. A client with a transport of
	// its own should set MaxIdleConnsPerHost: Go's default keeps two idle
	// connections per host, so that with more requests in flight over HTTP/1.1
	// most make a new connection. Nil uses a client with no proxy that keeps 512
	// connections per host and detects dead HTTP/2 connections within 6 seconds.
	HTTPClient *http.Client

	// ResendMomentary also resends events that tell of a moment, such as
	// [DoorbellPress], where it is not known whether Alexa got them: the bell
	// may ring twice. False sends such an event again only if Alexa did not get
	// or did not accept it.
	ResendMomentary bool

	// Logger receives a record at Warn for each grant that an event was sent to
	// in vain, and one at Debug with the IDs of account and link. Nil disables
	// logging.
	Logger *slog.Logger

	// Observe is called at the end of each grant's delivery, for metrics. Nil
	// disables it.
	Observe func(context.Context, Observation)

	notes notes
}

// Observation tells how sending one event to one grant ended.
type Observation struct {
	Event    string             // its type, such as "ChangeReport"
	Region   alexaevents.Region // of the customer
	Attempts int                // requests to the gateway; zero without an access token and for a grant that has ended
	Duration time.Duration      // of all attempts and the pauses between them
	Err      error              // nil if Alexa accepted the event
}

// Send delivers an event to every customer who linked the account: to each
// grant that has not ended, in its region, with a message ID of its own. It
// returns nil if the event was accepted wherever the grant has not ended, and at
// least once. The error is [ErrNoGrant] if the account has no grant, a
// [*SendError] if Alexa did not accept the event, and else an [*InvalidError],
// [ErrMisconfigured] or an error of the store. See [ErrEnded] for what to decide
// by.
//
// An event that responds to a directive concerns one customer: see
// [Sender.SendTo].
//
// Where Amazon throttles or gives no usable response, there are up to three more
// attempts, a second or more apart, if ctx has the time for them. Send returns
// 100 milliseconds before the deadline of ctx. No grant waits for another, unless
// the account has more than 16 of one region: these share the time of ctx.
//
// A grant whose customer disabled the skill, after events of it were accepted, is
// skipped with [ErrSkillDisabled]. Once a day an event is sent to it nevertheless.
// A new AcceptGrant directive and an accepted event end that. Send notes in the
// store when a grant was last accepted or disabled after it returned; see
// [Sender.Flush].
func (s *Sender) Send(ctx context.Context, accountID string, event Event) error {
	m, err := s.prepare(event)
	if err != nil {
		return err
	}
	if m.correlated {
		return &InvalidError{Field: m.event, Rule: "responds to the directive of one customer: it must be sent with SendTo"}
	}
	reading, cancel := share(ctx, 0)
	grants, err := customerGrants(reading, s.Tokens, accountID)
	cancel()
	if err != nil {
		return err
	}
	if len(grants) == 0 {
		return ErrNoGrant
	}
	results := make([]Result, len(grants))
	if len(grants) == 1 {
		results[0] = Result{grants[0].Key, s.deliver(ctx, grants[0], m, 0)}
		return sendError(results)
	}
	regions := make(map[alexaevents.Region][]int) // indices of grants
	for i, grant := range grants {
		regions[grant.Region] = append(regions[grant.Region], i)
	}
	var group sync.WaitGroup
	for _, indices := range regions {
		queue := make(chan int, len(indices)) // indices of indices
		for j := range indices {
			queue <- j
		}
		close(queue)
		for range min(parallel, len(indices)) {
			group.Go(func() {
				for j := range queue {
					i, rounds := indices[j], (len(indices)-1-j)/parallel
					results[i] = Result{grants[i].Key, s.deliver(ctx, grants[i], m, rounds)}
				}
			})
		}
	}
	group.Wait()
	return sendError(results)
}

// errShare says that a grant has used up its share of the caller's time.
var errShare = fmt.Errorf("%w: no response in time, while other grants of the account wait", ErrUnavailable)

// share returns the context of one delivery. It ends before the deadline of ctx,
// so that the caller has time to respond, and leaves as much time to each round
// of deliveries after it.
func share(ctx context.Context, rounds int) (context.Context, context.CancelFunc) {
	deadline, ok := resend.Deadline(ctx)
	switch {
	case !ok:
		return ctx, func() {}
	case rounds == 0:
		return context.WithDeadline(ctx, deadline)
	}
	return context.WithTimeoutCause(ctx, time.Until(deadline)/time.Duration(1+rounds), errShare)
}

// SendTo delivers an event to one grant, as Send does to each: the response to a
// directive to the one that [Granter.Key] names. It returns nil if Alexa
// accepted it. The error is [ErrNoGrant] if there is no such grant, an [*Error]
// or another of this package's errors, or an error of the context or the store.
//
// The response to a directive is sent even if the grant is one to skip: whoever
// gives a directive has enabled the skill.
func (s *Sender) SendTo(ctx context.Context, key lwa.Key, event Event) error {
	m, err := s.prepare(event)
	if err != nil {
		return err
	}
	reading, cancel := share(ctx, 0)
	grant, err := s.Tokens.Store.Grant(reading, key)
	cancel()
	if err != nil {
		return err
	}
	return s.deliver(ctx, grant, m, 0)
}

func (s *Sender) prepare(event Event) (*message, error) {
	if err := usable(s.Tokens); err != nil {
		return nil, err
	}
	m, err := messageOf(event)
	if err != nil {
		return nil, err
	}
	return m, m.sendable()
}

// deliver sends the message to one grant, before so many rounds of others, and
// tells what came of it.
func (s *Sender) deliver(ctx context.Context, grant lwa.Grant, m *message, rounds int) error {
	start := time.Now()
	d := delivery{sender: s, grant: grant, message: m}
	claimed := false // the right to note something about the grant
	var err error
	switch {
	case hasEnded(ctx, s.Tokens, grant):
		err = ErrRelink
	case !grant.DisabledAt.IsZero() && !m.correlated:
		if claimed = s.claimProbe(ctx, grant); !claimed {
			err = fmt.Errorf("%w since %s", ErrSkillDisabled, grant.DisabledAt.Format(time.DateOnly))
		}
	}
	skipped := err != nil
	if !skipped {
		ctx, cancel := share(ctx, rounds)
		err = d.run(ctx)
		cancel()
	}
	if s.Observe != nil {
		s.Observe(ctx, Observation{m.event, grant.Region, d.attempts, time.Since(start), err})
	}
	switch {
	case skipped: // which is not news
	case err != nil:
		s.warn(ctx, "event not accepted", &d, slog.Any("error", err))
	case d.status != http.StatusAccepted: // Amazon's only status of success; is this Amazon?
		s.warn(ctx, "event accepted with another status than 202", &d, slog.Int("http.status", d.status))
	}
	s.note(ctx, &d, err, claimed)
	return err
}

func (s *Sender) warn(ctx context.Context, what string, d *delivery, why slog.Attr) {
	if s.Logger == nil {
		return
	}
	s.Logger.LogAttrs(ctx, slog.LevelWarn, what, slog.String("alexa.event.type", d.message.event),
		slog.String("alexa.region", string(d.grant.Region)), slog.Int("alexa.attempts", d.attempts), why)
	s.Logger.LogAttrs(ctx, slog.LevelDebug, "whose event that was",
		slog.String("alexa.account.id", d.grant.AccountID), slog.String("alexa.link.id", d.grant.LinkID))
}

func (s *Sender) now() time.Time {
	if s.Tokens.Now == nil {
		return time.Now()
	}
	return s.Tokens.Now()
}
