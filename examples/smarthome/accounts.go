package main

import (
	"context"

	"github.com/alexaevents/alexaevents/identity"
)

// sessions is as much of the skill's own authorization server as the skill asks:
// whose its access tokens are.
type sessions map[string]session

// session is one customer's linking of an account. It outlives the access token,
// which Alexa refreshes every now and then.
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
