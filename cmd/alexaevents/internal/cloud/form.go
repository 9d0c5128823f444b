package cloud

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/alexaevents/alexaevents"
)

// place is where a fault of the page takes effect.
type place struct{ URL, Name string }

var places = []place{
	{"", "All of Amazon"},
	{"https://api.amazon.", "Login with Amazon"},
	{"https://api.amazonalexa.com/v3/events", "Event gateway, NA"},
	{"https://api.eu.amazonalexa.com/v3/events", "Event gateway, EU"},
	{"https://api.fe.amazonalexa.com/v3/events", "Event gateway, FE"},
	{"https://s3.amazonaws.com/", "Certificates"},
	{"https://sns.", "Amazon SNS"},
}

// pageFaults are the faults of the page, by the value of their buttons.
var pageFaults = map[string]Fault{
	"throttle": {Status: http.StatusTooManyRequests, RetryAfter: "2"},
	"outage":   {Status: http.StatusServiceUnavailable},
	"delay":    {Delay: "3s"},
	"reset":    {Reset: true},
	"lost":     {Lost: true},
	"truncate": {Truncate: true},
}

// forms are the forms of the page by path. Each returns the entry in the journal of
// what it sent, if it sent something.
func (s *Server) forms() map[string]func(r *http.Request) (Entry, error) {
	return map[string]func(r *http.Request) (Entry, error){
		"customer": s.submitCustomer,
		"send":     s.submitSend,
		"fault":    s.submitFault,
		"again": func(r *http.Request) (Entry, error) {
			id, err := strconv.Atoi(r.PostFormValue("id"))
			if err != nil {
				return Entry{}, badInput("not the ID of an entry: %q", r.PostFormValue("id"))
			}
			return s.again(r.Context(), id)
		},
		"heal":  func(*http.Request) (Entry, error) { s.amazon.Heal(); return Entry{}, nil },
		"age":   func(r *http.Request) (Entry, error) { return Entry{}, s.age(r.PostFormValue("by")) },
		"reset": func(*http.Request) (Entry, error) { s.reset(); return Entry{}, nil },
		"subscribe": func(r *http.Request) (Entry, error) {
			_, err := s.subscribe(Subscribe{r.PostFormValue("topic"), r.PostFormValue("url")})
			return Entry{}, err
		},
	}
}

func (s *Server) submitCustomer(r *http.Request) (Entry, error) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	if name == "" {
		return Entry{}, badInput("the customer has no name")
	}
	outcome, err := s.act(r.Context(), name, r.PostFormValue("step"), Action{Region: alexaevents.Region(r.PostFormValue("region"))})
	entry, _ := outcome.(Entry) // a grant without a backend for directives has none
	return entry, err
}

func (s *Server) submitSend(r *http.Request) (Entry, error) {
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	event := Event{Name: field("event"), Late: field("late"), Endpoint: field("endpoint")}
	for line := range strings.Lines(field("set")) {
		if line = strings.TrimSpace(line); line != "" {
			event.Set = append(event.Set, line)
		}
	}
	customer := field("customer")
	if customer == "" {
		return Entry{}, badInput("the customer has no name")
	}
	built, err := s.build(customer, event)
	if err != nil {
		return Entry{}, err
	}
	return s.send(r.Context(), Send{
		To: field("to"), Kind: built.Kind, Name: event.Name, Customer: customer, Body: built.Body,
		Topic: field("topic"), Tamper: field("tamper") != "",
	})
}

func (s *Server) submitFault(r *http.Request) (Entry, error) {
	fault, ok := pageFaults[r.PostFormValue("kind")]
	if !ok {
		return Entry{}, badInput("unknown fault %q", r.PostFormValue("kind"))
	}
	fault.URL = r.PostFormValue("url")
	var err error
	if fault.Times, err = strconv.Atoi(r.PostFormValue("times")); err != nil {
		return Entry{}, badInput("not a number of requests: %q", r.PostFormValue("times"))
	}
	return Entry{}, s.fail(fault)
}
