// Package cloud serves [alexatest.Cloud] on one port: an HTTPS proxy, plain paths, and
// a control API with a journal.
package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

// Config is how a Server runs.
type Config struct {
	Skill      string // skill ID
	To         string // URL of the backend that gets events
	Directives string // URL of the backend that gets directives; empty is none
	State      string // file that keeps the state over a restart; empty keeps none
	Offline    bool   // whether the proxy refuses other hosts than Amazon's
}

// Server is a simulated Amazon with customers and a journal.
type Server struct {
	config  Config
	amazon  *alexatest.Cloud
	journal *journal

	mu        sync.Mutex
	customers map[string]*customer
	saving    sync.Mutex
}

type customer struct {
	*alexatest.Customer
	Enabled, Linked, Granted bool
	Token                    string // access token of the skill's own authorization server
}

// Customer is a customer as the API shows it.
type Customer struct {
	Name    string             `json:"name"`
	Region  alexaevents.Region `json:"region"`
	UserID  string             `json:"user_id"`
	Enabled bool               `json:"enabled"`
	Linked  bool               `json:"linked"`
	Granted bool               `json:"granted"`
}

// NewServer returns a server. It reads the state file if there is one.
func NewServer(config Config) (*Server, error) {
	s := &Server{config: config, amazon: alexatest.NewCloud(), journal: newJournal(), customers: make(map[string]*customer)}
	s.amazon.Observe = s.journal.observe
	if config.State == "" {
		return s, nil
	}
	saved, err := os.ReadFile(config.State)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s, s.save()
	case err != nil:
		return nil, err
	}
	if err := s.restore(saved); err != nil {
		return nil, fmt.Errorf("%s: %w", config.State, err)
	}
	return s, nil
}

// snapshot is the state of a Server.
type snapshot struct {
	Cloud     json.RawMessage      `json:"cloud"`
	Customers map[string]savedUser `json:"customers"`
}

type savedUser struct {
	Alexa   *alexatest.Customer `json:"alexa"`
	Enabled bool                `json:"enabled"`
	Linked  bool                `json:"linked"`
	Granted bool                `json:"granted"`
	Token   string              `json:"token"`
}

func (s *Server) snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved := snapshot{Cloud: s.amazon.Snapshot(), Customers: make(map[string]savedUser)}
	for name, c := range s.customers {
		saved.Customers[name] = savedUser{c.Customer, c.Enabled, c.Linked, c.Granted, c.Token}
	}
	return json.Marshal(saved)
}

func (s *Server) restore(data []byte) error {
	var saved snapshot
	if err := json.Unmarshal(data, &saved); err != nil {
		return fmt.Errorf("not a snapshot: %w", err)
	}
	customers := make(map[string]*customer)
	for name, c := range saved.Customers {
		if c.Alexa == nil {
			return fmt.Errorf("not a snapshot: no user ID of %s", name)
		}
		c.Alexa.SkillID = s.config.Skill
		customers[name] = &customer{c.Alexa, c.Enabled, c.Linked, c.Granted, c.Token}
	}
	if err := s.amazon.Restore(saved.Cloud); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.customers = customers
	return nil
}

// save writes the state file, which only its owner can read.
func (s *Server) save() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	data, err := s.snapshot()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(s.config.State), ".alexaevents-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), s.config.State)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// keepSaving saves the state each second in which something happened.
func (s *Server) keepSaving(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for last := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.journal.mu.Lock()
		now := s.journal.last
		s.journal.mu.Unlock()
		if now != last {
			last = now
			if err := s.save(); err != nil {
				failed(err)
			}
		}
	}
}

// Serve serves the listener, and Amazon's names over TLS on the second one if it is
// not nil, until the context ends.
func (s *Server) Serve(ctx context.Context, l, tlsListener net.Listener, failed func(error)) error {
	amazon := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		s.amazon.ServeHTTP(w, r)
	})
	p := newProxy(amazon, guard(s.control()), s.amazon.Leaf, s.config.Offline)
	defer p.tunnels.Close()
	go func() { _ = p.serveTLS(ctx, p.tunnels) }()
	if tlsListener != nil {
		go func() {
			if err := p.serveTLS(ctx, tlsListener); ctx.Err() == nil {
				failed(err)
			}
		}()
	}
	if s.config.State != "" {
		go s.keepSaving(ctx, failed)
	}
	err := newServer(ctx, p).Serve(l)
	if ctx.Err() == nil {
		return err
	}
	if s.config.State != "" {
		return s.save()
	}
	return nil
}

// noLog drops what net/http logs: connections that clients or faults broke.
var noLog = log.New(io.Discard, "", 0)

// customer returns the customer. It creates one if there is none. The lock is held.
func (s *Server) customer(name string) *customer {
	if s.customers[name] == nil {
		s.customers[name] = &customer{
			Customer: &alexatest.Customer{SkillID: s.config.Skill, Region: alexaevents.NorthAmerica},
			Token:    "access-token-of-" + name,
		}
	}
	return s.customers[name]
}

func (s *Server) listCustomers() []Customer {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Customer{}
	for name, c := range s.customers {
		list = append(list, Customer{name, c.Region, c.UserID(), c.Enabled, c.Linked, c.Granted})
	}
	slices.SortFunc(list, func(a, b Customer) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Action is what a customer does.
type Action struct {
	To     string             `json:"to,omitempty"`     // URL of the backend; empty is the one of the cloud
	Region alexaevents.Region `json:"region,omitempty"` // new region of the customer; empty keeps it
	Token  string             `json:"token,omitempty"`  // new access token of the skill's authorization server; empty keeps it
}

// Grant is the outcome of a customer's grant without a backend for directives.
type Grant struct {
	Code      string          `json:"code"`
	Directive json.RawMessage `json:"directive"`
}

// Actions are what a customer can do.
var Actions = []string{"enable", "link", "launch", "disable", "grant"}

// act makes a customer do something. It returns the entry of the request to the
// backend, or of a grant its code and directive. An inputError is the caller's.
func (s *Server) act(ctx context.Context, name, action string, options Action) (any, error) {
	if !slices.Contains(Actions, action) {
		return nil, badInput("a customer cannot %s; a customer can %s", action, strings.Join(Actions, ", "))
	}
	if options.Region != "" && options.Region.APIEndpoint() == "" {
		return nil, badInput("unknown region %q", options.Region)
	}
	to := options.To
	if to == "" {
		to = s.config.To
		if action == "grant" {
			to = s.config.Directives
		}
	}
	if to != "" {
		if err := checkURL(to); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	c := s.customer(name)
	if options.Region != "" {
		c.Region = options.Region
	}
	if options.Token != "" {
		c.Token = options.Token
	}
	var body []byte
	event := ""
	switch action {
	case "enable":
		event, body, c.Enabled = "AlexaSkillEvent.SkillEnabled", c.Enable(), true
	case "link":
		event, body, c.Enabled, c.Linked = "AlexaSkillEvent.SkillAccountLinked", c.Link(c.Token), true, true
	case "launch":
		event, body = "LaunchRequest", c.Launch()
	case "disable":
		event, body = "AlexaSkillEvent.SkillDisabled", c.Disable()
		c.Enabled, c.Linked, c.Granted = false, false, false
	case "grant":
		code := s.amazon.Grant(c.Region, name)
		event, body, c.Granted = "Alexa.Authorization.AcceptGrant", alexatest.AcceptGrantDirective(code, c.Token), true
		if to == "" {
			s.mu.Unlock()
			return Grant{code, body}, nil
		}
	}
	s.mu.Unlock()
	if action == "disable" {
		s.amazon.DisableSkill(name)
	}
	if action == "grant" {
		return s.send(ctx, Send{To: to, Kind: kindDirective, Name: event, Customer: name, Body: string(body)})
	}
	return s.send(ctx, Send{To: to, Kind: kindEvent, Name: event, Customer: name, Body: string(body)})
}

// Send is a request to the backend. A directive is not signed; a notification is a
// message that SNS signs.
type Send struct {
	To       string `json:"to,omitempty"`       // URL of the backend; empty is the one of the cloud
	Kind     string `json:"kind"`               // "event", "directive" or "notification"
	Name     string `json:"name,omitempty"`     // name in the journal
	Customer string `json:"customer,omitempty"` // customer in the journal
	Body     string `json:"body"`               // exact bytes of the body
	Topic    string `json:"topic,omitempty"`    // ARN of the topic of a notification
	Tamper   bool   `json:"tamper,omitempty"`   // whether the body changes after the signature
}

// responseTime is how long Alexa waits for a response.
const responseTime = 8 * time.Second

func (s *Server) send(ctx context.Context, send Send) (Entry, error) {
	if send.To == "" {
		send.To = s.config.To
		if send.Kind == kindDirective {
			send.To = s.config.Directives
		}
	}
	if err := checkURL(send.To); err != nil {
		return Entry{}, err
	}
	body := []byte(send.Body)
	var request *http.Request
	switch send.Kind {
	case kindEvent:
		request = s.amazon.NewRequest(send.To, body)
	case kindDirective:
		var err error
		request, err = http.NewRequestWithContext(ctx, http.MethodPost, send.To, nil)
		if err != nil {
			return Entry{}, badInput("%s", err)
		}
		request.Header.Set("Content-Type", "application/json")
	case kindNotification:
		if err := alexatest.Try(func() { request = s.amazon.NewSNSRequest(send.To, send.Topic, body) }); err != nil {
			return Entry{}, err
		}
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return Entry{}, err
		}
	default:
		return Entry{}, badInput("unknown kind %q: event, directive or notification", send.Kind)
	}
	if send.Tamper {
		body = tampered(body, send.Kind)
	}
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return s.post(ctx, request, Entry{Kind: send.Kind, Name: send.Name, Customer: send.Customer, Request: string(body)}), nil
}

// tampered returns a body that its signature does not match. White space around a
// message of SNS is not signed, so there the message changes.
func tampered(body []byte, kind string) []byte {
	if kind == kindNotification {
		return bytes.Replace(body, []byte(`"Message":"`), []byte(`"Message":" `), 1)
	}
	return append(bytes.Clone(body), ' ')
}

// post makes a request to the backend, and completes its entry.
func (s *Server) post(ctx context.Context, request *http.Request, e Entry) Entry {
	ctx, cancel := context.WithTimeout(ctx, responseTime)
	defer cancel()
	e.Time, e.Direction, e.Method, e.URL = time.Now(), toBackend, request.Method, request.URL.String()
	response, err := backends.RoundTrip(request.WithContext(ctx))
	if err == nil {
		defer response.Body.Close()
		var body []byte
		body, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
		e.Status, e.Response = response.StatusCode, string(body)
	}
	if err != nil {
		e.Error = err.Error()
	}
	e.Millis = time.Since(e.Time).Milliseconds()
	return s.journal.add(e)
}

// backends uses no proxy, and follows no redirect, like Alexa.
var backends = &http.Transport{DisableKeepAlives: true}

// Forged is the outcome of one forgery.
type Forged struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`         // whether Amazon's documents require to refuse it
	Reason   string `json:"reason,omitempty"` // why they do not
	Status   int    `json:"status"`           // zero without a response
	Refused  bool   `json:"refused"`          // whether the status is 400 or above
}

// forge posts every forgery, and last a genuine request, whose name is "genuine".
func (s *Server) forge(ctx context.Context, to string) ([]Forged, error) {
	if to == "" {
		to = s.config.To
	}
	if err := checkURL(to); err != nil {
		return nil, err
	}
	body := (&alexatest.Customer{SkillID: s.config.Skill}).Enable()
	outcomes := []Forged{}
	try := func(name string, request *http.Request) {
		status := s.post(ctx, request, Entry{Kind: kindForgery, Name: name}).Status
		reason := alexatest.Stricter(name)
		outcomes = append(outcomes, Forged{name, reason == "", reason, status, status >= http.StatusBadRequest})
	}
	for name, request := range s.amazon.Forgeries(to, body) {
		try(name, request)
	}
	try(Genuine, s.amazon.NewRequest(to, body))
	return outcomes, nil
}

// Genuine is the name of the request that is no forgery.
const Genuine = "genuine"

func checkURL(rawURL string) error {
	if rawURL == "" {
		return badInput("no URL of the backend: give one with --to")
	}
	request, err := http.NewRequest(http.MethodPost, rawURL, http.NoBody) //nolint:noctx // it is not sent
	if err != nil || request.URL.Host == "" || request.URL.Scheme != "http" && request.URL.Scheme != "https" {
		return badInput("not the URL of a backend: %q", rawURL)
	}
	return nil
}

// inputError is a mistake in a request to the control API.
type inputError struct{ message string }

func (e *inputError) Error() string { return e.message }

func badInput(format string, values ...any) error {
	return &inputError{fmt.Sprintf(format, values...)}
}
