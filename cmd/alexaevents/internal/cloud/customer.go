package cloud

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

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
	event, body, code := s.step(name, action, options)
	switch {
	case action == "grant" && to == "":
		return Grant{code, body}, nil
	case action == "grant":
		return s.send(ctx, Send{To: to, Kind: kindDirective, Name: event, Customer: name, Body: string(body)})
	case action == "disable":
		s.amazon.DisableSkill(name)
	}
	return s.send(ctx, Send{To: to, Kind: kindEvent, Name: event, Customer: name, Body: string(body)})
}

// step changes the customer, and returns what Alexa sends about it. A grant has a code.
func (s *Server) step(name, action string, options Action) (event string, body []byte, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.customer(name)
	if options.Region != "" {
		c.Region = options.Region
	}
	if options.Token != "" {
		c.Token = options.Token
	}
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
		code = s.amazon.Grant(c.Region, name)
		event, body, c.Granted = "Alexa.Authorization.AcceptGrant", alexatest.AcceptGrantDirective(code, c.Token), true
	}
	return event, body, code
}
