package gateway

import (
	"context"
	"errors"

	"github.com/alexaevents/alexaevents/lwa"
)

// Keys returns the keys of the grants to which [Sender.Send] would send an event of the
// account now: those that have not ended and whose customers have not disabled the
// skill. The list may be empty. Keys reads the store: call it before a transaction
// begins, since with a pool of one connection it would wait for that transaction.
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

// Attempt sends a message to a grant once, and once more with a new token if Alexa
// refuses the first token. It does not retry as [Sender.SendTo] does: the caller keeps
// the message and retries later if [Sender.MayRetry] allows it. The errors are those of
// SendTo.
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

// MayRetry reports whether to send a message again later, after this error of
// [Sender.Attempt]. It is false if the error is final, and for a momentary event that
// Alexa may have received, unless RetryMomentary is set.
func (s *Sender) MayRetry(m *Message, err error) bool {
	if err == nil || errors.Is(err, ErrEnded) || errors.Is(err, ErrInvalidEvent) {
		return false
	}
	return s.mayRepeat(m.event(), err)
}
