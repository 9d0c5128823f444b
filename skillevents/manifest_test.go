package skillevents_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/skillevents"
)

const function = "arn:aws:lambda:eu-west-1:000011112222:function:events"

func TestManifest(t *testing.T) {
	for name, test := range map[string]struct {
		manifest skillevents.Manifest
		want     string
	}{
		"function": {
			skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: function}, Subscriptions: []skillevents.EventName{skillevents.EventSkillDisabled, skillevents.EventSkillAccountLinked}},
			`{"endpoint":{"uri":"` + function + `"},"subscriptions":[{"eventName":"SKILL_DISABLED"},{"eventName":"SKILL_ACCOUNT_LINKED"}]}`,
		},
		"everything": {
			skillevents.Manifest{
				Endpoint: skillevents.Endpoint{URI: "https://backend.example/events", Certificate: skillevents.Wildcard},
				Regions: map[alexaevents.Region]skillevents.Endpoint{
					alexaevents.NorthAmerica: {URI: "https://na.backend.example/events", Certificate: skillevents.Trusted},
					alexaevents.FarEast:      {URI: "https://fe.backend.example/events", Certificate: skillevents.SelfSigned},
					alexaevents.Europe:       {URI: function + ":live"},
				},
				Subscriptions: []skillevents.EventName{"SOMETHING_NEW"},
				Publications:  []string{"AMAZON.MessageAlert.Activated"},
			},
			`{"endpoint":{"uri":"https://backend.example/events","sslCertificateType":"Wildcard"},"regions":{` +
				`"EU":{"endpoint":{"uri":"` + function + `:live"}},` +
				`"FE":{"endpoint":{"uri":"https://fe.backend.example/events","sslCertificateType":"SelfSigned"}},` +
				`"NA":{"endpoint":{"uri":"https://na.backend.example/events","sslCertificateType":"Trusted"}}},` +
				`"subscriptions":[{"eventName":"SOMETHING_NEW"}],"publications":[{"eventName":"AMAZON.MessageAlert.Activated"}]}`,
		},
		"nothing but an endpoint": {
			skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: "https://backend.example:443/events", Certificate: skillevents.SelfSigned}},
			`{"endpoint":{"uri":"https://backend.example:443/events","sslCertificateType":"SelfSigned"}}`,
		},
		"a certificate beside a function": { // only a note of Lint
			skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: function, Certificate: skillevents.Trusted}},
			`{"endpoint":{"uri":"` + function + `","sslCertificateType":"Trusted"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 { // the same bytes each time
				got, err := json.Marshal(test.manifest)
				require.NoError(t, err)
				require.Equal(t, test.want, string(got))
			}
		})
	}
}

func TestManifestRefuses(t *testing.T) {
	valid := skillevents.Endpoint{URI: function}
	for name, test := range map[string]struct {
		manifest skillevents.Manifest
		path     string
	}{
		"nothing":           {skillevents.Manifest{}, "events.endpoint: "},
		"short name":        {skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: "my-function"}}, "events.endpoint.uri: "},
		"http":              {skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: "http://backend.example"}}, "events.endpoint.uri: not an https URL"},
		"no host":           {skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: "https:///events"}}, "events.endpoint.uri: not a URL"},
		"no URL":            {skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: "https://a b"}}, "events.endpoint.uri: not a URL"},
		"certificate":       {skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: "https://backend.example", Certificate: "trusted"}}, "events.endpoint.sslCertificateType: must be"},
		"no certificate":    {skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: "https://backend.example"}}, "events.endpoint.sslCertificateType: missing"},
		"of a region":       {skillevents.Manifest{Endpoint: valid, Regions: map[alexaevents.Region]skillevents.Endpoint{"EU": {URI: "https://backend.example"}}}, "events.regions.EU.endpoint.sslCertificateType: missing"},
		"port":              {skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: "https://backend.example:8443/events", Certificate: skillevents.Trusted}}, "events.endpoint.uri: has port 8443"},
		"publication":       {skillevents.Manifest{Endpoint: valid, Subscriptions: []skillevents.EventName{"SKILL_ENABLED", "AMAZON.OrderStatus.Updated"}}, "events.subscriptions[1].eventName: AMAZON.OrderStatus.Updated is a proactive event"},
		"subscription":      {skillevents.Manifest{Endpoint: valid, Publications: []string{"SKILL_ENABLED"}}, "events.publications[0].eventName: SKILL_ENABLED is an event that the skill receives"},
		"region":            {skillevents.Manifest{Endpoint: valid, Regions: map[alexaevents.Region]skillevents.Endpoint{"US": valid}}, "events.regions.US: "},
		"region's endpoint": {skillevents.Manifest{Endpoint: valid, Regions: map[alexaevents.Region]skillevents.Endpoint{"NA": {}}}, "events.regions.NA.endpoint: "},
		"no name":           {skillevents.Manifest{Endpoint: valid, Subscriptions: []skillevents.EventName{"A", ""}}, "events.subscriptions[1].eventName: missing"},
		"twice":             {skillevents.Manifest{Endpoint: valid, Publications: []string{"A", "B", "A"}}, "events.publications[2].eventName: A occurs twice"},
	} {
		_, err := json.Marshal(test.manifest)
		require.ErrorIs(t, err, skillevents.ErrManifest, name)
		require.ErrorContains(t, err, "skillevents: invalid manifest: "+test.path, name)
	}
}

// allNames returns the constants of type EventName.
func allNames(t *testing.T) (names []skillevents.EventName) {
	file, err := parser.ParseFile(token.NewFileSet(), "manifest.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(node ast.Node) bool {
		declaration, ok := node.(*ast.GenDecl)
		if ok && declaration.Tok == token.CONST {
			for _, spec := range declaration.Specs {
				if spec.(*ast.ValueSpec).Type.(*ast.Ident).Name != "EventName" {
					continue
				}
				name, err := strconv.Unquote(spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				names = append(names, skillevents.EventName(name))
			}
		}
		return true
	})
	return names
}

// The names are the 26 that Amazon's model has for skills, in capitals, and know
// the request type of each event that has a struct.
func TestNamesAndTypesAgree(t *testing.T) {
	names := allNames(t)
	require.Len(t, names, 26)
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(skillevents.Names)))
	var types []string
	for _, name := range names {
		require.Equal(t, strings.ToUpper(string(name)), string(name))
		if requestType := skillevents.Names[name]; requestType != "" {
			types = append(types, requestType)
		}
	}
	subscribable := slices.DeleteFunc(slices.Collect(maps.Keys(skillevents.Types)), func(requestType string) bool {
		return strings.HasPrefix(requestType, "Alexa.") || strings.HasPrefix(requestType, "Messaging.")
	})
	slices.Sort(types)
	slices.Sort(subscribable)
	require.Empty(t, cmp.Diff(subscribable, types))
}
