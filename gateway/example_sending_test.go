package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// accountOfToken and linkOfToken read the access tokens of the skill's own
// authorization server, which look like "account/session/number" here.
func accountOfToken(_ context.Context, accessToken string) (string, error) {
	return strings.Split(accessToken, "/")[0], nil
}

func linkOfToken(_ context.Context, accessToken string) (string, error) {
	return strings.Split(accessToken, "/")[1], nil
}

// A Lambda function in eu-west-1 is called with the directives of customers in
// Europe.
func ExampleGranter() {
	cloud := alexatest.NewCloud() // stands for Amazon; a program leaves HTTPClient out
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "amzn1.oa2-cs.v1.example", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore), // a program keeps its grants in a database
	}
	granter := &gateway.Granter{Tokens: tokens, Account: accountOfToken, Link: linkOfToken, Region: alexaevents.Europe}

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

	ctx := context.Background()
	code := cloud.Grant(alexaevents.Europe, "customer-1")
	response, err := handle(ctx, alexatest.AcceptGrantDirective(code, "account-1/session-7/1"))
	fmt.Println(nameOf(response), err)
	// Output:
	// AcceptGrant.Response <nil>
}

func nameOf(response json.RawMessage) string {
	var message struct {
		Event struct{ Header struct{ Name string } }
	}
	if err := json.Unmarshal(response, &message); err != nil {
		return err.Error()
	}
	return message.Event.Header.Name
}

// granted returns a Granter and a Sender, and customer-1 with a grant.
func granted(cloud *alexatest.Cloud) (*gateway.Granter, *gateway.Sender) {
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "amzn1.oa2-cs.v1.example", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	granter := &gateway.Granter{Tokens: tokens, Account: accountOfToken, Link: linkOfToken, Region: alexaevents.Europe}
	code := cloud.Grant(alexaevents.Europe, "customer-1")
	if _, err := granter.AcceptGrant(context.Background(), alexatest.AcceptGrantDirective(code, "account-1/session-7/1")); err != nil {
		panic(err)
	}
	return granter, &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}
}

// What a backend decides about an event that Alexa did not accept.
func ExampleSender_Send() {
	cloud := alexatest.NewCloud()
	_, sender := granted(cloud)

	report := func(accountID string) string {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // for resends, give it longer
		defer cancel()
		err := sender.Send(ctx, accountID, &gateway.ChangeReport{
			EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction,
			Properties: []gateway.Property{gateway.PowerState(gateway.On, time.Now())},
		})
		switch {
		case err == nil:
			return "accepted"
		case errors.Is(err, gateway.ErrEnded):
			return "no grant until a customer links the account again"
		case errors.Is(err, gateway.ErrTemporary):
			return "send the state later"
		case errors.Is(err, gateway.ErrMisconfigured):
			return "wake up the operator"
		case errors.Is(err, gateway.ErrInvalidEvent):
			return "correct the program"
		default:
			return "the context ended or the store failed"
		}
	}

	fmt.Println(report("account-1"))
	fmt.Println(report("account-2"))
	if err := sender.Flush(context.Background()); err != nil { // the store knows now that the grant works
		panic(err)
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
	// no grant until a customer links the account again
	// send the state later
	// no grant until a customer links the account again
	// EU customer-1
}

// A door takes longer to lock than Alexa waits. The directive is answered with a
// DeferredResponse at once, and with a Response later, which goes to the one
// customer who gave the directive.
func ExampleSender_SendTo() {
	cloud := alexatest.NewCloud()
	granter, sender := granted(cloud)
	ctx := context.Background()

	directive, err := gateway.ParseDirective(alexatest.Directive("Alexa.LockController", "Lock", "door-1", "account-1/session-7/2", nil))
	if err != nil {
		panic(err)
	}
	key, err := granter.Key(ctx, directive) // while the access token is at hand
	if err != nil {
		panic(err)
	}
	response, err := gateway.EncodeResponse(directive.DeferredResponse(20 * time.Second))
	fmt.Println(nameOf(response), err)

	// later, when the door is locked
	err = sender.SendTo(ctx, key, directive.Response(gateway.LockState(gateway.Locked, time.Now())))
	fmt.Println(nameOf(cloud.Sent()[0].Body), err)
	// Output:
	// DeferredResponse <nil>
	// Response <nil>
}

// While Login with Amazon is out, no grant can be stored. The directive is kept and
// retried until its code expires.
func ExampleGranter_Retry() {
	cloud := alexatest.NewCloud()
	granter, _ := granted(cloud)
	var pending []json.RawMessage // a program keeps them in a durable queue, encrypted
	granter.Failed = func(_ context.Context, directive *gateway.Directive) {
		pending = append(pending, directive.Raw())
	}

	ctx := context.Background()
	code := cloud.Grant(alexaevents.Europe, "customer-2")
	cloud.Fail(alexatest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}})
	response, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(code, "account-2/session-8/1"))
	fmt.Println(nameOf(response), err)

	for _, data := range pending { // later
		directive, err := gateway.ParseDirective(data)
		if err != nil {
			panic(err)
		}
		fmt.Println(granter.Retry(ctx, directive))
	}
	// Output:
	// ErrorResponse <nil>
	// <nil>
}
