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

	work sync.WaitGroup // goroutines that outlive a response
}

// newSkill returns the backend with these devices. The client's ID and secret
// are on the skill's Permissions page, under Alexa Skill Messaging.
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

// invoke handles a directive. It has the signature of a Lambda function, but see
// forward.
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
	return gateway.EncodeResponse(s.respond(ctx, directive, account))
}

// respond returns the response to a directive of a customer of the account. The
// account is "" for an unknown access token.
func (s *skill) respond(ctx context.Context, directive *gateway.Directive, account string) gateway.Event {
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

// discovered returns the response to Discover. For an unknown access token, Amazon
// wants a response without endpoints, not an error.
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

// direct returns the response to a directive for a device. For a slow device it
// returns a DeferredResponse and sends the response later.
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
	// The later response goes to the customer who gave the directive, not to all
	// customers of the account.
	key, err := s.grants.Key(ctx, directive)
	if err != nil {
		s.warn(ctx, "no grant for the later response", err)
		return directive.ErrorResponse(gateway.InternalError, "there is no grant to send the response with")
	}
	if !d.begin() {
		return directive.ErrorResponse(gateway.EndpointBusy, "the endpoint carries out another directive")
	}
	s.later(ctx, func(ctx context.Context) {
		response := s.act(ctx, directive, d, do)
		d.end()
		s.warn(ctx, "response not sent", s.sender.SendTo(ctx, key, response))
	})
	return directive.DeferredResponse(d.takes)
}

// act carries out the action, and returns the response.
func (s *skill) act(ctx context.Context, directive *gateway.Directive, d *device, do action) gateway.Event {
	time.Sleep(d.takes) // the device at work
	became, refusal := do(directive)
	if refusal != nil {
		return refusal
	}
	// The directive does not say whether the customer spoke to Alexa or used its app.
	s.changed(ctx, d, gateway.VoiceInteraction, became)
	return directive.Response(d.properties()...)
}

// changed is called with the properties that a device reports. Alexa requires a
// ChangeReport within three seconds, also for changes by its own directives.
func (s *skill) changed(ctx context.Context, d *device, cause gateway.Cause, properties ...gateway.Property) {
	if !d.update(cause, properties...) {
		return
	}
	s.later(ctx, func(ctx context.Context) {
		for report := d.report(); report != nil; report = d.report() {
			// A change that is not delivered is in the context of the next report, and in
			// the response to the next ReportState.
			s.warn(ctx, "change not reported", s.sender.Send(ctx, d.account, report))
		}
	})
}

// later runs do in a goroutine. It ends by itself: the sender gives up after three
// retries.
func (s *skill) later(ctx context.Context, do func(context.Context)) {
	s.work.Go(func() { do(context.WithoutCancel(ctx)) })
}

// warn logs an error, unless it means that no customer receives events.
func (s *skill) warn(ctx context.Context, what string, err error) {
	if err != nil && !errors.Is(err, gateway.ErrEnded) {
		s.logger.WarnContext(ctx, what, slog.Any("error", err))
	}
}

// sessions is the part of the skill's own authorization server that the skill uses:
// the sessions of its access tokens.
type sessions map[string]session

// session is the session in which a customer linked an account. It outlives the
// access token, which Alexa refreshes.
type session struct{ accountID, linkID string }

func (s sessions) account(_ context.Context, accessToken string) (string, error) {
	if session, ok := s[accessToken]; ok {
		return session.accountID, nil
	}
	return "", identity.ErrNoAccount
}

func (s sessions) link(_ context.Context, accessToken string) (string, error) {
	if session, ok := s[accessToken]; ok {
		return session.linkID, nil
	}
	return "", identity.ErrNoAccount
}
