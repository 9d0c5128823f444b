package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// skill is the backend of a smart home skill in one region.
type skill struct {
	store   *sqlstore.Store
	grants  *gateway.Granter
	sender  *gateway.Sender
	outbox  *outbox.Outbox
	devices []*device
	logger  *slog.Logger

	work sync.WaitGroup // goroutines that outlive a response
}

// newSkill returns the backend with these devices; call migrate and start next. The
// client's ID and secret are on the skill's Permissions page, under Alexa Skill
// Messaging.
func newSkill(db *sql.DB, client *lwa.Client, sessions sessions, logger *slog.Logger, devices ...*device) *skill {
	store := sqlstore.New(db, sqlstore.SQLite)
	tokens := &lwa.Source{Client: client, Store: store, Logger: logger}
	sender := &gateway.Sender{Tokens: tokens}
	s := &skill{
		store: store,
		grants: &gateway.Granter{
			Tokens: tokens, Region: alexaevents.Europe,
			Account: sessions.account, Link: sessions.link, Logger: logger,
		},
		sender:  sender,
		outbox:  &outbox.Outbox{DB: db, Dialect: sqlstore.SQLite, Sender: sender},
		devices: devices,
		logger:  logger,
	}
	s.outbox.Observe = func(ctx context.Context, o outbox.Observation) {
		s.warn(ctx, "change not reported: "+string(o.Outcome), o.Err)
	}
	return s
}

// start sends the reports until the function that it returns is called, which waits
// until what is in progress is stored.
func (s *skill) start(ctx context.Context) (stop func()) {
	running, cancel := context.WithCancel(ctx)
	var sending sync.WaitGroup
	sending.Go(func() { s.warn(ctx, "no reports", s.outbox.Run(running)) })
	return func() {
		s.work.Wait()
		cancel()
		sending.Wait()
		ctx := context.WithoutCancel(ctx)
		s.warn(ctx, "not stored", errors.Join(s.sender.Flush(ctx), s.grants.Tokens.Flush(ctx)))
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
	now, err := s.state(ctx, s.outbox.DB, d)
	if err != nil {
		s.warn(ctx, "no state of the device", err)
		return directive.ErrorResponse(gateway.InternalError, "the database fails")
	}
	if directive.Type() == gateway.ReportState {
		return directive.StateReport(now...)
	}
	do, ok := d.does[directive.Type()]
	switch {
	case !ok:
		return directive.ErrorResponse(gateway.InvalidDirective, "the endpoint cannot do this")
	case !now.reachable():
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
	if d.busy.Swap(true) {
		return directive.ErrorResponse(gateway.EndpointBusy, "the endpoint carries out another directive")
	}
	ctx = context.WithoutCancel(ctx)
	s.work.Go(func() { // it ends by itself: the sender gives up after three retries
		response := s.act(ctx, directive, d, do)
		d.busy.Store(false)
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
	after, err := s.changed(ctx, d, gateway.VoiceInteraction, became)
	if err != nil {
		s.warn(ctx, "change not stored", err)
		return directive.ErrorResponse(gateway.InternalError, "the database fails")
	}
	return directive.Response(after...)
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
