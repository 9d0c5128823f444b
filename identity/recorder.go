package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/skillevents"
)

// Recorder stores what events say about users. [Recorder.Record] is the Receive
// function of the handlers of package skillevents. A Recorder is safe for concurrent
// use if its Store and functions are.
type Recorder struct {
	// Store stores the facts. Required: with nil every event fails with
	// [ErrMisconfigured].
	Store Store

	// Account returns the account that an access token of the skill's own
	// authorization server belongs to, as [JWT.Account] does. ErrNoAccount is
	// final: the event is acknowledged. After any other error Alexa redelivers the
	// event, and also after a panic, and after a nil error with an empty account or
	// one that a [Fact] cannot contain.
	//
	// It has 5 seconds, or two thirds of the context's remaining time if that is
	// less, since Alexa waits 8 seconds for a response. Then its context ends and
	// its result is discarded.
	//
	// Nil is for skills without account linking: a SkillAccountLinked event fails
	// with [ErrMisconfigured].
	Account func(ctx context.Context, accessToken string) (accountID string, err error)

	// Logger receives one record for each event: at Debug, with the IDs of user and
	// account, if the event is recorded or ignored, and otherwise at Warn, without
	// them. [ErrMisconfigured] is logged at Error, at most once a minute, and otherwise
	// at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called once for each event, for metrics. Nil disables it.
	Observe func(ctx context.Context, observation Observation)

	misuse redact.Throttle
}

// Record stores the fact of a SkillEnabled, SkillAccountLinked or SkillDisabled
// event, and ignores other events. It returns nil if the event may be acknowledged:
// the fact is stored, or the event has none.
//
// An event without user ID has no fact and is acknowledged. A SkillAccountLinked
// event without access token, or with one for which Account returns [ErrNoAccount],
// is stored without account and acknowledged. If Account is nil, fails in another
// way or takes too long, the fact is stored without account and the error returned;
// the fact of the redelivered event, with the account, then takes its place. That
// write has 3 seconds, even if ctx has ended. For an event without skill or time the
// error is [ErrInvalidFact].
//
// Errors of Store are returned unchanged, those of Account without the token.
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
// linking, in case the SkillEnabled event was lost. It stores a fact for a
// LaunchRequest or IntentRequest if no record of the user covers the time of the
// request, and ignores all else. Its errors are those of [Recorder.Record].
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

// Link links an Alexa user to an account. It is for skills without account linking,
// whose customers name their account in another way. The link starts when the skill
// was enabled or, if that is not known, when the open record starts. If the open
// record has another account, it ends now, and the next one keeps its EnabledAt.
//
// Call Link each time the customer names the account. A repeated call changes
// nothing, unless a late SkillEnabled event has an earlier time: then the link starts
// there. The error is [ErrNoRecord] if no record of the user is open; [Recorder.Seen]
// opens one with the user's next request. It is [ErrInvalidFact] without skill, user
// or account. Errors of Store are returned unchanged.
func (r *Recorder) Link(ctx context.Context, skillID, amazonUserID, accountID string) error {
	fact := Fact{SkillID: skillID, AmazonUserID: amazonUserID, Kind: Linked, AccountID: accountID}
	outcome, err := Misconfigured, errNoStore
	if r.Store != nil {
		outcome, err = r.link(ctx, fact)
	}
	r.report(ctx, &skillevents.Envelope{SkillID: skillID}, fact, outcome, err)
	return err
}

// link adds facts until none is missing: one for the account, one for the time of
// the enablement, and more if another call links the user to another account.
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
	return StoreFailed, errors.New("identity: concurrent calls link the user to different accounts")
}

// linkTime returns the time of the Linked fact that gives the open record its
// account, or its start if the skill was enabled before, and zero if no fact is
// missing. The records are those of one user.
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
			return open.EnabledAt, nil // zero if not known
		}
		return time.Time{}, nil
	case open.AccountID == "" && !relinked:
		return open.StartDatetime, nil
	case now.After(open.StartDatetime):
		return now, nil
	}
	return open.StartDatetime.Add(time.Millisecond), nil // this clock is behind Amazon's
}

// handle calls record or seen, reports the outcome, and returns the error unless the
// event is to be acknowledged.
func (r *Recorder) handle(ctx context.Context, event skillevents.Event, handle func(context.Context, skillevents.Event) (Fact, Outcome, error)) error {
	if event == nil {
		err := fmt.Errorf("%w: nil event", ErrInvalidFact)
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

var errNoStore = fmt.Errorf("%w: Recorder.Store is nil, so nothing is stored", ErrMisconfigured)

// newFact returns the clean fact of an event. The outcome is Recorded, NoUser or
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

// Alexa waits 8 seconds for a response.
const (
	accountTime = 5 * time.Second // for Account
	storeTime   = 3 * time.Second // for the write after Account failed
)

// account resolves the access token of a SkillAccountLinked event. The outcome is
// Recorded, NoToken, NoAccount, AccountFailed or Misconfigured.
func (r *Recorder) account(ctx context.Context, token string) (accountID string, outcome Outcome, err error) {
	switch {
	case token == "":
		return "", NoToken, nil
	case r.Account == nil:
		return "", Misconfigured, fmt.Errorf("%w: Recorder.Account is nil, but an account was linked", ErrMisconfigured)
	}
	accountID, err = r.callAccount(ctx, token)
	switch {
	case err == nil && accountID == "":
		err = errors.New("returned an empty account and a nil error")
	case err == nil && !redact.Storable(accountID):
		err = errors.New("returned an account that has a NUL or is not UTF-8")
	}
	switch {
	case err == nil:
		return accountID, Recorded, nil
	case errors.Is(err, ErrNoAccount):
		return "", NoAccount, newAccountError(err, token)
	case errors.Is(err, ErrMisconfigured):
		return "", Misconfigured, newAccountError(err, token)
	}
	return "", AccountFailed, newAccountError(err, token)
}

// callAccount calls Account with a time limit that fits Alexa's own. It leaves a
// third of the context's remaining time, such as that of an AWS Lambda function,
// for the write that follows. A Keyfunc takes no context, so Account runs in a
// goroutine of its own, which ends when Account returns.
func (r *Recorder) callAccount(ctx context.Context, token string) (accountID string, err error) {
	limit := accountTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)*2/3)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no result after %v: %w", limit, context.DeadlineExceeded))
	defer cancel()
	type result struct {
		accountID string
		err       error
	}
	results := make(chan result, 1)
	go func() {
		got := result{err: errors.New("called runtime.Goexit")}
		defer func() {
			if cause := recover(); cause != nil {
				got = result{err: fmt.Errorf("panic: %v", cause)}
				if r.Logger != nil {
					r.Logger.LogAttrs(ctx, slog.LevelError, "identity: Recorder.Account panicked", slog.String("stack", string(debug.Stack())))
				}
			}
			results <- got
		}()
		got.accountID, got.err = r.Account(ctx, token)
	}()
	select {
	case got := <-results:
		return got.accountID, got.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
