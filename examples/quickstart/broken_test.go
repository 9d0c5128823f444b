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

// brokenBackends are backends with one defect each.
var brokenBackends = map[string]func(*backend.Skill) http.Handler{
	"returns 500": func(*backend.Skill) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	},
	"does not store acknowledged events": func(b *backend.Skill) http.Handler {
		b.Recorder.Store = &alteredStore{b.Recorder.Store, func(f *identity.Fact) bool { return f.Kind != identity.Disabled }}
		return b.Handler()
	},
	"loses an event in a crash": func(b *backend.Skill) http.Handler {
		b.Recorder.Store = &alteredStore{b.Recorder.Store, func(f *identity.Fact) bool { return f.AccountID != "vincent" }}
		return b.Handler()
	},
	"stores the time of arrival": func(b *backend.Skill) http.Handler {
		b.Recorder.Store = &alteredStore{b.Recorder.Store, func(f *identity.Fact) bool { f.At = time.Now(); return true }}
		return b.Handler()
	},
	"does not verify events": func(b *backend.Skill) http.Handler {
		return replace("/alexa/events", b.Handler(), func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			event, err := skillevents.Parse(body)
			if err != nil || b.Recorder.Record(r.Context(), event) != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
	},
	"does not verify requests": func(b *backend.Skill) http.Handler {
		return replace("/alexa", b.Handler(), b.ServeRequest)
	},
	"resolves every user to ada": func(b *backend.Skill) http.Handler {
		return replace("/alexa", b.Handler(), b.Verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"response":{"outputSpeech":{"text":"Hello, ada."}}}`)
		})).ServeHTTP)
	},
	"accepts deleted accounts": func(b *backend.Skill) http.Handler {
		handler := b.Handler() // before the change, so that grants still need an account
		b.Recorder.Account = otherwise(b.Recorder.Account, "alan")
		return handler
	},
	"accepts every grantee": func(b *backend.Skill) http.Handler {
		b.Recorder.Account = otherwise(b.Recorder.Account, "alan")
		b.Link = otherwise(b.Link, "a link")
		return b.Handler()
	},
	"has one region": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return replace("/alexa/smarthome/NA", handler, func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/alexa/smarthome/EU"
			handler.ServeHTTP(w, r)
		})
	},
	"stores one grant per account": func(b *backend.Skill) http.Handler {
		b.Link = func(context.Context, string) (string, error) { return "link", nil }
		return b.Handler()
	},
	"sends reports twice": func(b *backend.Skill) http.Handler {
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
	"does not retry": func(b *backend.Skill) http.Handler {
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
			case <-sent: // most reports are sent before the response
			case <-time.After(time.Second):
			}
			w.WriteHeader(http.StatusNoContent)
		})
		return mux
	},
	"always returns 204": func(b *backend.Skill) http.Handler {
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
	"keeps the grants of erased accounts": (*backend.Skill).Handler, // see eraseWithoutGrants
	"accepts foreign topics": func(b *backend.Skill) http.Handler {
		const mallory = "arn:aws:sns:us-east-1:999999999999:skills"
		handler := b.Topic(backend.SkillsTopic, sdns.Receive(b.OnDevelopmentEvent)).(*sns.Handler)
		handler.Verifier.Topics = append(handler.Verifier.Topics, mallory)
		return replace("/sns/skills", b.Handler(), handler.ServeHTTP)
	},
	"does not verify notifications": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return replace("/sns/skills", handler, func(w http.ResponseWriter, r *http.Request) {
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
	"confirms no subscription": func(b *backend.Skill) http.Handler {
		return replace("/sns/hotel", b.Handler(), func(http.ResponseWriter, *http.Request) {})
	},
	"stores duplicate notifications": func(b *backend.Skill) http.Handler {
		add := b.AddNotification
		b.AddNotification = func(ctx context.Context, _, text string) error { return add(ctx, rand.Text(), text) }
		return b.Handler()
	},
	"stores no notifications": func(b *backend.Skill) http.Handler {
		b.AddNotification = func(context.Context, string, string) error { return nil }
		return b.Handler()
	},
	"logs accounts": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			slog.Info("request", "path", r.URL.Path)
			handler.ServeHTTP(w, r)
		})
	},
	"logs request bodies": func(b *backend.Skill) http.Handler {
		handler := b.Handler()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			slog.Info("request", "body", string(body))
			r.Body = io.NopCloser(bytes.NewReader(body))
			handler.ServeHTTP(w, r)
		})
	},
}

// replace returns the handler with another handler for one path.
func replace(path string, handler http.Handler, other http.HandlerFunc) http.Handler {
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

// twice sends each request twice.
type twice struct{ http.RoundTripper }

func (t twice) RoundTrip(r *http.Request) (*http.Response, error) {
	again := r.Clone(r.Context())
	again.Body, _ = r.GetBody()
	if response, err := t.RoundTripper.RoundTrip(again); err == nil {
		response.Body.Close()
	}
	return t.RoundTripper.RoundTrip(r)
}

// once returns status 400 instead of a connection error, so that nothing is retried.
type once struct{ http.RoundTripper }

func (t once) RoundTrip(r *http.Request) (*http.Response, error) {
	if response, err := t.RoundTripper.RoundTrip(r); err == nil {
		return response, nil
	}
	return &http.Response{StatusCode: http.StatusBadRequest, Body: http.NoBody, Request: r}, nil
}

// firstToken stores only the first refresh token of a grant.
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

// eraseWithoutGrants is eraseCommand without the deletion of grants.
func eraseWithoutGrants(ctx context.Context, file, accountID string) error {
	accounts, err := backend.OpenAccounts(ctx, file)
	if err != nil {
		return err
	}
	defer accounts.Close()
	_, err = accounts.DB.ExecContext(ctx, "DELETE FROM accounts WHERE id = ?", accountID)
	return errors.Join(err, accounts.Store.EraseAccount(ctx, accountID))
}
