package skillevents_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/skillevents"
)

// If any member is missing or null, an event still parses, with every other member and
// without a value for that one.
func TestEveryMemberIsOptional(t *testing.T) {
	for requestType, fixture := range fixtures {
		t.Run(requestType, func(t *testing.T) {
			requireSame(t, document(requestType, fixture.own))
			for _, path := range paths(decode(t, document(requestType, fixture.own))) {
				for _, change := range []func(parent any, key string){remove, setNull} {
					root := decode(t, document(requestType, fixture.own))
					edit(root, path, change)
					data := encode(t, root)
					if path == "/request" || path == "/request/type" {
						_, err := skillevents.Parse(data)
						require.ErrorIs(t, err, skillevents.ErrMalformed)
						continue
					}
					requireSame(t, data)
				}
			}
		})
	}
}

// A member of the body that has another JSON type than expected leaves its own
// field zero and every other one as it is.
func TestBodyOfOtherJSONTypes(t *testing.T) {
	others := []any{nil, true, 5.5, "text", []any{}, []any{1.0}, map[string]any{}, map[string]any{"x": 1.0}}
	for requestType, fixture := range fixtures {
		t.Run(requestType, func(t *testing.T) {
			envelope := leaves(decode(t, document(requestType, "")))
			for _, path := range paths(decode(t, document(requestType, fixture.own))) {
				if envelope[path] != "" || !strings.HasPrefix(path, "/request/") {
					continue
				}
				for _, other := range others {
					root := decode(t, document(requestType, fixture.own))
					edit(root, path, func(parent any, key string) { set(parent, key, other) })
					event, err := skillevents.Parse(encode(t, root))
					require.NoError(t, err, "%s: %v", path, other)
					shown := values(event)
					for leaf, value := range leaves(root) {
						if !strings.HasPrefix(leaf+"/", path+"/") {
							require.Contains(t, shown, value, "%s: %v: lost %s", path, other, leaf)
						}
					}
				}
			}
		})
	}
}

// Members of the body do not change fields of the envelope with the same name.
func TestTheBodyCannotChangeTheEnvelope(t *testing.T) {
	for requestType, fixture := range fixtures {
		t.Run(requestType, func(t *testing.T) {
			root := decode(t, document(requestType, fixture.own))
			for _, path := range append(paths(root), "/request") {
				if strings.HasPrefix(path, "/request") {
					edit(root, path, func(parent any, key string) { addFieldNames(children(parent)[key]) })
				}
			}
			event, err := skillevents.Parse(encode(t, root))
			require.NoError(t, err)
			want := common(requestType)
			require.Empty(t, cmp.Diff(&want, event.Common(), cmpopts.IgnoreUnexported(skillevents.Envelope{})))
		})
	}
}

// addFieldNames gives an object a member for each field of Envelope that it has
// no member for.
func addFieldNames(node any) {
	object, ok := node.(map[string]any)
	if !ok {
		return
	}
	taken := map[string]bool{}
	for name := range object {
		taken[strings.ToLower(name)] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[skillevents.Envelope]()) {
		if !taken[strings.ToLower(field.Name)] {
			object[field.Name] = "1999-12-31T23:59:59Z"
		}
	}
}

func TestAnyBodyParses(t *testing.T) {
	requestTypes := slices.Sorted(maps.Keys(fixtures))
	names := []string{"body", "message", "payload", "error", "grant", "type", "accessToken", "userId", "eventCreationTime", "subscriptions", "acceptedPermissions", "listItemIds", "usages", "content"}
	rapid.Check(t, func(t *rapid.T) {
		own := map[string]any{}
		for _, name := range []string{"body", "message", "payload", "error", "packageId"} {
			own[name] = anyJSON(names, 3).Draw(t, name)
		}
		members := strings.TrimSuffix(strings.TrimPrefix(string(encode(t, own)), "{"), "}")
		requestType := rapid.SampledFrom(requestTypes).Draw(t, "type")
		event, err := skillevents.Parse(document(requestType, members))
		require.NoError(t, err)
		want := common(requestType)
		require.Equal(t, want.UserID, event.Common().UserID)
		require.Equal(t, want.EventCreationTime, event.Common().EventCreationTime)
		if own["body"] != nil {
			require.JSONEq(t, string(encode(t, own["body"])), string(event.Common().Body()))
		}
	})
}

func anyJSON(names []string, depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 5
		if depth > 0 {
			kinds = 7
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return float64(rapid.Int32().Draw(t, "number"))
		case 3, 4:
			return rapid.String().Draw(t, "text")
		case 5:
			return rapid.SliceOfN(anyJSON(names, depth-1), 0, 3).Draw(t, "list")
		default:
			return rapid.MapOfN(rapid.SampledFrom(names), anyJSON(names, depth-1), 0, 4).Draw(t, "object")
		}
	})
}

// requireSame requires that the event shows each value of the document, and no
// value that the document has not.
func requireSame(t *testing.T, data []byte) {
	t.Helper()
	event, err := skillevents.Parse(data)
	require.NoError(t, err, "%s", data)
	shown := values(event)
	sent := map[string]bool{}
	for path, value := range leaves(decode(t, data)) {
		require.Contains(t, shown, value, "%s is lost in %s", path, data)
		sent[value] = true
	}
	for value := range shown {
		require.True(t, sent[value], "%q is not in %s", value, data)
	}
}

// values collects the texts, numbers and times in the exported fields of an
// event, with those inside raw JSON.
func values(event skillevents.Event) map[string]bool {
	found := map[string]bool{}
	collect(reflect.ValueOf(event).Elem(), found)
	return found
}

func collect(v reflect.Value, found map[string]bool) {
	if v.IsZero() {
		return
	}
	switch value := v.Interface().(type) {
	case time.Time:
		found[value.Format(time.RFC3339)] = true
		return
	case json.RawMessage:
		var root any
		if err := json.Unmarshal(value, &root); err != nil {
			panic(err)
		}
		for _, leaf := range leaves(root) {
			found[leaf] = true
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		found[v.String()] = true
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				collect(v.Field(i), found)
			}
		}
	default:
		panic(v.Type())
	}
}

func decode(t require.TestingT, data []byte) any {
	var root any
	require.NoError(t, json.Unmarshal(data, &root))
	return root
}

func encode(t require.TestingT, root any) []byte {
	data, err := json.Marshal(root)
	require.NoError(t, err)
	return data
}

// children returns the members of an object or the elements of a list by name.
func children(node any) map[string]any {
	switch node := node.(type) {
	case map[string]any:
		return node
	case []any:
		named := make(map[string]any, len(node))
		for i, element := range node {
			named[fmt.Sprint(i)] = element
		}
		return named
	}
	return nil
}

// paths returns the path of every member and element below a node.
func paths(node any) []string {
	var all []string
	for name, child := range children(node) {
		all = append(all, "/"+name)
		for _, path := range paths(child) {
			all = append(all, "/"+name+path)
		}
	}
	return all
}

// leaves returns the texts and numbers below a node by path.
func leaves(node any) map[string]string {
	all := map[string]string{}
	switch node := node.(type) {
	case nil:
	case map[string]any, []any:
		for name, child := range children(node) {
			for path, leaf := range leaves(child) {
				all["/"+name+path] = leaf
			}
		}
	default:
		all[""] = fmt.Sprint(node)
	}
	return all
}

// edit changes the member or element at a path.
func edit(node any, path string, change func(parent any, key string)) {
	name, rest, more := strings.Cut(path[1:], "/")
	if more {
		edit(children(node)[name], "/"+rest, change)
		return
	}
	change(node, name)
}

func set(parent any, key string, value any) {
	switch parent := parent.(type) {
	case map[string]any:
		parent[key] = value
	case []any:
		var i int
		if _, err := fmt.Sscan(key, &i); err != nil {
			panic(err)
		}
		parent[i] = value
	}
}

func setNull(parent any, key string) { set(parent, key, nil) }

// remove takes a member away. An element of a list becomes null instead.
func remove(parent any, key string) {
	set(parent, key, nil)
	if object, ok := parent.(map[string]any); ok {
		delete(object, key)
	}
}

// This package decodes the events of the simulator: each type has an example
// there, and each value of an example shows in the event.
func TestSimulatedEvents(t *testing.T) {
	require.Equal(t, slices.Sorted(maps.Keys(skillevents.Types)), alexatest.EventTypes())
	customer := &alexatest.Customer{SkillID: "amzn1.ask.skill.s"}
	for _, requestType := range alexatest.EventTypes() {
		requireSame(t, customer.Event(requestType, nil))
	}
	requireSame(t, customer.Enable())
	requireSame(t, customer.Link("token of the account"))
	requireSame(t, customer.Disable())
}
