package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// A lamp was switched on by hand. Context holds the properties that did not change.
func ExampleChangeReport() {
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

	at := time.Date(2026, 11, 22, 8, 30, 15, 0, time.UTC) // when the switch was pressed
	err := sender.Send(ctx, "account-1", &gateway.ChangeReport{
		EndpointID: "lamp-1",
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.On, at)},
		Context:    []gateway.Property{gateway.Brightness(80, at), gateway.Connectivity(gateway.Reachable, at)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var message struct {
		Event   struct{ Payload json.RawMessage }
		Context json.RawMessage
	}
	if err := json.Unmarshal(cloud.Sent()[0].Body, &message); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(message.Event.Payload))
	fmt.Println(string(message.Context))
	// Output:
	// {"change":{"cause":{"type":"PHYSICAL_INTERACTION"},"properties":[{"namespace":"Alexa.PowerController","name":"powerState","value":"ON","timeOfSample":"2026-11-22T08:30:15.000Z","uncertaintyInMilliseconds":0}]}}
	// {"properties":[{"namespace":"Alexa.BrightnessController","name":"brightness","value":80,"timeOfSample":"2026-11-22T08:30:15.000Z","uncertaintyInMilliseconds":0},{"namespace":"Alexa.EndpointHealth","name":"connectivity","value":{"value":"OK"},"timeOfSample":"2026-11-22T08:30:15.000Z","uncertaintyInMilliseconds":0}]}
}

// An event that Amazon would call malformed is refused with the reason.
func ExampleInvalidError() {
	sender := &gateway.Sender{Tokens: &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret"},
		Store:  new(lwa.MemoryStore),
	}}
	err := sender.Send(context.Background(), "account-1", &gateway.ChangeReport{
		EndpointID: "lamp-1",
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.Brightness(800, time.Now())},
	})
	var invalid *gateway.InvalidError
	fmt.Println(errors.Is(err, gateway.ErrInvalidEvent), errors.As(err, &invalid))
	fmt.Println(invalid.Field)
	fmt.Println(invalid.Rule)
	// Output:
	// true true
	// ChangeReport.Properties[0].Value
	// must be 0 to 100
}

func ExampleParseDirective() {
	directive, err := gateway.ParseDirective([]byte(`{"directive": {
		"header": {"namespace": "Alexa", "name": "ReportState", "messageId": "1bd5d003", "correlationToken": "dFMb0z==", "payloadVersion": "3"},
		"endpoint": {"endpointId": "lamp-1", "scope": {"type": "BearerToken", "token": "a token of the skill"}},
		"payload": {}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	switch directive.Type() {
	case gateway.AcceptGrant:
		fmt.Println("the customer allows events")
	case gateway.Discover:
		fmt.Println("list the endpoints of", directive.AccessToken)
	case gateway.ReportState:
		fmt.Println("report the state of", directive.EndpointID)
	case "Alexa.PowerController.TurnOn":
		fmt.Println("turn on", directive.EndpointID)
	}
	fmt.Println(directive) // safe to log: no token
	// Output:
	// report the state of lamp-1
	// {"type":"Alexa.ReportState","messageId":"1bd5d003","endpointId":"lamp-1"}
}

// A Lambda function returns the response to a directive.
func ExampleEncodeResponse() {
	directive, err := gateway.ParseDirective(alexatest.Directive("Alexa.PowerController", "TurnOn", "lamp-1", "token-1", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := gateway.EncodeResponse(directive.Response(gateway.PowerState(gateway.On, time.Now())))
	fmt.Println(json.Valid(response), err)
	// Output: true <nil>
}

// The state of an endpoint, sent instead of returned from the Lambda function.
func ExampleDirective_StateReport() {
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

	directive, err := gateway.ParseDirective(alexatest.Directive("Alexa", "ReportState", "lamp-1", "token-1", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := granter.Key(ctx, directive)
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 11, 22, 8, 30, 15, 0, time.UTC)
	if err := sender.SendTo(ctx, key, directive.StateReport(gateway.PowerState(gateway.On, at))); err != nil {
		fmt.Println(err)
		return
	}
	var message struct {
		Event   struct{ Payload json.RawMessage }
		Context json.RawMessage
	}
	if err := json.Unmarshal(cloud.Sent()[0].Body, &message); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(message.Context))
	// Output:
	// {"properties":[{"namespace":"Alexa.PowerController","name":"powerState","value":"ON","timeOfSample":"2026-11-22T08:30:15.000Z","uncertaintyInMilliseconds":0}]}
}

// A device that needs longer than eight seconds.
func ExampleDeferredResponse() {
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

	directive, err := gateway.ParseDirective(alexatest.Directive("Alexa.PowerController", "TurnOn", "lamp-1", "token-1", nil))
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
	var deferred struct {
		Event struct{ Payload json.RawMessage }
	}
	fmt.Println(err, json.Unmarshal(response, &deferred), string(deferred.Event.Payload))

	// Later, when the device is on or has failed to turn on:
	err = sender.SendTo(ctx, key, directive.ErrorResponse(gateway.EndpointUnreachable, "no reply in 20 s"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var message struct {
		Event   struct{ Payload json.RawMessage }
		Context json.RawMessage
	}
	if err := json.Unmarshal(cloud.Sent()[0].Body, &message); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(message.Event.Payload))
	// Output:
	// <nil> <nil> {"estimatedDeferralInSeconds":20}
	// {"message":"no reply in 20 s","type":"ENDPOINT_UNREACHABLE"}
}

// Five endpoints are deleted in reports of two.
func ExampleDeleteReport_Split() {
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

	deleted := &gateway.DeleteReport{EndpointIDs: []string{"lamp-1", "lamp-2", "lamp-3", "lamp-4", "lamp-5"}}
	for report := range deleted.Split(2) { // a program: Split(30)
		fmt.Println(report.EndpointIDs, sender.Send(ctx, "account-1", report))
	}
	// Output:
	// [lamp-1 lamp-2] <nil>
	// [lamp-3 lamp-4] <nil>
	// [lamp-5] <nil>
}

func ExampleDoorbellPress() {
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

	err := sender.Send(ctx, "account-1", &gateway.DoorbellPress{
		EndpointID: "doorbell-1",
		Cause:      gateway.PhysicalInteraction,
		Timestamp:  time.Date(2026, 11, 22, 8, 30, 15, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var message struct {
		Event   struct{ Payload json.RawMessage }
		Context json.RawMessage
	}
	if err := json.Unmarshal(cloud.Sent()[0].Body, &message); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(message.Event.Payload))
	// Output:
	// {"cause":{"type":"PHYSICAL_INTERACTION"},"timestamp":"2026-11-22T08:30:15Z"}
}

// An event of an interface that this package has no type for.
func ExampleRawEvent() {
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

	err := sender.Send(ctx, "account-1", &gateway.RawEvent{
		Namespace:  "Alexa.InventoryUsageSensor",
		Name:       "InventoryConsumed",
		Instance:   "CoffeePods",
		EndpointID: "coffee-maker-1",
		Payload:    json.RawMessage(`{"usage": {"@type": "Count", "value": 1}, "timeOfSample": "2026-11-22T08:30:15Z"}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var message struct {
		Event   struct{ Payload json.RawMessage }
		Context json.RawMessage
	}
	if err := json.Unmarshal(cloud.Sent()[0].Body, &message); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(message.Event.Payload))
	// Output:
	// {"usage":{"@type":"Count","value":1},"timeOfSample":"2026-11-22T08:30:15Z"}
}
