package lwa_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
)

// A customer gives the skill permission to send events, and later disables it. In
// production leave out HTTPClient.
func ExampleSource() {
	cloud := alexatest.NewCloud()
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	ctx := context.Background()
	key := lwa.Key{ClientID: tokens.Client.ID, AccountID: "account-1", LinkID: "session-1"}

	code := cloud.Grant(alexaevents.Europe, "customer-1") // comes in an AcceptGrant directive
	if err := tokens.Exchange(ctx, key, alexaevents.Europe, alexaevents.Secret(code)); err != nil {
		fmt.Println(err)
		return
	}
	token, err := tokens.Token(ctx, key)
	fmt.Println(token, err)

	cloud.DisableSkill("customer-1")
	_, err = tokens.Renew(ctx, key, token) // an API refused the token with 401
	if errors.Is(err, lwa.ErrInvalidGrant) {
		fmt.Println("ask the customer to link again")
	}
	for ended, err := range tokens.EndedGrants(ctx) { // for a report to the operator
		fmt.Println(ended.AccountID, ended.Reason, err)
	}

	fmt.Println(tokens.Flush(ctx)) // before the program ends
	// Output:
	// [redacted] <nil>
	// ask the customer to link again
	// account-1 refused <nil>
	// <nil>
}

// A developer consents in a browser, and the backend then calls Amazon's APIs for the
// developer.
func ExampleClient_AuthCodeURL() {
	cloud := alexatest.NewCloud()
	client := &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()}
	tokens := &lwa.Source{Client: client, Store: new(lwa.MemoryStore)}
	ctx := context.Background()
	const redirectURI = "https://backend.example/callback"

	// The first request of the browser: keep the verifier in its session, and
	// send it to the URL.
	consentURL, verifier := client.AuthCodeURL(redirectURI, lwa.ScopeSubscriptions, lwa.ScopeProfile)

	// The second request of the browser: the callback.
	callback, err := url.Parse(cloud.Consent(consentURL, "developer-1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.ExchangeCallback(ctx, redirectURI, verifier, callback.Query())
	if err != nil {
		fmt.Println(err)
		return
	}
	key := lwa.Key{ClientID: client.ID, AccountID: "developer"}
	if err := tokens.Import(ctx, key, token.RefreshToken); err != nil {
		fmt.Println(err)
		return
	}

	profile, err := client.Profile(ctx, token.AccessToken)
	fmt.Println(profile.UserID, err)
	_, err = client.ExchangeCallback(ctx, redirectURI, "another session's", callback.Query())
	fmt.Println(err)
	// Output:
	// developer-1 <nil>
	// lwa: the callback does not belong to this session
}

// A refresh token from another program, and an HTTP client for Amazon's APIs that uses
// it.
func ExampleSource_Import() {
	cloud := alexatest.NewCloud()
	client := &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()}
	refreshToken := consentOf(cloud, client, lwa.ScopeProfileUserID)

	tokens := &lwa.Source{Client: client, Store: new(lwa.MemoryStore)}
	ctx := context.Background()
	err := tokens.Import(ctx, lwa.Key{ClientID: client.ID, AccountID: "developer"}, refreshToken)
	fmt.Println(err)

	api := tokens.HTTPClient("developer")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.amazon.com/user/profile", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := api.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode)
	// Output:
	// <nil>
	// 200
}

// consentOf returns the refresh token of a developer who consented.
func consentOf(cloud *alexatest.Cloud, client *lwa.Client, scopes ...string) alexaevents.Secret {
	const redirectURI = "https://backend.example/callback"
	consentURL, verifier := client.AuthCodeURL(redirectURI, scopes...)
	callback, err := url.Parse(cloud.Consent(consentURL, "developer-1"))
	if err != nil {
		panic(err)
	}
	token, err := client.ExchangeCallback(context.Background(), redirectURI, verifier, callback.Query())
	if err != nil {
		panic(err)
	}
	return token.RefreshToken
}

// The skill's own token, for an API that responds with 403 after it expires.
func ExampleClientCredentials() {
	cloud := alexatest.NewCloud()
	client := &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()}
	messaging := &lwa.ClientCredentials{Client: client, Scope: lwa.ScopeSkillMessaging}
	ctx := context.Background()

	token, err := messaging.Token(ctx)
	fmt.Println(token, err)
	again, err := messaging.Token(ctx)
	fmt.Println(token == again, err)

	renewed, err := messaging.Renew(ctx, token) // after a 403
	fmt.Println(token == renewed, err)
	// Output:
	// [redacted] <nil>
	// true <nil>
	// false <nil>
}

// A token that an app presents may have been issued to any client. Only a token for
// this client identifies the user.
func ExampleClient_TokenInfo() {
	cloud := alexatest.NewCloud()
	client := &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()}
	ctx := context.Background()

	token, err := client.Refresh(ctx, consentOf(cloud, client, lwa.ScopeProfileUserID))
	if err != nil {
		fmt.Println(err)
		return
	}
	info, err := client.TokenInfo(ctx, token.AccessToken)
	fmt.Println(info.UserID, info.ExpiresIn > 50*time.Minute, err)

	foreign := alexaevents.Secret(cloud.AccessToken(lwa.ScopeProfileUserID))
	_, err = client.TokenInfo(ctx, foreign)
	fmt.Println(errors.Is(err, lwa.ErrAudience))
	// Output:
	// developer-1 true <nil>
	// true
}

// aead implements lwa.AEAD with crypto/cipher.
type aead struct{ cipher.AEAD }

func newAEAD(key []byte) (aead, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return aead{}, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return aead{gcm}, err
}

func (a aead) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return a.Seal(nil, nil, plaintext, associatedData), nil
}

func (a aead) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	return a.Open(nil, nil, ciphertext, associatedData)
}

// The tokens are encrypted before the database gets them. One key is enough to try it;
// Tink has the same two methods and can rotate keys.
func ExampleSealed() {
	encryption, err := newAEAD([]byte("32 bytes from a secret manager.."))
	if err != nil {
		fmt.Println(err)
		return
	}
	database := new(lwa.MemoryStore)
	store := &lwa.Sealed{Store: database, AEAD: encryption}
	ctx := context.Background()

	key := lwa.Key{ClientID: "amzn1.application-oa2-client.example", AccountID: "account-1"}
	err = store.UpdateGrant(ctx, key, func(grant *lwa.Grant) error {
		grant.RefreshToken = "Atzr|example"
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range []lwa.Store{store, database} {
		grant, err := s.Grant(ctx, key)
		fmt.Println(string(grant.RefreshToken) == "Atzr|example", err)
	}

	store.AEAD, err = newAEAD([]byte("another key from a secret store."))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = store.Grant(ctx, key)
	fmt.Println(errors.Is(err, lwa.ErrSealed))
	// Output:
	// true <nil>
	// false <nil>
	// true
}

// A TokenSource for a library that takes an oauth2.TokenSource.
func ExampleSource_TokenSource() {
	cloud := alexatest.NewCloud()
	source := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	ctx := context.Background()
	key := lwa.Key{ClientID: source.Client.ID, AccountID: "account-1", LinkID: "session-1"}
	code := cloud.Grant(alexaevents.Europe, "customer-1")
	if err := source.Exchange(ctx, key, alexaevents.Europe, alexaevents.Secret(code)); err != nil {
		fmt.Println(err)
		return
	}
	token, err := source.TokenSource(ctx, key).Token()
	fmt.Println(token.TokenType, err)
	// Output: Bearer <nil>
}
