package lwa

import (
	"context"

	"golang.org/x/oauth2"
)

// TokenSource returns the grant of the key as an [oauth2.TokenSource], for
// libraries that ask for one. Its calls have the context ctx. The token has no
// expiry, so that nobody keeps it: each call is one of [Source.Token].
func (s *Source) TokenSource(ctx context.Context, key Key) oauth2.TokenSource {
	return tokenSource(func() (*oauth2.Token, error) {
		token, err := s.Token(ctx, key)
		if err != nil {
			return nil, err
		}
		return &oauth2.Token{AccessToken: string(token), TokenType: "Bearer"}, nil
	})
}

type tokenSource func() (*oauth2.Token, error)

func (f tokenSource) Token() (*oauth2.Token, error) { return f() }
