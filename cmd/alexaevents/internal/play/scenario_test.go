package play

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// read reads a scenario of this text.
func read(t *testing.T, text string) (*Scenario, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	scenario, err := Read(file)
	if err == nil {
		return scenario, nil
	}
	var wrong *Error
	require.ErrorAs(t, err, &wrong)
	wrong.File = "test.yaml"
	return scenario, wrong
}

// valid are scenarios that Read and the schema accept.
var valid = []string{
	"steps: [heal]",
	"steps:\n- enable: anna",
	"name: all\nsteps:\n- {link: anna, to: /x, region: EU, token: t, status: 503, body: {a.b: 1}}\n- {launch: anna}\n- {disable: anna}\n- {grant: anna, status: 0}",
	"steps: [{send: SkillEnabled, customer: ben, to: /x, token: t, endpoint: e, set: {a: {b: [1]}}, late: 1h30m, topic: t, repeat: 2, tamper: true}]",
	"steps: [{forge: /events}, {subscribe: /sns, topic: t, pause: 1s}, {publish: X, topic: t, set: {a: 1}}]",
	"steps: [{get: /x, headers: {A: b}, within: 3s}, {post: /x, json: {a: 1}}, {put: /x, json: [1]}, {delete: /x, headers: {A: b}, status: 204}]",
	"steps: [{fault: 'https://x', times: -1, delay: 1s, status: 429, code: X, retry_after: 3, reset: true, lost: true, truncate: true}]",
	"steps: [{link: anna, token: &t x}, &g {grant: anna, token: *t}, *g]",
	"steps: [{age: 61m}, {wait: gateway, name: X, customer: anna, count: 0, within: 500ms, status: 202, body: {a: null}}]",
}

func TestRead(t *testing.T) {
	for _, text := range valid {
		scenario, err := read(t, text)
		require.NoError(t, err, text)
		require.NotEmpty(t, scenario.steps)
	}
	scenario, err := read(t, "steps: [heal]")
	require.NoError(t, err)
	require.Equal(t, "test", scenario.Name, "the name of the file")
	_, err = Read("missing.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// invalid are scenarios that Read and the schema refuse.
var invalid = []struct{ text, want string }{
	{"", "test.yaml:1: not one YAML document with steps"},
	{"name: x", "test.yaml:1: the scenario has no steps"},
	{"steps: []", "test.yaml:1: the scenario has no steps"},
	{"steps: [heal]\ntitle: x", `test.yaml:2: unknown field "title"`},
	{"steps:\n- enable: anna\n- dance", "test.yaml:3: not a step: write heal, or a key and a value, such as enable: anna"},
	{"steps:\n- enable: anna\n- dance: anna", "test.yaml:3: the step is not heal and has none of the keys age, delete, disable, enable, fault, forge, get, grant, launch, link, post, publish, put, send, subscribe, wait"},
	{"steps:\n- enable: anna\n  disable: anna", "test.yaml:3: a step is one of enable and disable, not both"},
	{"steps:\n- enable: ''", "test.yaml:2: enable: the value is empty"},
	{"steps:\n- enable: anna\n  repeat: 2", `test.yaml:3: unknown field "repeat"`},
	{"steps:\n- enable: anna\n  status: ok", "test.yaml:3: expected a whole number"},
	{"steps:\n- send: X\n  tamper: yes", "test.yaml:3: expected true or false"},
	{"steps:\n- send: [X]", "test.yaml:2: expected a text"},
	{"steps:\n- get: /x\n  within: 3", "test.yaml:3: expected a duration such as 500ms, 5s or 30m"},
	{"steps:\n- enable: anna\n  body: x", "test.yaml:3: string was used where mapping is expected"},
	{"steps: [null]", "test.yaml:1: step 1 is empty"},
	{"steps:\n- {}", "test.yaml:2: the step is not heal and has none of the keys age, delete, disable, enable, fault, forge, get, grant, launch, link, post, publish, put, send, subscribe, wait"},
	{"steps:\n- enable: anna\n  status: 99", "test.yaml:3: status: not an HTTP status, or 0 for no response: 99"},
	{"steps:\n- enable: anna\n\n  region: US", `test.yaml:4: region: not NA, EU or FE: "US"`},
	{"steps:\n- send: X\n  repeat: 0", "test.yaml:3: repeat: not a number of 1 or more"},
	{"steps:\n- send: X\n  late: -1h", "test.yaml:3: late: less than zero"},
	{"steps:\n- subscribe: /sns", "test.yaml:2: subscribe needs topic: the ARN of an SNS topic"},
	{"steps:\n- subscribe: /sns\n  pause: -1s", "test.yaml:3: pause: less than zero"},
	{"steps:\n- publish: X", "test.yaml:2: publish needs topic: the ARN of an SNS topic"},
	{"steps:\n- get: /x\n  within: -1s", "test.yaml:3: within: less than zero"},
	{"steps:\n- get: /x\n  json: {}", `test.yaml:3: unknown field "json"`},
	{"steps:\n- fault: https://x\n  times: 2", "test.yaml:2: a fault needs one of status, delay, reset, lost and truncate"},
	{"steps:\n- fault: https://x\n  status: 99", "test.yaml:3: status: not from 200 to 599: 99"},
	{"steps:\n- fault: https://x\n  delay: -1s", "test.yaml:3: delay: less than zero"},
	{"steps:\n- fault: https://x\n  lost: true\n  code: X", "test.yaml:2: a fault with code or retry_after needs a status"},
	{"steps:\n- fault: https://x\n  status: 429\n  retry_after: 0", "test.yaml:4: retry_after: not a number of 1 or more"},
	{"steps:\n- fault: api.amazon.com\n  lost: true", `test.yaml:2: fault: not the beginning of URLs of Amazon, such as https://api.amazon.com/: "api.amazon.com"`},
	{"steps:\n- age: old", `test.yaml:2: age: not a duration such as 61m: "old"`},
	{"steps:\n- wait: gateways", `test.yaml:2: wait: not one of certificate, token, gateway, api, sns, event, directive, notification, forgery, other: "gateways"`},
	{"steps:\n- wait: gateway\n  count: -1", "test.yaml:3: count: less than zero"},
	{"steps:\n- wait: gateway\n  within: -1s", "test.yaml:3: within: less than zero"},
}

func TestReadRefuses(t *testing.T) {
	for _, test := range invalid {
		_, err := read(t, test.text)
		require.EqualError(t, err, test.want, test.text)
	}
	for text, want := range map[string]string{ // what is not YAML
		"steps:\n- enable: anna\n  enable: ben": `test.yaml:3: mapping key "enable" already defined at [2:3]`,
		"steps:\n !!str ":                       "test.yaml:1: not YAML that can be read",
		"steps:\n- [":                           "test.yaml:2: sequence end token ']' not found",
		"steps: [heal]\n---\nsteps: [heal]":     "test.yaml:1: not one YAML document with steps",
	} {
		_, err := read(t, text)
		require.EqualError(t, err, want, text)
	}
}

func TestVariables(t *testing.T) {
	t.Setenv("TOKEN_OF_ANNA", "t1")
	scenario, err := read(t, "steps:\n- {link: anna, token: '${TOKEN_OF_ANNA}', to: 'https://${TOKEN_OF_ANNA}.example/$X'}")
	require.NoError(t, err)
	link := scenario.steps[0].action.(*customer)
	require.Equal(t, "t1", link.Token)
	require.Equal(t, "https://t1.example/$X", link.To)
	_, err = read(t, "steps:\n- link: anna\n  token: ${TOKEN_OF_BEN}")
	require.EqualError(t, err, "test.yaml:3: the environment variable TOKEN_OF_BEN is not set")
}

func FuzzRead(f *testing.F) {
	for _, text := range valid {
		f.Add([]byte(text))
	}
	for _, test := range invalid {
		f.Add([]byte(test.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := new(Scenario)
		if err := s.read(text); err != nil {
			require.Positive(t, s.located(err).(*Error).Line) //nolint:errorlint // of located itself
		}
	})
}
