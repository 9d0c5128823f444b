package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/skillevents"
	"github.com/alexaevents/alexaevents/sns"
)

// brokenBackends each break one promise of the backend.
var brokenBackends = map[string]func(*backend.Skill) http.Handler{
	"fails": func(*backend.Skill) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	},
	"forgets what it acknowledged": func(b *backend.Skill) http.Handler {
		b.Recorder.Store = &alteredStore{b.Recorder.Store, func(f *identity.Fact) bool { return f.Kind != identity.Disabled }}
		return b.Handler()
	},
	"forgets when it is killed": func(b *backend.Skill) http.Handler {
		b.Recorder.Store = &alteredStore{b.Recorder.Store, func(f *identity.Fact) bool { return f.AccountID != "vincent" }}
		return b.Handler()
	},
	"takes arrival for the time": func(b *backend.Skill) http.Handler {
		b.Recorder.Store = &alteredStore{b.Recorder.Store, func(f *identity.Fact) bool { f.At = time.Now(); return true }}
		return b.Handler()
	},
	"believes every event": func(b *backend.Skill) http.Handler {
		return unless("/alexa/events", b.Handler(), func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			event, err := skillevents.Parse(body)
			if err != nil || b.Recorder.Record(r.Context(), event) != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
	},
	"believes every request": func(b *backend.Skill) http.Handler {
		return unless("/alexa", b.Handler(), b.Speak)
	},
	"greets strangers as Ada": func(b *backend.Skill) http.Handler {
		return unless("/alexa", b.Handler(), b.Verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"response":{"outputSpeech":{"text":"Hello, ada."}}}`)
		})).ServeHTTP)
	},
	"knows accounts that do not exist": func(b *backend.Skill) http.Handler {
		handler := b.Handler() // whose grants stay as they are
		b.Recorder.Account = otherwise(b.Recorder.Account, "alan")
		return handler
	},
	"believes every grantee": func(b *backend.Skill) http.Handler {
		b.Recorder.Account = otherwise(b.Recorder.Account, "alan")
		b.Link = otherwise(b.Link, "somebody")
		return b.Handler()
	},
	"knows one region": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return unless("/alexa/smarthome/NA", handler, func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/alexa/smarthome/EU"
			handler.ServeHTTP(w, r)
		})
	},
	"keeps one grant for an account": func(b *backend.Skill) http.Handler {
		b.Link = func(context.Context, string) (string, error) { return "the only one", nil }
		return b.Handler()
	},
	"reports twice": func(b *backend.Skill) http.Handler {
		client := *b.Sender.HTTPClient
		b.Sender.HTTPClient = &http.Client{Transport: twice{client.Transport}}
		return b.Handler()
	},
	"keeps grants in memory": func(b *backend.Skill) http.Handler {
		b.Sender.Tokens.Store = new(lwa.MemoryStore)
		return b.Handler()
	},
	"keeps the first refresh token": func(b *backend.Skill) http.Handler {
		b.Sender.Tokens.Store = firstToken{b.Sender.Tokens.Store}
		return b.Handler()
	},
	"gives up at once": func(b *backend.Skill) http.Handler {
		client := *b.Sender.HTTPClient
		b.Sender.HTTPClient = &http.Client{Transport: once{client.Transport}}
		return b.Handler()
	},
	"keeps reports in memory": func(b *backend.Skill) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", b.Handler())
		mux.HandleFunc("POST /lamps/{account}/{power}", func(w http.ResponseWriter, r *http.Request) {
			ctx, account := context.WithoutCancel(r.Context()), r.PathValue("account")
			if keys, err := b.Sender.Keys(ctx, account); err != nil || len(keys) == 0 {
				http.Error(w, "no live grant", http.StatusGone)
				return
			}
			report := &gateway.ChangeReport{
				EndpointID: "lamp", Cause: gateway.PhysicalInteraction,
				Properties: []gateway.Property{gateway.PowerState(gateway.Switch(r.PathValue("power")), time.Now())},
			}
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_ = b.Sender.Send(ctx, account, report)
			}()
			select {
			case <-sent: // so that what the story expects at once is there
			case <-time.After(time.Second):
			}
			w.WriteHeader(http.StatusNoContent)
		})
		return mux
	},
	"says that all went well": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/lamps/") {
				handler.ServeHTTP(httptest.NewRecorder(), r)
				w.WriteHeader(http.StatusNoContent)
				return
			}
			handler.ServeHTTP(w, r)
		})
	},
	"keeps the grants of erased accounts": (*backend.Skill).Handler, // see eraseHalf
	"takes the news of everybody": func(b *backend.Skill) http.Handler {
		const mallory = "arn:aws:sns:us-east-1:999999999999:skills"
		handler := b.Topic(backend.SkillsTopic, sdns.Receive(b.OnDevelopmentEvent)).(*sns.Handler)
		handler.Verifier.Topics = append(handler.Verifier.Topics, mallory)
		return unless("/sns/skills", b.Handler(), handler.ServeHTTP)
	},
	"believes all news": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return unless("/sns/skills", handler, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			var message struct{ Type, TopicArn, Message string }
			_ = json.Unmarshal(body, &message)
			event, err := sdns.Parse([]byte(message.Message))
			if err != nil || message.Type != sns.Notification || message.TopicArn != backend.SkillsTopic {
				handler.ServeHTTP(w, r)
				return
			}
			if b.OnDevelopmentEvent(r.Context(), event) != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
	},
	"confirms nothing": func(b *backend.Skill) http.Handler {
		return unless("/sns/hotel", b.Handler(), func(http.ResponseWriter, *http.Request) {})
	},
	"stores news twice": func(b *backend.Skill) http.Handler {
		add := b.AddNews
		b.AddNews = func(ctx context.Context, _, text string) error { return add(ctx, rand.Text(), text) }
		return b.Handler()
	},
	"drops news": func(b *backend.Skill) http.Handler {
		b.AddNews = func(context.Context, string, string) error { return nil }
		return b.Handler()
	},
	"writes accounts to a log": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			slog.Info("request", "path", r.URL.Path)
			handler.ServeHTTP(w, r)
		})
	},
	"writes all that it hears to a log": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			slog.Info("request", "body", string(body))
			r.Body = io.NopCloser(bytes.NewReader(body))
			handler.ServeHTTP(w, r)
		})
	},
}

// unless returns the handler with another one for a path.
func unless(path string, handler http.Handler, other http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			other(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// alteredStore changes facts before it stores them, or drops them.
type alteredStore struct {
	identity.Store
	alter func(*identity.Fact) (keep bool)
}

func (s *alteredStore) AddFact(ctx context.Context, fact identity.Fact) error {
	if !s.alter(&fact) {
		return nil
	}
	return s.Store.AddFact(ctx, fact)
}

// otherwise returns what f returns, or another ID instead of an error.
func otherwise(f func(context.Context, string) (string, error), other string) func(context.Context, string) (string, error) {
	return func(ctx context.Context, accessToken string) (string, error) {
		if id, err := f(ctx, accessToken); err == nil {
			return id, nil
		}
		return other, nil
	}
}

// twice sends each event two times.
type twice struct{ http.RoundTripper }

func (t twice) RoundTrip(r *http.Request) (*http.Response, error) {
	again := r.Clone(r.Context())
	again.Body, _ = r.GetBody()
	if response, err := t.RoundTripper.RoundTrip(again); err == nil {
		response.Body.Close()
	}
	return t.RoundTripper.RoundTrip(r)
}

// once makes of a broken connection an answer that stands.
type once struct{ http.RoundTripper }

func (t once) RoundTrip(r *http.Request) (*http.Response, error) {
	if response, err := t.RoundTripper.RoundTrip(r); err == nil {
		return response, nil
	}
	return &http.Response{StatusCode: http.StatusBadRequest, Body: http.NoBody, Request: r}, nil
}

// firstToken does not notice that refresh tokens change.
type firstToken struct{ lwa.Store }

func (s firstToken) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	return s.Store.UpdateGrant(ctx, key, func(grant *lwa.Grant) error {
		first := grant.RefreshToken
		err := fn(grant)
		if first != "" {
			grant.RefreshToken = first
		}
		return err
	})
}

// eraseHalf is eraseCommand, but for the grants.
func eraseHalf(ctx context.Context, file, accountID string) error {
	accounts, err := backend.OpenAccounts(ctx, file)
	if err != nil {
		return err
	}
	defer accounts.Close()
	_, err = accounts.DB.ExecContext(ctx, "DELETE FROM accounts WHERE id = ?", accountID)
	return errors.Join(err, accounts.Store.EraseAccount(ctx, accountID))
}
