package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
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

// newOrganization starts a cloud, and returns somebody at an organization who has logged
// in with the scopes.
func newOrganization(t *testing.T, file string, scopes ...string) *developer {
	t.Helper()
	url, _, _ := startCloud(t)
	d := newDeveloper(t, url)
	d.write("smartprops.yaml", file)
	var args []string
	for _, scope := range scopes {
		args = append(args, "--scope", scope)
	}
	d.login("amzn1.account.HOTEL", args...)
	return d
}

// setEndpoints sets the devices of the cloud.
func setEndpoints(d *developer, endpoints ...alexatest.PropertyEndpoint) {
	d.t.Helper()
	var state, amazon map[string]json.RawMessage
	require.NoError(d.t, json.Unmarshal([]byte(run(d.t, d.cloud, "cloud", "snapshot").out), &state))
	require.NoError(d.t, json.Unmarshal(state["cloud"], &amazon))
	var err error
	amazon["Endpoints"], err = json.Marshal(endpoints)
	require.NoError(d.t, err)
	state["cloud"], err = json.Marshal(amazon)
	require.NoError(d.t, err)
	data, err := json.Marshal(state)
	require.NoError(d.t, err)
	file := filepath.Join(d.t.TempDir(), "state.json")
	require.NoError(d.t, os.WriteFile(file, data, 0o600))
	d.ok("cloud", "restore", file)
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func TestSmartprops(t *testing.T) {
	d := newOrganization(t, propertyFile, lwa.ScopeEnterpriseManagement, lwa.ScopeProfile)
	setEndpoints(d, alexatest.PropertyEndpoint{ID: "amzn1.alexa.endpoint.echo", SerialNumber: "G09", Region: "NA", NextID: "amzn1.alexa.endpoint.moved"})

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
	planned := d.run("smartprops", "plan")
	require.Zero(t, planned.code, planned.errors)
	require.Equal(t, wanted, lines(planned.out))
	require.Equal(t, exitFailed, d.run("smartprops", "check").code)
	require.Zero(t, writes(t, d.cloud), "neither writes")

	applied := d.run("smartprops", "apply")
	require.Zero(t, applied.code, applied.errors)
	require.Empty(t, applied.errors)
	done := lines(applied.out)
	require.Len(t, done, len(wanted))
	for i, line := range done[:len(wanted)-2] {
		require.Regexp(t, "^"+wanted[i]+` \(amzn1\.alexa\.aem\.subscription\.[a-z0-9.-]+\)$`, line)
	}
	require.Equal(t, "associate endpoint G09 with unit amzn1.alexa.unit.did.room-7 (amzn1.alexa.endpoint.moved)", done[len(done)-2])
	require.Equal(t, len(wanted), writes(t, d.cloud))

	for _, action := range []string{"apply", "plan", "check"} {
		require.Equal(t, outcome{0, "no change\n", ""}, d.run("smartprops", action))
		asJSON := d.run("smartprops", action, "--json")
		require.Zero(t, asJSON.code)
		require.Equal(t, len(wanted), strings.Count(asJSON.out, `{"action":"none",`), asJSON.out)
	}
	require.Equal(t, len(wanted), writes(t, d.cloud), "nothing was written again")

	// The subscriptions are as the library makes them, and with the user ID.
	remote, err := alexatest.Remote(d.cloud)
	require.NoError(t, err)
	source := &account.Source{Given: alexaevents.Secret(strings.TrimSpace(d.ok("login", "token"))), HTTPClient: remote.Client()}
	client := &smartprops.Client{HTTPClient: source.Client(lwa.ScopeEnterpriseManagement)}
	found := map[smartprops.EventType]int{}
	for subscription, err := range client.Subscriptions(t.Context(), smartprops.Filter{}) {
		require.NoError(t, err)
		found[subscription.EventType]++
		if subscription.EventType == smartprops.EventSetupCompletion {
			require.JSONEq(t, `{"type":"Someone","ids":["amzn1.account.HOTEL"]}`, string(subscription.Entities["someKind"]))
			require.Len(t, subscription.Entities, 1)
		}
	}
	require.Equal(t, map[smartprops.EventType]int{
		smartprops.EventSubscriptionActivation: 1, smartprops.EventAutomationCompletion: 2, smartprops.EventSkillFailure: 4,
		smartprops.EventRoleAssignment: 2, smartprops.EventRoleRevocation: 2, smartprops.EventSetupCompletion: 1,
	}, found)

	// A subscription that is no longer in the file stays, and is reported.
	d.write("smartprops.yaml", strings.Replace(propertyFile, "events: [Alexa.Enterprise.Subscription.Activation]", "events: []", 1))
	got := d.run("smartprops", "check")
	require.Zero(t, got.code)
	require.Equal(t, "no change\n", got.out)
	require.Contains(t, got.errors, "not in the file, stays as it is: subscription Alexa.Enterprise.Subscription.Activation (")

	// A subscription that somebody deleted is created again.
	d.write("smartprops.yaml", propertyFile)
	failures := smartprops.Filter{UnitID: "amzn1.alexa.unit.did.room-7", EventType: smartprops.EventSkillFailure}
	for subscription, err := range client.Subscriptions(t.Context(), failures) {
		require.NoError(t, err)
		if strings.Contains(string(subscription.Entities["skill"]), "amzn1.ask.skill.1") {
			require.NoError(t, client.DeleteSubscription(t.Context(), subscription.ID))
		}
	}
	require.Equal(t, exitFailed, d.run("smartprops", "check").code)
	again := lines(d.run("smartprops", "apply").out)
	require.Len(t, again, 1)
	require.Contains(t, again[0], "create subscription Alexa.Skill.Interaction.Failure of unit amzn1.alexa.unit.did.room-7 and skill amzn1.ask.skill.1 (")
	require.Zero(t, d.run("smartprops", "check").code)
	d.requireNoSecrets()
}

func TestSmartpropsMissingDevice(t *testing.T) {
	d := newOrganization(t, `
topic: arn:aws:sns:us-east-1:000011112222:property.fifo
region: EU
units: [{id: room, events: [Alexa.Automation.Execution.Completion], endpoints: [{serialNumber: G09}]}]
`, lwa.ScopeEnterpriseManagement)
	got := d.run("smartprops", "apply")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "missing endpoint G09 of unit room", lines(got.out)[2])
	require.Contains(t, got.errors, "devices that are not set up, or are in another region: 1")
	require.Contains(t, got.errors, "warning: a FIFO topic")
	require.Equal(t, exitFailed, d.run("smartprops", "check").code)

	setEndpoints(d, alexatest.PropertyEndpoint{ID: "amzn1.alexa.endpoint.1", SerialNumber: "G09", Region: "EU"})
	got = d.run("smartprops", "apply")
	require.Zero(t, got.code, got.errors)
	require.Equal(t, []string{"associate endpoint G09 with unit room (amzn1.alexa.endpoint.1)"}, lines(got.out))
	require.Equal(t, "no change\n", d.run("smartprops", "apply").out)
	require.Contains(t, d.ok("cloud", "journal"), "https://api.eu.amazonalexa.com/v2/endpoints/amzn1.alexa.endpoint.1/associatedUnits")
}

func TestSmartpropsErrors(t *testing.T) {
	withoutUser := strings.Replace(propertyFile, "{user_id}", "me", 1)
	d := newOrganization(t, withoutUser, lwa.ScopeSubscriptions)
	got := d.run("smartprops", "plan")
	require.Equal(t, exitLogin, got.code)
	require.Contains(t, got.errors, "alexaevents login --profile default --scope alexa::enterprise:management")
	d.write("token", d.ok("login", "token"))
	got = d.run("smartprops", "plan", "--access-token", "@token")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, "get a new access token with the scope alexa::enterprise:management")

	d.login("amzn1.account.HOTEL", "--scope", lwa.ScopeEnterpriseManagement)
	d.write("smartprops.yaml", propertyFile)
	got = d.run("smartprops", "plan")
	require.Equal(t, exitLogin, got.code, "the user ID needs another scope")
	require.Contains(t, got.errors, "--scope profile")
	d.write("smartprops.yaml", withoutUser)
	const subscriptions = "https://api.amazonalexa.com/v1/eventMessenger/subscriptions"
	d.ok("cloud", "fault", subscriptions, "--delay", "1ms", "--times", "3") // the list, and two creations
	d.ok("cloud", "fault", subscriptions, "--status", "400")
	setEndpoints(d, alexatest.PropertyEndpoint{ID: "amzn1.alexa.endpoint.echo", SerialNumber: "G09", Region: "NA"})
	got = d.run("smartprops", "apply")
	require.Equal(t, exitRefused, got.code)
	require.Len(t, lines(got.out), 3)
	require.Contains(t, got.errors, "create subscription Alexa.Skill.Interaction.Failure: smartprops: 400 Bad Request")
	got = d.run("smartprops", "apply", "--json")
	require.Zero(t, got.code, got.errors)
	require.Equal(t, 12, strings.Count(got.out, "\n")-strings.Count(got.out, `"none"`), "the rest")
	require.Equal(t, "no change\n", d.run("smartprops", "apply").out)

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
		unit + "}]\nsetupCompletion: {entities: {unit: me}}":              "setupCompletion: the entity unit must have members",
		unit + "}]\nsetupCompletion: {entities: {unit: {x: .inf}}}":       "setupCompletion: the entity unit has a value that JSON has not",
		unit + "}]\nsetupCompletion: !!map x":                             "smartprops.yaml: ",

		unit + "events: [" + strings.Repeat("Alexa.Role.Management.Assignment, ", 2) + "]}]": "occurs twice",
	} {
		d.write("smartprops.yaml", file)
		for _, action := range []string{"plan", "apply", "check", "policy"} {
			got := d.run("smartprops", action, "--cloud", "http://127.0.0.1:1")
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
	require.Equal(t, string(want)+"\n", got.out)
	require.Empty(t, got.errors)
	got = runInput(t, "", propertyFile, "smartprops", "policy", "-", "--json")
	require.JSONEq(t, string(want), got.out)
	require.Equal(t, 1, strings.Count(got.out, "\n"))
}
