package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// skill is the backend of a smart home skill in one region.
type skill struct {
	grants  *gateway.Granter
	sender  *gateway.Sender
	devices []*device
	logger  *slog.Logger

	work sync.WaitGroup // what goes on after the answers
}

// newSkill returns the backend with these devices. The client's ID and secret
// are on the skill's page Permissions in the developer console.
func newSkill(client *lwa.Client, store lwa.Store, sessions sessions, logger *slog.Logger, devices ...*device) *skill {
	tokens := &lwa.Source{Client: client, Store: store, Logger: logger}
	return &skill{
		grants: &gateway.Granter{
			Tokens: tokens, Region: alexaevents.Europe,
			Account: sessions.account, Link: sessions.link, Logger: logger,
		},
		sender:  &gateway.Sender{Tokens: tokens},
		devices: devices,
		logger:  logger,
	}
}

// invoke answers a directive. Its form is that of a Lambda function, but see
// handOn.
func (s *skill) invoke(ctx context.Context, message json.RawMessage) (json.RawMessage, error) {
	directive, err := gateway.ParseDirective(message)
	if err != nil {
		return nil, err
	}
	if directive.Type() == gateway.AcceptGrant {
		return s.grants.AcceptGrant(ctx, message)
	}
	account, err := s.grants.Account(ctx, string(directive.AccessToken))
	if err != nil && !errors.Is(err, identity.ErrNoAccount) {
		return nil, err
	}
	return gateway.EncodeResponse(s.answer(ctx, directive, account))
}

// answer answers a directive of the customers of an account, which is "" for an
// access token of nobody.
func (s *skill) answer(ctx context.Context, directive *gateway.Directive, account string) gateway.Event {
	if directive.Type() == gateway.Discover {
		return s.discovered(account)
	}
	if account == "" {
		return directive.ErrorResponse("INVALID_AUTHORIZATION_CREDENTIAL", "not an access token of this skill")
	}
	d := s.device(directive.EndpointID)
	if d == nil || d.account != account {
		return directive.ErrorResponse(gateway.NoSuchEndpoint, "the account has no such endpoint")
	}
	return s.direct(ctx, directive, d)
}

// device returns the device of that ID, nil if there is none.
func (s *skill) device(id string) *device {
	for _, d := range s.devices {
		if d.id == id {
			return d
		}
	}
	return nil
}

// discovered answers Discover. Amazon asks for no endpoints, not for an error,
// where the access token is nobody's.
func (s *skill) discovered(account string) gateway.Event {
	endpoints := []endpoint{} // not null
	for _, d := range s.devices {
		if d.account == account {
			endpoints = append(endpoints, d.endpoint())
		}
	}
	return &gateway.Response{
		Namespace: "Alexa.Discovery", Name: "Discover.Response",
		Payload: map[string]any{"endpoints": endpoints},
	}
}

// direct answers a directive for a device: at once, or if the device is slow,
// with a DeferredResponse at once and the answer later.
func (s *skill) direct(ctx context.Context, directive *gateway.Directive, d *device) gateway.Event {
	if directive.Type() == gateway.ReportState {
		return directive.StateReport(d.properties()...)
	}
	do, ok := d.does[directive.Type()]
	switch {
	case !ok:
		return directive.ErrorResponse(gateway.InvalidDirective, "the endpoint cannot do this")
	case !d.reachable():
		return directive.ErrorResponse(gateway.EndpointUnreachable, "the endpoint is offline")
	case d.takes == 0:
		return s.act(ctx, directive, d, do)
	}
	// The later answer goes to the customer who gave the directive, not to all of
	// the account.
	key, err := s.grants.Key(ctx, directive)
	if err != nil {
		s.note(ctx, "nobody to answer later", err)
		return directive.ErrorResponse(gateway.InternalError, "there is no grant to send the answer with")
	}
	if !d.begin() {
		return directive.ErrorResponse(gateway.EndpointBusy, "the endpoint is at something else")
	}
	s.later(ctx, func(ctx context.Context) {
		answer := s.act(ctx, directive, d, do)
		d.end()
		s.note(ctx, "answer not sent", s.sender.SendTo(ctx, key, answer))
	})
	return directive.DeferredResponse(d.takes)
}

// act has the device do something, and returns the answer.
func (s *skill) act(ctx context.Context, directive *gateway.Directive, d *device, do action) gateway.Event {
	time.Sleep(d.takes) // the device at work
	became, refusal := do(directive)
	if refusal != nil {
		return refusal
	}
	// The directive does not say whether the customer spoke to Alexa or used its app.
	s.told(ctx, d, gateway.VoiceInteraction, became)
	return directive.Response(d.properties()...)
}

// told is called with what a device tells of itself. Alexa wants to hear of a
// change within three seconds, whatever the cause, its own directives included.
func (s *skill) told(ctx context.Context, d *device, cause gateway.Cause, properties ...gateway.Property) {
	if !d.tell(cause, properties...) {
		return
	}
	s.later(ctx, func(ctx context.Context) {
		for report := d.report(); report != nil; report = d.report() {
			// What does not get through is in the context of the next report, and in
			// the answer to the next ReportState.
			s.note(ctx, "change not reported", s.sender.Send(ctx, d.account, report))
		}
	})
}

// later does what nobody waits for. It ends by itself: the sender gives up after
// three resends.
func (s *skill) later(ctx context.Context, do func(context.Context)) {
	s.work.Go(func() { do(context.WithoutCancel(ctx)) })
}

// note logs what went wrong. That no customer allows events, or none any more, is
// nothing to act on.
func (s *skill) note(ctx context.Context, what string, err error) {
	if err != nil && !errors.Is(err, gateway.ErrEnded) {
		s.logger.WarnContext(ctx, what, slog.Any("error", err))
	}
}
