package main

import (
	"context"

	"github.com/alexaevents/alexaevents/identity"
)

// sessions is the part of the skill's own authorization server that the skill uses:
// the sessions of its access tokens.
type sessions map[string]session

// session is the session in which a customer linked an account. It outlives the
// access token, which Alexa refreshes.
type session struct{ accountID, linkID string }

func (s sessions) account(_ context.Context, accessToken string) (string, error) {
	if session, ok := s[accessToken]; ok {
		return session.accountID, nil
	}
	return "", identity.ErrNoAccount
}

func (s sessions) link(_ context.Context, accessToken string) (string, error) {
	if session, ok := s[accessToken]; ok {
		return session.linkID, nil
	}
	return "", identity.ErrNoAccount
}
