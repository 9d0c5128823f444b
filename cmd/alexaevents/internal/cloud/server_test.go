package cloud

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/sns"
)

const skillID = "amzn1.ask.skill.test"

// running is a Server on a port, with a backend that verifies requests by it.
type running struct {
	*Server
	url     string
	backend *httptest.Server
	got     []string // bodies of verified requests
	stop    func()
}

func start(t *testing.T, config Config) *running {
	t.Helper()
	r := &running{}
	var verifier *signature.Verifier
	r.backend = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		verifier.Handler(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
			body, err := io.ReadAll(request.Body)
			if err == nil {
				r.got = append(r.got, string(body))
			}
		})).ServeHTTP(w, request)
	}))
	config.Skill = skillID
	if config.To == "" {
		config.To = r.backend.URL
	}
	var err error
	r.Server, err = NewServer(config)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx, l, nil, func(err error) { t.Error(err) }) }()
	r.stop = func() {
		cancel()
		require.NoError(t, <-done)
		r.backend.Close()
		r.stop = func() {}
	}
	t.Cleanup(func() { r.stop() })
	remote, err := alexatest.Remote(r.url)
	require.NoError(t, err)
	verifier = &signature.Verifier{Skills: []string{skillID}, Roots: remote.Roots(), HTTPClient: remote.Client()}
	return r
}

// call makes a request to the control API and decodes the response into out.
func (r *running) call(t *testing.T, method, path string, in, out any) (status int) {
	t.Helper()
	data, err := json.Marshal(in)
	require.NoError(t, err)
	if raw, ok := in.([]byte); ok {
		data = raw
	}
	request, err := http.NewRequest(method, r.url+path, bytes.NewReader(data))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if raw, ok := out.(*[]byte); ok {
		*raw = body
	} else if out != nil {
		require.NoError(t, json.Unmarshal(body, out), "%s", body)
	}
	return response.StatusCode
}

// proxied is a client that reaches everything through the proxy.
func (r *running) proxied(t *testing.T) *http.Client {
	proxy, err := url.Parse(r.url)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.amazon.RootPEM())
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestCustomers(t *testing.T) {
	r := start(t, Config{})
	for i, action := range []string{"enable", "link", "launch", "disable"} {
		var e Entry
		require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/"+action, Action{Region: "EU"}, &e))
		require.Equal(t, 200, e.Status, e)
		require.Equal(t, "anna", e.Customer)
		require.Len(t, r.got, i+1)
	}
	require.Contains(t, r.got[1], "access-token-of-anna")
	var grant Grant
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/grant", Action{}, &grant))
	require.Contains(t, string(grant.Directive), grant.Code)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {grant.Code}, "client_id": {"c"}, "client_secret": {"hush"}}
	response, err := r.proxied(t).PostForm("https://api.amazon.com/auth/o2/token", form)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)

	var customers []Customer
	r.call(t, "GET", "/_cloud/customers", nil, &customers)
	require.Equal(t, []Customer{{Name: "anna", Region: "EU", UserID: customers[0].UserID, Granted: true}}, customers)
	var grants []alexatest.Grant
	r.call(t, "GET", "/_cloud/grants", nil, &grants)
	require.Equal(t, []alexatest.Grant{{Customer: "anna", Region: "EU", ClientID: "c"}}, grants)

	var wrong ErrorBody
	for path, text := range map[string]string{
		"/anna/dance": "a customer cannot dance", "/anna/link": `unknown region "XX"`, "/anna/event": `unknown field "region"`,
	} {
		require.Equal(t, 400, r.call(t, "POST", "/_cloud/customers"+path, Action{Region: "XX"}, &wrong), path)
		require.Contains(t, wrong.Error.Message, text)
	}
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/customers/anna/enable", Action{To: "localhost:80"}, &wrong))
	require.Contains(t, wrong.Error.Message, "not the URL of a backend")
	require.Equal(t, 204, r.call(t, "POST", "/_cloud/reset", nil, nil))
	r.call(t, "GET", "/_cloud/customers", nil, &customers)
	require.Empty(t, customers)
}

func TestSendAndForge(t *testing.T) {
	r := start(t, Config{})
	var built Built
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/event", Event{Name: "SkillEnabled", Late: "30m", Set: []string{"request.extra=1"}}, &built))
	var e Entry
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/send", Send{Kind: "event", Body: built.Body}, &e))
	require.Equal(t, 200, e.Status)
	require.Equal(t, []string{built.Body}, r.got, "exact bytes")
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/send", Send{Kind: "event", Body: built.Body, Tamper: true}, &e))
	require.Equal(t, 400, e.Status)

	const arn = "arn:aws:sns:us-east-1:000011112222:skills"
	var events []sdns.Event
	handler := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{arn}, Roots: r.amazon.Roots(), Intermediates: r.amazon.Intermediates(), HTTPClient: r.amazon.Client()},
		Receive:  sdns.Receive(func(_ context.Context, event sdns.Event) error { events = append(events, event); return nil }),
	}
	notified := httptest.NewServer(handler)
	defer notified.Close()
	for tamper, status := range map[bool]int{false: 200, true: 400} {
		require.Equal(t, 200, r.call(t, "POST", "/_cloud/customers/anna/event", Event{Name: "AlexaDevelopmentEvent.SkillPublish"}, &built))
		send := Send{To: notified.URL, Kind: built.Kind, Body: built.Body, Topic: arn, Tamper: tamper}
		require.Equal(t, 200, r.call(t, "POST", "/_cloud/send", send, &e))
		require.Equal(t, status, e.Status, e.Response)
	}
	require.Len(t, events, 1)
	var wrong ErrorBody
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/send", Send{Kind: "notification", Topic: "news"}, &wrong))
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/send", Send{Kind: "letter"}, &wrong))

	headers := make(map[string]string)
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/sign", []byte(built.Body), &headers))
	require.NotEmpty(t, headers["Signature-256"])

	var outcomes []Forged
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/forge", Forge{}, &outcomes))
	require.Len(t, outcomes, 21)
	for _, o := range outcomes[:20] {
		require.True(t, o.Refused, o.Name)
		require.Equal(t, o.Reason == "", o.Required)
	}
	require.Equal(t, Forged{Name: Genuine, Required: true, Status: 200}, outcomes[20])
}

func TestFaultsAndAge(t *testing.T) {
	r := start(t, Config{})
	require.Equal(t, 204, r.call(t, "POST", "/_cloud/faults", Fault{URL: "https://api.", Times: 2, Status: 503, RetryAfter: "7", Delay: "1ms"}, nil))
	response, err := r.proxied(t).Get("https://api.amazon.com/user/profile")
	require.NoError(t, err)
	require.Equal(t, 503, response.StatusCode)
	require.Equal(t, "7", response.Header.Get("Retry-After"))
	var faults []Fault
	r.call(t, "GET", "/_cloud/faults", nil, &faults)
	require.Equal(t, []Fault{{URL: "https://api.", Times: 1, Status: 503, RetryAfter: "7", Delay: "1ms"}}, faults)
	require.Equal(t, 204, r.call(t, "DELETE", "/_cloud/faults", nil, nil))

	require.Equal(t, 204, r.call(t, "POST", "/_cloud/faults", Fault{Reset: true}, nil))
	_, err = r.proxied(t).Get("https://api.amazon.com/user/profile")
	require.Error(t, err)

	var token AccessToken
	r.call(t, "POST", "/_cloud/tokens", Scopes{[]string{"profile"}}, &token)
	require.True(t, r.amazon.ValidToken(token.AccessToken))
	require.Equal(t, 204, r.call(t, "POST", "/_cloud/age", Age{By: "61m"}, nil))
	require.False(t, r.amazon.ValidToken(token.AccessToken))

	var wrong ErrorBody
	for _, body := range []any{Fault{Code: "X"}, Fault{Status: 99}, Fault{Delay: "soon"}, map[string]int{"stat": 1}} {
		require.Equal(t, 400, r.call(t, "POST", "/_cloud/faults", body, &wrong))
		require.NotEmpty(t, wrong.Error.Message)
	}
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/age", Age{By: "-1h"}, &wrong))
}

func TestTopics(t *testing.T) {
	r := start(t, Config{})
	const arn = "arn:aws:sns:us-east-1:000011112222:skills"
	require.Equal(t, 204, r.call(t, "POST", "/_cloud/topics", Topic{ARN: arn, SHA1: true}, nil))
	var endpoint TopicEndpoint
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/topics/subscribe", Subscribe{arn, r.backend.URL}, &endpoint))
	require.Equal(t, TopicEndpoint{URL: r.backend.URL}, endpoint, "the backend did not confirm")
	var topics []Topic
	r.call(t, "GET", "/_cloud/topics", nil, &topics)
	require.Equal(t, []Topic{{ARN: arn, SHA1: true, Endpoints: []TopicEndpoint{endpoint}}}, topics)
	require.Equal(t, 204, r.call(t, "POST", "/_cloud/topics/publish", Message{arn, "text"}, nil))

	require.Equal(t, 204, r.call(t, "POST", "/_cloud/vendors", Vendor{"M1", []string{"amzn1.account.A"}}, nil))
	var redirect Redirect
	consent := "https://www.amazon.com/ap/oa?response_type=code&client_id=c&scope=profile&state=s&redirect_uri=http%3A%2F%2Flocalhost%2Fcb"
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/consent", Consent{consent, "amzn1.account.A"}, &redirect))
	require.Contains(t, redirect.Redirect, "state=s")

	var wrong ErrorBody
	for path, body := range map[string]any{
		"topics": Topic{ARN: "x"}, "topics/publish": Message{"x", ""}, "topics/subscribe": Subscribe{"x", r.backend.URL},
		"vendors": Vendor{}, "consent": Consent{"https://example.com", ""},
	} {
		require.Equal(t, 400, r.call(t, "POST", "/_cloud/"+path, body, &wrong), path)
		require.NotEmpty(t, wrong.Error.Message)
	}
	for _, path := range []string{"subscribers", "subscriptions"} {
		var list []byte
		require.Equal(t, 200, r.call(t, "GET", "/_cloud/"+path, nil, &list))
		require.Equal(t, "[]\n", string(list))
	}
}

func TestJournal(t *testing.T) {
	r := start(t, Config{})
	done := make(chan []Entry, 1)
	go func() {
		var found []Entry
		response, err := http.Get(r.url + "/_cloud/journal?wait=2&timeout=1m&kind=event&customer=anna")
		if err == nil {
			err = json.NewDecoder(response.Body).Decode(&found)
		}
		if err != nil {
			t.Error(err)
		}
		done <- found
	}()
	for _, name := range []string{"anna", "emma", "anna"} {
		r.call(t, "POST", "/_cloud/customers/"+name+"/launch", nil, nil)
	}
	found := <-done
	require.Len(t, found, 2)
	require.Equal(t, "LaunchRequest", found[0].Name)

	var late ErrorBody
	require.Equal(t, 408, r.call(t, "GET", "/_cloud/journal?wait=9&timeout=1ms&name=LaunchRequest&status=200&direction=to_backend", nil, &late))
	require.Equal(t, "3 of 9 entries within 1ms", late.Error.Message)
	require.Len(t, late.Found, 3)
	for _, query := range []string{"wait=x", "wait=-1", "timeout=soon", "timeout=1h", "after=x"} {
		require.Equal(t, 400, r.call(t, "GET", "/_cloud/journal?"+query, nil, &late), query)
	}
}

// No secret that went in or out is in the journal.
func TestSecretsAreRedacted(t *testing.T) {
	r := start(t, Config{})
	var grant Grant
	r.call(t, "POST", "/_cloud/customers/anna/link", Action{Token: "hush-account"}, nil)
	r.call(t, "POST", "/_cloud/customers/anna/grant", Action{}, &grant)
	secrets := []string{"hush-account", "hush-client", grant.Code}
	client := r.proxied(t)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {grant.Code}, "client_id": {"c"}, "client_secret": {"hush-client"}}
	response, err := client.PostForm("https://api.amazon.com/auth/o2/token", form)
	require.NoError(t, err)
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&tokens))
	secrets = append(secrets, tokens.Access, tokens.Refresh)
	event := `{"event":{"header":{"namespace":"Alexa","name":"ChangeReport"},"endpoint":{"scope":{"type":"BearerToken","token":"` + tokens.Access + `"}}}}`
	request, err := http.NewRequest("POST", "https://api.amazonalexa.com/v3/events?access_token="+url.QueryEscape(tokens.Access), strings.NewReader(event))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+tokens.Access)
	_, err = client.Do(request)
	require.NoError(t, err)

	var journal []byte
	r.call(t, "GET", "/_cloud/journal", nil, &journal)
	for _, secret := range secrets {
		require.NotContains(t, string(journal), secret)
		require.NotContains(t, string(journal), url.QueryEscape(secret))
	}
	var entries []Entry
	r.call(t, "GET", "/_cloud/journal?kind=gateway", nil, &entries)
	require.Equal(t, "Alexa.ChangeReport", entries[0].Name)
	require.Equal(t, "anna", entries[0].Customer)
	require.Contains(t, entries[0].Response, "INVALID_REQUEST_EXCEPTION", "the code of an error is no secret")
	r.call(t, "GET", "/_cloud/journal?kind=token", nil, &entries)
	require.Equal(t, "authorization_code", entries[0].Name)
	require.Contains(t, entries[0].Request, "client_secret=%5Bredacted%5D")
}

func TestProxy(t *testing.T) {
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "other") }))
	defer other.Close()
	for _, offline := range []bool{false, true} {
		r := start(t, Config{Offline: offline})
		client := r.proxied(t)
		client.Transport.(*http.Transport).TLSClientConfig.RootCAs.AddCert(other.Certificate())
		response, err := client.Get(other.URL)
		if offline {
			require.ErrorContains(t, err, "Forbidden")
		} else {
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, "other", string(body))
		}
		response, err = client.Get("https://s3.amazonaws.com/bucket/key")
		require.NoError(t, err)
		require.Equal(t, 404, response.StatusCode)
		response, err = client.Get("http://api.amazon.com/")
		require.NoError(t, err)
		require.Equal(t, 403, response.StatusCode)
		require.Equal(t, 404, r.call(t, "GET", "/other", nil, nil))
	}
}

// Another web page reaches neither the control API nor Amazon by path.
func TestGuard(t *testing.T) {
	r := start(t, Config{})
	for _, path := range []string{"/_cloud/reset", "/api.amazon.com/auth/o2/token"} {
		for name, change := range map[string]func(*http.Request){
			"another origin": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
			"another site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"another host":   func(r *http.Request) { r.Host = "evil.example" },
		} {
			request, err := http.NewRequest("POST", r.url+path, nil)
			require.NoError(t, err)
			change(request)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.Contains(t, []int{403, 421}, response.StatusCode, path+" "+name)
		}
	}
}

func TestState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	r := start(t, Config{State: file})
	r.call(t, "POST", "/_cloud/customers/anna/link", nil, nil)
	var grant Grant
	r.call(t, "POST", "/_cloud/customers/anna/grant", nil, &grant)
	var customers []Customer
	r.call(t, "GET", "/_cloud/customers", nil, &customers)
	r.stop()
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	again := start(t, Config{State: file})
	require.Equal(t, r.amazon.RootPEM(), again.amazon.RootPEM())
	var restored []Customer
	again.call(t, "GET", "/_cloud/customers", nil, &restored)
	require.Equal(t, customers, restored)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {grant.Code}, "client_id": {"c"}, "client_secret": {"s"}}
	response, err := again.proxied(t).PostForm("https://api.amazon.com/auth/o2/token", form)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)

	var snapshot []byte
	require.Equal(t, 200, again.call(t, "GET", "/_cloud/snapshot", nil, &snapshot))
	again.call(t, "POST", "/_cloud/reset", nil, nil)
	require.Equal(t, 204, again.call(t, "PUT", "/_cloud/snapshot", snapshot, nil))
	again.call(t, "GET", "/_cloud/customers", nil, &restored)
	require.Equal(t, customers, restored)
	var wrong ErrorBody
	for _, broken := range []string{"", "{}", `{"customers":{"anna":{}}}`} {
		require.Equal(t, 400, again.call(t, "PUT", "/_cloud/snapshot", []byte(broken), &wrong), broken)
	}
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	_, err = NewServer(Config{State: file})
	require.ErrorContains(t, err, "state.json")
}

// The description has exactly the operations and members of the code.
func TestOpenAPI(t *testing.T) {
	r := start(t, Config{})
	var file []byte
	require.Equal(t, 200, r.call(t, "GET", "/_cloud/openapi.yaml", nil, &file))
	var described struct {
		Paths      map[string]map[string]struct{ Summary string }
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	require.NoError(t, yaml.Unmarshal(file, &described))
	var operations []string
	for path, methods := range described.Paths {
		for method, operation := range methods {
			require.NotEmpty(t, operation.Summary)
			operations = append(operations, strings.ToUpper(method)+" "+path)
		}
	}
	var patterns []string
	for _, route := range r.routes() {
		patterns = append(patterns, route.pattern)
	}
	require.ElementsMatch(t, patterns, operations)

	for _, value := range []any{
		Status{},
		Age{},
		Fault{},
		Customer{},
		Event{},
		Built{},
		Action{},
		Grant{},
		Entry{},
		Send{},
		Forge{},
		Forged{},
		Topic{},
		TopicEndpoint{},
		Subscribe{},
		Message{},
		Vendor{},
		Consent{},
		Redirect{},
		Scopes{},
		AccessToken{},
		ErrorBody{},
	} {
		kind := reflect.TypeOf(value)
		var members, properties []string
		for field := range kind.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			members = append(members, name)
		}
		schema, ok := described.Components.Schemas[kind.Name()]
		require.True(t, ok, kind.Name())
		for name := range schema.Properties {
			properties = append(properties, name)
		}
		require.ElementsMatch(t, members, properties, kind.Name())
		delete(described.Components.Schemas, kind.Name())
	}
	require.Empty(t, described.Components.Schemas)
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"access_token":"x"},"n":1.0}`:                   `{"a":{"access_token":"[redacted]"},"n":1.0}`,
		`[{"code":"abc"},{"code":"SKILL_DISABLED_EXCEPTION"}]`: `[{"code":"[redacted]"},{"code":"SKILL_DISABLED_EXCEPTION"}]`,
		`{"Message":"{\"token\":\"x\"}"}`:                      `{"Message":"{\"token\":\"[redacted]\"}"}`,
		`a=1&code=x`:                                           `a=1&code=%5Bredacted%5D`,
		`a = 1`:                                                `a = 1`,
		`token Atza|abc9 here`:                                 `token [redacted] here`,
		`<script>`:                                             `<script>`,
		``:                                                     ``,
	} {
		require.Equal(t, want, redact(text))
	}
	long := redact(strings.Repeat("ä", maxShown))
	require.Less(t, len(shown(long)), maxShown+4)
}

func TestBuild(t *testing.T) {
	customer := &alexatest.Customer{SkillID: skillID}
	for name, want := range map[string]string{
		"SkillEnabled": "AlexaSkillEvent.SkillEnabled", "AlexaSkillEvent.SkillDisabled": "AlexaSkillEvent.SkillDisabled",
		"Reminders.ReminderDeleted": "Reminders.ReminderDeleted", "AlexaSkillEvent.Newer": "AlexaSkillEvent.Newer",
		"LaunchRequest": "LaunchRequest", "Intent:Hello": "IntentRequest",
	} {
		body, kind, err := Event{Name: name, Token: "t1"}.Build(customer)
		require.NoError(t, err)
		require.Equal(t, kindEvent, kind)
		var built struct {
			Context struct {
				System struct {
					User struct{ UserID, AccessToken string }
				}
			}
			Request struct{ Type string }
		}
		require.NoError(t, json.Unmarshal(body, &built))
		require.Equal(t, want, built.Request.Type)
		require.Equal(t, customer.UserID(), built.Context.System.User.UserID)
		require.Equal(t, "t1", built.Context.System.User.AccessToken)
	}
	body, kind, err := Event{Name: "Alexa.PowerController.TurnOn", Endpoint: "lamp-1", Set: []string{`directive.payload.list=[1,{"a":2}]`, "directive.payload.list.1.a=x=y"}}.Build(customer)
	require.NoError(t, err)
	require.Equal(t, kindDirective, kind)
	require.Contains(t, string(body), `"payload":{"list":[1,{"a":"x=y"}]}`)

	for _, wrong := range []Event{
		{},
		{Name: "SkillEnable"},
		{Name: "Intent:"},
		{Name: "LaunchRequest", Late: "x"},
		{Name: "LaunchRequest", Set: []string{"request"}},
		{Name: "LaunchRequest", Set: []string{"request.type.x=1"}},
		{Name: "LaunchRequest", Set: []string{"request.a=[]", "request.a.0=1"}},
	} {
		_, _, err := wrong.Build(customer)
		require.Error(t, err, wrong)
	}
	require.True(t, slices.Contains(EventNames(), "SkillEnabled"))
	for _, name := range EventNames() {
		_, _, err := Event{Name: strings.Replace(name, "Intent:", "Intent:Hello", 1)}.Build(customer)
		require.NoError(t, err)
	}
	_, _, err = Event{Name: "AlexaDevelopmentEvent.ALL"}.Build(customer)
	require.Error(t, err)
	late, _, err := Event{Name: "SkillEnabled", Late: "1h"}.Build(customer)
	require.NoError(t, err)
	require.Contains(t, string(late), time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:"))
}
