package gateway

import (
	"context"
	"errors"

	"github.com/alexaevents/alexaevents/lwa"
)

// Keys returns the keys of the grants to which [Sender.Send] would send an event
// of the account now: of those that have not ended and whose customers have not
// disabled the skill. It reads the store, so call it before a transaction begins:
// within one, a pool of one connection would wait for itself. No keys are no
// error.
func (s *Sender) Keys(ctx context.Context, accountID string) ([]lwa.Key, error) {
	if err := checkTokens(s.Tokens); err != nil {
		return nil, err
	}
	grants, err := customerGrants(ctx, s.Tokens, accountID)
	if err != nil {
		return nil, err
	}
	var keys []lwa.Key
	for _, grant := range grants {
		if !hasEnded(ctx, s.Tokens, grant) && (grant.DisabledAt.IsZero() || s.probeDue(grant)) {
			keys = append(keys, grant.Key)
		}
	}
	return keys, nil
}

// Attempt sends a message to a grant once, and once more with a new token if
// Alexa refuses the first. It does not wait and retry as [Sender.SendTo] does:
// that is for whoever keeps the message, see [Sender.MayRetry]. The errors are
// those of SendTo.
func (s *Sender) Attempt(ctx context.Context, key lwa.Key, m *Message) error {
	if err := checkTokens(s.Tokens); err != nil {
		return err
	}
	if m == nil || m.m == nil {
		return &InvalidError{Field: "Message", Rule: "must be made by NewMessage"}
	}
	grant, err := s.Tokens.Store.Grant(ctx, key)
	if err != nil {
		return err
	}
	return s.deliver(ctx, delivery{sender: s, grant: grant, message: m.m, id: m.id, once: true}, 0)
}

// MayRetry reports whether a message that failed with this error of
// [Sender.Attempt] may be sent again later: the failure is not final, and Alexa
// cannot have got a momentary event, unless RetryMomentary is set.
func (s *Sender) MayRetry(m *Message, err error) bool {
	if err == nil || errors.Is(err, ErrEnded) || errors.Is(err, ErrInvalidEvent) {
		return false
	}
	return s.mayRepeat(m.event(), err)
}
