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
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

const (
	SkillID  = "amzn1.ask.skill.quickstart"
	clientID = "amzn1.application-oa2-client.quickstart" // of the skill's page Permissions
)

// Skill is the backend of a skill.
type Skill struct {
	Verifier *signature.Verifier
	Recorder *identity.Recorder
	Events   *skillevents.Handler
	Link     func(ctx context.Context, accessToken string) (linkID string, err error)
	Sender   *gateway.Sender
	AddNews  func(ctx context.Context, id, text string) error
}

// New returns the backend; the secret is that of the client ID. What
// Amazon gives is stored as it is: lwa.Sealed would encrypt it.
func New(accounts *Accounts, secret string, logger *slog.Logger) *Skill {
	tokens := &lwa.Source{Client: &lwa.Client{ID: clientID, Secret: secret}, Store: accounts.Store, Logger: logger}
	recorder := &identity.Recorder{Store: accounts.Store, Account: accounts.tokens.Account, Logger: logger}
	return &Skill{
		Verifier: &signature.Verifier{Skills: []string{SkillID}, Logger: logger},
		Recorder: recorder,
		Events:   &skillevents.Handler{Receive: recorder.Record, Logger: logger},
		Link:     accounts.links.Account,
		Sender:   &gateway.Sender{Tokens: tokens, Logger: logger},
		AddNews:  accounts.addNews,
	}
}

// Handler has the two endpoints that the skill's manifest names, that of the
// events and that of the skill itself, those of lamps, and those of topics.
// Amazon asks for the check of the signature on the first two.
func (b *Skill) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /alexa/events", b.Verifier.Handler(b.Events))
	mux.Handle("POST /alexa", b.Verifier.Handler(http.HandlerFunc(b.Speak)))
	b.lamps(mux)
	b.notifications(mux)
	return mux
}

// Speak is the skill: it greets its customers by their account.
func (b *Skill) Speak(w http.ResponseWriter, r *http.Request) {
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
	reply := answer{Version: "1.0"}
	switch envelope.Type {
	case "LaunchRequest", "IntentRequest": // the end of a session may not be answered with speech
		reply.Response.OutputSpeech = &speech{"PlainText", greeting(account)}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(reply) // a customer who is gone hears nothing
}

func greeting(account string) string {
	if account == "" {
		return "Hello, whoever you are."
	}
	return "Hello, " + account + "."
}

// answer is what a skill says to a request.
type answer struct {
	Version  string `json:"version"`
	Response struct {
		OutputSpeech *speech `json:"outputSpeech,omitempty"`
	} `json:"response"`
}

type speech struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Serve answers requests until ctx ends, and then finishes those that it has
// begun. Alexa speaks TLS only: put Serve behind what ends TLS, or use ServeTLS.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       8 * time.Second, // as long as Alexa waits for an answer
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
