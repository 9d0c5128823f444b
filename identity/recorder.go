package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/alexaevents/alexaevents/skillevents"
)

// Recorder stores what events say about users. [Recorder.Record] is the
// function that the handlers of package skillevents call. A Recorder may be
// used by several goroutines at once if its Store and functions may.
type Recorder struct {
	// Store is where the facts go. It is required.
	Store Store

	// Account returns the account that an access token of the skill's own
	// authorization server belongs to, as [JWT.Account] does. ErrNoAccount is
	// the last word on a token; any other error, and a nil error with an account
	// that is empty or that no [Fact] may have, makes Alexa deliver the event
	// again. Nil is for skills without account linking.
	Account func(ctx context.Context, accessToken string) (accountID string, err error)

	// Logger is told of every event: at Debug, with the IDs of user and account,
	// if all is well, else at Warn without them. Nil discards.
	Logger *slog.Logger

	// Observe is called once for each event, for metrics. Nil calls nobody.
	Observe func(ctx context.Context, observation Observation)
}

// Record stores the fact that a SkillEnabled, SkillAccountLinked or
// SkillDisabled event tells; other events tell none. It returns nil once the
// event may be acknowledged: the fact is stored, or there is none.
//
// An event without user ID cannot become a fact and is acknowledged. A link
// without token, or with one that [ErrNoAccount] is the answer to, is stored
// without account and acknowledged. If Account fails in another way, the link is
// stored without account and the error returned, so that the redelivered event
// puts the account in its place. An event without skill or time is refused with
// [ErrInvalidFact].
//
// Errors of Store are returned as they are, those of Account with the token
// struck from their text.
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
		return fmt.Errorf("%w: no event", ErrInvalidFact)
	}
	if r.Store == nil {
		return errors.New("identity: Recorder without Store")
	}
	fact, outcome, err := handle(ctx, event)
	r.report(ctx, event.Common(), fact, outcome, err)
	if outcome == NoAccount { // the error is the last word on the token, and only told
		return nil
	}
	return err
}

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
