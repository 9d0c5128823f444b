package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/alexaevents/alexaevents/internal/throttle"
	"github.com/alexaevents/alexaevents/skillevents"
)

// Recorder stores what events say about users. [Recorder.Record] is the
// function that the handlers of package skillevents call. A Recorder may be
// used by several goroutines at once if its Store and functions may.
type Recorder struct {
	// Store stores the facts. Required: nil fails for every event, with
	// [ErrMisconfigured].
	Store Store

	// Account returns the account that an access token of the skill's own
	// authorization server belongs to, as [JWT.Account] does. ErrNoAccount is
	// final for a token: the event is acknowledged. After any other error, a
	// panic, and a nil error with an account that is empty or that no [Fact] may
	// have, Alexa redelivers the event.
	//
	// It has 5 seconds, or two thirds of the time that the context has left if
	// that is less, since Alexa waits 8 seconds for a response. Then its context
	// ends and its result is no longer awaited.
	//
	// Nil is for skills without account linking: a SkillAccountLinked event fails
	// then, with [ErrMisconfigured].
	Account func(ctx context.Context, accessToken string) (accountID string, err error)

	// Logger receives one record for each event: at Debug with the IDs of user
	// and account if it is recorded or ignored, else at Warn without them.
	// Misconfigured is logged at Error, at most once a minute, and otherwise at
	// Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called once for each event, for metrics. Nil disables it.
	Observe func(ctx context.Context, observation Observation)

	misuse throttle.Throttle
}

// Record stores the fact that a SkillEnabled, SkillAccountLinked or
// SkillDisabled event tells; other events tell none. It returns nil once the
// event may be acknowledged: the fact is stored, or there is none.
//
// An event without user ID cannot become a fact and is acknowledged. A link
// without token, or with one for which Account returns [ErrNoAccount], is stored
// without account and acknowledged. If Account is nil, fails in another way or
// takes too long, the link is stored without account and the error returned, so
// that the redelivered event replaces it by one with the account; that write has
// 3 seconds, even if ctx has ended. An event without skill or time is refused
// with [ErrInvalidFact].
//
// Errors of Store are returned as they are, those of Account with the token
// removed from their text.
func (r *Recorder) Record(ctx context.Context, event skillevents.Event) error {
	return r.handle(ctx, event, r.record)
}

func (r *Recorder) record(ctx context.Context, event skillevents.Event) (Fact, Outcome, error) {
	var kind Kind
	var token string
	switch e := event.(type) {
	case *skillevents.SkillEnabled:
		kind = Enabled
	case *skillevents.SkillAccountLinked:
		kind, token = Linked, string(cmp.Or(e.AccessToken, e.Common().AccessToken))
	case *skillevents.SkillDisabled:
		kind = Disabled
	default:
		return Fact{}, Ignored, nil
	}
	fact, outcome, err := newFact(event, kind)
	if outcome != Recorded {
		return fact, outcome, err
	}
	if kind == Linked {
		fact.AccountID, outcome, err = r.account(ctx, token)
		if outcome == AccountFailed || outcome == Misconfigured || ctx.Err() != nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), storeTime)
			defer cancel()
		}
	}
	if storeErr := r.Store.AddFact(ctx, fact); storeErr != nil {
		return fact, StoreFailed, errors.Join(err, storeErr)
	}
	return fact, outcome, err
}

// Seen stores that a user spoke to the skill. It is for skills without account
// linking, which learn of a user from a request if the SkillEnabled event was
// lost. It takes the requests LaunchRequest and IntentRequest, and stores a fact
// only if no record of the user covers the time of the request; everything else
// is ignored. Its errors are those of [Recorder.Record].
func (r *Recorder) Seen(ctx context.Context, event skillevents.Event) error {
	return r.handle(ctx, event, r.seen)
}

func (r *Recorder) seen(ctx context.Context, event skillevents.Event) (Fact, Outcome, error) {
	switch event.Common().Type {
	case "LaunchRequest", "IntentRequest":
	default:
		return Fact{}, Ignored, nil
	}
	fact, outcome, err := newFact(event, Seen)
	if outcome != Recorded {
		return fact, outcome, err
	}
	_, err = Account(ctx, r.Store, fact.SkillID, fact.AmazonUserID, fact.At)
	if err == nil {
		return fact, Ignored, nil
	}
	if errors.Is(err, ErrNoRecord) {
		err = r.Store.AddFact(ctx, fact)
	}
	if err != nil {
		return fact, StoreFailed, err
	}
	return fact, Recorded, nil
}

// handle calls one of record and seen, reports what came of it, and returns the
// error unless the event is to be acknowledged.
func (r *Recorder) handle(ctx context.Context, event skillevents.Event, handle func(context.Context, skillevents.Event) (Fact, Outcome, error)) error {
	if event == nil {
		err := fmt.Errorf("%w: no event", ErrInvalidFact)
		r.report(ctx, new(skillevents.Envelope), Fact{}, Refused, err)
		return err
	}
	if r.Store == nil {
		r.report(ctx, event.Common(), Fact{}, Misconfigured, errNoStore)
		return errNoStore
	}
	fact, outcome, err := handle(ctx, event)
	r.report(ctx, event.Common(), fact, outcome, err)
	if outcome == NoAccount { // final, so the error is only reported
		return nil
	}
	return err
}

var errNoStore = fmt.Errorf("%w: Recorder without Store: set it, since nothing is stored", ErrMisconfigured)

// newFact makes the clean fact of an event; the outcome is Recorded, NoUser or
// Refused.
func newFact(event skillevents.Event, kind Kind) (Fact, Outcome, error) {
	envelope := event.Common()
	fact := Fact{SkillID: envelope.SkillID, AmazonUserID: envelope.UserID, At: envelope.Time(), Kind: kind}
	if fact.AmazonUserID == "" {
		return fact, NoUser, nil
	}
	clean, err := fact.Clean()
	if err != nil {
		return fact, Refused, err
	}
	return clean, Recorded, nil
}
