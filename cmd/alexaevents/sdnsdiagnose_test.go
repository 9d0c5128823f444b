package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

// causes runs diagnose, and returns the causes that it finds.
func causes(d *developer, args ...string) (all []string) {
	d.t.Helper()
	got := d.run(append([]string{"sdns", "diagnose", "--json"}, args...)...)
	for line := range strings.Lines(got.out) {
		var f finding
		require.NoError(d.t, json.Unmarshal([]byte(line), &f))
		require.NotEmpty(d.t, f.Text)
		require.NotEmpty(d.t, f.Cure)
		all = append(all, f.Cause)
	}
	want := 0
	if len(all) > 0 {
		want = exitFailed
	}
	require.Equal(d.t, want, got.code, got.errors)
	return all
}

func TestDiagnose(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	startTopic(t, url)
	const other, stranger = "amzn1.account.OTHER", "amzn1.account.STRANGER"
	for vendor, people := range map[string][]string{"M1ORGANIZATION": {organization, "amzn1.account.DEVELOPER"}, "M2DANA": {organization, dana, "amzn1.account.DEVELOPER"}, "M3OTHER": {other, organization}, "M4": {stranger}} {
		post(t, url, "vendors", cloud.Vendor{ID: vendor, Customers: people}, nil)
	}
	d := newDeveloper(t, url)
	d.login(organization)
	d.login(dana, "--profile", "dana")
	d.login(stranger, "--profile", "stranger")
	d.login(other, "--profile", "other")
	d.login(organization, "--profile", "noscope", "--scope", lwa.ScopeProfile)
	d.write("sdns.yaml", sdnsExample)
	require.Equal(t, []string{causeNotApplied, causeNotApplied, causeNotApplied}, causes(d))
	d.ok("sdns", "apply", "--wait", "0")
	require.Empty(t, causes(d))
	subscriber := subscriberID(t, url)
	one := func(more ...string) []string { return append([]string{"--subscriber", subscriber}, more...) }

	// The account of the token.
	require.Equal(t, exitLogin, d.run("sdns", "diagnose", "--profile", "noscope").code)
	d.write("noscope", token(d, "--profile", "noscope"))
	require.Equal(t, []string{causeScope}, causes(d, "--access-token", "@noscope"))
	var skills cloud.AccessToken
	post(t, url, "tokens", cloud.Scopes{Scopes: []string{lwa.ScopeSkillsReadWrite}}, &skills)
	d.write("skills", skills.AccessToken)
	require.Equal(t, []string{causeScope}, causes(d, "--access-token", "@skills"))
	d.write("junk", "Atza|junk")
	require.Equal(t, []string{causeToken}, causes(d, "--access-token", "@junk"))
	require.Equal(t, []string{causeAccount}, causes(d, "--profile", "stranger"))
	require.Equal(t, []string{causeVendor}, causes(d, "--profile", "dana"))
	require.Equal(t, []string{causeAccount}, causes(d, one("--profile", "other", "--vendor", "M2DANA")...))

	// The subscriber and its subscriptions, for the owner and for a developer.
	require.Empty(t, causes(d, one("--vendor", "M2DANA", "--owner", "M1ORGANIZATION")...))
	require.Empty(t, causes(d, one("--vendor", "M2DANA", "--profile", "dana")...))
	require.Equal(t, []string{causeUnsubscribed}, causes(d, one("--vendor", "M3OTHER", "--owner", "M1ORGANIZATION")...))
	require.Equal(t, []string{causeEvent}, causes(d, "--event", "AlexaDevelopmentEvent.SkillCertification"))
	require.Equal(t, []string{causeNoSubscriber, causeUnsubscribed}, causes(d, "--subscriber", "unknown", "--vendor", "M2DANA", "--owner", "M1ORGANIZATION"))

	// The token that changes the skill is of another client.
	var both cloud.AccessToken
	post(t, url, "tokens", cloud.Scopes{Scopes: []string{lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite}}, &both)
	d.write("both", both.AccessToken)
	require.Equal(t, []string{causeClient}, causes(d, "--access-token", "@both"))
	got := d.run("sdns", "check", "--access-token", "@both")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errors, "was created with a token of the client "+testClient)
	require.Equal(t, []string{causeClient}, causes(d, one("--vendor", "M2DANA", "--owner", "M1ORGANIZATION", "--client-id", "other")...))

	// The policies of AWS.
	trust, err := sdns.TrustPolicy("M2DANA", testTopic)
	require.NoError(t, err)
	d.write("role.json", `{"Role": {"AssumeRolePolicyDocument": `+string(trust)+`}}`)
	require.Equal(t, []string{causeRole}, causes(d, "--trust-policy", "role.json"))
	require.Equal(t, []string{causeRole}, causes(d, one("--vendor", "M2DANA", "--owner", "M1ORGANIZATION", "--trust-policy", "role.json")...))

	// Amazon cannot publish.
	post(t, url, "topics", cloud.Topic{ARN: testTopic, Closed: true}, nil)
	d.write("new.yaml", strings.NewReplacer("Our developers", "New", ":skills", ":new").Replace(sdnsExample))
	require.Equal(t, exitFailed, d.run("sdns", "apply", "new.yaml", "--wait", "0").code, "there is no such topic")
	require.Equal(t, []string{causeInactive}, causes(d, "new.yaml"))

	for _, args := range [][]string{
		{"--subscriber", "x"},
		{"sdns.yaml", "--subscriber", "x", "--vendor", "M1"},
	} {
		require.Equal(t, exitUsage, d.run(append([]string{"sdns", "diagnose"}, args...)...).code)
	}
	for _, name := range []string{"noscope", "skills", "junk", "both"} {
		require.NoError(t, os.Remove(d.path(name)))
	}
	d.requireNoSecrets()
}

// Amazon may want another scope for the list of vendors, and respond with 403 in place of
// 401.
func TestDiagnoseWithoutVendors(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	startTopic(t, url)
	for vendor, people := range map[string][]string{"M1ORGANIZATION": {organization}, "M2DANA": {organization, dana}} {
		post(t, url, "vendors", cloud.Vendor{ID: vendor, Customers: people}, nil)
	}
	var refused atomic.Value // end of the path
	refused.Store("/v1/vendors")
	d := newDeveloper(t, broken(t, url, func(r *http.Request, _ string) int {
		if strings.HasSuffix(r.URL.Path, refused.Load().(string)) {
			return http.StatusForbidden
		}
		return 0
	}))
	d.login(organization)
	d.login(dana, "--profile", "dana")
	d.login("amzn1.account.STRANGER", "--profile", "stranger")
	d.write("sdns.yaml", sdnsExample)
	d.ok("sdns", "apply", "--wait", "0")
	require.Empty(t, causes(d))
	require.Equal(t, []string{causeVendor}, causes(d, "--profile", "dana"))
	require.Equal(t, []string{causeAccount}, causes(d, "--profile", "stranger"))
	got := d.run("whoami")
	require.Zero(t, got.code)
	require.Contains(t, got.errors, "The vendors cannot be listed: sdns: 403")
	refused.Store("/subscribers")
	require.Equal(t, []string{causeScope}, causes(d))
}

// A person withdrew the consent, or the profile is of an earlier cloud.
func TestRevoked(t *testing.T) {
	url, _, _ := startCloud(t, "--offline")
	d := newDeveloper(t, url)
	d.login(dana)
	require.Zero(t, run(t, url, "cloud", "reset").code)
	d.write("sdns.yaml", sdnsExample)
	for _, args := range [][]string{{"whoami"}, {"sdns", "diagnose"}, {"login", "token"}, {"sdns", "plan"}} {
		got := d.run(args...)
		require.Equal(t, exitLogin, got.code, "%v: %s", args, got.errors)
		require.Contains(t, got.errors, "the person withdrew the consent, or the token is another client's")
	}
}
