package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
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

	misuse redact.Throttle
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

// Link maps an Alexa user to an account by hand, for skills without account
// linking, whose customers name their account in another way. The account holds
// from the enablement on, or from where the open record starts if the enablement
// is not known. If the open record is another account's, it ends now and the next
// one keeps its EnabledAt.
//
// Call Link as often as the account is named. A repeated call changes nothing,
// unless a late SkillEnabled event has moved the enablement back: then the account
// holds from there. The error is [ErrNoRecord] if no record of the user is open;
// [Recorder.Seen] opens one with the user's next request. It is [ErrInvalidFact]
// without skill, user or account. Errors of Store are returned as they are.
func (r *Recorder) Link(ctx context.Context, skillID, amazonUserID, accountID string) error {
	fact := Fact{SkillID: skillID, AmazonUserID: amazonUserID, Kind: Linked, AccountID: accountID}
	outcome, err := Misconfigured, errNoStore
	if r.Store != nil {
		outcome, err = r.link(ctx, fact)
	}
	r.report(ctx, &skillevents.Envelope{SkillID: skillID}, fact, outcome, err)
	return err
}

// link adds facts until none is needed: one for the account and one for the
// enablement, and more if the user is linked to another account at the same time.
func (r *Recorder) link(ctx context.Context, fact Fact) (Outcome, error) {
	fact.At = time.Now()
	fact, err := fact.Clean()
	if err == nil && fact.AccountID == "" {
		err = fmt.Errorf("%w: AccountID is empty", ErrInvalidFact)
	}
	if err != nil {
		return Refused, err
	}
	now, outcome := fact.At, Ignored
	for range 8 {
		var records []Record
		for record, err := range r.Store.UserRecords(ctx, fact.SkillID, fact.AmazonUserID) {
			if err != nil {
				return StoreFailed, err
			}
			records = append(records, record)
		}
		at, err := linkTime(records, fact.AccountID, now)
		if err != nil {
			return Refused, err
		}
		if at.IsZero() {
			return outcome, nil
		}
		fact.At = at
		if err := r.Store.AddFact(ctx, fact); err != nil {
			return StoreFailed, err
		}
		outcome = Recorded
	}
	return StoreFailed, errors.New("identity: the user is being linked to another account at the same time")
}

// linkTime returns the time of the Linked fact that takes the account to the open
// record or moves its start to the enablement, and zero if none is needed.
// Records are those of one user.
func linkTime(records []Record, accountID string, now time.Time) (time.Time, error) {
	i := slices.IndexFunc(records, Record.Open)
	if i < 0 {
		return time.Time{}, ErrNoRecord
	}
	open := records[i]
	relinked := slices.ContainsFunc(records, func(r Record) bool { return r.EndDatetime.Equal(open.StartDatetime) })
	switch {
	case open.AccountID == accountID:
		if !relinked && open.EnabledAt.Before(open.StartDatetime) {
			return open.EnabledAt, nil // zero if it is not known
		}
		return time.Time{}, nil
	case open.AccountID == "" && !relinked:
		return open.StartDatetime, nil
	case now.After(open.StartDatetime):
		return now, nil
	}
	return open.StartDatetime.Add(time.Millisecond), nil // this clock is behind Amazon's
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
