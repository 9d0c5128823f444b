package lwa_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestTokenSource(t *testing.T) {
	cloud := alexatest.NewCloud()
	source := &lwa.Source{
		Client: &lwa.Client{ID: "client", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	key := lwa.Key{ClientID: "client", AccountID: "account", LinkID: "link"}
	tokens := source.TokenSource(t.Context(), key)
	_, err := tokens.Token()
	require.ErrorIs(t, err, lwa.ErrNoGrant)

	code := cloud.Grant(alexaevents.Europe, "customer")
	require.NoError(t, source.Accept(t.Context(), key, alexaevents.Europe, alexaevents.Secret(code)))
	want, err := source.Token(t.Context(), key)
	require.NoError(t, err)
	got, err := tokens.Token()
	require.NoError(t, err)
	require.Equal(t, string(want), got.AccessToken)
	require.True(t, got.Valid())

	renewed, err := source.Renew(t.Context(), key, want)
	require.NoError(t, err)
	got, err = tokens.Token()
	require.NoError(t, err)
	require.Equal(t, string(renewed), got.AccessToken, "nobody kept the old one")
}

// A library that takes an oauth2.TokenSource gets the grant of one account.
func ExampleSource_TokenSource() {
	cloud := alexatest.NewCloud()
	source := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	ctx := context.Background()
	key := lwa.Key{ClientID: source.Client.ID, AccountID: "account-1", LinkID: "session-1"}
	code := cloud.Grant(alexaevents.Europe, "customer-1")
	if err := source.Accept(ctx, key, alexaevents.Europe, alexaevents.Secret(code)); err != nil {
		fmt.Println(err)
		return
	}
	token, err := source.TokenSource(ctx, key).Token()
	fmt.Println(token.TokenType, err)
	// Output: Bearer <nil>
}
