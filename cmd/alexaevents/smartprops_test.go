package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
)

const propertyFile = `
topic: arn:aws:sns:us-east-1:000011112222:property
units:
  - id: amzn1.alexa.unit.did.hotel
    events: [Alexa.Enterprise.Subscription.Activation]
  - id: amzn1.alexa.unit.did.room-7
    events: &room
      - Alexa.Automation.Execution.Completion
      - Alexa.Skill.Interaction.Failure
      - Alexa.Role.Management.Assignment
      - Alexa.Role.Management.Revocation
    skills: &skills [amzn1.ask.skill.1, amzn1.ask.skill.2]
    endpoints:
      - serialNumber: G09
      - id: amzn1.alexa.endpoint.lamp
  - id: amzn1.alexa.unit.did.room-8
    events: *room
    skills: *skills
setupCompletion:
  entities:
    someKind: {type: Someone, ids: ["{user_id}"]}
`

// organization is a person at an organization, with a file and an access token.
type organization struct {
	t         *testing.T
	url       string // of the cloud
	file      string
	tokenFile string
}

func newOrganization(t *testing.T, url, file string, scopes ...string) organization {
	t.Helper()
	dir := t.TempDir()
	o := organization{t, url, filepath.Join(dir, "smartprops.yaml"), filepath.Join(dir, "token")}
	o.write(file)
	body, err := json.Marshal(cloud.Scopes{Scopes: scopes})
	require.NoError(t, err)
	response, err := http.Post(url+"/_cloud/tokens", "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	defer response.Body.Close()
	var token cloud.AccessToken
	require.NoError(t, json.NewDecoder(response.Body).Decode(&token))
	require.NoError(t, os.WriteFile(o.tokenFile, []byte(token.AccessToken+"\n"), 0o600))
	return o
}

func (o organization) write(file string) {
	o.t.Helper()
	require.NoError(o.t, os.WriteFile(o.file, []byte(file), 0o600))
}

func (o organization) run(action string, args ...string) outcome {
	o.t.Helper()
	return run(o.t, o.url, append([]string{"smartprops", action, o.file, "--access-token", "@" + o.tokenFile}, args...)...)
}

// writes returns how many requests to Amazon were not GET.
func (o organization) writes() (n int) {
	o.t.Helper()
	for line := range strings.Lines(run(o.t, o.url, "cloud", "journal", "--kind", "api", "--json").out) {
		var e cloud.Entry
		require.NoError(o.t, json.Unmarshal([]byte(line), &e))
		if e.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// setEndpoints sets the devices of the cloud.
func (o organization) setEndpoints(endpoints ...alexatest.PropertyEndpoint) {
	o.t.Helper()
	var state, amazon map[string]json.RawMessage
	require.NoError(o.t, json.Unmarshal([]byte(run(o.t, o.url, "cloud", "snapshot").out), &state))
	require.NoError(o.t, json.Unmarshal(state["cloud"], &amazon))
	var err error
	amazon["Endpoints"], err = json.Marshal(endpoints)
	require.NoError(o.t, err)
	state["cloud"], err = json.Marshal(amazon)
	require.NoError(o.t, err)
	data, err := json.Marshal(state)
	require.NoError(o.t, err)
	file := filepath.Join(o.t.TempDir(), "state.json")
	require.NoError(o.t, os.WriteFile(file, data, 0o600))
	require.Equal(o.t, outcome{}, run(o.t, o.url, "cloud", "restore", file))
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func TestSmartprops(t *testing.T) {
	url, _, _ := startCloud(t)
	o := newOrganization(t, url, propertyFile, lwa.ScopeEnterpriseManagement, lwa.ScopeProfile)
	o.setEndpoints(alexatest.PropertyEndpoint{ID: "amzn1.alexa.endpoint.echo", SerialNumber: "G09", Region: "NA", NextID: "amzn1.alexa.endpoint.moved"})

	wanted := []string{
		"create configuration arn:aws:sns:us-east-1:000011112222:property",
		"create subscription Alexa.Enterprise.Subscription.Activation of unit amzn1.alexa.unit.did.hotel",
	}
	for _, room := range []string{"7", "8"} {
		unit := " of unit amzn1.alexa.unit.did.room-" + room
		wanted = append(
			wanted,
			"create subscription Alexa.Automation.Execution.Completion"+unit,
			"create subscription Alexa.Skill.Interaction.Failure"+unit+" and skill amzn1.ask.skill.1",
			"create subscription Alexa.Skill.Interaction.Failure"+unit+" and skill amzn1.ask.skill.2",
			"create subscription Alexa.Role.Management.Assignment"+unit,
			"create subscription Alexa.Role.Management.Revocation"+unit,
		)
	}
	wanted = append(
		wanted,
		"create subscription Alexa.Endpoint.Lifecycle.SetupCompletion",
		"associate endpoint G09 with unit amzn1.alexa.unit.did.room-7 (amzn1.alexa.endpoint.echo)",
		"associate endpoint amzn1.alexa.endpoint.lamp with unit amzn1.alexa.unit.did.room-7",
	)
	planned := o.run("plan")
	require.Zero(t, planned.code, planned.errors)
	require.Equal(t, wanted, lines(planned.out))
	require.Equal(t, exitFailed, o.run("check").code)
	require.Zero(t, o.writes(), "neither writes")

	applied := o.run("apply")
	require.Zero(t, applied.code, applied.errors)
	require.Empty(t, applied.errors)
	done := lines(applied.out)
	require.Len(t, done, len(wanted))
	for i, line := range done[:len(wanted)-2] {
		require.Regexp(t, "^"+wanted[i]+` \(amzn1\.alexa\.aem\.subscription\.[a-z0-9.-]+\)$`, line)
	}
	require.Equal(t, "associate endpoint G09 with unit amzn1.alexa.unit.did.room-7 (amzn1.alexa.endpoint.moved)", done[len(done)-2])
	require.Equal(t, len(wanted), o.writes())

	for _, action := range []string{"apply", "plan", "check"} {
		require.Equal(t, outcome{0, "no change\n", ""}, o.run(action))
		asJSON := o.run(action, "--json")
		require.Zero(t, asJSON.code)
		require.Equal(t, len(wanted), strings.Count(asJSON.out, `{"action":"none",`), asJSON.out)
	}
	require.Equal(t, len(wanted), o.writes(), "nothing was written again")

	// The subscriptions are as the library makes them, and with the user ID.
	remote, err := alexatest.Remote(url)
	require.NoError(t, err)
	token, err := os.ReadFile(o.tokenFile)
	require.NoError(t, err)
	client := &smartprops.Client{HTTPClient: bearer(remote.Client(), strings.TrimSpace(string(token)))}
	found := map[smartprops.EventType]int{}
	for subscription, err := range client.Subscriptions(t.Context(), smartprops.Filter{}) {
		require.NoError(t, err)
		found[subscription.EventType]++
		if subscription.EventType == smartprops.EventSetupCompletion {
			require.JSONEq(t, `{"type":"Someone","ids":["amzn1.account.DEVELOPER"]}`, string(subscription.Entities["someKind"]))
			require.Len(t, subscription.Entities, 1)
		}
	}
	require.Equal(t, map[smartprops.EventType]int{
		smartprops.EventSubscriptionActivation: 1, smartprops.EventAutomationCompletion: 2, smartprops.EventSkillFailure: 4,
		smartprops.EventRoleAssignment: 2, smartprops.EventRoleRevocation: 2, smartprops.EventSetupCompletion: 1,
	}, found)

	// A subscription that is no longer in the file stays, and is reported.
	o.write(strings.Replace(propertyFile, "events: [Alexa.Enterprise.Subscription.Activation]", "events: []", 1))
	got := o.run("check")
	require.Zero(t, got.code)
	require.Equal(t, "no change\n", got.out)
	require.Contains(t, got.errors, "not in the file, stays as it is: subscription Alexa.Enterprise.Subscription.Activation (")

	// A subscription that somebody deleted is created again.
	o.write(propertyFile)
	for subscription, err := range client.Subscriptions(t.Context(), smartprops.Filter{ParentUnitID: "amzn1.alexa.unit.did.hotel"}) {
		require.NoError(t, err)
		require.NoError(t, client.DeleteSubscription(t.Context(), subscription.ID))
	}
	require.Len(t, lines(o.run("apply").out), 1)
	require.Zero(t, o.run("check").code)
}

// bearer adds an access token to requests.
func bearer(client *http.Client, token string) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+token)
		return client.Transport.RoundTrip(r)
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSmartpropsMissingDevice(t *testing.T) {
	url, _, _ := startCloud(t)
	o := newOrganization(t, url, `
topic: arn:aws:sns:us-east-1:000011112222:property.fifo
region: EU
units: [{id: room, events: [Alexa.Automation.Execution.Completion], endpoints: [{serialNumber: G09}]}]
`, lwa.ScopeEnterpriseManagement)
	got := o.run("apply")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "missing endpoint G09 of unit room", lines(got.out)[2])
	require.Contains(t, got.errors, "devices that are not set up, or are in another region: 1")
	require.Contains(t, got.errors, "warning: a FIFO topic")
	require.Equal(t, exitFailed, o.run("check").code)

	o.setEndpoints(alexatest.PropertyEndpoint{ID: "amzn1.alexa.endpoint.1", SerialNumber: "G09", Region: "EU"})
	got = o.run("apply")
	require.Zero(t, got.code, got.errors)
	require.Equal(t, []string{"associate endpoint G09 with unit room (amzn1.alexa.endpoint.1)"}, lines(got.out))
	require.Equal(t, "no change\n", o.run("apply").out)
	require.Contains(t, run(t, url, "cloud", "journal").out, "https://api.eu.amazonalexa.com/v2/endpoints/amzn1.alexa.endpoint.1/associatedUnits")
}

func TestSmartpropsErrors(t *testing.T) {
	url, _, _ := startCloud(t)
	withoutUser := strings.Replace(propertyFile, "{user_id}", "me", 1)
	o := newOrganization(t, url, withoutUser, lwa.ScopeSubscriptions)
	got := o.run("plan")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, "get a new access token with the scope alexa::enterprise:management")

	o = newOrganization(t, url, propertyFile, lwa.ScopeEnterpriseManagement)
	got = o.run("plan")
	require.Equal(t, exitRefused, got.code, "the user ID needs the scope profile")
	require.Contains(t, got.errors, "insufficient_scope")
	o.write(withoutUser)
	const subscriptions = "https://api.amazonalexa.com/v1/eventMessenger/subscriptions"
	require.Zero(t, run(t, url, "cloud", "fault", subscriptions, "--delay", "1ms", "--times", "3").code) // the list, and two creations
	require.Zero(t, run(t, url, "cloud", "fault", subscriptions, "--status", "400").code)
	o.setEndpoints(alexatest.PropertyEndpoint{ID: "amzn1.alexa.endpoint.echo", SerialNumber: "G09", Region: "NA"})
	got = o.run("apply")
	require.Equal(t, exitRefused, got.code)
	require.Len(t, lines(got.out), 3)
	require.Contains(t, got.errors, "create subscription Alexa.Skill.Interaction.Failure: smartprops: 400 Bad Request")
	got = o.run("apply", "--json")
	require.Zero(t, got.code, got.errors)
	require.Equal(t, 12, strings.Count(got.out, "\n")-strings.Count(got.out, `"none"`), "the rest")
	require.Equal(t, "no change\n", o.run("apply").out)

	got = run(t, url, "smartprops", "plan", o.file, "--profile", "nobody")
	require.Equal(t, exitLogin, got.code)
	require.Contains(t, got.errors, "alexaevents login --profile nobody --scope alexa::enterprise:management")

	const unit = "topic: arn:aws:sns:us-east-1:000011112222:property\nunits: [{id: room, "
	for file, want := range map[string]string{
		"":                         "topic: it must be the ARN",
		"topic: x":                 "topic: it must be the ARN",
		"topics: x":                `[1:1] unknown field "topics"`,
		"topic: [":                 "[1:",
		unit + "events: [Voice]}]": `unit room: events: "Voice" is none of Alexa.Enterprise.Subscription.Activation `,
		unit + "events: [Alexa.Endpoint.Lifecycle.SetupCompletion]}]": "belongs under setupCompletion",
		unit + "events: [Alexa.Skill.Interaction.Failure]}]":          "skills: give both or neither",
		unit + "skills: [a]}]":                                            "skills: give both or neither",
		unit + "skills: [a, a]}]":                                         "skills: one is empty or occurs twice",
		unit + "endpoints: [{}]}]":                                        "either an id or a serialNumber",
		unit + "endpoints: [{id: a, serialNumber: b}]}]":                  "either an id or a serialNumber",
		unit + "}, {id: room}]":                                           "unit room: it occurs twice",
		unit + "endpoints: [{id: a}]}, {id: hall, endpoints: [{id: a}]}]": "unit hall: endpoints: a occurs twice",
		unit + "}, {events: []}]":                                         "unit number 2: id: required",
		unit + "}]\nregion: US":                                           "region: it must be NA, EU or FE",
		unit + "}]\nsetupCompletion: {}":                                  "setupCompletion: entities are required",
		unit + "events: [" + strings.Repeat("Alexa.Role.Management.Assignment, ", 2) + "]}]": "occurs twice",
	} {
		o.write(file)
		for _, action := range []string{"plan", "apply", "check", "policy"} {
			got := run(t, "http://127.0.0.1:1", "smartprops", action, o.file)
			require.Equal(t, exitUsage, got.code, file)
			require.Contains(t, got.errors, want)
			require.Empty(t, got.out)
		}
	}
}

func TestSmartpropsPolicy(t *testing.T) {
	got := runInput(t, "", propertyFile, "smartprops", "policy", "-")
	require.Zero(t, got.code, got.errors)
	want, err := smartprops.TopicPolicyStatement("arn:aws:sns:us-east-1:000011112222:property")
	require.NoError(t, err)
	require.JSONEq(t, string(want), got.out)
	require.Empty(t, got.errors)
}
