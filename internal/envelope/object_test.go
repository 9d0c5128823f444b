package envelope_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

// members collects what Members finds.
func members(data []byte) (map[string]json.RawMessage, error) {
	found := map[string]json.RawMessage{}
	err := envelope.Members(data, func(name []byte, value envelope.Raw) bool {
		found[string(name)] = json.RawMessage(value)
		return true
	})
	return found, err
}

func TestMembersAgreesWithEncodingJSON(t *testing.T) {
	for _, data := range []string{
		`{}`, ` { } `, linked,
		`{"Message":"a\nb","Subject":null,"Attributes":{"Message":"no","x":{"x":1,"x":2}},"n":[1,{"a":1}],"":""}`,
		`{"M\u0065ssage":"\ud83d\ude00","\ud800":1,"é":2,"a":true}`,
	} {
		found, err := members([]byte(data))
		require.NoError(t, err, data)
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(data), &want))
		for name, value := range want {
			if string(value) == "null" {
				want[name] = nil
			}
		}
		require.Equal(t, want, found)
	}
}

func TestMembersRefuses(t *testing.T) {
	for _, data := range []string{
		``, `null`, `[]`, `{}{}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"\ud800":1,"\udfff":2}`, "{\"a\":\"\xff\"}", "{\"\xff\":1}", `{"a":01}`, `{"a":1`, `{"a"}`,
	} {
		_, err := members([]byte(data))
		var syntax *envelope.SyntaxError
		require.ErrorAs(t, err, &syntax, data)
	}
}

// A member that visit does not read may occur any number of times.
func TestMembersThatAreNotRead(t *testing.T) {
	var seen []string
	err := envelope.Members([]byte(`{"x":1,"a":2,"x":3,"\u0078":4}`), func(name []byte, value envelope.Raw) bool {
		seen = append(seen, string(name)+string(value))
		return string(name) == "a"
	})
	require.NoError(t, err)
	require.Equal(t, []string{"x1", "a2", "x3", "x4"}, seen)
}

// The escapes of a name are resolved if it is not longer than 256 bytes.
func TestMembersWithLongNames(t *testing.T) {
	tail := strings.Repeat("a", 250)
	for name, want := range map[string]string{
		`\u0061` + tail:       "a" + tail,
		`\u0061` + tail + "a": `\u0061` + tail + "a",
	} {
		found, err := members([]byte(`{"` + name + `":1}`))
		require.NoError(t, err)
		require.Equal(t, map[string]json.RawMessage{want: json.RawMessage(`1`)}, found)
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(linked))
	f.Add([]byte(`{"context":{"System":{"user":{"userId":"a","userId":"b"}}}}`))
	f.Add([]byte(`{"context":[{"System":1}],"x":1,"x":2,"request":{"body":null,"b\u006fdy":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var root envelope.Node
		repeats := false
		for _, at := range paths {
			node := &root
			for name := range strings.SplitSeq(at.path, ".") {
				if node.Member(name) == nil {
					node.Members = append(node.Members, envelope.Node{Name: name})
				}
				node = node.Member(name)
			}
			_, repeated := reference(data, at.path)
			repeats = repeats || repeated
		}
		err := envelope.Find(data, root.Members)
		if err != nil && bytes.Count(data, []byte(":")) > maxMembers {
			return
		}
		if !acceptable(data) || repeats {
			var syntax *envelope.SyntaxError
			require.ErrorAs(t, err, &syntax)
			return
		}
		require.NoError(t, err)
		for _, at := range paths {
			node := &root
			for name := range strings.SplitSeq(at.path, ".") {
				node = node.Member(name)
			}
			want, _ := reference(data, at.path)
			require.Equal(t, []byte(want), []byte(node.Value), at.path)
		}
	})
}

// Also among many members, none may occur twice.
func TestManyMembersThatAreRead(t *testing.T) {
	var document []byte
	for i := range 40 {
		document = fmt.Appendf(document, `"m%d":0,`, i)
	}
	_, err := members(slices.Concat([]byte(`{`), document, []byte(`"x":0}`)))
	require.NoError(t, err)
	for i := range 40 {
		_, err := members(fmt.Appendf(nil, `{%s"m%d":0}`, document, i))
		require.Error(t, err, i)
	}
}

// The escapes of a string are decoded as by encoding/json, with any text around them.
func TestEscapesAgreeWithEncodingJSON(t *testing.T) {
	pieces := []string{
		``, `a`, `é`, `\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u0000`, `\u00e9`, `\u00E9`, `\u20ac`, `\uFFFF`,
		`\ud83d\ude00`, `\ud83d`, `\ude00`, `\uD83D\uD83D\uDE00`, `\ud83d\u0041`, `\ud83d\n`, `\\ud83d`,
	}
	for _, first := range pieces {
		for _, second := range pieces {
			for _, third := range pieces {
				raw := `"` + first + second + third + `"`
				var want string
				require.NoError(t, json.Unmarshal([]byte(raw), &want))
				got, err := envelope.Raw(raw).Text()
				require.NoError(t, err)
				require.Equal(t, want, got, raw)
			}
		}
	}
}

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
	// Invalid JSON, which a scan would refuse, causes no endless loop.
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
