package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

const (
	organization = "amzn1.account.ORGANIZATION"
	dana         = "amzn1.account.DANA"

	testTopic = "arn:aws:sns:us-east-1:000011112222:skills"
	testRole  = "arn:aws:iam::000011112222:role/SkillNotifications"
)

// startTopic makes testTopic, with an endpoint that verifies messages by the cloud. It
// returns the events that the endpoint receives.
func startTopic(t *testing.T, url string) chan sdns.Event {
	t.Helper()
	remote, err := alexatest.Remote(url)
	require.NoError(t, err)
	received := make(chan sdns.Event, 100)
	endpoint := httptest.NewServer(&sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{testTopic}, Roots: remote.Roots(), Intermediates: remote.Intermediates(), HTTPClient: remote.Client()},
		Receive: sdns.Receive(func(_ context.Context, e sdns.Event) error {
			received <- e
			return nil
		}),
	})
	t.Cleanup(endpoint.Close)
	post(t, url, "topics", cloud.Topic{ARN: testTopic}, nil)
	var subscribed cloud.TopicEndpoint
	post(t, url, "topics/subscribe", cloud.Subscribe{Topic: testTopic, URL: endpoint.URL}, &subscribed)
	require.True(t, subscribed.Confirmed)
	return received
}

// writes returns the number of requests of the journal that change notifications.
func writes(t *testing.T, url string) (n int) {
	t.Helper()
	journal := json.NewDecoder(strings.NewReader(run(t, url, "cloud", "journal", "--kind", "api", "--json").out))
	for {
		var e cloud.Entry
		err := journal.Decode(&e)
		if errors.Is(err, io.EOF) {
			return n
		}
		require.NoError(t, err)
		if e.Method != http.MethodGet {
			n++
		}
	}
}

// requireNoChange fails if another apply makes a write.
func requireNoChange(d *developer, args ...string) {
	d.t.Helper()
	before := writes(d.t, d.cloud)
	require.True(d.t, strings.HasPrefix(d.ok(append([]string{"sdns", "apply"}, args...)...), "no change\n"))
	require.Equal(d.t, before, writes(d.t, d.cloud))
}

// A developer sets up the notifications about their own skills.
func TestIndependentDeveloper(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	received := startTopic(t, url)
	post(t, url, "vendors", cloud.Vendor{ID: "M1", Customers: []string{dana}}, nil)
	d := newDeveloper(t, url)
	d.write("sdns.yaml", `subscribers:
  - name: Mine
    vendor: M1
    topic: `+testTopic+`
    role: `+testRole+`
    subscriptions:
      - name: My skills
        events: [AlexaDevelopmentEvent.All]
`)
	got := d.run("sdns", "plan")
	require.Equal(t, exitLogin, got.code)
	require.Contains(t, got.errors, "alexaevents login --profile default --scope alexa::ask:subscriptions")
	d.login(dana)
	require.Contains(t, d.ok("whoami"), "vendor  M1 ")

	planned := "create subscriber \"Mine\" of vendor M1\ncreate subscription \"My skills\" of vendor M1\n"
	require.Equal(t, planned, d.ok("sdns", "plan"))
	require.Zero(t, writes(t, url), "a plan changes nothing")
	require.Equal(t, exitFailed, d.run("sdns", "check").code)
	out := d.ok("sdns", "apply", "--wait", "0")
	require.Regexp(t, `^create subscriber "Mine" of vendor M1 \(amzn1.ask-subscriber\.[0-9a-f-]+\)
create subscription "My skills" of vendor M1 \(amzn1.ask-subscription\.[0-9a-f-]+\)
subscriber "Mine": active
$`, out)
	require.IsType(t, new(sdns.Verification), <-received)
	require.Equal(t, 2, writes(t, url))
	requireNoChange(d)
	require.Equal(t, "no change\nsubscriber \"Mine\": active\n", d.ok("sdns", "check"))
	require.Equal(t, "no change\n", d.ok("sdns", "reactivate"))
	got = d.run("sdns", "diagnose")
	require.Zero(t, got.code)
	require.Contains(t, got.errors, "check: The role must trust the AWS account 258925066295")
	require.Equal(t, 1, strings.Count(got.errors, "developer console"))

	remote, err := alexatest.Remote(url)
	require.NoError(t, err)
	info, err := (&lwa.Client{ID: testClient, HTTPClient: remote.Client()}).TokenInfo(t.Context(), alexaevents.Secret(token(d)))
	require.NoError(t, err, "skills are changed with a token of the same client")
	require.Equal(t, dana, info.UserID)

	// A token that expires meanwhile is refreshed.
	require.Zero(t, run(t, url, "cloud", "age", "61m").code)
	requireNoChange(d)
	d.requireNoSecrets()
}

// An organization sets up the notifications about the skills of a developer, who works
// with a token that the organization hands out.
func TestOrganization(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	received := startTopic(t, url)
	post(t, url, "vendors", cloud.Vendor{ID: "M1ORGANIZATION", Customers: []string{organization}}, nil)
	post(t, url, "vendors", cloud.Vendor{ID: "M2DANA", Customers: []string{dana}}, nil)
	o := newDeveloper(t, url)
	o.login(organization)
	link := strings.TrimSpace(o.ok("login", "invite", "dana", "--redirect", "https://organization.example/callback"))
	require.Zero(t, o.runInput(consent(t, url, link, dana), "login", "accept").code)
	require.Contains(t, o.ok("whoami", "--profile", "dana"), "vendor  M2DANA ", "whose token it is")

	o.write("sdns.yaml", sdnsExample)
	got := o.run("sdns", "apply")
	require.Equal(t, exitRefused, got.code, "the developer's account is not associated")
	require.Contains(t, got.errors, "wrong_vendor: the user "+organization+" has no role in the vendor M2DANA; their vendors: M1ORGANIZATION")
	require.Zero(t, writes(t, url), "nothing is half done")
	post(t, url, "vendors", cloud.Vendor{ID: "M2DANA", Customers: []string{organization}}, nil)
	o.ok("sdns", "apply", "--wait", "0")
	require.IsType(t, new(sdns.Verification), <-received)
	requireNoChange(o)

	// The developer gets a token each hour, and can ask why something is missing.
	first := token(o, "--profile", "dana")
	require.Zero(t, run(t, url, "cloud", "age", "61m").code)
	second := token(o, "--profile", "dana")
	require.NotEqual(t, first, second)
	d := newDeveloper(t, url)
	d.write("old", first)
	d.write("token", second)
	subscriber := subscriberID(t, url)
	ask := []string{"sdns", "diagnose", "--subscriber", subscriber, "--vendor", "M2DANA", "--access-token"}
	require.Contains(t, d.run(append(ask, "@old")...).out, "expired_token: ")
	got = d.run(append(ask, "@token", "--event", "AlexaDevelopmentEvent.SkillPublish")...)
	require.Zero(t, got.code, got.errors)
	require.Contains(t, got.errors, "The subscriber may be inactive: only its owner can check.")
	require.Contains(t, d.run(append(ask, "@token", "--event", "AlexaCustomerFeedbackEvent.SkillReviewPublish")...).out, "not_subscribed: ")
	o.requireNoSecrets()
}

// A developer of an organization subscribes to its subscriber, with the token and the ID
// that the organization gave them, and without a login or a client.
func TestDeveloperOfAnOrganization(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	startTopic(t, url)
	post(t, url, "vendors", cloud.Vendor{ID: "M1ORGANIZATION", Customers: []string{organization}}, nil)
	post(t, url, "vendors", cloud.Vendor{ID: "M2DANA", Customers: []string{dana}}, nil)
	o := newDeveloper(t, url)
	o.login(organization)
	o.write("sdns.yaml", strings.Split(sdnsExample, "      - name: Skills of Dana")[0])
	o.ok("sdns", "apply", "--wait", "0")
	link := strings.TrimSpace(o.ok("login", "invite", "dana", "--redirect", "https://organization.example/callback"))
	require.Zero(t, o.runInput(consent(t, url, link, dana), "login", "accept").code)

	d := newDeveloper(t, url)
	d.write("dana.token", token(o, "--profile", "dana")+"\n")
	file := func(vendor, subscriber string) string {
		return "subscriptions:\n  - name: My skills\n    vendor: " + vendor + "\n    subscriber: " + subscriber + "\n    events: [AlexaDevelopmentEvent.All]\n"
	}
	d.write("sdns.yaml", file("M2DANA", subscriberID(t, url)))
	require.Equal(t, exitLogin, d.run("sdns", "apply").code)
	require.Regexp(t, `^create subscription "My skills" of vendor M2DANA \(\S+\)\n$`, d.ok("sdns", "apply", "--access-token", "@dana.token"))
	requireNoChange(d, "--access-token", "@dana.token")
	require.Equal(t, "no change\n", d.ok("sdns", "check", "--access-token", "@dana.token"))

	d.write("other.yaml", file("M1ORGANIZATION", subscriberID(t, url)))
	got := d.run("sdns", "apply", "other.yaml", "--access-token", "@dana.token")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, "wrong_account: the token is of the user "+dana)
	d.write("unknown.yaml", file("M2DANA", "amzn1.ask-subscriber.unknown"))
	got = d.run("sdns", "apply", "unknown.yaml", "--access-token", "@dana.token")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, `create subscription "My skills": sdns: 404`)
	o.requireNoSecrets()
}

// token hands out a token.
func token(d *developer, args ...string) string {
	d.t.Helper()
	return strings.TrimSpace(d.ok(append([]string{"login", "token"}, args...)...))
}

// subscriberID returns the ID of the first subscriber of the cloud.
func subscriberID(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url + "/_cloud/subscribers")
	require.NoError(t, err)
	defer response.Body.Close()
	var list []alexatest.Subscriber
	require.NoError(t, json.NewDecoder(response.Body).Decode(&list))
	require.NotEmpty(t, list)
	return list[0].ID
}

func TestUpdates(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	d := newDeveloper(t, url)
	d.login(dana)
	for _, topic := range []string{testTopic, testTopic + "2"} {
		post(t, url, "topics", cloud.Topic{ARN: topic}, nil)
	}
	apply := func(file string, want ...string) {
		t.Helper()
		d.write("sdns.yaml", file)
		got := d.run("sdns", "apply", "--wait", "0")
		require.Zero(t, got.code, got.errors)
		for _, line := range want {
			require.Regexp(t, "(?m)^"+line+"$", got.out)
		}
		require.Equal(t, len(want), strings.Count(got.out, "(amzn1."), got.out)
		requireNoChange(d)
	}
	file := func(name, topic, role, subscriptions string) string {
		return "subscribers:\n  - {name: " + name + ", vendor: M1, topic: \"" + topic + "\", role: \"" + role + "\", subscriptions: [" + subscriptions + "]}\n"
	}
	const one, two = "{name: one, events: [AlexaDevelopmentEvent.All]}", "{name: two, events: [AlexaDevelopmentEvent.SkillPublish, AlexaDevelopmentEvent.ManifestUpdate]}"
	apply(file("a", testTopic, testRole, one+","+two), `create subscriber "a" .*`, `create subscription "one" .*`, `create subscription "two" .*`)
	before := subscriberID(t, url)

	// The role changes, and the name: the topic finds the subscriber.
	apply(file("b", testTopic, testRole+"2", one+","+two), `update subscriber "b" .*`)
	// The topic changes: the name finds it.
	apply(file("b", testTopic+"2", testRole+"2", one+","+two), `update subscriber "b" .*`)
	require.Equal(t, before, subscriberID(t, url))

	// Both spellings of the wildcard are one, and the order of events does not matter.
	apply(file("b", testTopic+"2", testRole+"2", strings.Replace(one, ".All", ".ALL", 1)+
		", {name: two, events: [AlexaDevelopmentEvent.ManifestUpdate, AlexaDevelopmentEvent.SkillPublish]}"))
	apply(file("b", testTopic+"2", testRole+"2", "{name: one, events: [AlexaDevelopmentEvent.SkillPublish]},"+two), `update subscription "one" .*`)
	// A new name finds the same events.
	apply(file("b", testTopic+"2", testRole+"2", "{name: uno, events: [AlexaDevelopmentEvent.SkillPublish]},"+two), `update subscription "uno" .*`)

	// What is not in the file stays.
	d.write("sdns.yaml", file("b", testTopic+"2", testRole+"2", two))
	got := d.run("sdns", "apply")
	require.Zero(t, got.code)
	require.Contains(t, got.errors, `not in the file, stays as it is: subscription "uno" of vendor M1 to `+before)
	require.True(t, strings.HasPrefix(got.out, "no change\n"))

	// The topic counts more than the name, and nothing is found twice.
	two2 := "{name: x, events: [AlexaDevelopmentEvent.SkillPublish]}, {name: y, events: [AlexaDevelopmentEvent.SkillPublish]}"
	apply(file("b", testTopic+"2", testRole+"2", two2), `update subscription "x" .*`, `create subscription "y" .*`)
	apply(file("a", testTopic+"2", testRole+"2", two)+strings.TrimPrefix(file("b", testTopic, testRole, ""), "subscribers:\n"),
		`update subscriber "a" .*`, `create subscriber "b" .*`)
	require.Equal(t, before, subscriberID(t, url))
	apply(file("b", testTopic+"2", testRole+"2", two)+strings.TrimPrefix(file("a", testTopic, testRole, ""), "subscribers:\n"),
		`update subscriber "b" .*`, `update subscriber "a" .*`)
	d.write("sdns.yaml", file("b", testTopic+"3", testRole+"2", two)+strings.TrimPrefix(file("a", testTopic, testRole, ""), "subscribers:\n"))
	require.Contains(t, d.ok("sdns", "plan"), "topic: "+testTopic+"2 → "+testTopic+"3")

	// A plan says what differs, and JSON has what stays, too.
	d.write("sdns.yaml", file("b", testTopic+"2", testRole, two))
	require.Regexp(t, `^update subscriber "b" of vendor M1 \(\S+\)\n  role: `+testRole+`2 → `+testRole+"\n$", d.ok("sdns", "plan"))
	lines := strings.Split(strings.TrimSpace(d.ok("sdns", "plan", "--json")), "\n")
	require.Len(t, lines, 2)
	var step sdnsStep
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &step))
	require.Equal(t, "none two", step.Action+" "+step.Name)
}

// broken is a proxy for a cloud that refuses or loses requests.
func broken(t *testing.T, url string, refuses func(r *http.Request, body string) int) string {
	to, err := neturl.Parse(url)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch status := refuses(r, string(body)); status {
		case 0:
			proxy.ServeHTTP(w, r)
		case lost:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const lost = -1

// An apply that fails half-way is continued by the next one, without a duplicate.
func TestApplyAgain(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	post(t, url, "topics", cloud.Topic{ARN: testTopic}, nil)
	var requests atomic.Int64
	d := newDeveloper(t, broken(t, url, func(r *http.Request, _ string) int {
		if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "/v0/developmentEvents/") {
			return 0
		}
		switch requests.Add(1) {
		case 1:
			return lost
		case 2, 3:
			return http.StatusServiceUnavailable
		}
		return 0
	}))
	d.login(dana)
	d.write("sdns.yaml", sdnsExample)
	got := d.run("sdns", "apply", "--wait", "0")
	require.Equal(t, exitUnreachable, got.code)
	require.Contains(t, got.errors, `create subscriber "Our developers": `)
	require.NotEmpty(t, subscriberID(t, url), "the response was lost, and not the request")
	got = d.run("sdns", "apply", "--wait", "0")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, `create subscription "Our skills": sdns: 503`)
	got = d.run("sdns", "apply", "--wait", "0")
	require.Equal(t, exitRefused, got.code)
	require.Equal(t, 2, strings.Count(d.ok("sdns", "apply", "--wait", "0"), "create subscription"))
	require.Equal(t, 3, writes(t, url), "one subscriber, two subscriptions")
}

// Which spelling of the wildcard Amazon accepts is not known.
func TestWildcardRefused(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	post(t, url, "topics", cloud.Topic{ARN: testTopic}, nil)
	d := newDeveloper(t, broken(t, url, func(_ *http.Request, body string) int {
		if strings.Contains(body, `"AlexaDevelopmentEvent.All"`) {
			return http.StatusBadRequest
		}
		return 0
	}))
	d.login(dana)
	d.write("sdns.yaml", sdnsExample)
	d.ok("sdns", "apply", "--wait", "0")
	requireNoChange(d)
	d.write("sdns.yaml", strings.Replace(sdnsExample, "[AlexaDevelopmentEvent.All]", "[AlexaDevelopmentEvent.SkillPublish]", 1))
	d.ok("sdns", "apply", "--wait", "0")
	d.write("sdns.yaml", sdnsExample)
	require.Contains(t, d.ok("sdns", "apply", "--wait", "0"), `update subscription "Our skills"`)
}

func TestReactivate(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	post(t, url, "topics", cloud.Topic{ARN: testTopic, Closed: true}, nil)
	d := newDeveloper(t, url)
	d.login(dana)
	d.write("sdns.yaml", sdnsExample)
	got := d.run("sdns", "apply", "--wait", "1h") // ends at once
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errors, `inactive, since Amazon could not publish to the topic: "Our developers" (amzn1.ask-subscriber.`)
	require.Equal(t, 2, strings.Count(got.out, "create subscription"))
	require.Equal(t, exitFailed, d.run("sdns", "apply").code, "no change, but still inactive")
	require.Equal(t, exitFailed, d.run("sdns", "check").code)
	got = d.run("sdns", "diagnose", "--json")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, 1, strings.Count(got.out, "\n"), got.out)
	var f finding
	require.NoError(t, json.Unmarshal([]byte(got.out), &f))
	require.Equal(t, causeInactive, f.Cause)

	post(t, url, "topics", cloud.Topic{ARN: testTopic}, nil)
	before := writes(t, url)
	require.Regexp(t, `^reactivate subscriber "Our developers" \(\S+\)\nsubscriber "Our developers": active\n$`, d.ok("sdns", "reactivate", "--wait", "0"))
	require.Equal(t, before+1, writes(t, url))
	require.Equal(t, "no change\n", d.ok("sdns", "reactivate"))
	d.ok("sdns", "check")
	requireNoChange(d)
}

func TestSDNSFiles(t *testing.T) {
	d := newDeveloper(t, "http://127.0.0.1:1")
	valid := sdnsExample
	replace := func(old, with string) string {
		require.Contains(t, valid, old)
		return strings.Replace(valid, old, with, 1)
	}
	for _, test := range []struct{ file, want string }{
		{"", "no subscribers and no subscriptions"},
		{"subscribers: 7", "sdns.yaml: [1:14] "},
		{"subscribers:\n !!str ", "not YAML that can be read"},
		{replace("    topic:", "    topik:"), `sdns.yaml: [4:5] unknown field "topik"`},
		{replace("vendor: M1ORGANIZATION", "vendor: \"\""), "subscriber 1 (Our developers): the vendor is missing"},
		{replace("name: Our developers", "name: \"\""), "the name is missing"},
		{replace("arn:aws:sns:", "arn:aws:sqs:"), "topic: must be the ARN of an SNS topic"},
		{replace("arn:aws:iam", "arn:aws:sts"), "role: must be the ARN of an IAM role"},
		{replace("[AlexaDevelopmentEvent.All]", "[]"), "subscription 1 (Our skills): the events are missing"},
		{replace("[AlexaDevelopmentEvent.All]", "[AlexaDevelopmentEvent.All, AlexaDevelopmentEvent.SkillPublish]"), "a wildcard must be the only event"},
		{replace("vendor: M2DANA", "subscriber: x"), "needs no ID of one"},
		{replace("Skills of Dana\n        vendor: M2DANA", "Our skills"), "another subscription of the vendor has this name"},
		{valid + strings.TrimPrefix(valid, "subscribers:\n"), "another subscriber of the vendor has this name"},
		{valid + strings.Replace(strings.TrimPrefix(valid, "subscribers:\n"), "Our developers", "Others", 1), "another subscriber of the vendor has this topic"},
		{"subscriptions:\n  - {name: a, vendor: M1, events: [x]}", "the subscriber is missing"},
		{"subscriptions:\n  - {name: a, subscriber: x, events: [x]}", "the vendor of the skills is missing"},
	} {
		d.write("sdns.yaml", test.file)
		for _, command := range []string{"plan", "iam"} {
			got := d.run("sdns", command)
			require.Equal(t, exitUsage, got.code, test.want)
			require.Contains(t, got.errors, test.want)
		}
	}
	require.Equal(t, exitFailed, d.run("sdns", "plan", "missing.yaml").code)
	require.Equal(t, exitUnreachable, d.runInput(valid, "sdns", "plan", "-").code)
}

func TestSDNSResources(t *testing.T) {
	d := newDeveloper(t, "http://127.0.0.1:1")
	d.write("sdns.yaml", sdnsExample)
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties map[string]any
		}
		Outputs map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(d.ok("sdns", "iam")), &template))
	types := make(map[string]string)
	for id, r := range template.Resources {
		types[id] = r.Type
	}
	require.Equal(t, map[string]string{
		"Topic": "AWS::SNS::Topic", "TopicPolicy": "AWS::SNS::TopicPolicy", "Role": "AWS::IAM::Role", "Subscription": "AWS::SNS::Subscription",
		"DeadLetterQueue": "AWS::SQS::Queue", "DeadLetterQueuePolicy": "AWS::SQS::QueuePolicy",
	}, types)
	trust, err := sdns.TrustPolicy("M1ORGANIZATION", testTopic)
	require.NoError(t, err)
	permission, err := sdns.PermissionPolicy(testTopic)
	require.NoError(t, err)
	role := template.Resources["Role"].Properties
	require.Equal(t, "SkillNotifications /", fmt.Sprint(role["RoleName"], " ", role["Path"]))
	encoded, err := json.Marshal(role["AssumeRolePolicyDocument"])
	require.NoError(t, err)
	require.JSONEq(t, string(trust), string(encoded))
	require.Equal(t, "https https://organization.example/sns", fmt.Sprint(template.Resources["Subscription"].Properties["Protocol"], " ", template.Resources["Subscription"].Properties["Endpoint"]))
	require.Len(t, template.Outputs, 3)

	var documents map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(d.ok("sdns", "iam", "--format", "policies")), &documents))
	require.JSONEq(t, string(trust), string(documents["trust_policy"]))
	require.JSONEq(t, string(permission), string(documents["role_policy"]))

	// What is printed passes the checks of diagnose.
	for name, text := range documents {
		d.write(name, string(text))
	}
	found, err := policies{d.path("trust_policy"), d.path("role_policy"), d.path("topic_policy")}.check("M1ORGANIZATION", testTopic, testRole)
	require.NoError(t, err)
	require.Empty(t, found)

	d.write("sdns.yaml", strings.Replace(sdnsExample, "role/Skill", "role/service/a/Skill", 1))
	text := d.ok("sdns", "iam", "--format", "terraform")
	require.Contains(t, text, "resource \"aws_iam_role\" \"sdns\" {\n  name = \"SkillNotifications\"\n  path = \"/service/a/\"\n")
	require.Contains(t, text, `"AWS" : "${aws_iam_role.sdns.arn}"`)
	require.Equal(t, 7, strings.Count(text, "resource \"aws_"))
	require.Equal(t, `"$${x} %%{y} \"z\""`, literal(`${x} %{y} "z"`))

	// Several subscribers have names of their own; without an endpoint there is no
	// subscription.
	second := strings.NewReplacer("Our developers", "Others", ":skills", ":others", "SkillNotifications", "Others", "    endpoint: https://organization.example/sns", "    #").
		Replace(strings.TrimPrefix(sdnsExample, "subscribers:\n"))
	d.write("sdns.yaml", sdnsExample+second)
	got := d.run("sdns", "iam")
	require.Contains(t, got.errors, `subscriber "Others" has no endpoint`)
	require.NoError(t, json.Unmarshal([]byte(got.out), &template))
	require.Contains(t, template.Resources, "Role2")
	require.NotContains(t, template.Resources, "Subscription2")

	for file, want := range map[string]string{
		strings.Replace(sdnsExample, ":skills", ":skills.fifo", 1):                                                     "a FIFO topic needs a message group",
		sdnsExample + strings.ReplaceAll(second, "us-east-1", "eu-west-1"):                                             "another region",
		strings.Replace(sdnsExample, "iam::000011112222", "iam::999911112222", 1):                                      "must be in one AWS account",
		sdnsExample + strings.NewReplacer("Others\n", "x\n", "role/Others", "role/SkillNotifications").Replace(second): "each needs its own",
		strings.Replace(sdnsExample, "https://organization", "http://organization", 1):                                 "endpoint: must be an https URL",
		"subscriptions: [{name: a, vendor: M1, subscriber: x, events: [y]}]":                                           "the file has no subscribers",
	} {
		d.write("sdns.yaml", file)
		got := d.run("sdns", "iam")
		require.Equal(t, exitUsage, got.code, want)
		require.Contains(t, got.errors, want)
	}
	d.write("sdns.yaml", sdnsExample)
	require.Equal(t, exitUsage, d.run("sdns", "iam", "--format", "pulumi").code)
}
