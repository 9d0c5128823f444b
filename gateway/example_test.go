package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// printer stands for a gateway.Sender: it prints what would be sent.
type printer struct{}

var sender printer

func (p printer) Send(ctx context.Context, _ string, event gateway.Event) error {
	return p.SendTo(ctx, lwa.Key{}, event)
}

func (printer) SendTo(_ context.Context, _ lwa.Key, event gateway.Event) error {
	m, err := gateway.MessageOf(event)
	if err != nil {
		return err
	}
	body, err := m.Encode("6b7f1f0e", "Atza")
	fmt.Println(string(body))
	return err
}

func ExampleChangeReport() {
	ctx := context.Background()
	at := time.Date(2026, 11, 22, 8, 30, 15, 0, time.UTC) // when the switch was pressed

	changed := []gateway.Property{gateway.PowerState(gateway.On, at)}
	unchanged := []gateway.Property{gateway.Brightness(80, at), gateway.Connectivity(gateway.Reachable, at)}
	err := sender.Send(ctx, "account-1", &gateway.ChangeReport{
		EndpointID: "lamp-1",
		Cause:      gateway.PhysicalInteraction,
		Properties: changed,
		Context:    unchanged,
	})
	fmt.Println(err)
	// Output:
	// {"event":{"header":{"namespace":"Alexa","name":"ChangeReport","payloadVersion":"3","messageId":"6b7f1f0e"},"endpoint":{"scope":{"type":"BearerToken","token":"Atza"},"endpointId":"lamp-1"},"payload":{"change":{"cause":{"type":"PHYSICAL_INTERACTION"},"properties":[{"namespace":"Alexa.PowerController","name":"powerState","value":"ON","timeOfSample":"2026-11-22T08:30:15.000Z","uncertaintyInMilliseconds":0}]}}},"context":{"properties":[{"namespace":"Alexa.BrightnessController","name":"brightness","value":80,"timeOfSample":"2026-11-22T08:30:15.000Z","uncertaintyInMilliseconds":0},{"namespace":"Alexa.EndpointHealth","name":"connectivity","value":{"value":"OK"},"timeOfSample":"2026-11-22T08:30:15.000Z","uncertaintyInMilliseconds":0}]}}
	// <nil>
}

// An event that Amazon would call malformed is refused with the reason.
func ExampleInvalidError() {
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
		fmt.Println("tell the state of", directive.EndpointID)
	case "Alexa.PowerController.TurnOn":
		fmt.Println("turn on", directive.EndpointID)
	}
	fmt.Println(directive) // safe to log: no token
	// Output:
	// tell the state of lamp-1
	// {"type":"Alexa.ReportState","messageId":"1bd5d003","endpointId":"lamp-1"}
}

// received is a directive as a Lambda function gets it.
func received(namespace, name string) *gateway.Directive {
	directive, err := gateway.ParseDirective([]byte(`{"directive": {
		"header": {"namespace": "` + namespace + `", "name": "` + name + `", "messageId": "1bd5d003", "correlationToken": "dFMb0z==", "payloadVersion": "3"},
		"endpoint": {"endpointId": "lamp-1", "scope": {"type": "BearerToken", "token": "a token of the skill"}},
		"payload": {}}}`))
	if err != nil {
		panic(err)
	}
	return directive
}

func ExampleEncodeResponse() {
	directive := received("Alexa.PowerController", "TurnOn")
	at := time.Date(2026, 11, 22, 8, 30, 15, 0, time.UTC)

	// What the Lambda function returns to Alexa.
	response, err := gateway.EncodeResponse(directive.Response(gateway.PowerState(gateway.On, at)))
	fmt.Println(json.Valid(response), err)
	// Output: true <nil>
}

// The state of an endpoint, sent rather than returned from the Lambda function.
func ExampleDirective_StateReport() {
	directive, key := received("Alexa", "ReportState"), lwa.Key{} // key: Granter.Key of the directive
	at := time.Date(2026, 11, 22, 8, 30, 15, 0, time.UTC)

	err := sender.SendTo(context.Background(), key, directive.StateReport(gateway.PowerState(gateway.On, at)))
	fmt.Println(err)
	// Output:
	// {"event":{"header":{"namespace":"Alexa","name":"StateReport","payloadVersion":"3","correlationToken":"dFMb0z==","messageId":"6b7f1f0e"},"endpoint":{"scope":{"type":"BearerToken","token":"Atza"},"endpointId":"lamp-1"},"payload":{}},"context":{"properties":[{"namespace":"Alexa.PowerController","name":"powerState","value":"ON","timeOfSample":"2026-11-22T08:30:15.000Z","uncertaintyInMilliseconds":0}]}}
	// <nil>
}

// A device that needs longer than eight seconds.
func ExampleDeferredResponse() {
	directive, key := received("Alexa.PowerController", "TurnOn"), lwa.Key{} // key: Granter.Key of the directive

	response, err := gateway.EncodeResponse(directive.DeferredResponse(20 * time.Second))
	var m struct {
		Event struct{ Payload json.RawMessage }
	}
	fmt.Println(err, json.Unmarshal(response, &m), string(m.Event.Payload))

	// Later, when the device is on or has failed to turn on:
	err = sender.SendTo(context.Background(), key, directive.ErrorResponse(gateway.EndpointUnreachable, "no reply in 20 s"))
	fmt.Println(err)
	// Output:
	// <nil> <nil> {"estimatedDeferralInSeconds":20}
	// {"event":{"header":{"namespace":"Alexa","name":"ErrorResponse","payloadVersion":"3","correlationToken":"dFMb0z==","messageId":"6b7f1f0e"},"endpoint":{"scope":{"type":"BearerToken","token":"Atza"},"endpointId":"lamp-1"},"payload":{"message":"no reply in 20 s","type":"ENDPOINT_UNREACHABLE"}}}
	// <nil>
}

func ExampleDeleteReport_Split() {
	gone := &gateway.DeleteReport{EndpointIDs: []string{"lamp-1", "lamp-2", "lamp-3", "lamp-4", "lamp-5"}}
	for report := range gone.Split(2) { // Split(30), say
		if err := sender.Send(context.Background(), "account-1", report); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// {"event":{"header":{"namespace":"Alexa.Discovery","name":"DeleteReport","payloadVersion":"3","messageId":"6b7f1f0e"},"payload":{"scope":{"type":"BearerToken","token":"Atza"},"endpoints":[{"endpointId":"lamp-1"},{"endpointId":"lamp-2"}]}}}
	// {"event":{"header":{"namespace":"Alexa.Discovery","name":"DeleteReport","payloadVersion":"3","messageId":"6b7f1f0e"},"payload":{"scope":{"type":"BearerToken","token":"Atza"},"endpoints":[{"endpointId":"lamp-3"},{"endpointId":"lamp-4"}]}}}
	// {"event":{"header":{"namespace":"Alexa.Discovery","name":"DeleteReport","payloadVersion":"3","messageId":"6b7f1f0e"},"payload":{"scope":{"type":"BearerToken","token":"Atza"},"endpoints":[{"endpointId":"lamp-5"}]}}}
}

func ExampleDoorbellPress() {
	err := sender.Send(context.Background(), "account-1", &gateway.DoorbellPress{
		EndpointID: "doorbell-1",
		Cause:      gateway.PhysicalInteraction,
		Timestamp:  time.Date(2026, 11, 22, 8, 30, 15, 0, time.UTC),
	})
	fmt.Println(err)
	// Output:
	// {"event":{"header":{"namespace":"Alexa.DoorbellEventSource","name":"DoorbellPress","payloadVersion":"3","messageId":"6b7f1f0e"},"endpoint":{"scope":{"type":"BearerToken","token":"Atza"},"endpointId":"doorbell-1"},"payload":{"cause":{"type":"PHYSICAL_INTERACTION"},"timestamp":"2026-11-22T08:30:15Z"}}}
	// <nil>
}

// An event of an interface that this package has no type for.
func ExampleRawEvent() {
	err := sender.Send(context.Background(), "account-1", &gateway.RawEvent{
		Namespace:  "Alexa.InventoryUsageSensor",
		Name:       "InventoryConsumed",
		Instance:   "CoffeePods",
		EndpointID: "coffee-maker-1",
		Payload:    json.RawMessage(`{"usage": {"@type": "Count", "value": 1}, "timeOfSample": "2026-11-22T08:30:15Z"}`),
	})
	fmt.Println(err)
	// Output:
	// {"event":{"header":{"namespace":"Alexa.InventoryUsageSensor","name":"InventoryConsumed","instance":"CoffeePods","payloadVersion":"3","messageId":"6b7f1f0e"},"endpoint":{"scope":{"type":"BearerToken","token":"Atza"},"endpointId":"coffee-maker-1"},"payload":{"usage":{"@type":"Count","value":1},"timeOfSample":"2026-11-22T08:30:15Z"}}}
	// <nil>
}
