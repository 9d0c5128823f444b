package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// parallel is how many grants of one account an event is sent to at a time.
const parallel = 4

// Sender sends events to the event gateway of each customer's region. One serves
// all accounts; it is safe for concurrent use. Its fields must not change once
// it is in use.
type Sender struct {
	// Tokens keeps the grants, those that a [Granter] stored, and gets their
	// access tokens; required.
	Tokens *lwa.Source

	// HTTPClient makes the requests. They follow no redirect and take no longer
	// than 10 seconds each, whatever its settings. Nil is a client that uses no
	// proxy.
	HTTPClient *http.Client

	// ResendMomentary also resends events that tell of a moment, such as
	// [DoorbellPress], where it is not known whether Alexa got them: the bell
	// may ring twice. False sends such an event once.
	ResendMomentary bool

	// Logger hears of each grant that an event did not reach: at Warn, and at
	// Debug with the IDs of account and link. Nil discards.
	Logger *slog.Logger

	// Observe is called after each event was sent to one grant, for metrics. Nil
	// is no call.
	Observe func(context.Context, Observation)
}

// Observation tells how sending one event to one grant ended.
type Observation struct {
	Event    string             // its type, such as "ChangeReport"
	Region   alexaevents.Region // of the customer
	Attempts int                // requests to the gateway; zero if there was no access token
	Duration time.Duration      // of all attempts and the pauses between them
	Err      error              // nil if Alexa accepted the event
}

// Send delivers an event to every customer who linked the account: to each
// grant that has not ended, in its region, with a message ID of its own. It
// returns nil if the event was accepted wherever the grant has not ended, and at
// least once; [ErrNoGrant] if the account has no grant; a [*SendError] if Alexa
// did not accept it; and else an [*InvalidError], [ErrMisconfigured] or an error
// of the store.
//
// An event that answers a directive concerns one customer: see
// [Sender.SendTo].
//
// Where Amazon throttles or gives no answer of use, there are up to three more
// attempts, a second or more apart, if ctx has the time for them.
func (s *Sender) Send(ctx context.Context, accountID string, event Event) error {
	m, err := s.prepare(event)
	if err != nil {
		return err
	}
	if m.correlated {
		return &InvalidError{Field: m.event, Rule: "answers the directive of one customer: it must be sent with SendTo"}
	}
	grants, err := customerGrants(ctx, s.Tokens, accountID)
	if err != nil {
		return err
	}
	if len(grants) == 0 {
		return ErrNoGrant
	}
	results := make([]Result, len(grants))
	deliver := func(i int) {
		results[i] = Result{grants[i].Key, s.deliver(ctx, grants[i], m)}
	}
	if len(grants) == 1 {
		deliver(0)
		return sendError(results)
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range grants {
		group.Go(func() error {
			deliver(i)
			return nil
		})
	}
	_ = group.Wait()
	return sendError(results)
}

// SendTo delivers an event to one grant, as Send does to each: the answer to a
// directive to the one that [Granter.Key] names. It returns nil if Alexa
// accepted it, [ErrNoGrant] if there is no such grant, an [*Error] or another of
// this package's errors, or an error of the store.
func (s *Sender) SendTo(ctx context.Context, key lwa.Key, event Event) error {
	m, err := s.prepare(event)
	if err != nil {
		return err
	}
	grant, err := s.Tokens.Store.Grant(ctx, key)
	if err != nil {
		return err
	}
	return s.deliver(ctx, grant, m)
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

// deliver sends the message to one grant and tells what came of it.
func (s *Sender) deliver(ctx context.Context, grant lwa.Grant, m *message) error {
	if !grant.Live() {
		return ErrRelink // as was said when it ended
	}
	start := time.Now()
	d := delivery{sender: s, grant: grant, message: m}
	err := d.run(ctx)
	if s.Observe != nil {
		s.Observe(ctx, Observation{m.event, grant.Region, d.attempts, time.Since(start), err})
	}
	switch {
	case err != nil:
		s.warn(ctx, "event not accepted", &d, slog.Any("error", err))
	case d.status != http.StatusAccepted: // Amazon's only status of success; is this Amazon?
		s.warn(ctx, "event accepted with another status than 202", &d, slog.Int("http.status", d.status))
	default:
		s.confirm(ctx, grant)
	}
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

// confirmEvery keeps a busy grant from being written at each event.
const confirmEvery = time.Hour

// confirm notes that the gateway accepted an event of the grant, which proves
// its region. Nothing is lost if that fails: the next event does it.
func (s *Sender) confirm(ctx context.Context, grant lwa.Grant) {
	now := time.Now()
	if s.Tokens.Now != nil {
		now = s.Tokens.Now()
	}
	if now.Sub(grant.ConfirmedAt) < confirmEvery {
		return
	}
	codeHash := grant.CodeHash
	_ = s.Tokens.Store.UpdateGrant(ctx, grant.Key, func(g *lwa.Grant) error {
		if g.CodeHash == codeHash { // else the customer gave another meanwhile, maybe in another region
			g.ConfirmedAt = now
		}
		return nil
	})
}
