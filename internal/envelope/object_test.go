package envelope_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

func TestObjects(t *testing.T) {
	read := func(raw string) (seen []string, name string, err error) {
		var objects envelope.Objects
		var value envelope.Raw
		if raw != "" {
			value = envelope.Raw(raw)
		}
		objects.Members(value, func(name []byte, value envelope.Raw) bool {
			seen = append(seen, string(name)+"="+value.TextIfAny())
			return true
		})
		objects.Text(value, "name", &name)
		return seen, name, objects.Err
	}
	seen, name, err := read(`{"a":1,"name":"n","b":null,"c":{"name":"no"}}`)
	require.NoError(t, err)
	require.Equal(t, []string{"a=", "name=n", "b=", "c="}, seen)
	require.Equal(t, "n", name)

	for _, raw := range []string{``, `1`, `"name"`, `["name"]`, `true`, `{}`} {
		seen, name, err := read(raw)
		require.NoError(t, err, raw)
		require.Empty(t, seen)
		require.Empty(t, name)
	}

	_, _, err = read(`{"a":1,"a":2}`)
	var syntax *envelope.SyntaxError
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, "member occurs twice", syntax.Reason)
}

func TestElements(t *testing.T) {
	for raw, want := range map[string][]string{
		`[]`:                     nil,
		`[ ]`:                    nil,
		`[1]`:                    {`1`},
		`[ 1 , "a,]" , [2,[]] ]`: {`1`, `"a,]"`, `[2,[]]`},
		`[{"a":[1]},null,false]`: {`{"a":[1]}`, `null`, `false`},
		`{"a":1}`:                nil,
		`"[1]"`:                  nil,
		`1`:                      nil,
		``:                       nil,
	} {
		var objects envelope.Objects
		var value envelope.Raw
		if raw != "" {
			value = envelope.Raw(raw)
		}
		var got []string
		objects.Elements(value, func(value envelope.Raw) { got = append(got, string(value)) })
		require.NoError(t, objects.Err)
		require.Equal(t, want, got, raw)
	}
	// What no scan has accepted does not run for ever.
	for _, raw := range []string{`[`, `[1`, `[1 2`, `[1,`, `[,]`} {
		var objects envelope.Objects
		objects.Elements(envelope.Raw(raw), func(envelope.Raw) {})
		require.Error(t, objects.Err, raw)
	}
}

func TestTextIfAny(t *testing.T) {
	for raw, want := range map[string]string{`"a\n"`: "a\n", `""`: "", `1`: "", `{}`: "", `[]`: "", `true`: ""} {
		require.Equal(t, want, envelope.Raw(raw).TextIfAny())
	}
	require.Empty(t, envelope.Raw(nil).TextIfAny())
}
