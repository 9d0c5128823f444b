package identity_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/skillevents"
)

const accessToken = "Atza|a+token/of=the%skill"

// parsed makes an event from the inside of its request and of its user.
func parsed(t require.TestingT, request, user string) skillevents.Event {
	event, err := skillevents.Parse([]byte(fmt.Sprintf(
		`{"version":"1.0","context":{"System":{"application":{"applicationId":%q},"user":{%s}}},"request":{"requestId":"r-1",%s}}`,
		skillID, user, request)))
	require.NoError(t, err)
	return event
}

const (
	someUser    = `"userId":"` + userID + `"`
	atSecond1   = `"timestamp":"2026-03-01T00:00:09Z","eventCreationTime":"2026-03-01T00:00:01Z"`
	skillEnable = `"type":"AlexaSkillEvent.SkillEnabled",` + atSecond1
	skillLink   = `"type":"AlexaSkillEvent.SkillAccountLinked",` + atSecond1
	linkToken   = `,"body":{"accessToken":"` + accessToken + `"}`
)

// factStore keeps the facts that it gets, and fails with err unless that is nil.
type factStore struct {
	*identity.MemoryStore
	facts []identity.Fact
	err   error
}

func (s *factStore) AddFact(ctx context.Context, fact identity.Fact) error {
	if s.err != nil {
		return s.err
	}
	s.facts = append(s.facts, fact)
	return s.MemoryStore.AddFact(ctx, fact)
}

var errAccounts = errors.New("the account database is down")

func TestRecorderRecord(t *testing.T) {
	returns := func(account string, err error) func(context.Context, string) (string, error) {
		return func(_ context.Context, token string) (string, error) {
			if token != accessToken {
				return "", fmt.Errorf("unexpected token %q", token)
			}
			return account, err
		}
	}
	never := func(context.Context, string) (string, error) { panic("the token must not be resolved") }
	tests := []struct {
		name        string
		event       skillevents.Event
		account     func(context.Context, string) (string, error)
		store       error // what AddFact gives
		want        []identity.Fact
		outcome     identity.Outcome
		kind        identity.Kind
		observedErr error // error that Observe gets
		err         error // what Record returns
	}{
		{
			name:    "enabled",
			event:   parsed(t, skillEnable, someUser),
			account: never,
			want:    []identity.Fact{enabled(1)}, outcome: identity.Recorded, kind: identity.Enabled,
		},
		{
			name:    "disabled",
			event:   parsed(t, `"type":"AlexaSkillEvent.SkillDisabled",`+atSecond1+`,"body":{"userInformationPersistenceStatus":"NOT_PERSISTED"}`, someUser),
			account: never,
			want:    []identity.Fact{disabled(1)}, outcome: identity.Recorded, kind: identity.Disabled,
		},
		{
			name:    "linked",
			event:   parsed(t, skillLink+linkToken, someUser+`,"accessToken":"another"`),
			account: returns("a", nil),
			want:    []identity.Fact{linked(1, "a")}, outcome: identity.Recorded, kind: identity.Linked,
		},
		{
			name:    "linked, the token in the context alone",
			event:   parsed(t, skillLink, someUser+`,"accessToken":"`+accessToken+`"`),
			account: returns("a", nil),
			want:    []identity.Fact{linked(1, "a")}, outcome: identity.Recorded, kind: identity.Linked,
		},
		{
			name: "linked, an event that Parse did not make",
			event: &skillevents.SkillAccountLinked{Envelope: skillevents.Envelope{
				SkillID: skillID, UserID: userID, Timestamp: at(1), AccessToken: accessToken,
			}},
			account: returns("a", nil),
			want:    []identity.Fact{linked(1, "a")}, outcome: identity.Recorded, kind: identity.Linked,
		},
		{
			name:    "linked without token",
			event:   parsed(t, skillLink, someUser),
			account: never,
			want:    []identity.Fact{linked(1, "")}, outcome: identity.NoToken, kind: identity.Linked,
		},
		{
			name:  "linked, without Account",
			event: parsed(t, skillLink+linkToken, someUser),
			want:  []identity.Fact{linked(1, "")}, outcome: identity.Misconfigured, kind: identity.Linked,
			observedErr: identity.ErrMisconfigured, err: identity.ErrMisconfigured,
		},
		{
			name:    "linked with a token that the settings do not fit",
			event:   parsed(t, skillLink+linkToken, someUser),
			account: returns("ignored", fmt.Errorf("%w: JWT.Audience", identity.ErrMisconfigured)),
			want:    []identity.Fact{linked(1, "")}, outcome: identity.Misconfigured, kind: identity.Linked,
			observedErr: identity.ErrMisconfigured, err: identity.ErrMisconfigured,
		},
		{
			name:    "linked to no account",
			event:   parsed(t, skillLink+linkToken, someUser),
			account: returns("ignored", fmt.Errorf("expired: %w", identity.ErrNoAccount)),
			want:    []identity.Fact{linked(1, "")}, outcome: identity.NoAccount, kind: identity.Linked,
			observedErr: identity.ErrNoAccount,
		},
		{
			name:    "linked while the accounts are down",
			event:   parsed(t, skillLink+linkToken, someUser),
			account: returns("ignored", errAccounts),
			want:    []identity.Fact{linked(1, "")}, outcome: identity.AccountFailed, kind: identity.Linked,
			observedErr: errAccounts, err: errAccounts,
		},
		{
			name:    "linked to nothing without an error",
			event:   parsed(t, skillLink+linkToken, someUser),
			account: returns("", nil),
			want:    []identity.Fact{linked(1, "")}, outcome: identity.AccountFailed, kind: identity.Linked,
			observedErr: cmpopts.AnyError, err: cmpopts.AnyError,
		},
		{
			name:    "linked to an account that cannot be kept",
			event:   parsed(t, skillLink+linkToken, someUser),
			account: returns("a\x00b", nil),
			want:    []identity.Fact{linked(1, "")}, outcome: identity.AccountFailed, kind: identity.Linked,
			observedErr: cmpopts.AnyError, err: cmpopts.AnyError,
		},
		{
			name:    "the store fails",
			event:   parsed(t, skillEnable, someUser),
			store:   errBroken,
			outcome: identity.StoreFailed, kind: identity.Enabled,
			observedErr: errBroken, err: errBroken,
		},
		{
			name:    "the store fails after the accounts did",
			event:   parsed(t, skillLink+linkToken, someUser),
			account: returns("", errAccounts),
			store:   errBroken,
			outcome: identity.StoreFailed, kind: identity.Linked,
			observedErr: errAccounts, err: errBroken,
		},
		{
			name:    "the store fails for a link to no account",
			event:   parsed(t, skillLink+linkToken, someUser),
			account: returns("", identity.ErrNoAccount),
			store:   errBroken,
			outcome: identity.StoreFailed, kind: identity.Linked,
			observedErr: errBroken, err: errBroken,
		},
		{
			name:    "disabled without user",
			event:   parsed(t, `"type":"AlexaSkillEvent.SkillDisabled",`+atSecond1, ``),
			outcome: identity.NoUser, kind: identity.Disabled,
		},
		{
			name:    "linked without user",
			event:   parsed(t, skillLink+linkToken, ``),
			account: never,
			outcome: identity.NoUser, kind: identity.Linked,
		},
		{
			name:    "linked without time",
			event:   parsed(t, `"type":"AlexaSkillEvent.SkillAccountLinked"`+linkToken, someUser),
			account: never,
			outcome: identity.Refused, kind: identity.Linked,
			observedErr: identity.ErrInvalidFact, err: identity.ErrInvalidFact,
		},
		{
			name:    "enabled without skill",
			event:   &skillevents.SkillEnabled{Envelope: skillevents.Envelope{UserID: userID, Timestamp: at(1)}},
			outcome: identity.Refused, kind: identity.Enabled,
			observedErr: identity.ErrInvalidFact, err: identity.ErrInvalidFact,
		},
		{
			name:    "the timestamp, where there is no creation time",
			event:   parsed(t, `"type":"AlexaSkillEvent.SkillEnabled","timestamp":"2026-03-01T00:00:01Z"`, someUser),
			want:    []identity.Fact{enabled(1)},
			outcome: identity.Recorded, kind: identity.Enabled,
		},
		{
			name:    "a permission",
			event:   parsed(t, `"type":"AlexaSkillEvent.SkillPermissionAccepted",`+atSecond1, someUser),
			account: never,
			outcome: identity.Ignored,
		},
		{
			name:    "a request",
			event:   parsed(t, `"type":"LaunchRequest",`+atSecond1, someUser),
			account: never,
			outcome: identity.Ignored,
		},
		{
			name:    "an unknown event",
			event:   parsed(t, `"type":"AlexaSkillEvent.SkillForgotten"`, ``),
			account: never,
			outcome: identity.Ignored,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := &factStore{MemoryStore: new(identity.MemoryStore), err: test.store}
			var observed []identity.Observation
			recorder := &identity.Recorder{
				Store:   store,
				Account: test.account,
				Observe: func(_ context.Context, o identity.Observation) { observed = append(observed, o) },
			}
			err := recorder.Record(t.Context(), test.event)
			require.Empty(t, cmp.Diff(test.err, err, cmpopts.EquateErrors()))
			require.Equal(t, test.want, store.facts)
			want := []identity.Observation{{
				EventType: test.event.Common().Type, SkillID: test.event.Common().SkillID,
				Kind: test.kind, Outcome: test.outcome, Err: test.observedErr,
			}}
			require.Empty(t, cmp.Diff(want, observed, cmpopts.EquateErrors()))

			silent := &identity.Recorder{Store: &factStore{MemoryStore: new(identity.MemoryStore), err: test.store}, Account: test.account}
			require.Empty(t, cmp.Diff(test.err, silent.Record(t.Context(), test.event), cmpopts.EquateErrors()), "without Logger and Observe")
		})
	}
}

// The events of one link and one disable, delivered in every order and twice,
// while the account database fails now and then, end in one table.
func TestRecorderConverges(t *testing.T) {
	events := []skillevents.Event{
		parsed(t, `"type":"AlexaSkillEvent.SkillEnabled","timestamp":"2026-03-01T00:00:01Z"`, someUser),
		parsed(t, `"type":"AlexaSkillEvent.SkillAccountLinked","timestamp":"2026-03-01T00:00:01Z"`+linkToken, someUser),
		parsed(t, `"type":"AlexaSkillEvent.SkillDisabled","timestamp":"2026-03-01T00:00:05Z"`, someUser),
	}
	want := []identity.Record{row{enabled(1), "a", 1, 5, 1}.record()}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			store := new(identity.MemoryStore)
			calls := 0
			recorder := &identity.Recorder{Store: store, Account: func(context.Context, string) (string, error) {
				if calls++; calls == 1 {
					return "", errAccounts
				}
				return "a", nil
			}}
			pending := slices.Concat(order, order) // each is delivered at least twice
			for len(pending) > 0 {
				next := pending[0]
				pending = pending[1:]
				if recorder.Record(t.Context(), events[next]) != nil {
					pending = append(pending, next) // Alexa delivers it again
				}
			}
			require.Equal(t, want, collect(t, store.UserRecords(t.Context(), skillID, userID)))
		})
	}
}

func TestRecorderSeen(t *testing.T) {
	launch := parsed(t, `"type":"LaunchRequest","timestamp":"2026-03-01T00:00:05Z","locale":"en-GB"`, someUser)
	tests := []struct {
		name    string
		facts   []identity.Fact
		event   skillevents.Event
		want    []identity.Fact
		outcome identity.Outcome
		err     error
	}{
		{"unknown user", nil, launch, []identity.Fact{seen(5)}, identity.Recorded, nil},
		{"unknown user, an intent", nil, parsed(t, `"type":"IntentRequest","timestamp":"2026-03-01T00:00:05Z"`, someUser), []identity.Fact{seen(5)}, identity.Recorded, nil},
		{"enabled before", []identity.Fact{enabled(1)}, launch, nil, identity.Ignored, nil},
		{"linked before", []identity.Fact{linked(1, "a")}, launch, nil, identity.Ignored, nil},
		{"disabled before", []identity.Fact{enabled(1), disabled(3)}, launch, []identity.Fact{seen(5)}, identity.Recorded, nil},
		{"disabled after", []identity.Fact{disabled(6)}, launch, nil, identity.Ignored, nil},
		{"enabled after", []identity.Fact{enabled(6)}, launch, []identity.Fact{seen(5)}, identity.Recorded, nil},
		{"seen before", []identity.Fact{seen(4)}, launch, nil, identity.Ignored, nil},
		{"the end of a session", nil, parsed(t, `"type":"SessionEndedRequest","timestamp":"2026-03-01T00:00:05Z"`, someUser), nil, identity.Ignored, nil},
		{"a skill event", nil, parsed(t, skillEnable, someUser), nil, identity.Ignored, nil},
		{"no user", nil, parsed(t, `"type":"LaunchRequest","timestamp":"2026-03-01T00:00:05Z"`, ``), nil, identity.NoUser, nil},
		{"no time", nil, parsed(t, `"type":"LaunchRequest"`, someUser), nil, identity.Refused, identity.ErrInvalidFact},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := &factStore{MemoryStore: storeWith(t, test.facts...)}
			var outcomes []identity.Outcome
			recorder := &identity.Recorder{Store: store, Observe: func(_ context.Context, o identity.Observation) { outcomes = append(outcomes, o.Outcome) }}
			require.ErrorIs(t, recorder.Seen(t.Context(), test.event), test.err)
			require.Equal(t, test.want, store.facts)
			require.Equal(t, []identity.Outcome{test.outcome}, outcomes)
		})
	}
	for name, store := range map[string]identity.Store{
		"a store that cannot read":  brokenStore{MemoryStore: new(identity.MemoryStore), users: errBroken},
		"a store that cannot write": &factStore{MemoryStore: new(identity.MemoryStore), err: errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			var observed identity.Observation
			recorder := &identity.Recorder{Store: store, Observe: func(_ context.Context, o identity.Observation) { observed = o }}
			require.ErrorIs(t, recorder.Seen(t.Context(), launch), errBroken)
			require.Equal(t, identity.StoreFailed, observed.Outcome)
			require.ErrorIs(t, observed.Err, errBroken)
		})
	}
}

func TestRecorderLink(t *testing.T) {
	tests := []struct {
		name    string
		facts   []identity.Fact
		account string
		want    []row
		err     error
	}{
		{"enabled", []identity.Fact{enabled(1)}, "a", []row{{enabled(1), "a", 1, none, 1}}, nil},
		{"first seen in a request", []identity.Fact{seen(4)}, "a", []row{{seen(4), "a", 4, none, 4}}, nil},
		{"seen, then the late enablement arrived", []identity.Fact{seen(4), enabled(1)}, "a", []row{{enabled(1), "a", 1, none, 1}}, nil},
		{"linked by hand where it was seen, then the late enablement arrived", []identity.Fact{seen(4), linked(4, "a"), enabled(1)}, "a", []row{{enabled(1), "a", 1, none, 1}}, nil},
		{"linked already", []identity.Fact{enabled(1), linked(1, "a")}, "a", []row{{enabled(1), "a", 1, none, 1}}, nil},
		{"linked without account", []identity.Fact{enabled(1), linked(3, "")}, "a", []row{{enabled(1), "a", 1, none, 1}}, nil},
		{"linked to it, the enablement is not known", []identity.Fact{linked(3, "a")}, "a", []row{{linked(3, "a"), "a", 3, none, none}}, nil},
		{"linked to it after another account", []identity.Fact{enabled(1), linked(1, "b"), linked(5, "a")}, "a", []row{{enabled(1), "b", 1, 5, 1}, {linked(5, "a"), "a", 5, none, 1}}, nil},
		{"enabled again", []identity.Fact{enabled(1), linked(1, "b"), disabled(3), enabled(6)}, "a", []row{{enabled(1), "b", 1, 3, 1}, {enabled(6), "a", 6, none, 6}}, nil},
		{"disabled", []identity.Fact{enabled(1), disabled(3)}, "a", []row{{enabled(1), "", 1, 3, 1}}, identity.ErrNoRecord},
		{"unknown", nil, "a", nil, identity.ErrNoRecord},
		{"no account", []identity.Fact{enabled(1)}, "", []row{{enabled(1), "", 1, none, 1}}, identity.ErrInvalidFact},
		{"an account that cannot be kept", []identity.Fact{enabled(1)}, "a\x00", []row{{enabled(1), "", 1, none, 1}}, identity.ErrInvalidFact},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := &factStore{MemoryStore: storeWith(t, test.facts...)}
			var observed []identity.Observation
			recorder := &identity.Recorder{Store: store, Observe: func(_ context.Context, o identity.Observation) { observed = append(observed, o) }}
			var want []identity.Record
			for _, row := range test.want {
				want = append(want, row.record())
			}
			for _, outcome := range []identity.Outcome{identity.Recorded, identity.Ignored} {
				added := len(store.facts)
				require.ErrorIs(t, recorder.Link(t.Context(), skillID, userID, test.account), test.err)
				require.Equal(t, want, collect(t, store.UserRecords(t.Context(), skillID, userID)))
				got := observed[len(observed)-1]
				require.Equal(t, skillID, got.SkillID)
				require.Equal(t, identity.Linked, got.Kind)
				require.ErrorIs(t, got.Err, test.err)
				if outcome == identity.Ignored {
					require.Len(t, store.facts, added, "a repeated call adds nothing")
				}
				if test.err != nil {
					require.Equal(t, identity.Refused, got.Outcome)
				} else if added < len(store.facts) || outcome == identity.Ignored {
					require.Equal(t, outcome, got.Outcome)
				}
			}
		})
	}
}

// Another account ends the record of the one before, even if the clock is wrong.
func TestRecorderLinksAnotherAccount(t *testing.T) {
	for name, enabledAt := range map[string]time.Time{"in time": time.Now().Add(-time.Hour), "this clock is behind": time.Now().Add(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			enabledAt = enabledAt.UTC().Truncate(time.Second)
			store := storeWith(t, identity.Fact{SkillID: skillID, AmazonUserID: userID, At: enabledAt, Kind: identity.Enabled})
			recorder := &identity.Recorder{Store: store}
			for _, account := range []string{"z", "b", "m", "b"} {
				require.NoError(t, recorder.Link(t.Context(), skillID, userID, account))
			}
			records := collect(t, store.UserRecords(t.Context(), skillID, userID))
			require.Len(t, records, 4)
			for i, account := range []string{"z", "b", "m", "b"} {
				require.Equal(t, account, records[i].AccountID)
				require.Equal(t, enabledAt, records[i].EnabledAt)
				if i > 0 {
					require.Equal(t, records[i-1].EndDatetime, records[i].StartDatetime)
				}
			}
			require.Equal(t, enabledAt, records[0].StartDatetime)
			require.True(t, records[3].Open())
		})
	}
}

// Two accounts that are named within one millisecond count in the order of the
// calls.
func TestRecorderLinksAnotherAccountAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		store := storeWith(t, identity.Fact{SkillID: skillID, AmazonUserID: userID, At: now, Kind: identity.Enabled})
		recorder := &identity.Recorder{Store: store}
		for _, account := range []string{"z", "b"} {
			require.NoError(t, recorder.Link(t.Context(), skillID, userID, account))
		}
		records := collect(t, store.UserRecords(t.Context(), skillID, userID))
		require.Len(t, records, 2)
		require.Equal(t, "z", records[0].AccountID)
		require.Equal(t, now.Add(time.Millisecond), records[0].EndDatetime)
		require.Equal(t, "b", records[1].AccountID)
		require.True(t, records[1].Open())
	})
}

// The records of an erased account have no account: the next account begins now.
func TestRecorderLinksAfterAnErasedAccount(t *testing.T) {
	store := storeWith(t, enabled(1), linked(1, "b"), linked(5, "")) // as EraseAccount leaves an account that came after b
	recorder := &identity.Recorder{Store: store}
	require.NoError(t, recorder.Link(t.Context(), skillID, userID, "a"))
	records := collect(t, store.UserRecords(t.Context(), skillID, userID))
	require.Len(t, records, 3)
	require.Equal(t, at(5), records[1].StartDatetime)
	require.Empty(t, records[1].AccountID)
	require.Equal(t, "a", records[2].AccountID)
	require.True(t, records[2].Open())
}

// racingStore has another process write a fact just before each of the first.
type racingStore struct {
	*identity.MemoryStore
	others []identity.Fact
}

func (s *racingStore) AddFact(ctx context.Context, fact identity.Fact) error {
	if len(s.others) > 0 {
		other := s.others[0]
		s.others = s.others[1:]
		if err := s.MemoryStore.AddFact(ctx, other); err != nil {
			return err
		}
	}
	return s.MemoryStore.AddFact(ctx, fact)
}

// Where the user is linked to another account at the same time, Link returns once
// its own account has been that of the open record.
func TestRecorderLinksAtOnce(t *testing.T) {
	for _, account := range []string{"a", "z"} { // of two accounts of one instant the last by bytes counts
		store := &racingStore{storeWith(t, enabled(1)), []identity.Fact{linked(1, "m")}}
		recorder := &identity.Recorder{Store: store}
		require.NoError(t, recorder.Link(t.Context(), skillID, userID, account))
		records := collect(t, store.UserRecords(t.Context(), skillID, userID))
		require.Equal(t, account, records[len(records)-1].AccountID)
		require.True(t, records[len(records)-1].Open())
		require.Equal(t, at(1), records[0].StartDatetime)
	}

	store := &racingStore{MemoryStore: storeWith(t, enabled(1))}
	for n := range 20 {
		store.others = append(store.others, identity.Fact{
			SkillID: skillID, AmazonUserID: userID, Kind: identity.Linked, AccountID: "m", At: time.Now().Add(time.Duration(n+1) * time.Hour),
		})
	}
	recorder := &identity.Recorder{Store: store}
	require.ErrorContains(t, recorder.Link(t.Context(), skillID, userID, "a"), "concurrent calls link the user to different accounts")
}

func TestRecorderLinkReportsErrorsOfTheStore(t *testing.T) {
	for name, test := range map[string]struct {
		store   identity.Store
		err     error
		outcome identity.Outcome
	}{
		"none":                      {nil, identity.ErrMisconfigured, identity.Misconfigured},
		"a store that cannot read":  {brokenStore{MemoryStore: new(identity.MemoryStore), users: errBroken}, errBroken, identity.StoreFailed},
		"a store that cannot write": {&factStore{MemoryStore: storeWith(t, enabled(1)), err: errBroken}, errBroken, identity.StoreFailed},
	} {
		var observed identity.Observation
		recorder := &identity.Recorder{Store: test.store, Observe: func(_ context.Context, o identity.Observation) { observed = o }}
		require.ErrorIs(t, recorder.Link(t.Context(), skillID, userID, "a"), test.err, name)
		require.Equal(t, test.outcome, observed.Outcome, name)
		require.ErrorIs(t, observed.Err, test.err, name)
	}
	for _, skill := range []string{"", "a\x00"} {
		recorder := &identity.Recorder{Store: storeWith(t, enabled(1))}
		require.ErrorIs(t, recorder.Link(t.Context(), skill, userID, "a"), identity.ErrInvalidFact)
		require.ErrorIs(t, recorder.Link(t.Context(), skillID, skill, "a"), identity.ErrInvalidFact)
	}
}

// For a skill without account linking: events in any order, with calls of Link between
// them, give the same records as without accounts. After a Link that follows the last
// event, the account is that of the record from the enablement on.
func TestRecorderLinkConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) identity.Fact {
			kind := rapid.SampledFrom([]identity.Kind{identity.Enabled, identity.Seen, identity.Disabled}).Draw(t, "kind")
			return fact(rapid.IntRange(0, 8).Draw(t, "at"), kind, "")
		}), 1, 8).Draw(t, "events in the order of arrival")
		store := new(identity.MemoryStore)
		recorder := &identity.Recorder{Store: store}
		for _, event := range events {
			require.NoError(t, store.AddFact(t.Context(), event))
			if rapid.Bool().Draw(t, "link") {
				before := collect(t, store.UserRecords(t.Context(), skillID, userID))
				err := recorder.Link(t.Context(), skillID, userID, "a")
				if !slices.ContainsFunc(before, identity.Record.Open) {
					require.ErrorIs(t, err, identity.ErrNoRecord)
					require.Equal(t, before, collect(t, store.UserRecords(t.Context(), skillID, userID)))
				} else {
					require.NoError(t, err)
				}
			}
		}
		last := recorder.Link(t.Context(), skillID, userID, "a")

		unlinked := identity.Records(events)
		got := collect(t, store.UserRecords(t.Context(), skillID, userID))
		require.Len(t, got, len(unlinked))
		for i, record := range got {
			if record.Open() {
				require.NoError(t, last)
				want := unlinked[i]
				want.AccountID = "a"
				require.Equal(t, want, record)
				continue
			}
			require.Contains(t, []string{"", "a"}, record.AccountID)
			require.False(t, record.StartDatetime.Before(unlinked[i].StartDatetime))
			record.AccountID, record.StartDatetime = unlinked[i].AccountID, unlinked[i].StartDatetime
			require.Equal(t, unlinked[i], record, "all else is as without accounts")
		}
		if !slices.ContainsFunc(unlinked, identity.Record.Open) {
			require.ErrorIs(t, last, identity.ErrNoRecord)
		}

		// Any order of the facts gives that table.
		var facts []identity.Fact
		for fact, err := range store.Facts(t.Context()) {
			require.NoError(t, err)
			facts = append(facts, fact)
		}
		require.Equal(t, got, identity.Records(rapid.Permutation(facts).Draw(t, "order of the facts")))
	})
}

// Every misuse is an error that names the field, observed each time and logged
// once a minute.
func TestRecorderMisused(t *testing.T) {
	launch := parsed(t, `"type":"LaunchRequest",`+atSecond1, someUser)
	tests := []struct {
		name     string
		recorder *identity.Recorder
		call     func(*identity.Recorder) error
		err      error
		text     string
		outcome  identity.Outcome
		level    string
	}{
		{"Record without Store", new(identity.Recorder), func(r *identity.Recorder) error { return r.Record(t.Context(), parsed(t, skillEnable, someUser)) }, identity.ErrMisconfigured, "Store", identity.Misconfigured, "ERROR"},
		{"Seen without Store", new(identity.Recorder), func(r *identity.Recorder) error { return r.Seen(t.Context(), launch) }, identity.ErrMisconfigured, "Store", identity.Misconfigured, "ERROR"},
		{"a link without Account", &identity.Recorder{Store: new(identity.MemoryStore)}, func(r *identity.Recorder) error {
			return r.Record(t.Context(), parsed(t, skillLink+linkToken, someUser))
		}, identity.ErrMisconfigured, "Account", identity.Misconfigured, "ERROR"},
		{"Record without event", &identity.Recorder{Store: new(identity.MemoryStore)}, func(r *identity.Recorder) error { return r.Record(t.Context(), nil) }, identity.ErrInvalidFact, "nil event", identity.Refused, "WARN"},
		{"Seen without event", &identity.Recorder{Store: new(identity.MemoryStore)}, func(r *identity.Recorder) error { return r.Seen(t.Context(), nil) }, identity.ErrInvalidFact, "nil event", identity.Refused, "WARN"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			var observed []identity.Observation
			test.recorder.Logger = slog.New(slog.NewTextHandler(&log, nil))
			test.recorder.Observe = func(_ context.Context, o identity.Observation) { observed = append(observed, o) }
			for range 3 {
				err := test.call(test.recorder)
				require.ErrorIs(t, err, test.err)
				require.ErrorContains(t, err, test.text)
			}
			require.Len(t, observed, 3)
			require.Equal(t, test.outcome, observed[2].Outcome)
			require.ErrorIs(t, observed[2].Err, test.err)
			require.Contains(t, log.String(), "level="+test.level)
			require.Contains(t, log.String(), test.text)
			if test.outcome == identity.Misconfigured {
				require.Equal(t, 1, strings.Count(log.String(), "\n"))
			}
		})
	}
}

func TestRecorderLogs(t *testing.T) {
	link := parsed(t, skillLink+linkToken, someUser)
	const account = "someone@example.com"
	tests := []struct {
		name     string
		event    skillevents.Event
		account  string
		err      error
		atDebug  bool
		contains []string
	}{
		{"recorded", link, account, nil, true, []string{"alexa.outcome=recorded", "alexa.event.type=AlexaSkillEvent.SkillAccountLinked", userID, account}},
		{"no account", link, "", identity.ErrNoAccount, false, []string{"level=WARN", "alexa.outcome=no_account", "alexa.request.id=r-1"}},
		{"no token", parsed(t, skillLink, someUser), "", nil, false, []string{"level=WARN", "alexa.outcome=no_token"}},
		{"no user", parsed(t, skillLink+linkToken, ``), "", nil, false, []string{"level=WARN", "alexa.outcome=no_user"}},
		{
			"an error that holds the token", link, "",
			&url.Error{Op: "Get", URL: "https://auth.example/tokeninfo/" + url.PathEscape(accessToken) + "?raw=" + accessToken + "&access_token=" + url.QueryEscape(accessToken), Err: context.DeadlineExceeded},
			false,
			[]string{"level=WARN", "alexa.outcome=account_failed", "tokeninfo/[redacted]?raw=[redacted]&access_token=[redacted]", "deadline exceeded"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
				var log bytes.Buffer
				recorder := &identity.Recorder{
					Store:   new(identity.MemoryStore),
					Account: func(context.Context, string) (string, error) { return test.account, test.err },
					Logger:  slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level})),
				}
				err := recorder.Record(t.Context(), test.event)
				if err != nil {
					require.ErrorIs(t, err, test.err)
					require.NotContains(t, err.Error(), accessToken)
					require.NotContains(t, err.Error(), url.QueryEscape(accessToken))
				}
				require.NotContains(t, log.String(), accessToken)
				require.NotContains(t, log.String(), url.QueryEscape(accessToken))
				if level > slog.LevelDebug {
					require.NotContains(t, log.String(), userID)
					require.NotContains(t, log.String(), account)
				}
				if test.atDebug && level > slog.LevelDebug {
					require.Empty(t, log.String())
					continue
				}
				for _, text := range test.contains {
					require.Contains(t, log.String(), text)
				}
			}
		})
	}
}

// contextStore notes how much time a write had.
type contextStore struct {
	*identity.MemoryStore
	left time.Duration
}

func (s *contextStore) AddFact(ctx context.Context, fact identity.Fact) error {
	if deadline, ok := ctx.Deadline(); ok {
		s.left = time.Until(deadline)
	}
	return s.MemoryStore.AddFact(ctx, fact)
}

// If Account takes too long, for any cause, the link is stored without account within
// Alexa's 8 seconds, and Alexa redelivers it.
func TestRecorderAccountTakesTooLong(t *testing.T) {
	untilDone := func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", context.Cause(ctx)
	}
	ignoresContext := func(context.Context, string) (string, error) {
		time.Sleep(time.Minute)
		return "a", nil
	}
	tests := []struct {
		name    string
		account func(context.Context, string) (string, error)
		caller  func(context.Context) (context.Context, context.CancelFunc)
		want    time.Duration
		err     error
	}{
		{"hangs", untilDone, context.WithCancel, 5 * time.Second, context.DeadlineExceeded},
		{"hangs without regard to its context", ignoresContext, context.WithCancel, 5 * time.Second, context.DeadlineExceeded},
		{"the caller has a long time", ignoresContext, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Hour)
		}, 5 * time.Second, context.DeadlineExceeded},
		{"the caller has three seconds", ignoresContext, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 3*time.Second)
		}, 2 * time.Second, context.DeadlineExceeded},
		{"the caller leaves", ignoresContext, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, time.Second, context.Canceled},
		{"the caller has left", untilDone, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, 0, context.Canceled},
		{"panics", func(context.Context, string) (string, error) { panic("no account for " + accessToken) }, context.WithCancel, 0, cmpopts.AnyError},
		{"ends its goroutine", func(context.Context, string) (string, error) { runtime.Goexit(); return "", nil }, context.WithCancel, 0, cmpopts.AnyError},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &contextStore{MemoryStore: new(identity.MemoryStore)}
				var log bytes.Buffer
				recorder := &identity.Recorder{Store: store, Account: test.account, Logger: slog.New(slog.NewTextHandler(&log, nil))}
				ctx, cancel := test.caller(t.Context())
				defer cancel()
				start := time.Now()
				err := recorder.Record(ctx, parsed(t, skillLink+linkToken, someUser))
				require.Equal(t, test.want, time.Since(start))
				require.Empty(t, cmp.Diff(test.err, err, cmpopts.EquateErrors()))
				require.NotContains(t, err.Error(), accessToken)
				require.NotContains(t, log.String(), accessToken)
				require.Contains(t, log.String(), "account_failed")
				require.Equal(t, []identity.Record{row{linked(1, ""), "", 1, none, none}.record()}, collect(t, store.UserRecords(t.Context(), skillID, userID)))
				require.Equal(t, 3*time.Second, store.left)
				time.Sleep(time.Hour) // the goroutine of Account ends
			})
		})
	}
}

// The write of a link has 3 seconds where Account is missing, too.
func TestRecorderWithoutAccountLimitsTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &contextStore{MemoryStore: new(identity.MemoryStore)}
		recorder := &identity.Recorder{Store: store}
		require.ErrorIs(t, recorder.Record(t.Context(), parsed(t, skillLink+linkToken, someUser)), identity.ErrMisconfigured)
		require.Equal(t, 3*time.Second, store.left)
	})
}

// Where the caller leaves just when Account has a result, the link is stored all
// the same, and acknowledged only with the account.
func TestRecorderCallerLeavesInBetween(t *testing.T) {
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		store := new(identity.MemoryStore)
		recorder := &identity.Recorder{Store: store, Account: func(context.Context, string) (string, error) {
			cancel()
			return "a", nil
		}}
		account := "a"
		if err := recorder.Record(ctx, parsed(t, skillLink+linkToken, someUser)); err != nil {
			require.ErrorIs(t, err, context.Canceled)
			account = ""
		}
		require.Equal(t, []identity.Record{row{linked(1, account), account, 1, none, none}.record()}, collect(t, store.UserRecords(t.Context(), skillID, userID)))
	}
}

// lateContext ends while Account runs, without closing Done.
type lateContext struct{ context.Context }

func (lateContext) Err() error { return context.Canceled }

func TestRecorderKeepsTheAccountOfACallerWhoLeft(t *testing.T) {
	store := new(identity.MemoryStore)
	recorder := &identity.Recorder{Store: store, Account: func(context.Context, string) (string, error) { return "a", nil }}
	require.NoError(t, recorder.Record(lateContext{context.Background()}, parsed(t, skillLink+linkToken, someUser)))
	require.Equal(t, []identity.Record{row{linked(1, "a"), "a", 1, none, none}.record()}, collect(t, store.UserRecords(t.Context(), skillID, userID)))
}

func TestRecorderPassesItsContextOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	cancel()
	recorder := &identity.Recorder{Store: new(identity.MemoryStore)}
	require.ErrorIs(t, recorder.Record(ctx, parsed(t, skillEnable, someUser)), context.Canceled)
	require.ErrorIs(t, recorder.Seen(ctx, parsed(t, `"type":"LaunchRequest",`+atSecond1, someUser)), context.Canceled)
}
