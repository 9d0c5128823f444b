// Package backend is the backend of a skill with lamps: it receives events and
// notifications, and reports changes to Alexa. It is the part of the quickstart to
// copy.
package backend

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/outbox"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

// SkillID is the ID of the skill.
const SkillID = "amzn1.ask.skill.quickstart"

// clientID is on the skill's Permissions page, under Alexa Skill Messaging.
const clientID = "amzn1.application-oa2-client.quickstart"

// Skill is the backend. Its handler uses the fields.
type Skill struct {
	Verifier        *signature.Verifier
	Recorder        *identity.Recorder
	Events          *skillevents.Handler
	Link            func(ctx context.Context, accessToken string) (linkID string, err error)
	Sender          *gateway.Sender
	Outbox          *outbox.Outbox
	AddNotification func(ctx context.Context, id, text string) error
}

// New returns the backend; the secret belongs to the client ID. Tokens are stored
// unencrypted: lwa.Sealed encrypts them.
func New(accounts *Accounts, secret string, logger *slog.Logger) *Skill {
	tokens := &lwa.Source{Client: &lwa.Client{ID: clientID, Secret: secret}, Store: accounts.Store, Logger: logger}
	recorder := &identity.Recorder{Store: accounts.Store, Account: accounts.tokens.Account, Logger: logger}
	sender := &gateway.Sender{Tokens: tokens, Logger: logger}
	accounts.Outbox.Sender, accounts.Outbox.Logger = sender, logger
	return &Skill{
		Verifier:        &signature.Verifier{Skills: []string{SkillID}, Logger: logger},
		Recorder:        recorder,
		Events:          &skillevents.Handler{Receive: recorder.Record, Logger: logger},
		Link:            accounts.links.Account,
		Sender:          sender,
		Outbox:          accounts.Outbox,
		AddNotification: accounts.addNotification,
	}
}

// Handler returns the endpoints: two that the skill's manifest names, for events and
// for requests to the skill, and those of lamps and of topics. Amazon requires the
// verification of the signature on the first two.
func (b *Skill) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /alexa/events", b.Verifier.Handler(b.Events))
	mux.Handle("POST /alexa", b.Verifier.Handler(http.HandlerFunc(b.ServeRequest)))
	b.lamps(mux)
	b.notifications(mux)
	return mux
}

// ServeRequest is the endpoint of the skill itself. It greets a customer by the account.
func (b *Skill) ServeRequest(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	request, err := skillevents.Parse(body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := b.Recorder.Seen(r.Context(), request); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	envelope := request.Common()
	account, err := identity.Account(r.Context(), b.Recorder.Store, envelope.SkillID, envelope.UserID, envelope.Time())
	if err != nil && !errors.Is(err, identity.ErrNoRecord) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	reply := response{Version: "1.0"}
	switch envelope.Type {
	case "LaunchRequest", "IntentRequest": // the response to the end of a session has no speech
		reply.Response.OutputSpeech = &speech{"PlainText", greeting(account)}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(reply) // an error means that Alexa closed the connection
}

func greeting(account string) string {
	if account == "" {
		return "Hello. Please link your account."
	}
	return "Hello, " + account + "."
}

// response is the response of a skill to a request.
type response struct {
	Version  string `json:"version"`
	Response struct {
		OutputSpeech *speech `json:"outputSpeech,omitempty"`
	} `json:"response"`
}

type speech struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Serve handles requests and sends the events of the outbox until ctx ends, and then
// completes what is in progress. Alexa requires TLS: put Serve behind a proxy that
// terminates TLS, or use ServeTLS.
func (b *Skill) Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       8 * time.Second, // as long as Alexa waits for a response
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped, sent := make(chan error, 1), make(chan error, 1)
	go func() { sent <- b.Outbox.Run(ctx) }()
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	err := server.Serve(listener)
	cancel()
	if errors.Is(err, http.ErrServerClosed) {
		err = <-stopped
	}
	ctx = context.WithoutCancel(ctx)
	return errors.Join(err, <-sent, b.Sender.Flush(ctx), b.Sender.Tokens.Flush(ctx))
}
