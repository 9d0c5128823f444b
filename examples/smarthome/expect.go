package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/outbox"
)

// soon is the time within which Alexa requires a change report.
const soon = 3 * time.Second

type object = map[string]any

// acceptGrant sends an AcceptGrant directive of a customer.
func (d *demonstration) acceptGrant(ctx context.Context, customer, want string) {
	code := d.cloud.Grant(alexaevents.Europe, customer)
	d.sendDirective(ctx, customer, alexatest.AcceptGrantDirective(code, d.tokens[customer]), want)
}

// direct sends a directive of a customer, named by its interface and name.
func (d *demonstration) direct(ctx context.Context, customer, directive, endpointID string, payload object, want string) {
	dot := strings.LastIndexByte(directive, '.')
	d.sendDirective(ctx, customer, alexatest.Directive(directive[:dot], directive[dot+1:], endpointID, d.tokens[customer], payload), want)
}

// sendDirective calls the Lambda function with a directive and expects this response.
func (d *demonstration) sendDirective(ctx context.Context, customer string, message []byte, want string) {
	if d.err != nil {
		return
	}
	directive, err := gateway.ParseDirective(message)
	if err != nil {
		d.err = err
		return
	}
	what := strings.TrimSpace(customer + ": " + directive.Name + " " + directive.EndpointID)
	d.printf("%s", what)
	if err := d.call(ctx, message, directive, want); err != nil {
		d.err = fmt.Errorf("%s: %w", what, err)
		return
	}
	d.printf("   → %s", want)
}

func (d *demonstration) call(ctx context.Context, message []byte, directive *gateway.Directive, want string) error {
	response, err := d.lambda(ctx, message)
	if err != nil {
		return err
	}
	var e event
	if err := json.Unmarshal(response, &e); err != nil {
		return err
	}
	if got := e.text(); got != want {
		return fmt.Errorf("expected the response %q, got %q", want, got)
	}
	header := e.Event.Header
	switch {
	case header.Name == "Discover.Response":
		for _, endpoint := range e.Event.Payload.Endpoints {
			d.declared[endpoint.EndpointID] = endpoint.properties()
		}
		return nil
	case header.CorrelationToken != string(directive.CorrelationToken):
		return fmt.Errorf("the response %q has another correlation token", want)
	case header.Name == "DeferredResponse":
		d.deferred[header.CorrelationToken] = true
	}
	return d.complete(e)
}

// change changes a property of a device without a directive.
func (d *demonstration) change(ctx context.Context, what, endpointID string, cause gateway.Cause, property gateway.Property) {
	if d.err == nil {
		d.printf("%s", what)
		_, d.err = d.skill.changed(ctx, d.skill.device(endpointID), cause, property)
	}
}

// both returns the event for each of the two customers of the account.
func both(text string) []string { return []string{"Ada: " + text, "Bob: " + text} }

// expectEvents expects the skill to send these events soon, in any order. The next call
// finds an event too many.
func (d *demonstration) expectEvents(want ...string) {
	if d.err != nil {
		return
	}
	for start := time.Now(); len(d.cloud.Sent()) < d.checked+len(want) && time.Since(start) < soon; {
		time.Sleep(10 * time.Millisecond)
	}
	var got []string
	for _, sent := range d.cloud.Sent()[d.checked:] {
		text, err := d.event(sent)
		if err != nil {
			d.err = err
			return
		}
		got = append(got, sent.Customer+": "+text)
	}
	d.checked += len(got)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		d.err = fmt.Errorf("expected these events within %v:\n   %s\ngot\n   %s",
			soon, strings.Join(want, "\n   "), strings.Join(got, "\n   "))
		return
	}
	for _, text := range want {
		d.printf("   ⇒ %s", text)
	}
}

// awaitOutbox waits until the outbox is empty.
func (d *demonstration) awaitOutbox(ctx context.Context) {
	for start, waiting := time.Now(), true; waiting && d.err == nil && time.Since(start) < soon; time.Sleep(10 * time.Millisecond) {
		var regions []outbox.Stats
		regions, d.err = d.skill.outbox.Stats(ctx)
		waiting = slices.ContainsFunc(regions, func(s outbox.Stats) bool { return s.Waiting > 0 })
	}
}

func (d *demonstration) printf(format string, args ...any) {
	fmt.Fprintf(d.out, "   "+format+"\n", args...)
}

// event checks an event that the skill sent, and returns its text.
func (d *demonstration) event(sent alexatest.Sent) (string, error) {
	var e event
	if err := json.Unmarshal(sent.Body, &e); err != nil {
		return "", err
	}
	text, token := e.text(), e.Event.Header.CorrelationToken
	if e.Event.Header.Name == "Response" && !d.deferred[token] {
		return "", fmt.Errorf("%s: %s responds to no deferred directive", sent.Customer, text)
	}
	delete(d.deferred, token)
	return text, d.complete(e)
}

// complete expects an event to have all properties that the discovery response declared.
func (d *demonstration) complete(e event) error {
	switch e.Event.Header.Name {
	case "ChangeReport", "Response", "StateReport":
	default:
		return nil
	}
	var reported []string
	for _, p := range slices.Concat(e.Event.Payload.Change.Properties, e.Context.Properties) {
		reported = append(reported, p.Namespace+"."+p.Name)
	}
	slices.Sort(reported)
	if declared := d.declared[e.Event.Endpoint.EndpointID]; !slices.Equal(reported, declared) {
		return fmt.Errorf("%s: expected the properties %v, got %v", e.text(), declared, reported)
	}
	return nil
}
