package cloud

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
)

// OpenAPI describes the control API. A test compares it with the code.
//
//go:embed openapi.yaml
var OpenAPI []byte

// route is one operation. Its handler returns the status and the body, which is JSON
// unless it is []byte; nil is no body.
type route struct {
	pattern string
	handle  func(r *http.Request) (status int, body any, err error)
}

func (s *Server) routes() []route {
	return []route{
		{"GET /_cloud/openapi.yaml", func(*http.Request) (int, any, error) { return http.StatusOK, OpenAPI, nil }},
		{"GET /_cloud/status", func(*http.Request) (int, any, error) {
			return http.StatusOK, Status{s.config.Skill, s.config.To, s.config.Directives}, nil
		}},
		{"POST /_cloud/reset", s.postReset},
		{"POST /_cloud/age", s.postAge},
		{"GET /_cloud/faults", func(*http.Request) (int, any, error) { return http.StatusOK, s.listFaults(), nil }},
		{"POST /_cloud/faults", s.postFault},
		{"DELETE /_cloud/faults", func(*http.Request) (int, any, error) {
			s.amazon.Heal()
			return http.StatusNoContent, nil, nil
		}},
		{"GET /_cloud/customers", func(*http.Request) (int, any, error) { return http.StatusOK, s.listCustomers(), nil }},
		{"POST /_cloud/customers/{name}/event", s.postEvent},
		{"POST /_cloud/customers/{name}/{action}", s.postAction},
		{"POST /_cloud/send", s.postSend},
		{"POST /_cloud/sign", s.postSign},
		{"POST /_cloud/forge", s.postForge},
		{"GET /_cloud/grants", func(*http.Request) (int, any, error) {
			return http.StatusOK, nonNil(s.amazon.Grants()), nil
		}},
		{"GET /_cloud/journal", s.getJournal},
		{"POST /_cloud/journal/{id}/again", s.postAgain},
		{"GET /_cloud/topics", func(*http.Request) (int, any, error) { return http.StatusOK, s.listTopics(), nil }},
		{"POST /_cloud/topics", s.postTopic},
		{"POST /_cloud/topics/subscribe", s.postSubscribe},
		{"POST /_cloud/topics/publish", s.postPublish},
		{"GET /_cloud/subscribers", func(*http.Request) (int, any, error) {
			return http.StatusOK, nonNil(s.amazon.Subscribers()), nil
		}},
		{"GET /_cloud/subscriptions", func(*http.Request) (int, any, error) {
			return http.StatusOK, nonNil(s.amazon.Subscriptions()), nil
		}},
		{"POST /_cloud/vendors", s.postVendor},
		{"POST /_cloud/consent", s.postConsent},
		{"POST /_cloud/tokens", s.postToken},
		{"GET /_cloud/snapshot", func(*http.Request) (int, any, error) {
			data, err := s.snapshot()
			return http.StatusOK, json.RawMessage(data), err
		}},
		{"PUT /_cloud/snapshot", s.putSnapshot},
	}
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// control returns the handler of the control API.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /_cloud/ca.pem", s.amazon)
	mux.Handle("GET /_cloud/intermediates.pem", s.amazon)
	for _, route := range s.routes() {
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 64<<20)
			status, body, err := route.handle(r)
			if r.Method != http.MethodGet {
				s.journal.wake()
			}
			if err != nil {
				status, body = errorBody(err)
			}
			writeJSON(w, status, body)
		})
	}
	s.page(mux)
	return mux
}

func errorBody(err error) (status int, body ErrorBody) {
	status = http.StatusInternalServerError
	var wrong *inputError
	var input *alexatest.InputError
	if errors.As(err, &wrong) || errors.As(err, &input) {
		status = http.StatusBadRequest
	}
	body.Error.Message = err.Error()
	return status, body
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	if data, ok := body.([]byte); ok {
		w.Header().Set("Content-Type", "application/yaml")
		w.WriteHeader(status)
		w.Write(data)
		return
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body)
}

// read decodes the JSON body of a request. An empty body is an empty object.
func read(r *http.Request, value any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil && !errors.Is(err, io.EOF) {
		return badInput("the body: %s", err)
	}
	if decoder.More() {
		return badInput("the body: more than one JSON value")
	}
	return nil
}

func (s *Server) postReset(*http.Request) (int, any, error) {
	s.reset()
	return http.StatusNoContent, nil, nil
}

func (s *Server) reset() {
	s.amazon.Reset()
	s.journal.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.customers)
}

func (s *Server) postAge(r *http.Request) (int, any, error) {
	var age Age
	if err := read(r, &age); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.age(age.By)
}

func (s *Server) age(duration string) error {
	by, err := parseAge(duration)
	if err != nil {
		return badInput("%s", err)
	}
	s.amazon.Age(by)
	return nil
}

func (s *Server) listFaults() []Fault {
	faults := []Fault{}
	for _, f := range s.amazon.Faults() {
		shown := Fault{
			URL: f.URL, Times: f.Times, Status: f.Status, Code: f.Code, RetryAfter: f.Header.Get("Retry-After"),
			Reset: f.Reset, Lost: f.Lost, Truncate: f.Truncate,
		}
		if f.Delay > 0 {
			shown.Delay = f.Delay.String()
		}
		faults = append(faults, shown)
	}
	return faults
}

func (s *Server) postFault(r *http.Request) (int, any, error) {
	var f Fault
	if err := read(r, &f); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.fail(f)
}

func (s *Server) fail(f Fault) error {
	delay, err := parseAge(f.Delay)
	if err != nil {
		return badInput("%s", err)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return badInput("status %d: not from 200 to 599", f.Status)
	}
	fault := alexatest.Fault{
		URL: f.URL, Times: f.Times, Delay: delay, Status: f.Status, Code: f.Code,
		Reset: f.Reset, Lost: f.Lost, Truncate: f.Truncate,
	}
	if f.RetryAfter != "" {
		fault.Header = http.Header{"Retry-After": {f.RetryAfter}}
	}
	return alexatest.Try(func() { s.amazon.Fail(fault) })
}

func (s *Server) postAction(r *http.Request) (int, any, error) {
	var action Action
	if err := read(r, &action); err != nil {
		return 0, nil, err
	}
	outcome, err := s.act(r.Context(), r.PathValue("name"), r.PathValue("action"), action)
	return http.StatusOK, outcome, err
}

func (s *Server) postEvent(r *http.Request) (int, any, error) {
	var event Event
	if err := read(r, &event); err != nil {
		return 0, nil, err
	}
	built, err := s.build(r.PathValue("name"), event)
	return http.StatusOK, built, err
}

// build returns the body of an event of a customer.
func (s *Server) build(customer string, event Event) (Built, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, kind, err := event.Build(s.customer(customer).Customer)
	if err != nil {
		return Built{}, badInput("%s", err)
	}
	return Built{kind, string(body)}, nil
}

func (s *Server) postSend(r *http.Request) (int, any, error) {
	var send Send
	if err := read(r, &send); err != nil {
		return 0, nil, err
	}
	entry, err := s.send(r.Context(), send)
	return http.StatusOK, entry, err
}

// postSign returns the headers with which Alexa signs the body of the request.
func (s *Server) postSign(r *http.Request) (int, any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, badInput("the body: %s", err)
	}
	headers := make(map[string]string)
	for name, values := range s.amazon.NewRequest("https://backend.example/", body).Header {
		headers[name] = values[0]
	}
	return http.StatusOK, headers, nil
}

func (s *Server) postForge(r *http.Request) (int, any, error) {
	var forge Forge
	if err := read(r, &forge); err != nil {
		return 0, nil, err
	}
	outcomes, err := s.forge(r.Context(), forge.To)
	return http.StatusOK, outcomes, err
}

// maxWait is the longest time that a request for the journal waits.
const maxWait = 10 * time.Minute

func (s *Server) getJournal(r *http.Request) (int, any, error) {
	filter, err := parseFilter(r)
	if err != nil {
		return 0, nil, badInput("after: not a number")
	}
	count, timeout := 0, 5*time.Second
	if wait := r.URL.Query().Get("wait"); wait != "" {
		if count, err = strconv.Atoi(wait); err != nil || count < 0 {
			return 0, nil, badInput("wait: not a number of entries")
		}
	}
	if text := r.URL.Query().Get("timeout"); text != "" {
		if timeout, err = parseAge(text); err != nil || timeout > maxWait {
			return 0, nil, badInput("timeout: not a duration of at most %s", maxWait)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	found := s.journal.find(ctx, filter, count)
	if len(found) < count {
		late := ErrorBody{Found: found}
		late.Error.Message = strconv.Itoa(len(found)) + " of " + strconv.Itoa(count) + " entries within " + timeout.String()
		return http.StatusRequestTimeout, late, nil
	}
	return http.StatusOK, found, nil
}

func (s *Server) postAgain(r *http.Request) (int, any, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return 0, nil, badInput("not the ID of an entry: %q", r.PathValue("id"))
	}
	entry, err := s.again(r.Context(), id)
	return http.StatusOK, entry, err
}

func (s *Server) listTopics() []Topic {
	topics, endpoints := []Topic{}, s.amazon.Endpoints()
	for _, t := range s.amazon.Topics() {
		topic := Topic{ARN: t.ARN, SHA1: t.SHA1, Closed: t.Closed}
		if t.Pause > 0 {
			topic.Pause = t.Pause.String()
		}
		for _, e := range endpoints {
			if e.TopicARN == t.ARN {
				topic.Endpoints = append(topic.Endpoints, TopicEndpoint{e.URL, e.Confirmed})
			}
		}
		topics = append(topics, topic)
	}
	return topics
}

func (s *Server) postTopic(r *http.Request) (int, any, error) {
	var t Topic
	if err := read(r, &t); err != nil {
		return 0, nil, err
	}
	pause, err := parseAge(t.Pause)
	if err != nil {
		return 0, nil, badInput("pause: %s", err)
	}
	topic := alexatest.Topic{ARN: t.ARN, SHA1: t.SHA1, Closed: t.Closed, Pause: pause}
	return http.StatusNoContent, nil, alexatest.Try(func() { s.amazon.SetTopic(topic) })
}

func (s *Server) postSubscribe(r *http.Request) (int, any, error) {
	var subscribe Subscribe
	if err := read(r, &subscribe); err != nil {
		return 0, nil, err
	}
	confirmed, err := s.subscribe(subscribe)
	return http.StatusOK, TopicEndpoint{subscribe.URL, confirmed}, err
}

func (s *Server) subscribe(subscribe Subscribe) (confirmed bool, err error) {
	if err := checkURL(subscribe.URL); err != nil {
		return false, err
	}
	err = alexatest.Try(func() { confirmed = s.amazon.Subscribe(subscribe.Topic, subscribe.URL, nil) == nil })
	return confirmed, err
}

func (s *Server) postPublish(r *http.Request) (int, any, error) {
	var message Message
	if err := read(r, &message); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, alexatest.Try(func() { s.amazon.Publish(message.Topic, []byte(message.Message)) })
}

func (s *Server) postVendor(r *http.Request) (int, any, error) {
	var vendor Vendor
	if err := read(r, &vendor); err != nil {
		return 0, nil, err
	}
	if vendor.ID == "" {
		return 0, nil, badInput("a vendor needs an id")
	}
	s.amazon.AddVendor(vendor.ID, vendor.Customers...)
	return http.StatusNoContent, nil, nil
}

func (s *Server) postConsent(r *http.Request) (int, any, error) {
	var consent Consent
	if err := read(r, &consent); err != nil {
		return 0, nil, err
	}
	var redirect Redirect
	err := alexatest.Try(func() { redirect.Redirect = s.amazon.Consent(consent.URL, consent.Customer) })
	return http.StatusOK, redirect, err
}

func (s *Server) postToken(r *http.Request) (int, any, error) {
	var scopes Scopes
	if err := read(r, &scopes); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, AccessToken{s.amazon.AccessToken(scopes.Scopes...)}, nil
}

func (s *Server) putSnapshot(r *http.Request) (int, any, error) {
	data, err := io.ReadAll(r.Body)
	if err == nil {
		err = s.restore(data)
	}
	if err != nil {
		return 0, nil, badInput("%s", err)
	}
	return http.StatusNoContent, nil, nil
}
