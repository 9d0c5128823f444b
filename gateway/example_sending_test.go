package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// A Lambda function in eu-west-1 receives the directives of customers in Europe.
func ExampleGranter() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // a fake Amazon; a program leaves HTTPClient out
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore), // a program keeps its grants in a database
	}
	granter := &gateway.Granter{
		Tokens:  tokens,
		Account: func(context.Context, string) (string, error) { return "account-1", nil },
		Region:  alexaevents.Europe,
	}

	handle := func(ctx context.Context, directive json.RawMessage) (json.RawMessage, error) {
		d, err := gateway.ParseDirective(directive)
		if err != nil {
			return nil, err
		}
		switch d.Type() {
		case gateway.AcceptGrant:
			return granter.AcceptGrant(ctx, directive)
		default: // Discover, ReportState, TurnOn ...
			return gateway.EncodeResponse(d.ErrorResponse(gateway.InvalidDirective, "not in this example"))
		}
	}

	code := cloud.Grant(alexaevents.Europe, "customer-1")
	response, err := handle(ctx, alexatest.AcceptGrantDirective(code, "token-1"))
	var message struct {
		Event struct{ Header struct{ Name string } }
	}
	fmt.Println(err, json.Unmarshal(response, &message), message.Event.Header.Name)
	// Output:
	// <nil> <nil> AcceptGrant.Response
}

// The decisions of a backend after an event that Alexa did not accept.
func ExampleSender_Send() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // a fake Amazon; a program leaves HTTPClient out
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore), // a program keeps its grants in a database
	}
	granter := &gateway.Granter{
		Tokens:  tokens,
		Account: func(context.Context, string) (string, error) { return "account-1", nil },
		Region:  alexaevents.Europe,
	}
	code := cloud.Grant(alexaevents.Europe, "customer-1")
	if _, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(code, "token-1")); err != nil {
		fmt.Println(err)
		return
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}

	report := func(accountID string) string {
		ctx, cancel := context.WithTimeout(ctx, time.Second) // with more time, Send retries
		defer cancel()
		err := sender.Send(ctx, accountID, &gateway.ChangeReport{
			EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction,
			Properties: []gateway.Property{gateway.PowerState(gateway.On, time.Now())},
		})
		switch {
		case err == nil:
			return "accepted"
		case errors.Is(err, gateway.ErrEnded):
			return "no customer receives events until one links the account again"
		case errors.Is(err, gateway.ErrTemporary):
			return "send the state later"
		case errors.Is(err, gateway.ErrMisconfigured):
			return "alert the operator"
		case errors.Is(err, gateway.ErrInvalidEvent):
			return "correct the program"
		default:
			return "the context ended or the store failed"
		}
	}

	fmt.Println(report("account-1"))
	fmt.Println(report("account-2"))
	if err := sender.Flush(ctx); err != nil { // the store has noted that the grant works
		fmt.Println(err)
		return
	}
	cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Status: 429})
	fmt.Println(report("account-1"))
	cloud.DisableSkill("customer-1")
	fmt.Println(report("account-1"))
	for _, sent := range cloud.Sent() {
		fmt.Println(sent.Region, sent.Customer)
	}
	// Output:
	// accepted
	// no customer receives events until one links the account again
	// send the state later
	// no customer receives events until one links the account again
	// EU customer-1
}

// A door takes longer to lock than Alexa waits. The skill returns a
// DeferredResponse at once and sends the Response later, to the one customer who
// gave the directive.
func ExampleSender_SendTo() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // a fake Amazon; a program leaves HTTPClient out
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore), // a program keeps its grants in a database
	}
	granter := &gateway.Granter{
		Tokens:  tokens,
		Account: func(context.Context, string) (string, error) { return "account-1", nil },
		Link:    func(context.Context, string) (string, error) { return "session-7", nil },
		Region:  alexaevents.Europe,
	}
	code := cloud.Grant(alexaevents.Europe, "customer-1")
	if _, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(code, "token-1")); err != nil {
		fmt.Println(err)
		return
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}

	directive, err := gateway.ParseDirective(alexatest.Directive("Alexa.LockController", "Lock", "door-1", "token-2", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := granter.Key(ctx, directive) // now, while the access token is at hand
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := gateway.EncodeResponse(directive.DeferredResponse(20 * time.Second))
	fmt.Println(json.Valid(response), err)

	// Later, when the door is locked:
	err = sender.SendTo(ctx, key, directive.Response(gateway.LockState(gateway.Locked, time.Now())))
	fmt.Println(len(cloud.Sent()), err)
	// Output:
	// true <nil>
	// 1 <nil>
}

// While Login with Amazon is out, no grant can be stored. The directive is kept and
// retried until its code expires.
func ExampleGranter_Retry() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // a fake Amazon; a program leaves HTTPClient out
	var pending []json.RawMessage // a program keeps them in a durable queue, encrypted
	granter := &gateway.Granter{
		Tokens: &lwa.Source{
			Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
			Store:  new(lwa.MemoryStore),
		},
		Account: func(context.Context, string) (string, error) { return "account-1", nil },
		Region:  alexaevents.Europe,
		Failed: func(_ context.Context, directive *gateway.Directive) {
			pending = append(pending, directive.Raw())
		},
	}

	code := cloud.Grant(alexaevents.Europe, "customer-1")
	cloud.Fail(alexatest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}})
	_, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(code, "token-1")) // returns ACCEPT_GRANT_FAILED
	fmt.Println(len(pending), err)

	for _, data := range pending { // later
		directive, err := gateway.ParseDirective(data)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(granter.Retry(ctx, directive))
	}
	// Output:
	// 1 <nil>
	// <nil>
}
