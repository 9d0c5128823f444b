package play

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

// step is one step of a scenario.
type step struct {
	line   int
	kind   string // key that says what happens
	value  string // value of that key
	text   string // value as it stands in the file
	lines  map[string]int
	action action
}

// action is how a step happens. Its fields are the other keys of the step.
type action interface {
	// check returns the error of a value that cannot be right.
	check(s *step) error
	// run does the step. Its error says what was not as expected.
	run(ctx context.Context, r *run, s *step) error
}

// kinds are the keys that say what happens. The step "heal" has no key.
var kinds = map[string]func() action{
	"enable":    func() action { return new(customer) },
	"link":      func() action { return new(customer) },
	"launch":    func() action { return new(customer) },
	"disable":   func() action { return new(customer) },
	"grant":     func() action { return new(customer) },
	"send":      func() action { return new(send) },
	"subscribe": func() action { return new(subscribe) },
	"publish":   func() action { return new(publish) },
	"get":       func() action { return new(get) },
	"post":      func() action { return new(request) },
	"put":       func() action { return new(request) },
	"delete":    func() action { return new(request) },
	"forge":     func() action { return new(forge) },
	"fault":     func() action { return new(fault) },
	"age":       func() action { return new(age) },
	"wait":      func() action { return new(wait) },
}

// title is the step in one line.
func (s *step) title() string {
	if s.text == "" {
		return s.kind
	}
	return s.kind + ": " + s.text
}

// at returns an error at the line of a key of the step.
func (s *step) at(key, format string, values ...any) error {
	line, ok := s.lines[key]
	if !ok {
		line = s.line
	}
	return at(line, format, values...)
}

// customer is a customer who enables, links, launches, disables or grants.
type customer struct {
	Expect `yaml:",inline"`
	To     string             `yaml:"to"`
	Region alexaevents.Region `yaml:"region"`
	Token  string             `yaml:"token"`
}

func (c *customer) check(s *step) error {
	if c.Region != "" && c.Region.APIEndpoint() == "" {
		return s.at("region", "region: not NA, EU or FE: %q", c.Region)
	}
	return c.Expect.check(s)
}

func (c *customer) run(ctx context.Context, r *run, s *step) error {
	isDirective := s.kind == "grant"
	to, err := r.url(s, c.To, isDirective)
	if err != nil {
		return err
	}
	path := "/_cloud/customers/" + url.PathEscape(s.value) + "/" + s.kind
	var entry cloud.Entry
	if err := r.Call(ctx, http.MethodPost, path, cloud.Action{To: to, Region: c.Region, Token: c.Token}, &entry); err != nil {
		return err
	}
	return c.entry(s, entry, isDirective)
}

// send is an event, directive or notification, changed, late or repeated.
type send struct {
	Expect   `yaml:",inline"`
	Customer string         `yaml:"customer"`
	To       string         `yaml:"to"`
	Token    string         `yaml:"token"`
	Endpoint string         `yaml:"endpoint"`
	Set      map[string]any `yaml:"set"`
	Late     time.Duration  `yaml:"late"`
	Topic    string         `yaml:"topic"`
	Repeat   *int           `yaml:"repeat"`
	Tamper   bool           `yaml:"tamper"` // whether the body changes after the signature
}

func (e *send) check(s *step) error {
	switch {
	case e.Late < 0:
		return s.at("late", "late: less than zero")
	case e.Repeat != nil && *e.Repeat < 1:
		return s.at("repeat", "repeat: not a number of 1 or more")
	}
	e.Customer = cmp.Or(e.Customer, "anna")
	return e.Expect.check(s)
}

func (e *send) run(ctx context.Context, r *run, s *step) error {
	built, err := r.build(ctx, s.value, e.Customer, cloud.Event{Late: e.Late.String(), Set: changes(e.Set), Endpoint: e.Endpoint, Token: e.Token})
	if err != nil {
		return err
	}
	isDirective := built.Kind == "directive"
	if built.Kind == "notification" && (e.To == "" || e.Topic == "") {
		return s.at("", "a notification needs to, the URL of its endpoint, and topic, the ARN of its topic")
	}
	to, err := r.url(s, e.To, isDirective)
	if err != nil {
		return err
	}
	times := 1
	if e.Repeat != nil {
		times = *e.Repeat
	}
	message := cloud.Send{To: to, Kind: built.Kind, Name: s.value, Customer: e.Customer, Body: built.Body, Topic: e.Topic, Tamper: e.Tamper}
	for range times {
		var entry cloud.Entry
		if err := r.Call(ctx, http.MethodPost, "/_cloud/send", message, &entry); err != nil {
			return err
		}
		if err := e.entry(s, entry, isDirective); err != nil {
			return err
		}
	}
	return nil
}

// changes returns the changes of an event as the API takes them.
func changes(set map[string]any) (list []string) {
	for _, path := range slices.Sorted(maps.Keys(set)) {
		value, _ := json.Marshal(set[path]) // decoded YAML
		list = append(list, path+"="+string(value))
	}
	return list
}

// subscribe is an endpoint that must confirm its subscription to a topic of SNS.
type subscribe struct {
	Topic string        `yaml:"topic"`
	Pause time.Duration `yaml:"pause"` // time before SNS delivers a message of the topic again
}

func (e *subscribe) check(s *step) error {
	if e.Pause < 0 {
		return s.at("pause", "pause: less than zero")
	}
	return needTopic(s, e.Topic)
}

func needTopic(s *step, arn string) error {
	if arn == "" {
		return s.at("", "%s needs topic: the ARN of an SNS topic", s.kind)
	}
	return nil
}

func (e *subscribe) run(ctx context.Context, r *run, s *step) error {
	to, err := r.url(s, s.value, false)
	if err != nil {
		return err
	}
	if err := r.Call(ctx, http.MethodPost, "/_cloud/topics", cloud.Topic{ARN: e.Topic, Pause: e.Pause.String()}, nil); err != nil {
		return err
	}
	var endpoint cloud.TopicEndpoint
	if err := r.Call(ctx, http.MethodPost, "/_cloud/topics/subscribe", cloud.Subscribe{Topic: e.Topic, URL: to}, &endpoint); err != nil {
		return err
	}
	if !endpoint.Confirmed {
		return s.at("", "%s did not confirm its subscription: it must request the SubscribeURL of the message", to)
	}
	return nil
}

// publish is a notification that Amazon publishes to a topic of SNS. SNS delivers it
// again after a status of 429 or 5xx, three times.
type publish struct {
	Topic string         `yaml:"topic"`
	Set   map[string]any `yaml:"set"`
}

func (e *publish) check(s *step) error { return needTopic(s, e.Topic) }

func (e *publish) run(ctx context.Context, r *run, s *step) error {
	built, err := r.build(ctx, s.value, "anna", cloud.Event{Set: changes(e.Set)})
	if err != nil {
		return err
	}
	if built.Kind != "notification" {
		return s.at("", "Amazon publishes no %s to a topic: write send", s.value)
	}
	return r.Call(ctx, http.MethodPost, "/_cloud/topics/publish", cloud.Message{Topic: e.Topic, Message: built.Body}, nil)
}

// forge sends every forgery, and last a genuine event. The backend must refuse what
// Amazon's documents require to refuse, and accept the event.
type forge struct{}

func (*forge) check(*step) error { return nil }

func (*forge) run(ctx context.Context, r *run, s *step) error {
	to, err := r.url(s, s.value, false)
	if err != nil {
		return err
	}
	var outcomes []cloud.Forged
	if err := r.Call(ctx, http.MethodPost, "/_cloud/forge", cloud.Forge{To: to}, &outcomes); err != nil {
		return err
	}
	var wrong []string
	for _, o := range outcomes {
		if o.Name == cloud.Genuine && o.Status/100 != 2 || o.Name != cloud.Genuine && o.Required && !o.Refused {
			wrong = append(wrong, fmt.Sprintf("status %d for %s", o.Status, o.Name))
		}
	}
	if len(wrong) > 0 {
		return s.at("", "%s", strings.Join(wrong, "; "))
	}
	return nil
}

// fault makes requests to Amazon fail.
type fault struct {
	Times      int           `yaml:"times"`
	Delay      time.Duration `yaml:"delay"`
	Status     int           `yaml:"status"`
	Code       string        `yaml:"code"`
	RetryAfter *int          `yaml:"retry_after"` // seconds
	Reset      bool          `yaml:"reset"`
	Lost       bool          `yaml:"lost"`
	Truncate   bool          `yaml:"truncate"`
}

func (f *fault) check(s *step) error {
	switch {
	case *f == fault{Times: f.Times}:
		return s.at("", "a fault needs one of status, delay, reset, lost and truncate")
	case f.Delay < 0:
		return s.at("delay", "delay: less than zero")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return s.at("status", "status: not from 200 to 599: %d", f.Status)
	case f.Status == 0 && (f.Code != "" || f.RetryAfter != nil):
		return s.at("", "a fault with code or retry_after needs a status")
	case f.RetryAfter != nil && *f.RetryAfter < 1:
		return s.at("retry_after", "retry_after: not a number of 1 or more")
	case !strings.HasPrefix(s.value, "https://"):
		return s.at("", "fault: not the beginning of URLs of Amazon, such as https://api.amazon.com/: %q", s.value)
	}
	return nil
}

func (f *fault) run(ctx context.Context, r *run, s *step) error {
	body := cloud.Fault{URL: s.value, Times: f.Times, Status: f.Status, Code: f.Code, Reset: f.Reset, Lost: f.Lost, Truncate: f.Truncate}
	if f.Delay > 0 {
		body.Delay = f.Delay.String()
	}
	if f.RetryAfter != nil {
		body.RetryAfter = strconv.Itoa(*f.RetryAfter)
	}
	return r.Call(ctx, http.MethodPost, "/_cloud/faults", body, nil)
}

// heal removes all faults.
type heal struct{}

func (heal) check(*step) error { return nil }

func (heal) run(ctx context.Context, r *run, _ *step) error {
	return r.Call(ctx, http.MethodDelete, "/_cloud/faults", nil, nil)
}

// age makes codes, tokens and certificates older.
type age struct{}

func (*age) check(s *step) error {
	if by, err := time.ParseDuration(s.value); err != nil || by < 0 {
		return s.at("", "age: not a duration such as 61m: %q", s.value)
	}
	return nil
}

func (*age) run(ctx context.Context, r *run, s *step) error {
	return r.Call(ctx, http.MethodPost, "/_cloud/age", cloud.Age{By: s.value}, nil)
}
