package cloud

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page returns the page, or what is at another path.
func (r *running) page(t *testing.T, path string) (string, http.Header) {
	t.Helper()
	response, err := http.Get(r.url + path)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body), response.Header
}

// submit posts a form, and returns where it redirects, or the page with its problem.
func (r *running) submit(t *testing.T, path string, form url.Values) (location, problem string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(r.url+"/_page/"+path, form)
	require.NoError(t, err)
	defer response.Body.Close()
	if response.StatusCode == http.StatusSeeOther {
		return response.Header.Get("Location"), ""
	}
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	_, problem, _ = strings.Cut(string(body), `role="alert">`)
	problem, _, _ = strings.Cut(problem, "<")
	return "", problem
}

func TestForms(t *testing.T) {
	r := start(t, Config{})
	step := func(name, step string) url.Values {
		return url.Values{"name": {name}, "step": {step}, "region": {"EU"}}
	}
	send := func(event string) url.Values {
		return url.Values{"event": {event}, "customer": {"anna"}, "set": {"request.a=1\r\n\r\nrequest.b=2"}, "late": {"30m"}}
	}
	for _, test := range []struct {
		path     string
		form     url.Values
		location string
		problem  string
	}{
		{"customer", step("anna", "link"), "/#e2", ""},
		{"customer", step("anna", "grant"), "/", ""},
		{"customer", step(" ", "link"), "", "the customer has no name"},
		{"customer", step("anna", "dance"), "", "a customer cannot dance; a customer can enable, link, launch, disable, grant"},
		{"send", send("SkillEnabled"), "/#e3", ""},
		{"send", send("Dance"), "", "unknown event &#34;Dance&#34;"},
		{"send", url.Values{"event": {"SkillEnabled"}}, "", "the customer has no name"},
		{"again", url.Values{"id": {"3"}}, "/#e4", ""},
		{"again", url.Values{"id": {"99"}}, "", "the journal has no event, directive or notification with the ID 99"},
		{"again", url.Values{"id": {"x"}}, "", "not the ID of an entry: &#34;x&#34;"},
		{"fault", url.Values{"kind": {"throttle"}, "times": {"3"}, "url": {"https://api."}}, "/", ""},
		{"fault", url.Values{"kind": {"lost"}, "times": {"x"}}, "", "not a number of requests: &#34;x&#34;"},
		{"age", url.Values{"by": {strings.Repeat("9", 1<<20)}}, "", "the form: http: request body too large"},
		{"fault", url.Values{"kind": {"flood"}}, "", "unknown fault &#34;flood&#34;"},
		{"age", url.Values{"by": {"61m"}}, "/", ""},
		{"age", url.Values{"by": {"soon"}}, "", "not a duration such as 90s, 30m or 2h: &#34;soon&#34;"},
		{"subscribe", url.Values{"topic": {"arn:aws:sns:us-east-1:000011112222:alexa"}, "url": {r.backend.URL}}, "/", ""},
		{"subscribe", url.Values{"topic": {"news"}, "url": {"news"}}, "", "not the URL of a backend: &#34;news&#34;"},
	} {
		location, problem := r.submit(t, test.path, test.form)
		require.Equal(t, test.location, location, test.path)
		require.Contains(t, problem, test.problem)
		require.Equal(t, test.problem == "", problem == "", problem)
	}
	require.Len(t, r.got, 3)
	require.Contains(t, r.got[1], `"a":1,"b":2`)
	require.Equal(t, r.got[1], r.got[2])
	require.Equal(t, []Fault{{URL: "https://api.", Times: 3, Status: 429, RetryAfter: "2"}}, r.listFaults())
	page, _ := r.page(t, "/")
	for _, want := range []string{
		"anna <span>EU</span>", "code not exchanged", "status 429 for the next 3 requests to api.", "not confirmed", "arn:aws:sns:us-east-1:000011112222:alexa", "SubscriptionConfirmation",
	} {
		require.Contains(t, page, want)
	}
	require.Len(t, r.listTopics(), 1)
	location, _ := r.submit(t, "heal", nil)
	require.Equal(t, "/", location)
	require.Empty(t, r.listFaults())
	r.submit(t, "reset", nil)
	require.Empty(t, r.listCustomers())
}

// The page shows no secret, and what it shows of others is text.
func TestPageIsSafe(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<script>alert("response")</script>`)
	}))
	defer backend.Close()
	withPassword := strings.Replace(backend.URL, "http://", "http://ann:hush-password@", 1)
	r := start(t, Config{To: withPassword, Directives: withPassword})
	const html = `"><img src=x onerror=alert()>'<script>alert("name")</script>`
	secrets := []string{"hush-password", "hush-account", "hush-client"}
	r.call(t, "POST", "/_cloud/customers/"+url.PathEscape(html)+"/link", Action{Token: "hush-account"}, nil)
	r.call(t, "POST", "/_cloud/customers/"+url.PathEscape(html)+"/grant", nil, nil)
	r.call(t, "POST", "/_cloud/faults", Fault{URL: html, Lost: true}, nil)
	r.call(t, "POST", "/_cloud/send", Send{Kind: "event", Name: html, Customer: html, Body: html}, nil)
	for id := range r.journal.sent { // what went out has the code of the grant
		var directive struct {
			Directive struct {
				Payload struct{ Grant struct{ Code string } }
			}
		}
		original, err := r.journal.original(id)
		require.NoError(t, err)
		if json.Unmarshal([]byte(original.send.Body), &directive) == nil && directive.Directive.Payload.Grant.Code != "" {
			secrets = append(secrets, directive.Directive.Payload.Grant.Code)
		}
	}
	require.Len(t, secrets, 4)
	form := url.Values{"grant_type": {html}, "code": {secrets[3]}, "client_id": {html}, "client_secret": {"hush-client"}}
	_, err := r.proxied(t).PostForm("https://api.amazon.com/auth/o2/token", form)
	require.NoError(t, err)

	page, header := r.page(t, "/")
	_, broken := r.submit(t, "customer", url.Values{"name": {"anna"}, "step": {html}})
	require.NotContains(t, broken, "<img")
	stream := r.stream(t, "/_page/stream?from=x", "")
	stream.next(t, "journal", "")
	stream.next(t, "state", "")
	for _, text := range []string{page, stream.text.String()} {
		require.Contains(t, text, "[redacted]")
		require.Contains(t, text, `alert(`)
		require.NotContains(t, text, "<script>alert")
		require.NotContains(t, text, "<img")
		for _, secret := range secrets {
			require.NotContains(t, text, secret)
		}
	}
	policy := header.Get("Content-Security-Policy")
	require.Regexp(t, `^default-src 'none'; style-src 'sha256-[^' ]+'; script-src 'sha256-[^' ]+'; connect-src 'self'; form-action 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'$`, policy)
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.NotRegexp(t, ` (style|on[a-z]+)=`, strings.ReplaceAll(page, "onerror=alert", ""))
}

func TestOlderEntriesAndFilter(t *testing.T) {
	r := start(t, Config{})
	for i := range pageEntries + 5 {
		r.journal.add(Entry{Kind: kindEvent, Direction: toBackend, Name: "event " + strconv.Itoa(i+1), Customer: []string{"anna", "emma"}[i%2], Status: 200}, nil)
	}
	page, _ := r.page(t, "/")
	require.Equal(t, pageEntries, strings.Count(page, "<li id=\"e"))
	require.NotContains(t, page, "event 5<")
	require.Contains(t, page, `href="/?before=6"`)
	page, _ = r.page(t, "/?before=6")
	require.Equal(t, 5, strings.Count(page, "<li id=\"e"))
	require.Contains(t, page, "Newest")
	require.NotContains(t, page, ">Older<")
	require.NotContains(t, page, "data-stream")
	page, _ = r.page(t, "/?kind=event&customer=emma")
	require.Equal(t, (pageEntries+5)/2, strings.Count(page, "<li id=\"e"))
	require.Contains(t, page, `&amp;kind=event"`)
	page, _ = r.page(t, "/?kind=token")
	require.Contains(t, page, "No requests yet")
	page, _ = r.page(t, "/?before=x")
	require.Contains(t, page, "before: not the ID of an entry")
}

// events are server-sent events.
type events struct {
	lines *bufio.Scanner
	text  strings.Builder
	id    string
	close func()
}

func (r *running) stream(t *testing.T, path, lastID string) *events {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
	require.NoError(t, err)
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	return &events{lines: lines, close: func() { response.Body.Close() }}
}

// next returns the HTML of the next event of a kind that contains a text.
func (e *events) next(t *testing.T, kind, text string) (html string) {
	t.Helper()
	event := ""
	for e.lines.Scan() {
		name, value, _ := strings.Cut(e.lines.Text(), ": ")
		switch name {
		case "event":
			event = value
		case "id":
			e.id = value
		case "data":
			require.NoError(t, json.Unmarshal([]byte(value), &html))
			e.text.WriteString(html)
			if event == kind && strings.Contains(html, text) {
				return html
			}
		}
	}
	require.Fail(t, "the stream ended", e.lines.Err())
	return ""
}

func TestStream(t *testing.T) {
	r := start(t, Config{})
	r.call(t, "POST", "/_cloud/customers/anna/launch", nil, nil)
	page, _ := r.page(t, "/?customer=anna")
	_, path, _ := strings.Cut(page, `data-stream="`)
	path, _, _ = strings.Cut(path, `"`)
	path = strings.ReplaceAll(path, "&amp;", "&")

	live := r.stream(t, path, "")
	live.next(t, "state", "anna")
	r.call(t, "POST", "/_cloud/customers/emma/enable", nil, nil)
	live.next(t, "state", "emma")
	r.call(t, "POST", "/_cloud/customers/anna/disable", nil, nil)
	entries := live.next(t, "entries", "SkillDisabled")
	require.NotContains(t, entries, "Launch", "the page has it")
	require.NotContains(t, entries, "emma", "the filter excludes it")
	r.call(t, "POST", "/_cloud/faults", Fault{Status: 503}, nil)
	live.next(t, "state", "status 503 for the next request to all of Amazon")
	live.close()

	r.call(t, "POST", "/_cloud/customers/anna/enable", nil, nil)
	again := r.stream(t, path, live.id)
	require.NotContains(t, again.next(t, "entries", "SkillEnabled"), "SkillDisabled", "the page has it")
	r.call(t, "POST", "/_cloud/reset", nil, nil)
	again.next(t, "journal", "No requests yet")
	r.stream(t, path, live.id).next(t, "journal", "No requests yet") // of another time
}

func TestPageWords(t *testing.T) {
	for effect, f := range map[string]Fault{
		"connection reset for the next request":    {Reset: true},
		"response lost for the next 2 requests":    {Lost: true, Times: 2},
		"response truncated for all requests":      {Truncate: true, Times: -1},
		"status 503 for the next request":          {Status: 503, Times: 1},
		"status 503 after 3s for the next request": {Status: 503, Delay: "3s"},
		"delay of 3s for the next request":         {Delay: "3s"},
	} {
		require.Equal(t, effect, pageFault{f}.Effect()+" for "+pageFault{f}.Requests())
	}
	for want, e := range map[string]Entry{
		"Alexa → backend: accepted, good":   {Direction: toBackend, Kind: kindEvent, Status: 204},
		"Alexa → backend: no response, bad": {Direction: toBackend, Kind: kindDirective},
		"Alexa → backend: refused, warn":    {Direction: toBackend, Kind: kindEvent, Status: 302},
		"SNS → backend: failed, bad":        {Direction: toBackend, Kind: kindNotification, Status: 500},
		"forger → backend: refused, good":   {Direction: toBackend, Kind: kindForgery, Status: 400},
		"forger → backend: accepted, bad":   {Direction: toBackend, Kind: kindForgery, Status: 200},
		"Alexa → backend: refused, warn ":   {Direction: toBackend, Kind: kindForgery, Name: Genuine, Status: 400},
		"backend → Amazon: throttled, warn": {Direction: toAmazon, Kind: kindGateway, Status: 429},
	} {
		shown := pageEntry{e}
		require.Equal(t, strings.TrimSpace(want), shown.Way()+": "+shown.Outcome()+", "+shown.Class())
	}
	for text, want := range map[string]string{
		`{"a":[1]}`:             "{\n  \"a\": [\n    1\n  ]\n}",
		"a=1&code=%5Bhidden%5D": "a=1\ncode=[hidden]",
		"a=%zz&b=1":             "a=%zz&b=1",
		"hello = world":         "hello = world",
	} {
		require.Equal(t, want, pretty(text))
	}
}

func TestPageOfManyCustomers(t *testing.T) {
	r := start(t, Config{})
	r.mu.Lock()
	for i := range pageCustomers + 1 {
		r.customer(strconv.Itoa(i))
	}
	r.mu.Unlock()
	page, _ := r.page(t, "/")
	require.Equal(t, pageCustomers, strings.Count(page, `value="disable"`))
	require.Contains(t, page, "And 1 more")
}
