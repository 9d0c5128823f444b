package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/lwa"
)

// parallel is the maximum number of concurrent deliveries per account and region.
const parallel = 16

// Sender sends events to the event gateway of each customer's region. One Sender
// serves all accounts. It is safe for concurrent use; its fields must not change
// once it is in use.
//
// An event that is retried may arrive after a newer one. Amazon does not document
// whether Alexa then keeps the sample with the later TimeOfSample, so Alexa may show
// the older state until the next report. A program that keeps an event for later
// sends the current state instead.
type Sender struct {
	// Tokens has the grants that a [Granter] stored, and gets their access tokens.
	// Required.
	Tokens *lwa.Source

	// HTTPClient makes the requests. They follow no redirect and take at most 10
	// seconds each, even if its settings allow more. If it has a Transport, set
	// MaxIdleConnsPerHost: Go's default of two idle connections per host makes new
	// connections for most concurrent requests over HTTP/1.1. Nil uses a client
	// without a proxy that keeps 512 connections per host and detects dead HTTP/2
	// connections within 6 seconds.
	HTTPClient *http.Client

	// RetryMomentary also retries an event without a state, such as
	// [DoorbellPress], if Alexa may have received it: the bell may ring twice.
	// False retries such an event only if Alexa did not receive or did not accept
	// it.
	RetryMomentary bool

	// Logger receives one record at Warn for each grant for which Alexa did not
	// accept an event, and the account and link IDs at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called at the end of sending to each grant, for metrics. Nil
	// disables it.
	Observe func(context.Context, Observation)

	notes notes
}

// Observation describes the end of sending one event to one grant. It contains no
// personal data.
type Observation struct {
	Event    string             // type of the event, such as "ChangeReport"
	Region   alexaevents.Region // region of the grant
	Attempts int                // requests to the gateway; zero without an access token or for a skipped grant
	Duration time.Duration      // time from the start to the end, with all attempts and pauses
	Err      error              // nil if Alexa accepted the event
}

// Send sends an event to every customer who linked the account: to each grant that
// has not ended, in its region, with its own message ID. It returns nil if Alexa
// accepted the event for at least one grant, and for each that has not ended. The
// error is [ErrNoGrant] if the account has no grant, a [*SendError] if Alexa did not
// accept the event, and otherwise an [*InvalidError], [ErrMisconfigured] or an error
// of the store. [ErrEnded] begins the list of errors to decide by.
//
// A response to a directive concerns one customer: see [Sender.SendTo].
//
// If Amazon throttles or gives no usable response, Send retries up to three times,
// at least a second apart, within the deadline of ctx. It returns 100 milliseconds
// before that deadline. No grant waits for another, unless the account has more than
// 16 in one region: these share the time of ctx.
//
// If the customer of a grant with accepted events disabled the skill, the grant is
// skipped with [ErrSkillDisabled], except for one event a day. A new AcceptGrant
// directive or an accepted event ends that. After it returned, Send stores when
// Alexa last accepted an event of a grant or found the skill disabled; see
// [Sender.Flush].
func (s *Sender) Send(ctx context.Context, accountID string, event Event) error {
	m, err := s.prepare(event)
	if err != nil {
		return err
	}
	if m.correlated {
		return &InvalidError{Field: m.event, Rule: "responds to the directive of one customer: send it with SendTo"}
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
		results[0] = Result{grants[0].Key, s.deliver(ctx, delivery{sender: s, grant: grants[0], message: m}, 0)}
		return sendError(results)
	}
	regions := make(map[alexaevents.Region][]int) // indexes of grants
	for i, grant := range grants {
		regions[grant.Region] = append(regions[grant.Region], i)
	}
	var group sync.WaitGroup
	for _, indexes := range regions {
		queue := make(chan int, len(indexes)) // indexes of indexes
		for j := range indexes {
			queue <- j
		}
		close(queue)
		for range min(parallel, len(indexes)) {
			group.Go(func() {
				for j := range queue {
					i, rounds := indexes[j], (len(indexes)-1-j)/parallel
					results[i] = Result{grants[i].Key, s.deliver(ctx, delivery{sender: s, grant: grants[i], message: m}, rounds)}
				}
			})
		}
	}
	group.Wait()
	return sendError(results)
}

// errShare says that a grant has used its share of the caller's time.
var errShare = fmt.Errorf("%w: no response in time, while other grants of the account wait", ErrUnavailable)

// share returns the context of one delivery. It ends before the deadline of ctx, so
// that the caller has time to respond, and leaves as much time for each of the
// rounds of deliveries after it.
func share(ctx context.Context, rounds int) (context.Context, context.CancelFunc) {
	deadline, ok := rest.Deadline(ctx)
	switch {
	case !ok:
		return ctx, func() {}
	case rounds == 0:
		return context.WithDeadline(ctx, deadline)
	}
	return context.WithTimeoutCause(ctx, time.Until(deadline)/time.Duration(1+rounds), errShare)
}

// SendTo sends an event to one grant, as Send does to each. [Granter.Key] returns the
// key for the response to a directive. SendTo returns nil if Alexa accepted the
// event. The error is [ErrNoGrant] without such a grant, an [*Error] or another
// error of this package, or an error of the context or the store.
//
// The response to a directive is sent even if the customer of the grant disabled the
// skill: a customer who gives a directive has enabled it.
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
	return s.deliver(ctx, delivery{sender: s, grant: grant, message: m}, 0)
}

func (s *Sender) prepare(event Event) (*message, error) {
	if err := checkTokens(s.Tokens); err != nil {
		return nil, err
	}
	m, err := messageOf(event)
	if err != nil {
		return nil, err
	}
	return m, m.sendable()
}

// deliver makes the delivery and reports the outcome. The given number of rounds of
// other grants wait for it.
func (s *Sender) deliver(ctx context.Context, d delivery, rounds int) error {
	start, grant, m := time.Now(), d.grant, d.message
	claimed := false // this delivery may write a note about the grant
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
	case skipped: // known and logged before
	case err != nil:
		s.warn(ctx, "event not accepted", &d, slog.Any("error", err))
	case d.status != http.StatusAccepted: // the only success that Amazon documents
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
	s.Logger.LogAttrs(ctx, slog.LevelDebug, "the grant of the event",
		slog.String("alexa.account.id", d.grant.AccountID), slog.String("alexa.link.id", d.grant.LinkID))
}

func (s *Sender) now() time.Time {
	if s.Tokens.Now == nil {
		return time.Now()
	}
	return s.Tokens.Now()
}
