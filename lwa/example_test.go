package lwa_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
)

// A customer gives the skill permission to send events, and disables it again.
// Outside a test, leave out HTTPClient.
func ExampleSource() {
	cloud := alexatest.NewCloud()
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	ctx := context.Background()
	key := lwa.Key{ClientID: tokens.Client.ID, AccountID: "account-1", LinkID: "session-1"}

	code := cloud.Grant(alexaevents.Europe, "customer-1") // an AcceptGrant directive brings it
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

// A developer consents in a browser; the backend then calls Amazon's APIs for
// them.
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

// A refresh token that was made elsewhere, and a client for Amazon's APIs that
// uses it.
func ExampleSource_Import() {
	cloud := alexatest.NewCloud()
	client := &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()}
	tokens := &lwa.Source{Client: client, Store: new(lwa.MemoryStore)}
	ctx := context.Background()

	// A developer consents: see AuthCodeURL. The ASK CLI gives a refresh token too.
	consentURL, verifier := client.AuthCodeURL("https://backend.example/callback", lwa.ScopeProfileUserID)
	callback, err := url.Parse(cloud.Consent(consentURL, "developer-1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.ExchangeCallback(ctx, "https://backend.example/callback", verifier, callback.Query())
	if err != nil {
		fmt.Println(err)
		return
	}

	err = tokens.Import(ctx, lwa.Key{ClientID: client.ID, AccountID: "developer"}, token.RefreshToken)
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

// The skill's own token, for an API that responds with 403 once it has expired.
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

// A token that an app presents may have been made for any client: only one made
// for this client says who the user is.
func ExampleClient_TokenInfo() {
	cloud := alexatest.NewCloud()
	client := &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()}
	ctx := context.Background()

	// A developer consents: see AuthCodeURL. The ASK CLI gives a refresh token too.
	consentURL, verifier := client.AuthCodeURL("https://backend.example/callback", lwa.ScopeProfileUserID)
	callback, err := url.Parse(cloud.Consent(consentURL, "developer-1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.ExchangeCallback(ctx, "https://backend.example/callback", verifier, callback.Query())
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
