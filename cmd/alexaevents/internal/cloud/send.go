package cloud

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
)

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
	original := sent{send: send}
	switch send.Kind {
	case kindEvent:
	case kindDirective:
		original.header = http.Header{"Content-Type": {"application/json"}}
	case kindNotification:
		var message *http.Request
		if err := alexatest.Try(func() { message = s.amazon.NewSNSRequest(send.To, send.Topic, []byte(send.Body)) }); err != nil {
			return Entry{}, err
		}
		signed, err := io.ReadAll(message.Body)
		if err != nil {
			return Entry{}, err
		}
		original.header, original.send.Body = message.Header, string(signed)
	default:
		return Entry{}, badInput("unknown kind %q: event, directive or notification", send.Kind)
	}
	return s.deliver(ctx, original)
}

// sent is what was sent to the backend. The body of a notification is the signed
// message of SNS.
type sent struct {
	send   Send
	header http.Header // of a directive or notification; an event is signed each time
}

// again sends what an entry of the journal sent, as Amazon does after a failure: Alexa
// signs the same event, and SNS sends the same message.
func (s *Server) again(ctx context.Context, id int) (Entry, error) {
	original, err := s.journal.original(id)
	if err != nil {
		return Entry{}, err
	}
	return s.deliver(ctx, original)
}

func (s *Server) deliver(ctx context.Context, original sent) (Entry, error) {
	send, body := original.send, []byte(original.send.Body)
	header := original.header.Clone()
	if send.Kind == kindEvent {
		header = s.amazon.NewRequest(send.To, body).Header
	}
	if send.Tamper {
		body = tampered(body, send.Kind)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, send.To, bytes.NewReader(body))
	if err != nil {
		return Entry{}, badInput("%s", err)
	}
	request.Header = header
	return s.post(ctx, request, Entry{Kind: send.Kind, Name: send.Name, Customer: send.Customer, Request: string(body)}, &original), nil
}

// tampered returns a body that its signature does not match. White space around a
// message of SNS is not signed, so there the message changes.
func tampered(body []byte, kind string) []byte {
	if kind == kindNotification {
		return bytes.Replace(body, []byte(`"Message":"`), []byte(`"Message":" `), 1)
	}
	return append(bytes.Clone(body), ' ')
}

// post makes a request to the backend, and completes its entry. The original is what
// can be sent again, nil if nothing can.
func (s *Server) post(ctx context.Context, request *http.Request, e Entry, original *sent) Entry {
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
	return s.journal.add(e, original)
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
		status := s.post(ctx, request, Entry{Kind: kindForgery, Name: name}, nil).Status
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
