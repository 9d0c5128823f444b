package alexatest_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
)

func TestDirectives(t *testing.T) {
	type object = map[string]any
	header := func(namespace, name string) object {
		return object{"namespace": namespace, "name": name, "payloadVersion": "3"}
	}
	bearer := object{"type": "BearerToken", "token": "token-1"}
	for _, test := range []struct {
		name       string
		directive  func() []byte
		want       object
		correlated bool
	}{
		{
			"AcceptGrant", func() []byte { return alexatest.AcceptGrantDirective("code-1", "token-1") },
			object{
				"header":  header("Alexa.Authorization", "AcceptGrant"),
				"payload": object{"grant": object{"type": "OAuth2.AuthorizationCode", "code": "code-1"}, "grantee": bearer},
			},
			false,
		},
		{
			"of an endpoint", func() []byte {
				return alexatest.Directive("Alexa.BrightnessController", "SetBrightness", "lamp-1", "token-1", map[string]int{"brightness": 42})
			},
			object{
				"header":   header("Alexa.BrightnessController", "SetBrightness"),
				"endpoint": object{"endpointId": "lamp-1", "scope": bearer, "cookie": object{}},
				"payload":  object{"brightness": 42.0},
			},
			true,
		},
		{
			"of an endpoint, without payload", func() []byte { return alexatest.Directive("Alexa", "ReportState", "lamp-1", "token-1", nil) },
			object{
				"header":   header("Alexa", "ReportState"),
				"endpoint": object{"endpointId": "lamp-1", "scope": bearer, "cookie": object{}},
				"payload":  object{},
			},
			true,
		},
		{
			"of no endpoint", func() []byte { return alexatest.Directive("Alexa.Discovery", "Discover", "", "token-1", nil) },
			object{"header": header("Alexa.Discovery", "Discover"), "payload": object{"scope": bearer}},
			true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			ids := make(map[any]bool)
			for range 2 {
				var got map[string]object
				require.NoError(t, json.Unmarshal(test.directive(), &got))
				header := got["directive"]["header"].(object)
				require.NotEmpty(t, header["messageId"])
				ids[header["messageId"]] = true
				if test.correlated {
					require.NotEmpty(t, header["correlationToken"])
					ids[header["correlationToken"]] = true
				}
				delete(header, "messageId")
				if test.correlated {
					delete(header, "correlationToken")
				}
				require.Empty(t, cmp.Diff(map[string]object{"directive": test.want}, got))
			}
			require.Len(t, ids, map[bool]int{false: 2, true: 4}[test.correlated], "new ones each time")
		})
	}
	for _, payload := range []any{[]int{1}, "text", func() {}} {
		require.Panics(t, func() { alexatest.Directive("Alexa", "ReportState", "lamp-1", "token-1", payload) })
	}
}
