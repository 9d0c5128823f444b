package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sdns"
)

var screenshots = flag.String("screenshots", "", "folder for pictures of the page")

const pageTopic = "arn:aws:sns:us-east-1:000011112222:alexa"

// fill makes one of everything that the page shows.
func fill(t *testing.T, cloud, backend string) {
	t.Helper()
	post := func(path string, body any) {
		data, err := json.Marshal(body)
		require.NoError(t, err)
		response, err := http.Post(cloud+"/_cloud/"+path, "application/json", bytes.NewReader(data))
		require.NoError(t, err)
		defer response.Body.Close()
		require.Less(t, response.StatusCode, 300, path)
	}
	post("topics/subscribe", object{"topic": pageTopic, "url": backend + "/sns"})
	post("topics/publish", object{"topic": pageTopic, "message": `{"text": "<script>"}`})
	remote, err := alexatest.Remote(cloud)
	require.NoError(t, err)
	response, err := http.Post(cloud+"/_cloud/tokens", "application/json", bytes.NewReader([]byte(`{"scopes":["alexa::ask:subscriptions"]}`)))
	require.NoError(t, err)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&token))
	client := &sdns.Client{HTTPClient: &http.Client{Transport: bearer{remote.Client().Transport, token.AccessToken}}}
	const role = "arn:aws:iam::000011112222:role/alexa"
	subscriber, err := client.CreateSubscriber(t.Context(), sdns.Subscriber{VendorID: "M1EXAMPLE", Name: "our skills", TopicARN: pageTopic, RoleARN: role})
	require.NoError(t, err)
	_, err = client.CreateSubscription(t.Context(), sdns.Subscription{
		VendorID: "M1EXAMPLE", SubscriberID: subscriber, Name: "certification", Events: []sdns.EventName{sdns.EventSkillCertification, sdns.EventSkillPublish},
	})
	require.NoError(t, err)
	post("customers/anna/link", object{})
	post("customers/emma/enable", object{"region": "EU"})
	post("customers/a-customer-with-quite-a-long-name/launch", object{"region": "FE"})
	response, err = remote.Client().PostForm("https://api.amazon.com/auth/o2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {"hush-code"}, "client_id": {"client"}, "client_secret": {"hush-secret"},
	})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	post("customers/anna/grant", object{"to": backend + "/directives"})
	post("send", object{"kind": "event", "name": "AlexaSkillEvent.SkillEnabled", "customer": "anna", "body": "{}", "to": backend + "/old"})
	post("send", object{"kind": "event", "name": "AlexaSkillEvent.SkillDisabled", "customer": "emma", "body": "{}", "to": backend + "/broken"})
	post("send", object{"kind": "event", "name": "LaunchRequest", "customer": "emma", "body": "{}", "to": "http://127.0.0.1:1/"})
	post("send", object{"kind": "notification", "name": "AlexaDevelopmentEvent.SkillPublish", "topic": pageTopic, "body": "{}", "to": backend + "/sns"})
	post("forge", object{"to": backend})
	post("faults", object{"url": "https://api.amazonalexa.com/v3/events", "status": 429, "retry_after": "2", "times": 3})
	post("faults", object{"lost": true, "url": "https://unused.example/", "times": -1})
}

// bearer adds an access token.
type bearer struct {
	next  http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// newPageBackend refuses, breaks or accepts by path, with HTML.
func newPageBackend(t *testing.T) string {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/old":
			w.WriteHeader(http.StatusBadRequest)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, `<script>document.title = "broken out"</script><b id="broken-out">bold</b>`)
	}))
	t.Cleanup(backend.Close)
	return backend.URL
}

// The page is readable: in both colour schemes, on a telephone and for a screen reader.
func TestPageIsReadable(t *testing.T) {
	b := startBrowser(t)
	backend := newPageBackend(t)
	cloud, _, _ := startCloud(t, "--offline", "--directives", backend)
	show := func() {
		b.open(cloud)
		b.await(`document.getElementById('live').textContent === 'live'`)
	}
	check := func(content string) {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int{400, 1280} {
				b.show(scheme, width)
				name := content + "-" + scheme + "-" + strconv.Itoa(width)
				if *screenshots != "" {
					b.screenshot(filepath.Join(*screenshots, name+".png"))
				}
				require.Empty(t, b.faint(), name)
				require.Empty(t, b.overflow(), name)
				require.Empty(t, b.overlaps(), name)
			}
		}
		require.Empty(t, b.unnamed(), content)
	}
	show()
	check("empty")
	fill(t, cloud, backend)
	show()
	check("full")
	require.Empty(t, b.console())
	b.write(`input[name=event]`, "Dance")
	b.click(`.side form[action="/_page/send"] button`)
	b.await(`!document.getElementById('problem').hidden`)
	b.evaluate(`document.querySelectorAll('details').forEach(d => d.open = true)`, nil)
	check("open")

	// The checks find what they look for.
	b.evaluate(`
		document.querySelector('#journal-title').style.color = '#707070';
		document.querySelector('header').append(document.createElement('button'));
		document.querySelector('#entries li').style.width = '3000px';
		document.querySelector('#entries time').style.marginRight = '-3rem';`, nil)
	require.Len(t, b.faint(), 1)
	require.Equal(t, []string{"button"}, b.unnamed())
	require.Contains(t, b.overflow(), "the page")
	require.NotEmpty(t, b.overlaps())
}

// The page shows what happens, and neither takes the focus nor text from who uses it.
func TestPageIsLive(t *testing.T) {
	b := startBrowser(t)
	cloud, _, received := startCloud(t, "--offline")
	b.open(cloud)
	b.await(`document.getElementById('live').textContent === 'live'`)
	b.evaluate(`window.loaded = 'once'`, nil)
	focused := func() (id string) {
		b.evaluate(`return document.activeElement.id || document.activeElement.name`, &id)
		return id
	}

	b.write(`.side input[name=name]`, "anna")
	b.click(`.side button[value=link]`)
	b.await(`document.querySelector('#entries b')?.textContent === 'AlexaSkillEvent.SkillAccountLinked'`)
	<-received
	b.click(`#link-anna`)
	b.await(`document.querySelectorAll('#entries > li').length >= 2`)
	<-received
	require.Equal(t, "link-anna", focused())
	b.write(`input[name=event]`, "SkillDis")
	require.Zero(t, run(t, cloud, "customer", "emma", "enable").code)
	<-received
	b.await(`document.querySelector('#enable-emma')`)
	require.Equal(t, "event", focused())
	b.call("POST", "/element/"+b.element(`input[name=event]`)+"/value", object{"text": "abled"}, nil)
	b.click(`.side form[action="/_page/send"] button`)
	b.await(`document.querySelector('#entries b').textContent === 'SkillDisabled'`)
	<-received

	// An entry that is open stays open, and is sent again.
	b.click(`#entries summary`)
	b.click(`#entries li:first-child button`)
	b.await(`document.querySelectorAll('#entries > li b').length > 0 && [...document.querySelectorAll('#entries .what b')].filter(e => e.textContent === 'SkillDisabled').length === 2`)
	<-received
	b.await(`document.querySelectorAll('#entries details[open]').length === 1`)

	// A customer's step in this page keeps the focus while the state changes.
	b.call("POST", "/element/"+b.element(`#disable-emma`)+"/value", object{"text": "\ue007"}, nil)
	b.await(`document.querySelector('#disable-emma').closest('li').textContent.includes('not enabled')`)
	<-received
	require.Equal(t, "disable-emma", focused())

	b.click(`button[value=outage]`)
	b.await(`document.querySelector('#faults').textContent.includes('status 503 for the next request to all of Amazon')`)
	require.Zero(t, run(t, cloud, "cloud", "heal").code)
	b.await(`document.querySelector('#faults').textContent.includes('No faults')`)

	b.write(`input[name=event]`, "Dance")
	b.click(`.side form[action="/_page/send"] button`)
	b.await(`document.getElementById('problem').textContent === 'unknown event "Dance"'`)
	require.Zero(t, run(t, cloud, "cloud", "reset").code)
	b.await(`document.querySelector('#entries').textContent.includes('No requests yet')`)
	var loaded string
	b.evaluate(`return window.loaded`, &loaded)
	require.Equal(t, "once", loaded)

	// Text of a backend stays text.
	html := newPageBackend(t)
	require.Zero(t, run(t, cloud, "send", "SkillEnabled", "--customer", "<img src=x>", "--to", html).code)
	b.await(`document.querySelector('#entries pre + h3 + pre')?.textContent.startsWith('<script>')`)
	b.open(cloud)
	for _, wrong := range []string{`document.title !== 'alexaevents cloud'`, `document.getElementById('broken-out') !== null`, `document.querySelector('img') !== null`} {
		var out bool
		b.evaluate(`return `+wrong, &out)
		require.False(t, out, wrong)
	}
	for _, message := range b.console() {
		require.Contains(t, message, "400 (Bad Request)", "of the unknown event alone")
	}
}

// Without its script the page does the same by forms.
func TestPageWithoutScript(t *testing.T) {
	b := startBrowser(t)
	cloud, _, received := startCloud(t, "--offline")
	b.devtools("Emulation.setScriptExecutionDisabled", object{"value": true}, nil)
	b.open(cloud)
	text := func() (text string) {
		b.call("GET", "/element/"+b.element("body")+"/text", nil, &text)
		return text
	}
	require.Contains(t, text(), "Reload")
	b.write(`.side input[name=name]`, "anna")
	b.click(`.side button[value=link]`)
	<-received
	require.Contains(t, text(), "AlexaSkillEvent.SkillAccountLinked")
	require.NotContains(t, text(), "not linked")
	b.click(`#entries button`)
	<-received
	b.click(`button[value=throttle]`)
	require.Contains(t, text(), "status 429 for the next request to all of Amazon")
	b.write(`input[name=event]`, "Dance")
	b.click(`.side form[action="/_page/send"] button`)
	require.Contains(t, text(), `unknown event "Dance"`)
	require.NotContains(t, text(), "\nlive")
}
