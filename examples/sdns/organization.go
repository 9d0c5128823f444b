package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

// organization receives notifications about the skills of its developers. Its
// fields are required.
type organization struct {
	tokens   *lwa.Source   // grants of developers, by their user ID at Amazon
	verifier *sns.Verifier // lists the topic
	logger   *slog.Logger

	url      string // base URL of this server, as browsers reach it
	vendorID string // vendor ID of the organization
	topicARN string // SNS topic of the notifications
	roleARN  string // IAM role that lets Amazon publish to the topic
	webhook  string // URL that receives a POST for each certification

	mu           sync.Mutex
	sessions     map[string]session // by cookie
	subscriberID string             // empty until the organization has consented
}

// session is the session of a developer's browser.
type session struct {
	verifier  string // from AuthCodeURL, until the callback
	developer string // user ID at Amazon, from the callback on
}

// handler returns the endpoints: consent is the link to send to a developer.
func (o *organization) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /consent", o.consent)
	mux.HandleFunc("GET /callback", o.callback)
	mux.HandleFunc("GET /token", o.token)
	mux.Handle("POST /sns", &sns.Handler{Verifier: o.verifier, Receive: sdns.Receive(o.receive), Logger: o.logger})
	return mux
}

func (o *organization) callbackURL() string { return o.url + "/callback" }

// consent sends the browser to Amazon's consent page.
func (o *organization) consent(w http.ResponseWriter, r *http.Request) {
	consentURL, verifier := o.tokens.Client.AuthCodeURL(o.callbackURL(),
		lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite, lwa.ScopeProfileUserID)
	id := rand.Text()
	o.setSession(id, session{verifier: verifier})
	http.SetCookie(w, &http.Cookie{
		Name: "session", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(o.url, "https:"),
	})
	http.Redirect(w, r, consentURL, http.StatusFound)
}

// callback stores the developer's grant and subscribes to the events of their
// skills.
func (o *organization) callback(w http.ResponseWriter, r *http.Request) {
	id, browser := o.session(r)
	if browser.verifier == "" {
		http.Error(w, "begin at "+o.url+"/consent", http.StatusBadRequest)
		return
	}
	ctx, login := r.Context(), o.tokens.Client
	token, err := login.ExchangeCallback(ctx, o.callbackURL(), browser.verifier, r.URL.Query())
	if err != nil {
		o.fail(w, http.StatusBadRequest, err)
		return
	}
	profile, err := login.Profile(ctx, token.AccessToken)
	if err != nil {
		o.fail(w, http.StatusBadGateway, err)
		return
	}
	if err := o.tokens.Import(ctx, lwa.Key{ClientID: login.ID, AccountID: profile.UserID}, token.RefreshToken); err != nil {
		o.fail(w, http.StatusInternalServerError, err)
		return
	}
	o.setSession(id, session{developer: profile.UserID})
	subscribed, err := o.subscribe(ctx, profile.UserID)
	if err != nil {
		o.fail(w, http.StatusBadGateway, err)
		return
	}
	fmt.Fprintln(w, "Subscribed:", strings.Join(subscribed, ", "))
	fmt.Fprintln(w, "Work with the access token at", o.url+"/token: no other token causes notifications.")
}

// subscribe subscribes to the events of a developer's skills with their own token,
// and creates the subscriber if the organization's vendor ID is theirs.
func (o *organization) subscribe(ctx context.Context, developer string) (subscribed []string, err error) {
	client := &sdns.Client{HTTPClient: o.tokens.HTTPClient(developer)}
	vendors, err := client.Vendors(ctx)
	if err != nil {
		return nil, err
	}
	for _, vendor := range vendors {
		if vendor.ID == o.vendorID {
			if err := o.findSubscriber(ctx, client); err != nil {
				return nil, err
			}
		}
	}
	o.mu.Lock()
	subscriberID := o.subscriberID
	o.mu.Unlock()
	if subscriberID == "" {
		return nil, errors.New("a person with the organization's vendor ID must consent first")
	}
	for _, vendor := range vendors {
		if err := createSubscription(ctx, client, vendor.ID, subscriberID); err != nil {
			return nil, err
		}
		subscribed = append(subscribed, vendor.ID)
	}
	return subscribed, nil
}

// findSubscriber finds the organization's subscriber or creates it.
func (o *organization) findSubscriber(ctx context.Context, client *sdns.Client) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for subscriber, err := range client.Subscribers(ctx, o.vendorID) {
		if err != nil {
			return err
		}
		if subscriber.TopicARN == o.topicARN {
			o.subscriberID = subscriber.ID
			return nil
		}
	}
	id, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name: "Our developers", VendorID: o.vendorID, TopicARN: o.topicARN, RoleARN: o.roleARN,
	})
	if err == nil {
		o.subscriberID = id
	}
	return err
}

// createSubscription does nothing if the subscription exists.
func createSubscription(ctx context.Context, client *sdns.Client, vendorID, subscriberID string) error {
	for _, err := range client.Subscriptions(ctx, vendorID, subscriberID) {
		return err // nil for the first one
	}
	_, err := client.CreateSubscription(ctx, sdns.Subscription{
		Name: "Certifications of " + vendorID, VendorID: vendorID, SubscriberID: subscriberID,
		Events: []sdns.EventName{sdns.EventSkillCertification},
	})
	return err
}

// token shows the developer the access token to work with, for about an hour.
func (o *organization) token(w http.ResponseWriter, r *http.Request) {
	_, browser := o.session(r)
	if browser.developer == "" {
		http.Error(w, "consent first: "+o.url+"/consent", http.StatusForbidden)
		return
	}
	token, err := o.tokens.Token(r.Context(), lwa.Key{ClientID: o.tokens.Client.ID, AccountID: browser.developer})
	if err != nil {
		o.fail(w, http.StatusBadGateway, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprint(w, string(token))
}

// receive posts each certification to the webhook. SNS redelivers a notification
// if that fails, and may deliver duplicates: requestId identifies them.
func (o *organization) receive(ctx context.Context, event sdns.Event) error {
	certification, ok := event.(*sdns.SkillCertification)
	if !ok {
		return nil
	}
	return post(ctx, o.webhook, map[string]string{
		"text":      fmt.Sprintf("Certification of %s of %s: %s", certification.SkillID, certification.VendorID, certification.Status),
		"requestId": certification.RequestID,
	})
}

// post sends a JSON document.
func post(ctx context.Context, url string, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // SNS waits 15
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook responded with %s", response.Status)
	}
	return nil
}

func (o *organization) session(r *http.Request) (id string, s session) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return "", session{}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return cookie.Value, o.sessions[cookie.Value]
}

func (o *organization) setSession(id string, s session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sessions == nil {
		o.sessions = make(map[string]session)
	}
	o.sessions[id] = s
}

func (o *organization) fail(w http.ResponseWriter, status int, err error) {
	o.logger.Warn("request failed", slog.Any("error", err))
	http.Error(w, err.Error(), status)
}
