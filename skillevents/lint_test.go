package skillevents_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/skillevents"
)

func TestLint(t *testing.T) {
	section := func(members string) string { return `{"manifest": {"events": {` + members + `}}}` }
	const endpoint = `"endpoint": {"uri": "` + function + `"}`
	subscribed := func(names ...string) string {
		return section(endpoint + `, "subscriptions": [{"eventName": "` + strings.Join(names, `"}, {"eventName": "`) + `"}]`)
	}
	for name, test := range map[string]struct {
		data string
		want []string // paths and how the texts begin
		note []string
	}{
		"nothing wrong":      {data: subscribed("SKILL_ENABLED", "REMINDER_STARTED", "Messaging.MessageReceived", "AudioPlayer.PlaybackStarted")},
		"manifest alone":     {data: `{"events": {` + endpoint + `, "subscriptions": [{"eventName": "SKILL_ENABLED"}]}}`},
		"empty":              {data: `{}`, want: []string{"manifest.events: missing"}},
		"no events":          {data: `{"manifest": {"apis": {}}}`, want: []string{"manifest.events: missing"}},
		"null":               {data: `{"manifest": {"events": null}}`, want: []string{"manifest.events: missing"}},
		"manifest is a list": {data: `{"manifest": []}`, want: []string{"manifest.events: missing"}},
		"no endpoint": {
			data: section(`"subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{"manifest.events.endpoint: missing"},
		},
		"endpoint without uri": {
			data: section(`"endpoint": {}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{"manifest.events.endpoint: missing"},
		},
		"short name": {
			data: section(`"endpoint": {"uri": "my-function"}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{"manifest.events.endpoint.uri: neither an https URL nor the full ARN of a Lambda function"},
		},
		"cut ARN": {
			data: section(`"endpoint": {"uri": "arn:aws:lambda:..."}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{"manifest.events.endpoint.uri: neither an https URL nor the full ARN of a Lambda function"},
		},
		"regions": {
			data: section(endpoint + `, "regions": {"NA": {"endpoint": {"uri": "f"}}, "EU": {}, "AS": {` + endpoint + `}}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{
				"manifest.events.regions.AS: unknown region", "manifest.events.regions.EU.endpoint: missing", "manifest.events.regions.NA.endpoint.uri: neither",
			},
		},
		"no subscriptions": {data: section(endpoint), want: []string{"manifest.events.subscriptions: missing"}},
		"empty list":       {data: section(endpoint + `, "subscriptions": []`), want: []string{"manifest.events.subscriptions: missing"}},
		"no name":          {data: section(endpoint + `, "subscriptions": [{}]`), want: []string{"manifest.events.subscriptions[0].eventName: missing"}},
		"twice":            {data: subscribed("SKILL_ENABLED", "SKILL_ENABLED"), want: []string{"manifest.events.subscriptions[1].eventName: SKILL_ENABLED occurs twice"}},
		"publications":     {data: section(endpoint + `, "subscriptions": [{"eventName": "SKILL_ENABLED"}], "publications": [{"eventName": "AMAZON.OrderStatus.Updated"}, {}]`), want: []string{"manifest.events.publications[1].eventName: missing"}},
		"unknown publications": {
			data: section(endpoint + `, "subscriptions": [{"eventName": "SKILL_ENABLED"}], "publications": [{"eventName": "MessageAlert.Activated"}, {"eventName": "AMAZON.MessageAlert.Activate"}]`),
			want: []string{"manifest.events.publications[0].eventName: MessageAlert.Activated is unknown: the names of proactive events begin with AMAZON."},
			note: []string{"manifest.events.publications[1].eventName: AMAZON.MessageAlert.Activate is not in Amazon's catalog of proactive events"},
		},
		"unknown name": {data: subscribed("SKILL_ENABLED", "SKILL_ENABLE"), want: []string{"manifest.events.subscriptions[1].eventName: SKILL_ENABLE is unknown"}},
		"request type": {
			data: subscribed("AlexaSkillEvent.ProactiveSubscriptionChanged"),
			want: []string{"manifest.events.subscriptions[0].eventName: AlexaSkillEvent.ProactiveSubscriptionChanged is the type of the request; the name of the event is SKILL_PROACTIVE_SUBSCRIPTION_CHANGED"},
		},
		"unlinked": {
			data: subscribed("SKILL_ACCOUNT_UNLINKED", "AlexaSkillEvent.SkillAccountUnlinked"),
			want: []string{
				"manifest.events.subscriptions[0].eventName: SKILL_ACCOUNT_UNLINKED is unknown: Alexa sends no event when an account is unlinked, except SKILL_DISABLED",
				"manifest.events.subscriptions[1].eventName: AlexaSkillEvent.SkillAccountUnlinked is unknown: Alexa sends no event",
			},
		},
		"account linking": {
			data: subscribed("SKILL_ACCOUNT_LINKED", "SKILL_DISABLED"),
			note: []string{"manifest.events.subscriptions[0].eventName: arrives only if the skill has account linking"},
		},
		"records that never end": {
			data: subscribed("SKILL_ACCOUNT_LINKED", "SKILL_ENABLED"),
			note: []string{
				"manifest.events.subscriptions[0].eventName: arrives only if the skill has account linking",
				`manifest.events.subscriptions: SKILL_ACCOUNT_LINKED without SKILL_DISABLED: customer records never end; Amazon's page "Communication Related to your Skill Customers" tells`,
			},
		},
		"records without account": {
			data: subscribed("SKILL_ENABLED", "SKILL_DISABLED"),
			note: []string{`manifest.events.subscriptions: SKILL_DISABLED without SKILL_ACCOUNT_LINKED: customer records have no account; Amazon's page "Communication Related to your Skill Customers" tells`},
		},
		"a certificate beside a function": {
			data: section(`"endpoint": {"uri": "` + function + `", "sslCertificateType": "Trusted"}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			note: []string{"manifest.events.endpoint.sslCertificateType: only an https URL has a certificate"},
		},
		"an unknown certificate beside a function": {
			data: section(`"endpoint": {"uri": "` + function + `", "sslCertificateType": "trusted"}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{"manifest.events.endpoint.sslCertificateType: must be"},
			note: []string{"manifest.events.endpoint.sslCertificateType: only an https URL has a certificate"},
		},
		"https": {
			data: section(`"endpoint": {"uri": "https://backend.example:8443/events"}, "regions": {"EU": {"endpoint": {"uri": "https://backend.example:443/events"}}, "FE": {"endpoint": {"uri": "https://[::1]:444", "sslCertificateType": "Wildcard"}}}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{
				"manifest.events.endpoint.uri: has port 8443: Alexa connects to port 443 only", "manifest.events.endpoint.sslCertificateType: missing",
				"manifest.events.regions.EU.endpoint.sslCertificateType: missing", "manifest.events.regions.FE.endpoint.uri: has port 444",
			},
		},
		"https, all well": {data: section(`"endpoint": {"uri": "https://backend.example:443/events", "sslCertificateType": "Trusted"}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`)},
		"lists mixed up": {
			data: section(endpoint + `, "subscriptions": [{"eventName": "AMAZON.MessageAlert.Activated"}, {"eventName": "SKILL_ENABLED"}], "publications": [{"eventName": "REMINDER_STARTED"}, {"eventName": "AMAZON.Occasion.Updated"}, {"eventName": "AlexaSkillEvent.SkillEnabled"}]`),
			want: []string{
				"manifest.events.subscriptions[0].eventName: AMAZON.MessageAlert.Activated is a proactive event, which the skill sends: it belongs to publications",
				"manifest.events.publications[0].eventName: REMINDER_STARTED is an event that the skill receives: it belongs to subscriptions",
				"manifest.events.publications[2].eventName: AlexaSkillEvent.SkillEnabled is an event that the skill receives",
			},
		},
		"lists": {
			data: subscribed("ITEMS_CREATED", "ALL_LISTS_CHANGED"),
			want: []string{"manifest.events.subscriptions[0].eventName: ITEMS_CREATED no longer arrives", "manifest.events.subscriptions[1].eventName: ALL_LISTS_CHANGED no longer arrives"},
		},
		"other members": {
			data: section(endpoint + `, "subscription": [], "Endpoint": {}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{"manifest.events.Endpoint: unknown member of the events section", "manifest.events.subscription: unknown member of the events section"},
		},
		"wrong types": {
			data: section(`"endpoint": {"uri": 5}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]`),
			want: []string{"manifest.events.endpoint.uri: has the wrong JSON type, number", "manifest.events.endpoint: missing"},
		},
		"no object": {
			data: `{"manifest": {"events": [1]}}`,
			want: []string{"manifest.events: has the wrong JSON type, array", "manifest.events.endpoint: missing", "manifest.events.subscriptions: missing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := skillevents.Lint([]byte(test.data))
			require.NoError(t, err)
			var problems, notes []string
			for _, finding := range findings {
				if finding.Note {
					notes = append(notes, finding.String())
				} else {
					problems = append(problems, finding.String())
				}
			}
			requirePrefixes(t, test.want, problems)
			if !strings.Contains(strings.Join(problems, "\n"), "events: missing") {
				test.note = append(test.note, "a change to a live skill")
				notes[len(notes)-1] = notes[len(notes)-1][strings.Index(notes[len(notes)-1], ": ")+2:]
			}
			requirePrefixes(t, test.note, notes)
		})
	}
}

func requirePrefixes(t *testing.T, want, got []string) {
	t.Helper()
	require.Len(t, got, len(want), "%q", got)
	for i, prefix := range want {
		require.True(t, strings.HasPrefix(got[i], prefix), "%q does not begin with %q", got[i], prefix)
	}
}

func TestLintRefuses(t *testing.T) {
	for _, data := range []string{``, `{`, `[]`, `"x"`, `5`, `{} {}`, "\ufeff{}"} {
		findings, err := skillevents.Lint([]byte(data))
		require.ErrorIs(t, err, skillevents.ErrManifest, data)
		require.Nil(t, findings)
	}
}

// Lint has no findings for the result of Manifest.
func TestLintAcceptsManifests(t *testing.T) {
	alive := slices.DeleteFunc(allNames(t), func(name skillevents.EventName) bool {
		return strings.Contains(string(name), "LIST") || strings.HasPrefix(string(name), "ITEMS_")
	})
	proactive := []string{"AMAZON.MessageAlert.Activated", "AMAZON.TrashCollectionAlert.Activated", "AMAZON.NextYear.Updated"}
	endpoints := rapid.SampledFrom([]skillevents.Endpoint{{URI: function}, {URI: function + ":1"}, {URI: "https://backend.example/events", Certificate: skillevents.Trusted}})
	rapid.Check(t, func(t *rapid.T) {
		manifest := skillevents.Manifest{
			Endpoint:      endpoints.Draw(t, "endpoint"),
			Regions:       rapid.MapOfN(rapid.SampledFrom([]alexaevents.Region{alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast}), endpoints, 0, 3).Draw(t, "regions"),
			Subscriptions: rapid.SliceOfNDistinct(rapid.SampledFrom(alive), 1, 10, rapid.ID).Draw(t, "subscriptions"),
			Publications:  rapid.SliceOfNDistinct(rapid.SampledFrom(proactive), 0, 3, rapid.ID).Draw(t, "publications"),
		}
		data, err := json.Marshal(map[string]any{"manifest": map[string]any{"events": manifest}})
		require.NoError(t, err)
		findings, err := skillevents.Lint(data)
		require.NoError(t, err)
		for _, finding := range findings {
			require.True(t, finding.Note, finding)
		}
	})
}

func FuzzLint(f *testing.F) {
	f.Add([]byte(`{"manifest": {"events": {"endpoint": {"uri": "` + function + `"}, "subscriptions": [{"eventName": "SKILL_ENABLED"}]}}}`))
	f.Add([]byte(`{"events": {"endpoint": {"uri": "f", "sslCertificateType": 1}, "regions": {"NA": []}, "publications": [{}, 5]}}`))
	f.Add([]byte(`{"manifest": 5}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		findings, err := skillevents.Lint(data)
		if err != nil {
			require.ErrorIs(t, err, skillevents.ErrManifest)
			require.Nil(t, findings)
			return
		}
		require.NotEmpty(t, findings)
		for _, finding := range findings {
			require.NotEmpty(t, finding.Path)
			require.NotEmpty(t, finding.Text)
		}
		again, err := skillevents.Lint(data)
		require.NoError(t, err)
		require.Equal(t, findings, again)
	})
}
