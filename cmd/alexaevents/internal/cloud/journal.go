package cloud

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
)

// Entry is one request with its response in the journal, without secrets.
type Entry struct {
	ID        int       `json:"id"`
	Time      time.Time `json:"time"`
	Direction string    `json:"direction"` // "to_amazon" or "to_backend"
	Kind      string    `json:"kind"`
	Name      string    `json:"name,omitempty"`     // event, grant type or forgery
	Customer  string    `json:"customer,omitempty"` // customer of the request, if known
	Method    string    `json:"method"`
	URL       string    `json:"url"`
	Status    int       `json:"status"` // zero without a response
	Millis    int64     `json:"ms"`
	Request   string    `json:"request,omitempty"`
	Response  string    `json:"response,omitempty"`
	Error     string    `json:"error,omitempty"` // what broke the connection
}

// Hint says what to check after a response of the backend that is not 2xx, or without
// one.
func (e Entry) Hint() string {
	switch {
	case e.Status == 0:
		return "is your backend running? another URL: --to"
	case e.Status == http.StatusBadRequest:
		return "it did not accept the signature, time or skill ID: was it started by alexaevents run, with the skill ID of the cloud?"
	case e.Status == http.StatusNotFound, e.Status == http.StatusMethodNotAllowed:
		return "it has no handler for POST at this URL: another URL: --to"
	case e.Status >= http.StatusInternalServerError:
		return "Alexa delivers an event again for an hour after this status"
	}
	return ""
}

// The directions and kinds of entries.
const (
	toAmazon  = "to_amazon"
	toBackend = "to_backend"

	kindCertificate  = "certificate"
	kindToken        = "token"
	kindGateway      = "gateway"
	kindAPI          = "api"
	kindSNS          = "sns"
	kindOther        = "other"
	kindEvent        = "event"
	kindDirective    = "directive"
	kindNotification = "notification"
	kindForgery      = "forgery"
)

const (
	maxEntries = 10_000
	maxShown   = 64 << 10 // bytes of a body in the journal
)

// Filter selects entries; an empty field matches all.
type Filter struct {
	After                                   int
	Kind, Name, Customer, Direction, Status string
}

func (f Filter) matches(e *Entry) bool {
	match := func(want, have string) bool { return want == "" || want == have }
	return e.ID > f.After && match(f.Kind, e.Kind) && match(f.Name, e.Name) && match(f.Customer, e.Customer) &&
		match(f.Direction, e.Direction) && match(f.Status, strconv.Itoa(e.Status))
}

// journal keeps the newest entries.
type journal struct {
	mu      sync.Mutex
	last    int
	entries []Entry
	sent    map[int]sent  // what entries sent to the backend, with its secrets; by ID
	epoch   string        // changes when the journal is cleared or the program starts again
	changed chan struct{} // closed at the next change of the cloud
}

func newJournal() *journal {
	return &journal{sent: make(map[int]sent), epoch: rand.Text(), changed: make(chan struct{})}
}

// add adds an entry, and what it sent to the backend if that can be sent again.
func (j *journal) add(e Entry, original *sent) Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	e.ID = j.last
	e.URL, e.Request, e.Response = redactURL(e.URL), shown(redact(e.Request)), shown(redact(e.Response))
	j.entries = append(j.entries, e)
	if original != nil {
		j.sent[e.ID] = *original
	}
	if len(j.entries) > maxEntries {
		delete(j.sent, j.entries[0].ID)
		j.entries = slices.Delete(j.entries, 0, 1)
	}
	j.wakeLocked()
	return e
}

// wake tells who waits that the cloud changed.
func (j *journal) wake() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wakeLocked()
}

func (j *journal) wakeLocked() {
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries, j.epoch = nil, rand.Text()
	clear(j.sent)
}

// original returns what the entry with this ID sent to the backend.
func (j *journal) original(id int) (sent, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	original, ok := j.sent[id]
	if !ok {
		return sent{}, badInput("the journal has no event, directive or notification with the ID %d", id)
	}
	return original, nil
}

// find returns the matching entries, as soon as there are n of them or the context
// ends.
func (j *journal) find(ctx context.Context, f Filter, n int) []Entry {
	for {
		found := []Entry{}
		j.mu.Lock()
		for i := range j.entries {
			if f.matches(&j.entries[i]) {
				found = append(found, j.entries[i])
			}
		}
		changed := j.changed
		j.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return found
		}
	}
}

// extract is a part of the journal.
type extract struct {
	entries []Entry // newest first
	more    bool    // whether older ones match
	epoch   string
	last    int             // ID of the newest entry, whether it matches or not
	changed <-chan struct{} // closed at the next change of the cloud
}

// extract returns the newest n entries that match and are older than the one with the
// ID before; zero is no limit.
func (j *journal) extract(f Filter, before, n int) extract {
	j.mu.Lock()
	defer j.mu.Unlock()
	x := extract{epoch: j.epoch, last: j.last, changed: j.changed}
	for i := len(j.entries) - 1; i >= 0; i-- {
		e := &j.entries[i]
		if e.ID <= f.After {
			break
		}
		if before > 0 && e.ID >= before || !f.matches(e) {
			continue
		}
		if len(x.entries) == n {
			x.more = true
			break
		}
		x.entries = append(x.entries, *e)
	}
	return x
}

// observe adds a call of the simulated Amazon to the journal.
func (j *journal) observe(_ context.Context, call alexatest.Call) {
	e := Entry{
		Time: time.Now().Add(-call.Duration), Direction: toAmazon, Customer: call.Customer, Method: call.Method, URL: call.URL,
		Status: call.Status, Millis: call.Duration.Milliseconds(), Request: string(call.Body), Response: string(call.ResponseBody),
	}
	if call.Err != nil {
		e.Error = call.Err.Error()
	}
	if call.Delivery {
		e.Direction, e.Kind, e.Name = toBackend, kindSNS, call.Header.Get("X-Amz-Sns-Message-Type")
	} else {
		e.describe(call)
	}
	j.add(e, nil)
}

func (e *Entry) describe(call alexatest.Call) {
	u, err := url.Parse(call.URL)
	if err != nil {
		return
	}
	switch host := u.Hostname(); {
	case strings.HasSuffix(u.Path, ".pem"):
		e.Kind, e.Name, e.Response = kindCertificate, path.Base(u.Path), ""
	case strings.HasPrefix(host, "sns."):
		e.Kind, e.Name = kindSNS, u.Query().Get("Action")
	case strings.HasPrefix(host, "api.amazon."):
		e.Kind = kindToken
		var object struct { // as the ASK CLI sends it
			GrantType string `json:"grant_type"`
		}
		if json.Unmarshal(call.Body, &object) == nil {
			e.Name = object.GrantType
		} else if form, err := url.ParseQuery(string(call.Body)); err == nil {
			e.Name = form.Get("grant_type")
		}
	case strings.HasSuffix(host, ".amazonalexa.com") && u.Path == "/v3/events":
		e.Kind = kindGateway
		var message struct {
			Event struct {
				Header struct{ Namespace, Name string }
			}
		}
		if json.Unmarshal(call.Body, &message) == nil && message.Event.Header.Name != "" {
			e.Name = message.Event.Header.Namespace + "." + message.Event.Header.Name
		}
	case strings.HasSuffix(host, ".amazonalexa.com"):
		e.Kind = kindAPI
	default:
		e.Kind = kindOther
	}
}

func shown(text string) string {
	if len(text) > maxShown {
		return strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return text
}

// Redact returns what the journal shows of a body.
func Redact(body string) string { return shown(redact(body)) }

// Redacted is what the journal shows of a secret.
const Redacted = redacted

const redacted = "[redacted]"

// secrets are the names of members and parameters whose texts are secret. A code is
// also the name of an error: that one has capital letters alone.
var (
	secrets = []string{
		"access_token", "refresh_token", "client_secret", "code", "code_verifier", "token",
		"accesstoken", "refreshtoken", "apiaccesstoken",
	}
	errorCode = regexp.MustCompile(`^[A-Z][A-Z_]*$`)
	tokenText = regexp.MustCompile(`(?i)(Atz[ar](\||%7C)|ANalexatest)[A-Za-z0-9]+`)
)

func isSecret(name, text string) bool {
	return slices.Contains(secrets, strings.ToLower(name)) && !errorCode.MatchString(text)
}

// redact replaces the secrets of a JSON document or a form, and the tokens of the
// cloud in any text.
func redact(text string) string {
	var document any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&document) == nil && !decoder.More() {
		if hidden := hide(document); hidden {
			var out bytes.Buffer
			encoder := json.NewEncoder(&out)
			encoder.SetEscapeHTML(false)
			if encoder.Encode(document) == nil {
				text = strings.TrimSuffix(out.String(), "\n")
			}
		}
	} else if form, err := url.ParseQuery(text); err == nil && strings.Contains(text, "=") && !strings.ContainsAny(text, " \n{<") {
		text = redactQuery(text, form)
	}
	return tokenText.ReplaceAllString(text, redacted)
}

// hide replaces the secrets in a decoded document, and reports whether it has any.
func hide(value any) (hidden bool) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			text, isText := member.(string)
			inner := text
			switch {
			case !isText:
				hidden = hide(member) || hidden
			case isSecret(name, text):
				inner = redacted
			case strings.HasPrefix(strings.TrimSpace(text), "{"): // a message of SNS
				inner = redact(text)
			case strings.HasPrefix(text, "https://"): // the URL that confirms a subscription
				inner = redactURL(text)
			}
			if inner != text {
				value[name], hidden = inner, true
			}
		}
	case []any:
		for _, element := range value {
			hidden = hide(element) || hidden
		}
	}
	return hidden
}

func redactQuery(query string, values url.Values) string {
	changed := false
	for name, texts := range values {
		for i, text := range texts {
			if isSecret(name, text) {
				texts[i], changed = redacted, true
			}
		}
	}
	if !changed {
		return query
	}
	return values.Encode()
}

func redactURL(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return cmp.Or(tokenText.ReplaceAllString(rawURL, redacted), rawURL)
	}
	u.RawQuery = redactQuery(u.RawQuery, u.Query())
	return u.Redacted()
}

func parseFilter(r *http.Request) (f Filter, err error) {
	q := r.URL.Query()
	f = Filter{Kind: q.Get("kind"), Name: q.Get("name"), Customer: q.Get("customer"), Direction: q.Get("direction"), Status: q.Get("status")}
	if after := q.Get("after"); after != "" {
		f.After, err = strconv.Atoi(after)
	}
	return f, err
}
