package cloud

import (
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

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
	require.Equal(t, 204, r.call(t, "POST", "/_cloud/topics", Topic{ARN: arn, SHA1: true, Pause: "1ms"}, nil))
	var endpoint TopicEndpoint
	require.Equal(t, 200, r.call(t, "POST", "/_cloud/topics/subscribe", Subscribe{arn, r.backend.URL}, &endpoint))
	require.Equal(t, TopicEndpoint{URL: r.backend.URL}, endpoint, "the backend did not confirm")
	var topics []Topic
	r.call(t, "GET", "/_cloud/topics", nil, &topics)
	require.Equal(t, []Topic{{ARN: arn, SHA1: true, Pause: "1ms", Endpoints: []TopicEndpoint{endpoint}}}, topics)
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
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/topics", Topic{ARN: arn, Pause: "x"}, &wrong))
	for _, path := range []string{"subscribers", "subscriptions"} {
		var list []byte
		require.Equal(t, 200, r.call(t, "GET", "/_cloud/"+path, nil, &list))
		require.Equal(t, "[]\n", string(list))
	}
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
